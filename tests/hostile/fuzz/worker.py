"""The process that brings the files: one line for each, as JSON, with what became of it."""

import json
import logging
import os
import resource
import sys
import traceback
import warnings
from pathlib import Path
from random import Random  # noqa: TID251 - one of its own, seeded

import psutil

_MOST_MEMORY = 12 * 2**30


def _resident() -> int:
    """Bytes of memory that are this process's own."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize()


def _seconds() -> float:
    """Seconds that this process and those that it started have computed: a busy machine makes them wait besides.

    What one that lives has computed counts as well: it would else count as a whole with the file at which it ends.
    """
    ended = sum(sum(resource.getrusage(who)[:2]) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return ended + sum(sum(each.cpu_times()[:2]) for each in psutil.Process().children())


def _brought(kind: str, seed: int, number: int) -> dict[str, object]:
    from models.errors import HeadlightError
    from tests.hostile.fuzz.doors import bring

    begin = _seconds()
    try:
        bring(kind, Random(f"{seed} {number}"))
        said = "works"
    except HeadlightError as error:
        text = str(error)
        is_sentence = text.endswith((".", "?")) and "\n" not in text and len(text) < 700
        leaks = [sign for sign in ("/tmp/", "/etc/", "Traceback", "site-packages") if sign in text]
        said = "sentence" if is_sentence and not leaks else f"not one sentence: {text[:300]}"
    except BaseException as error:
        where = [f"{Path(each.filename).name}:{each.lineno}" for each in traceback.extract_tb(error.__traceback__)]
        said = f"{type(error).__name__}: {str(error)[:200]} ({' '.join(where[-9:])})"
    return {"number": number, "said": said, "seconds": _seconds() - begin, "resident": _resident()}


def main() -> None:
    """Bring the files whose numbers are given, each of its kind."""
    seed, only = int(sys.argv[1]), sys.argv[2]
    resource.setrlimit(resource.RLIMIT_AS, (_MOST_MEMORY, _MOST_MEMORY))
    # What libraries print is no part of the answers.
    out = os.fdopen(os.dup(1), "w")
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    warnings.simplefilter("ignore")
    logging.disable(logging.CRITICAL)

    import torch

    torch.set_num_threads(1)
    from tests.hostile.fuzz.doors import bring, kinds

    chosen = [kind for kind in kinds() if only in kind]
    for kind in chosen:
        bring(kind, None)
    print(json.dumps({"ready": True, "resident": _resident()}), file=out, flush=True)
    # A library that panics tells that at length.
    os.dup2(1, 2)
    for line in sys.stdin:
        number = int(line)
        kind = chosen[number % len(chosen)]
        print(json.dumps({"kind": kind} | _brought(kind, seed, number)), file=out, flush=True)


if __name__ == "__main__":
    main()
