"""What a long text costs in memory: `trace_attention` beside `output_attentions=True`, each in a process of its own.

`python -m benchmarks.memory WAY TOKENS` is such a process; it prints what it measured as JSON.
"""

import json
import os
import re
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import psutil

from benchmarks.measuring import Limit, Row, compared, duration, interleaved, seconds_of, size
from benchmarks.serving import ROOT

_TOKENS, _LONG = 2048, 4096
_TIMES = 3
_LIMIT = Limit(0.10, "ratio", "at most 1/10")
_STATUS, _CLEAR = Path("/proc/self/status"), Path("/proc/self/clear_refs")


def measure(pairs: int) -> list[Row]:
    """Peaks side by side at 2,048 tokens, then 4,096 tokens; a few times each, as peaks hardly vary."""
    times = min(pairs, _TIMES)
    peaks = interleaved(
        lambda: _in_own_process("trace", _TOKENS)["peak"],
        lambda: _in_own_process("output_attentions", _TOKENS)["peak"],
        times,
        warm_up=0,
    )
    what = f"peak memory of a forward, smollm2, {_TOKENS:,} tokens (beside: eager with output_attentions)"
    long = [_in_own_process("trace", _LONG) for _ in range(times)]
    middle = {name: float(np.median([each[name] for each in long])) for name in long[0]}
    return [
        compared(what, peaks, size, _LIMIT),
        Row(
            f"trace, smollm2, {_LONG:,} tokens",
            f"{duration(middle['seconds'])}, {size(middle['peak'])} at the peak",
            raw={"ours": long},
        ),
        Row(
            f"all maps of a middle layer, smollm2, {_LONG:,} tokens",
            f"{duration(middle['maps_seconds'])}, {size(middle['maps_peak'])} at the peak",
            raw={"ours": long},
        ),
    ]


def _in_own_process(way: str, tokens: int) -> dict[str, float]:
    program = [sys.executable, "-m", "benchmarks.memory", way, str(tokens)]
    run = subprocess.run(program, cwd=ROOT, capture_output=True, text=True, check=False)
    if run.returncode:
        raise RuntimeError(f"Measuring memory ({way}, {tokens} tokens) failed: {run.stderr[-2000:]}")
    return json.loads(run.stdout)


def peak_of(work: Callable[[], object]) -> float:
    """How many bytes the process's memory grew at most while `work` ran."""
    process = psutil.Process()
    before = process.memory_info().rss
    if os.access(_CLEAR, os.W_OK):
        # Linux counts the highest resident size itself; 5 makes it begin again from now.
        _CLEAR.write_text("5")
        work()
        (highest,) = re.findall(r"VmHWM:\s+(\d+) kB", _STATUS.read_text())
        return int(highest) * 1024 - before
    seen, ended = [before], threading.Event()

    def watch() -> None:
        while not ended.is_set():
            seen.append(process.memory_info().rss)
            time.sleep(0.005)

    watcher = threading.Thread(target=watch)
    watcher.start()
    work()
    ended.set()
    watcher.join()
    return max(seen) - before


def _alone(way: str, tokens: int) -> dict[str, float]:
    """Load the model, run a short text, then measure."""
    from benchmarks.capture import plain_forward, plain_model
    from benchmarks.passages import passage_ids
    from models.attention import trace_attention
    from models.loading import load_model

    loaded = load_model("smollm2")
    ids, short = passage_ids(loaded, tokens), passage_ids(loaded, 16)
    if way == "output_attentions":
        model = plain_model(loaded, "eager")
        plain_forward(model, short, output_attentions=True)()
        return {"peak": peak_of(plain_forward(model, ids, output_attentions=True))}
    trace_attention(loaded, short).weights("decoder", 0)
    found: dict[str, float] = {}
    traces, layer = [], loaded.card.layers // 2

    def trace() -> None:
        found["seconds"] = seconds_of(lambda: traces.append(trace_attention(loaded, ids)))

    def maps() -> None:
        found["maps_seconds"] = seconds_of(lambda: traces[0].weights("decoder", layer))

    found["peak"] = peak_of(trace)
    found["maps_peak"] = peak_of(maps)
    return found


if __name__ == "__main__":
    print(json.dumps(_alone(sys.argv[1], int(sys.argv[2]))))
