import sys
from time import perf_counter

from tests.models.sweep.classes import swept
from tests.models.sweep.pool import outcomes

if __name__ == "__main__":
    names = [n for n in swept() if not sys.argv[1:] or n.partition("/")[0] in sys.argv[1:] or n in sys.argv[1:]]
    start = perf_counter()
    import collections

    counts = collections.Counter()
    for each in outcomes([swept()[n] for n in names]):
        counts[each.verdict] += 1
        print(each.name, "|", each.verdict, "|", each.family, each.layers, each.reason, f"{each.seconds:.1f}s")
        for part in each.parts:
            if part.verdict != "exact" or len(names) < 4:
                print("    ", part.name, part.verdict, part.detail, part.figure, sep=" | ")
    print(counts, perf_counter() - start)
