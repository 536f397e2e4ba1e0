"""What goes over the wire to a component: one header in JSON and packed numbers, in one message."""

import base64
import gzip
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any, TypedDict

import numpy as np

_FOLDER = Path(__file__).parent


class BrowserSource(TypedDict):
    """The script and the style of a component."""

    js: str
    css: str


def pack(header: Mapping[str, object], arrays: Sequence[np.ndarray]) -> bytes:
    """A little-endian uint32 with the header's length, the header as UTF-8 JSON, then each array's bytes in order.

    Each part begins at a multiple of 4 bytes. The browser knows shapes and types from the header.
    """
    text = json.dumps(header, ensure_ascii=False, separators=(",", ":")).encode()
    parts = [len(text).to_bytes(4, "little"), _padded(text)]
    parts += [_padded(np.ascontiguousarray(array).tobytes()) for array in arrays]
    return b"".join(parts)


def fields_of(picture: Any, *left_out: str) -> dict[str, object]:
    """The fields of a dataclass, but for arrays and those named, by their names in the browser: `is_on` is "isOn"."""
    names = [each.name for each in fields(picture) if each.name not in left_out]
    values = {name: value for name in names if not isinstance(value := getattr(picture, name), np.ndarray)}
    return {re.sub("_(.)", lambda found: found[1].upper(), name): value for name, value in values.items()}


def _padded(data: bytes) -> bytes:
    return data + b"\0" * (-len(data) % 4)


def browser_source(name: str, *shared: str) -> BrowserSource:
    """The script and the style of the component in folder `name`: what all share, the `shared` parts that it names
    ("player"), its own parts, and `index.js` last.

    Without comments and indentation: Streamlit sends both again with every picture.
    """
    folder = _FOLDER / name
    own = sorted(folder.glob("*.js"), key=lambda part: (part.name == "index.js", part.name))
    parts = [_FOLDER / f"{each}.js" for each in ("drawing", "mounting", *shared)] + own
    return BrowserSource(
        js="".join(map(_bare, parts)), css="".join(map(_bare, (_FOLDER / "drawing.css", folder / "style.css")))
    )


def library_source(name: str, *shared: str) -> tuple[BrowserSource, BrowserSource]:
    """The same for a component whose script is large: what a page mounts once, and what stands for it in each picture.

    Streamlit sends a component's script with every message to it. So the first of the two holds the script and is
    mounted once for a page, without a picture; the second calls it, and waits for it where it comes later.
    """
    source = browser_source(name, *shared)
    # A quarter of its size; gzip writes the time into its header, and the same script must be the same message.
    packed = base64.b64encode(gzip.compress(source["js"].encode(), mtime=0)).decode()
    library = _ARRIVES.replace("NAME", name).replace("PACKED", packed)
    return BrowserSource(js=library, css="\n"), BrowserSource(js=_CALLS.replace("NAME", name), css=source["css"])


_ARRIVES = """const packed = "PACKED"
export default () => {
  const libraries = (globalThis.headlightLibraries ??= new Map())
  const arrived = (globalThis.headlightArrived ??= new Set())
  if (arrived.has("NAME")) return
  arrived.add("NAME")
  const bytes = Uint8Array.from(atob(packed), (each) => each.charCodeAt(0))
  const unpacked = new Response(new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip")))
  const arrive = (mount) => {
    const waiting = libraries.get("NAME")
    libraries.set("NAME", mount)
    waiting?.forEach((begin) => begin(mount))
  }
  const missing = (error) => (component) => {
    const { message, stack } = error
    const said = "The script of this picture did not arrive; reload the page."
    component.parentElement.firstElementChild.textContent = said
    setTimeout(() => component.setTriggerValue("fault", { message, stack }))
  }
  unpacked
    .text()
    .then((text) => import(URL.createObjectURL(new Blob([text], { type: "text/javascript" }))))
    .then(({ default: mount }) => arrive(mount), (error) => arrive(missing(error)))
}
"""
_CALLS = """export default (component) => {
  const libraries = (globalThis.headlightLibraries ??= new Map())
  let end, gone
  const begin = (mount) => { if (!gone) end = mount(component) }
  const known = libraries.get("NAME")
  if (typeof known === "function") begin(known)
  else if (known) known.push(begin)
  else libraries.set("NAME", [begin])
  return () => { gone = true; end?.() }
}
"""


def twelve_bits(numbers: np.ndarray) -> np.ndarray:
    """Numbers from 0 to 4,095, two of them in three bytes; an odd one at the end has a 0 after it."""
    flat = numbers.astype(np.uint16).ravel()
    one, other = np.pad(flat, (0, len(flat) % 2)).reshape(-1, 2).T
    three = np.stack([one & 255, (one >> 8) | ((other & 15) << 4), other >> 4], axis=1)
    return three.astype(np.uint8).ravel()


def _bare(part: Path) -> str:
    """A script or a style sheet without indentation, and without the comments that have lines of their own.

    Line by line, so that nothing inside of a string is touched: minifiers that are no parsers take what stands between
    two nested template strings for code.
    """
    text = re.sub(r"^[ \t]*/\*.*?\*/[ \t]*\n", "", part.read_text(), flags=re.DOTALL | re.MULTILINE)
    lines = (line.strip() for line in text.splitlines())
    return "".join(f"{line}\n" for line in lines if line and not line.startswith("//"))
