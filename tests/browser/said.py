"""Numbers that stand on a page, collected from its texts, titles and names."""

import re
from collections import defaultdict
from decimal import ROUND_HALF_UP, Decimal

# A number with digits behind the point, what it is of, and no version, range or name that only looks like one.
_NUMBER = re.compile(
    r"(?<![\w.,·⁻^/-])([−+]?\d[\d,]*\.\d+)(?![\d.·⁻]|\w)"
    r"(?:[\s\N{NO-BREAK SPACE}\N{NARROW NO-BREAK SPACE}]*([%×]|[a-zA-Z]+))?"
)
_UNITS = {"%", "×", "nats", "bits", "bytes", "KiB", "MiB", "GiB", "TiB", "ms", "s", "percentage", "billion"}


def said_twice(texts):
    """Pairs of numbers of one unit that read as one value written with more and with fewer digits: 2.31 and 2.308 nats.

    Two digits that count are taken for a sign of one value, where the longer one rounds to the shorter.
    """
    by_unit = defaultdict(set)
    for text in texts:
        for number, unit in _NUMBER.findall(text):
            by_unit[unit if unit in _UNITS else ""].add(number)
    found = set()
    for unit, numbers in by_unit.items():
        values = {each: Decimal(each.replace("−", "-").replace(",", "").lstrip("+")) for each in numbers}
        for short, value in values.items():
            exponent = int(value.as_tuple().exponent)
            if len(str(value).replace(".", "").strip("-0")) < (2 if unit else 3):
                continue
            for long, other in values.items():
                if int(other.as_tuple().exponent) >= exponent:
                    continue
                if other.quantize(Decimal(1).scaleb(exponent), ROUND_HALF_UP) == value and other != value:
                    found.add((short, long, unit))
    return sorted(found)
