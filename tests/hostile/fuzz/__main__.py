"""Bring many changed files, and say what became of each: `python -m tests.hostile.fuzz --seed 1 --count 3000`.

They are brought in a process of their own with bounded memory. One that ends, or does not answer, is started anew after
the file at which it did.
"""

import argparse
import sys

from tests.hostile.fuzz.runs import faults

if __name__ == "__main__":
    given = argparse.ArgumentParser(description=__doc__)
    given.add_argument("--seed", type=int, default=1)
    given.add_argument("--count", type=int, default=100)
    given.add_argument("--only", default="", help="a part of the kind's name")
    chosen = given.parse_args()
    found = faults(chosen.seed, chosen.count, chosen.only)
    for fault in found:
        print(fault)
    print(f"{chosen.count} files, {len(found)} faults")
    sys.exit(bool(found))
