"""Bring many changed files, and say what became of each: `python -m tests.hostile.fuzz --seed 1 --count 3000`.

They are brought in a process of their own with bounded memory. One that ends, or does not answer, is started anew after
the file at which it did.
"""

import argparse
import sys
from collections import Counter

from tests.hostile.fuzz.runs import outcomes

if __name__ == "__main__":
    given = argparse.ArgumentParser(description=__doc__)
    given.add_argument("--seed", type=int, default=1)
    given.add_argument("--count", type=int, default=100)
    given.add_argument("--only", default="", help="a part of the kind's name")
    chosen = given.parse_args()
    tally: Counter[tuple[str, str]] = Counter()
    found = 0
    for each in outcomes(chosen.seed, chosen.count, chosen.only):
        tally[each.kind, each.said if each.said in {"works", "sentence"} else "fault"] += 1
        if each.fault:
            found += 1
            print(each.fault, flush=True)
    for (kind, said), count in sorted(tally.items()):
        print(f"{kind}: {count} {said}")
    print(f"{chosen.count} files, {found} faults")
    sys.exit(bool(found))
