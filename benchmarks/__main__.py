"""`python -m benchmarks [PART ...] [--pairs N] [--json FILE]`: every measurement in one table.

Exits 1 when a budget is not held.
"""

import argparse
import importlib
import json
import os
import signal
import sys
import time
from dataclasses import asdict
from pathlib import Path

from benchmarks.measuring import Row, table
from models.engine.threads import wait_asleep

PARTS = {
    "loading": "benchmarks.loading",
    "capture": "benchmarks.capture",
    "maps": "benchmarks.attention_maps",
    "heads": "benchmarks.heads",
    "anatomy": "benchmarks.anatomy",
    "vision": "benchmarks.vision",
    "tokenization": "benchmarks.tokenization",
    "languages": "benchmarks.languages",
    "decoding": "benchmarks.decoding",
    "kv_cache": "benchmarks.kv_cache",
    "sampling": "benchmarks.sampling",
    "embeddings": "benchmarks.embeddings",
    "pictures": "benchmarks.pictures",
    "studio": "benchmarks.studio",
    "switching": "benchmarks.switching",
    "memory": "benchmarks.memory",
    "bytes": "benchmarks.wire",
    "browser": "benchmarks.browser",
    "class": "benchmarks.classroom",
    "lessons": "benchmarks.lessons",
    "rooms": "benchmarks.rooms",
    "cluster": "benchmarks.cluster",
}


def main() -> int:
    """Measure what was asked for, print the table, say with the exit code whether every budget is held."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description="Headlight beside the alternatives.")
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"one of {', '.join(PARTS)}; all by default")
    parser.add_argument("--pairs", type=int, default=30, help="interleaved pairs per comparison (default: 30)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write every number that was measured")
    asked = parser.parse_args()
    unknown = [each for each in asked.parts if each not in PARTS]
    if unknown or asked.pairs < 1:
        parser.error(f"unknown part {unknown[0]}" if unknown else "--pairs is at least 1")

    # Whoever ends this with a signal gets the servers and the browser ended as well.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    # As Headlight's server does it; before a part brings torch.
    wait_asleep()
    # The table stands alone: nobody wants transformers' progress bars.
    os.environ.setdefault("TQDM_DISABLE", "1")
    rows: list[Row] = []
    for part in asked.parts or PARTS:
        start = time.perf_counter()
        rows += importlib.import_module(PARTS[part]).measure(asked.pairs)
        print(f"{part}: {time.perf_counter() - start:.0f} s", file=sys.stderr)
    print(table(rows))
    print(
        f"\nMedians of {asked.pairs} interleaved pairs, at most 3 for memory, bytes, classes and starts of a server. "
        f"{os.cpu_count()} processor cores."
    )
    if asked.json:
        whole = {"pairs": asked.pairs, "rows": [{**asdict(row), "holds": row.holds} for row in rows]}
        asked.json.write_text(json.dumps(whole, indent=1))
    return int(any(row.holds is False for row in rows))


if __name__ == "__main__":
    sys.exit(main())
