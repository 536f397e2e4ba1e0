"""The script and the style of a component, made of its files.

Each script file is a module with a scope of its own. It exports with `export class`, `export function` or `export
const`, and imports with `import { name } from "./file.js"`. Streamlit takes one text as the script of a component, so
`index.js` and all that it imports are put together here. A style sheet with the name of a script goes with that script,
and is in it: a component takes a style of its own too, but that is sent again with every picture.
"""

import base64
import gzip
import json
import re
from pathlib import Path
from typing import NamedTuple

COMPONENTS = Path(__file__).parents[1]
_IMPORT = re.compile(r'^import \{([^}]*)\} from "(\./|\.\./)([\w/]+\.js)"\n', re.MULTILINE)
_EXPORT = re.compile(r"^export (?=(?:class|const|function) (\w+))", re.MULTILINE)
_DEFAULT = re.compile(r"^export default ", re.MULTILINE)
_LEFT_OVER = re.compile(r"^(?:import|export)\b.*", re.MULTILINE)


class Module(NamedTuple):
    """A script file: its text without imports and exports, the imported files with the names taken from each, and the
    names that it exports."""

    text: str
    imports: tuple[tuple[Path, tuple[str, ...]], ...]
    exports: tuple[str, ...]


def browser_source(name: str) -> str:
    """The script of the component in folder `name`, with its style, without comments and indentation."""
    parts = parts_of(COMPONENTS / name / "index.js")
    return bundle(parts, style_of(parts))


def module(file: Path) -> Module:
    """Read a script file.

    Raises:
        ValueError: a way of importing or exporting that is not one of those above.
    """
    text = file.read_text()
    imports = tuple(
        ((file.parent / up / path).resolve(), tuple(name.strip() for name in names.split(",") if name.strip()))
        for names, up, path in _IMPORT.findall(text)
    )
    body = _EXPORT.sub("", _IMPORT.sub("", text))
    for line in _LEFT_OVER.findall(_DEFAULT.sub("", body)):
        raise ValueError(f"expected a known kind of import or export in {file.name}, found {line!r}")
    return Module(body, imports, tuple(_EXPORT.findall(text)))


def parts_of(entry: Path) -> list[Path]:
    """The files of a script, each after those that it imports.

    Raises:
        ValueError: two files import each other, or a name that no file hands on is imported.
    """
    found: list[Path] = []

    def visit(file: Path, below: tuple[Path, ...]) -> None:
        if file in below:
            raise ValueError(f"expected no circle of imports, found {[each.name for each in (*below, file)]}")
        if file in found:
            return
        for other, names in module(file).imports:
            visit(other, (*below, file))
            missing = set(names) - set(module(other).exports)
            if missing:
                raise ValueError(f"expected {other.name} to export what {file.name} imports, {sorted(missing)} is not")
        found.append(file)

    visit(entry.resolve(), ())
    return found


def bundle(parts: list[Path], style: str = "") -> str:
    """The files as one script, each in a function of its own; what they export is kept in one array.

    style: what they draw is hidden until it has this (see `skeleton`).
    """
    if len(parts) == 1:
        return _without_comments(parts[0].read_text())
    places = {file: place for place, file in enumerate(parts)}
    scopes = []
    for file, place in places.items():
        body, imports, exports = module(file)
        taken = "".join(f"const {{ {', '.join(names)} }} = parts[{places[other]}]\n" for other, names in imports)
        scope = _without_comments(_DEFAULT.sub("parts.default = ", body))
        scopes.append(f"parts[{place}] = (() => {{\n{taken}{scope}return {{ {', '.join(exports)} }}\n}})()\n")
    given = f"const style = {json.dumps(style)}\n{_STYLED}" if style else "export default parts.default\n"
    return f"const parts = []\n{''.join(scopes)}{given}"


def style_of(parts: list[Path]) -> str:
    """The style sheets that go with the files of a component, the last of which is its `index.js`."""
    beside = [*(part.with_suffix(".css") for part in parts), parts[-1].with_name("style.css")]
    return "".join(bare_sheet(sheet) for sheet in beside if sheet.exists())


