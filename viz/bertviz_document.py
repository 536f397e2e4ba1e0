"""BertViz's head view and model view as one HTML document that asks nobody for anything.

Its policy names each script by its hash, so that no other runs, and lets nothing be fetched.
"""

import base64
import hashlib
from collections.abc import Sequence

# D3's ten colours, which are heads or layers, and the light ones that D3 pairs them with: on a dark ground a head's
# lines, a twelfth as strong as their weight, are only seen in these.
_COLOURS = {
    "#1f77b4": "#aec7e8",
    "#ff7f0e": "#ffbb78",
    "#2ca02c": "#98df8a",
    "#d62728": "#ff9896",
    "#9467bd": "#c5b0d5",
    "#8c564b": "#c49c94",
    "#e377c2": "#f7b6d2",
    "#7f7f7f": "#c7c7c7",
    "#bcbd22": "#dbdb8d",
    "#17becf": "#9edae5",
}
# BertViz draws black on white; who shows the document in a frame may name other colours.
_STYLE = """
:root { --ground: #ffffff; --ink: #000000; --mark: #e4e4e4; }
body { background: var(--ground); color: var(--ink); margin: 0; padding: 4px; }
svg { display: block; overflow: visible; }
svg text { fill: var(--ink); }
svg[fill=white], rect[fill=white] { fill: var(--ground); }
rect[fill=lightgray], rect[fill="#F5F5F5"] { fill: var(--mark); }
""" + "".join(
    f'[data-scheme=dark] .headAttention [stroke="{dark}"] {{ stroke: {light}; }}\n'
    f'[data-scheme=dark] rect[fill="{dark}"] {{ fill: {light}; }}\n'
    for dark, light in _COLOURS.items()
)
_IN_A_FRAME = """
if (parent !== window) {
  const root = document.documentElement, body = document.body
  addEventListener("message", (event) => {
    if (event.source !== parent) return
    root.style.colorScheme = root.dataset.scheme = event.data.scheme
    for (const name of ["ground", "ink", "mark"]) root.style.setProperty(`--${name}`, event.data[name])
  })
  const tell = () => parent.postMessage({ height: body.getBoundingClientRect().height }, "*")
  // The model view is 970 pixels wide whatever there is.
  const fit = () => {
    body.style.zoom = 1
    body.style.zoom = Math.max(0.6, Math.min(1, innerWidth / root.scrollWidth))
    tell()
  }
  addEventListener("resize", fit)
  new ResizeObserver(tell).observe(body)
  // An observer waits until the frame is scrolled into view.
  fit()
}
"""


def bertviz_document(view: str, elements: str, scripts: Sequence[str]) -> str:
    """The document of one view ("head" or "model"), the same string each time.

    elements: HTML into which the scripts draw. scripts: in the order in which they run.
    """
    scripts = (*scripts, _IN_A_FRAME)
    hashes = (base64.b64encode(hashlib.sha256(script.encode()).digest()).decode() for script in scripts)
    allowed = " ".join(f"'sha256-{each}'" for each in hashes)
    policy = (
        f"default-src 'none'; script-src {allowed}; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; "
        "form-action 'none'"
    )
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">\n'
        f"<title>BertViz: {view} view</title>\n<style>{_STYLE}</style>\n</head>\n<body>\n{elements}\n"
        + "".join(f"<script>{script}</script>\n" for script in scripts)
        + "</body>\n</html>\n"
    )
