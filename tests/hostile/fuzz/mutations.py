"""Seeded changes to valid files: of their bytes, of the JSON in them, of their lines."""

import json
import math
from collections.abc import Callable
from random import Random  # noqa: TID251 - one of its own, seeded
from typing import Any

_NUMBERS = (
    *(
        0,
        1,
        -1,
        2,
        7,
        255,
        1_000,
        65_536,
        10**6,
        10**7,
        10**9,
        2**31 - 1,
        2**31,
        2**40,
        2**63 - 1,
        2**63,
        2**64,
        10**30,
    ),
    *(-(2**31), -(2**63), 0.5, -0.5, 1e30, -1e30, 1e-30, math.inf, -math.inf, math.nan),
)
_TEXTS = (
    *("", " ", "a", "a" * 100_000, "\0", "é" * 1_000, "𝔘" * 500, "../../etc/passwd", "/proc/self/environ", "org/model"),
    *("{{ 10**(10**7) }}", "{% for a in range(10**9) %}x{% endfor %}", "(a+)+$", "(?:" * 500, "</script>", "\u202e"),
)
_KEYS = (
    *("num_labels", "num_hidden_layers", "attn_implementation", "auto_map", "vocab_size", "text_config", "to_dict"),
    *("max_input_chars_per_word", "dropout", "quantization_config", "per_layer_config", "vocab_file", "is_decoder"),
)
_LONGEST_LIST = 50_000


def mutated(data: bytes, draw: Random) -> bytes:
    """The file with one to four changes."""
    for _ in range(draw.choice((1, 1, 1, 2, 4))):
        data = draw.choice(_ways(data))(data, draw)
    return data


Way = Callable[[bytes, Random], bytes]


def _ways(data: bytes) -> tuple[Way, ...]:
    """The ways that fit: a change to the JSON reaches deeper than one to its bytes."""
    if data[:1] in b"{[" and data:
        return (*(_json,) * 8, *_BYTES)
    if len(data) > 9 and data[8:9] == b"{":
        return (*(_safetensors,) * 6, *_BYTES)
    if b"\0" not in data[:1_000]:
        return (*(_lines,) * 3, *_BYTES)
    return (*(_whole_numbers,) * 4, *_BYTES)


def _flipped(data: bytes, draw: Random) -> bytes:
    changed = bytearray(data)
    for _ in range(draw.choice((1, 2, 8, 64))):
        if changed:
            changed[draw.randrange(len(changed))] ^= 1 << draw.randrange(8)
    return bytes(changed)


def _flipped_at_the_start(data: bytes, draw: Random) -> bytes:
    return _flipped(data[:2_000], draw) + data[2_000:]


def _cut(data: bytes, draw: Random) -> bytes:
    return data[: draw.randrange(len(data) + 1)]


def _left_out(data: bytes, draw: Random) -> bytes:
    start = draw.randrange(len(data) + 1)
    return data[:start] + data[start + draw.choice((1, 8, 100)) :]


def _twice(data: bytes, draw: Random) -> bytes:
    start = draw.randrange(len(data) + 1)
    length = draw.choice((1, 8, 100, 10_000))
    return data[: start + length] + data[start : start + length] * draw.choice((1, 5, 50)) + data[start + length :]


def _whole_numbers(data: bytes, draw: Random) -> bytes:
    """A number of 4 or 8 bytes among the first, or anywhere, is an extreme one."""
    width = draw.choice((1, 4, 8))
    start = draw.randrange(max(1, draw.choice((64, 1_500, len(data))) - width))
    value = draw.choice([each for each in _NUMBERS if isinstance(each, int)]) % 2 ** (8 * width)
    return data[:start] + value.to_bytes(width, "little") + data[start + width :]


_BYTES: tuple[Way, ...] = (_flipped, _flipped_at_the_start, _cut, _left_out, _twice)


def _lines(data: bytes, draw: Random) -> bytes:
    lines = data.split(b"\n")
    place = draw.randrange(len(lines))
    way = draw.randrange(6)
    if way == 0:
        lines[place] = str(draw.choice(_NUMBERS)).encode()
    elif way == 1:
        words = lines[place].split(b" ")
        words[-1] = str(draw.choice(_NUMBERS)).encode()
        lines[place] = b" ".join(words)
    elif way == 2:
        lines[place] = draw.choice(_TEXTS).encode()
    elif way == 3:
        del lines[place]
    elif way == 4:
        lines[place:place] = lines[place : place + 1] * draw.choice((1, 100, 5_000))
    else:
        draw.shuffle(lines)
    return b"\n".join(lines)


def _safetensors(data: bytes, draw: Random) -> bytes:
    """The header says otherwise, and its length is right."""
    length = int.from_bytes(data[:8], "little")
    header = _json(data[8 : 8 + length], draw)
    return len(header).to_bytes(8, "little") + header + data[8 + length :]


def _json(data: bytes, draw: Random) -> bytes:
    try:
        state = json.loads(data)
    except (ValueError, RecursionError):
        return _flipped(data, draw)
    places = list(_places(state))
    if not places:
        return json.dumps(_other(state, draw)).encode()
    holder, key = draw.choice(places)
    # Half of the changes near the root: most entries of a tokenizer are pieces.
    if draw.random() < 0.5:
        holder, key = draw.choice([each for each in places if len(each[0]) < 60] or places)
    way = draw.randrange(7)
    if way <= 2:
        holder[key] = _other(holder[key], draw)
    elif way == 3:
        del holder[key]
    elif way == 4:
        holder[key] = _grown(holder[key], draw)
    elif way == 5 and isinstance(holder, dict):
        holder[draw.choice(_KEYS)] = _other(holder[key], draw)
    else:
        other, name = draw.choice(places)
        holder[key] = json.loads(json.dumps(other[name]))
    written = json.dumps(state, ensure_ascii=draw.random() < 0.5)
    if draw.random() < 0.03:
        depth = draw.choice((100, 5_000))
        written = '{"a":' * depth + written + "}" * depth
    return written.encode("utf-8", "surrogatepass")


def _places(state: Any) -> Any:
    waiting = [state]
    while waiting:
        holder = waiting.pop()
        for key, value in list(holder.items() if isinstance(holder, dict) else enumerate(holder))[:400]:
            yield holder, key
            if isinstance(value, dict | list):
                waiting.append(value)


def _other(value: Any, draw: Random) -> Any:
    """Another value: mostly of the same type and extreme, else of another type."""
    if isinstance(value, int | float) and draw.random() < 0.8:
        return draw.choice(_NUMBERS)
    if isinstance(value, str) and draw.random() < 0.6:
        return draw.choice(_TEXTS)
    return draw.choice((None, True, False, [], {}, [None], {"": None}, [[]], *_NUMBERS, *_TEXTS))


def _grown(value: Any, draw: Random) -> Any:
    times = draw.choice((2, 30, 1_000))
    if isinstance(value, list) and value:
        return (value * times)[:_LONGEST_LIST]
    if isinstance(value, dict):
        return value | {f"more {number}": each for number, each in enumerate((list(value.values()) * times)[:5_000])}
    if isinstance(value, str):
        return (value * times)[:_LONGEST_LIST]
    return [value] * times