def is_alone(name: str) -> bool:
    """Whether the script of a component is one small file that imports nothing."""
    return len(parts_of(COMPONENTS / name / "index.js")) == 1


def packed_source(name: str) -> str:
    """The same compressed: Streamlit sends it with every message to the component."""
    data = _compressed(browser_source(name))
    # Four bytes are five letters, where base64 has four letters for three.
    letters = base64.b85encode(data, pad=True).decode()
    packed = _PACKED.replace("SIZE", str(len(data))).replace("LETTERS", letters)
    return packed + (_UNPACK + _CALL.replace("WANT", "unpack(packed)")).replace("NAME", name)


def library_source(name: str) -> tuple[str, bytes, str]:
    """The same for a component whose script is large, in two parts: a script that unpacks it, its data, and a script.

    The first part is mounted once on a page, without a picture. The second is mounted with each picture: it calls the
    script, or waits until it has arrived.
    """
    unpack = (_UNPACK + "export default ({ data }) => unpack(() => data)\n").replace("NAME", name)
    return unpack, _compressed(browser_source(name)), _CALL.replace("  WANT\n", "").replace("NAME", name)


def _compressed(script: str) -> bytes:
    # A third of its size; gzip writes the time into its header, and the same script must be the same message.
    return gzip.compress(script.encode(), mtime=0)


# The root is a shadow root of the component's own.
_STYLED = """const sheet = new CSSStyleSheet()
sheet.replaceSync(style)
export default (component) => {
  const { parentElement } = component
  const root = parentElement.getRootNode()
  if (!root.adoptedStyleSheets.includes(sheet)) root.adoptedStyleSheets.push(sheet)
  parentElement.querySelector(".headlight").hidden = false
  return parts.default(component)
}
"""
_PACKED = """const packed = () => {
  const digits = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz!#$%&()*+-;<=>?@^_`{|}~"
  const number = (five) => [...five].reduce((sum, each) => 85 * sum + digits.indexOf(each), 0)
  const words = "LETTERS".match(/.{5}/g).map(number)
  const view = new DataView(new ArrayBuffer(4 * words.length))
  words.forEach((word, at) => view.setUint32(4 * at, word))
  return new Uint8Array(view.buffer, 0, SIZE)
}
"""
# `libraries` has the script of a component, or until it comes those who wait for it.
_UNPACK = """const unpack = (packed) => {
  const shared = (globalThis.headlight ??= {})
  const libraries = (shared.libraries ??= new Map())
  const arrived = (shared.arrived ??= new Set())
  if (arrived.has("NAME")) return
  arrived.add("NAME")
  const unpacked = new Response(new Blob([packed()]).stream().pipeThrough(new DecompressionStream("gzip")))
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
_CALL = """export default (component) => {
  const libraries = ((globalThis.headlight ??= {}).libraries ??= new Map())
  let end, gone
  const begin = (mount) => { if (!gone) end = mount(component) }
  const known = libraries.get("NAME")
  if (typeof known === "function") begin(known)
  else if (known) known.push(begin)
  else libraries.set("NAME", [begin])
  WANT
  return () => { gone = true; end?.() }
}
"""


def bare_sheet(sheet: Path) -> str:
    """A style sheet in one line, without comments."""
    text = re.sub(r"/\*.*?\*/", "", sheet.read_text(), flags=re.DOTALL)
    return re.sub(r"(?<=[{};,])\n+|(?<=[\w-]:) (?=.*;\n)", "", _without_comments(text)) + "\n"


def _without_comments(text: str) -> str:
    """A script without indentation, and without the comments that have lines of their own.

    Line by line, so that nothing inside of a string is touched: minifiers that are no parsers take what stands between
    two nested template strings for code.
    """
    text = re.sub(r"^[ \t]*/\*.*?\*/[ \t]*\n", "", text, flags=re.DOTALL | re.MULTILINE)
    lines = (line.strip() for line in text.splitlines())
    return "".join(f"{line}\n" for line in lines if line and not line.startswith("//"))
