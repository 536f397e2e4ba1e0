"""Numbers as the pages write them: parts of a whole, bytes, seconds, operations.

A number that stands twice on a page is written by one rule from one value: what scripts write in the browser follows
the rules here (percent.js).
"""

from decimal import ROUND_HALF_UP, Decimal

_UNITS = ("bytes", "KiB", "MiB", "GiB", "TiB", "PiB")
_NO_BREAK = "\N{NO-BREAK SPACE}"
# The smallest part that is told apart from others.
_LEAST = 1e-11
_NARROW = "\N{NARROW NO-BREAK SPACE}"
_SUPERSCRIPTS = str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹")


def part_text(part: float | int) -> str:
    """A part of the whole in percent, with the digits that tell small ones apart: 68.3 %, 5.04 %, 0.123 %, 3·10⁻⁵ %.

    What is less than that is more than nothing, and how much has no meaning for anybody: < 10⁻⁹ %.
    """
    if part < 0:
        return f"−{part_text(-part)}" if part <= -_LEAST else f"> −10⁻⁹{_NO_BREAK}%"
    # As JavaScript rounds: what lies in the middle goes up.
    share = Decimal(100.0 * float(part))
    if not share:
        return f"0{_NO_BREAK}%"
    if part < _LEAST:
        return f"< 10⁻⁹{_NO_BREAK}%"
    if share < Decimal("0.001"):
        power = -share.adjusted()
        digit = share.scaleb(power).quantize(Decimal(1), ROUND_HALF_UP)
        power, digit = (power - 1, Decimal(1)) if digit == 10 else (power, digit)
        return f"{digit}·10⁻{str(power).translate(_SUPERSCRIPTS)}{_NO_BREAK}%"
    digits = 1 if share >= Decimal("9.95") else 2 if share >= Decimal("0.995") else 3
    return f"{share.quantize(Decimal(1).scaleb(-digits), ROUND_HALF_UP)}{_NO_BREAK}%"


def points_text(difference: float | int) -> str:
    """How far apart two parts of a whole are: 64.7 percentage points, which are not 64.7 % of either."""
    return part_text(difference).replace("%", "percentage points")


def bytes_text(count: float | int) -> str:
    """In binary units, as memory is counted: 506,880 is 495 KiB, 46,080 is 45 KiB."""
    size, unit = float(count), 0
    while size >= 1024 and unit < len(_UNITS) - 1:
        size, unit = size / 1024, unit + 1
    digits = 0 if unit == 0 or size >= 100 else 1 if size >= 10 else 2
    number = f"{size:,.{digits}f}"
    return f"{number.rstrip('0').rstrip('.') if '.' in number else number} {_UNITS[unit]}"


def count_text(count: float | int) -> str:
    """A count in three digits: 4,608, 135 million, 70.6 billion, 1.48 trillion."""
    for size, name in ((1e12, "trillion"), (1e9, "billion"), (1e6, "million")):
        if count >= 0.9995 * size:
            return f"{count / size:.{_digits(count / size)}f}\N{NO-BREAK SPACE}{name}"
    return f"{count:,.0f}"


def short_count(count: float | int) -> str:
    """The same where there is little room: 4.61 k, 135 M, 70.6 B, 1.48 T."""
    for size, name in ((1e12, "T"), (1e9, "B"), (1e6, "M"), (1e3, "k")):
        if count >= 0.9995 * size:
            return f"{count / size:.{_digits(count / size)}f}\N{NO-BREAK SPACE}{name}"
    return f"{count:,.0f}"


def _digits(number: float) -> int:
    return 0 if number >= 99.95 else 1 if number >= 9.995 else 2


def seconds_text(seconds: float | int) -> str:
    """Milliseconds below a second, else seconds."""
    if seconds < 1:
        return f"{1000 * seconds:.{1 if seconds < 0.01 else 0}f} ms"
    return f"{seconds:.{2 if seconds < 10 else 1}f} s"


def billions_text(count: float | int) -> str:
    """Floating-point operations in one unit, to be compared: 530 billion, 19 billion, 0.27 billion."""
    billions = count / 1e9
    return f"{billions:,.{0 if billions >= 10 else 2}f} billion"


def times_text(ratio: float | int) -> str:
    """How many times: 2.5 ×, 4 ×, 12 ×."""
    number = f"{ratio:.{2 if ratio < 10 else 0}f}"
    return f"{number.rstrip('0').rstrip('.') if '.' in number else number}{_NARROW}×"


def cosine_text(cosine: float | int) -> str:
    """From −1 to 1, in thousandths: 0.902, −0.041."""
    return f"{cosine:.3f}".replace("-", "−")


def signed_text(change: float | int) -> str:
    """A change in thousandths, with its sign: +0.306, −0.997."""
    return f"{change:+.3f}".replace("-", "−")


def level_text(value: float | int) -> str:
    """A log probability or a logit as it is, three digits: −0.365, 7.31."""
    return f"{value:.3g}".replace("-", "−")


def counted(number: int, what: str) -> str:
    """The number and what is counted, as in "1 piece" and "2 pieces"."""
    return f"{number:,} {what}{'' if number == 1 else 's'}"
