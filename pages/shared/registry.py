"""Which pages there are: the one table that the door, Home and the tests read."""

import pkgutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from types import ModuleType
from typing import Any

import pages
from pages.shared.examples import Example
from pages.shared.link import Choice


@dataclass(frozen=True)
class PageEntry:
    """One page.

    address: its folder in `pages/`, and what stands behind the server's address; home's own is empty there.
    title: in the list of pages. icon: a Material symbol. group: under which heading of the list; "" for none.
    question: what it answers, in one sentence.
    """

    address: str
    title: str
    icon: str
    group: str
    question: str

    @property
    def script(self) -> str:
        """The page's script, as Streamlit names it."""
        return f"pages/{self.address}/page.py"

    @property
    def sheet(self) -> str:
        """The page's own style sheet; not every page has one."""
        return f"pages/{self.address}/style.css"

    def part(self, name: str) -> ModuleType | None:
        """The module of this name in its folder; None where the page is made without it."""
        module = f"pages.{self.address}.{name}"
        return import_module(module) if find_spec(module) else None

    @property
    def choices(self) -> tuple[Choice[Any], ...]:
        """What can be chosen there, of which all is in the link."""
        return import_module(f"pages.{self.address}.choices").CHOICES

    @property
    def examples(self) -> Sequence[Example]:
        """What is ready-made there: in `examples.py`, or with the choices where there are few."""
        return import_module(f"pages.{self.address}.{'examples' if self.part('examples') else 'choices'}").EXAMPLES


HOME = PageEntry("home", "Home", ":material/home:", "", "What does a transformer do with your text?")
PAGES = (
    PageEntry("attention", "Attention", ":material/visibility:", "", "What does each token look at?"),
    PageEntry("heads", "Heads", ":material/hub:", "", "What does each head do, and which of them matter?"),
    PageEntry("anatomy", "Anatomy", ":material/schema:", "", "How do its parts fit together?"),
    PageEntry("tokenizers", "Tokenizers", ":material/content_cut:", "", "How is a text cut into tokens?"),
    PageEntry("embeddings", "Embeddings", ":material/scatter_plot:", "", "What does context do to a word?"),
    PageEntry("kv_cache", "KV cache", ":material/view_column:", "", "What does the model keep while it writes?"),
    PageEntry("sampling", "Sampling", ":material/casino:", "", "What does each knob do?"),
    PageEntry("vision", "Vision", ":material/image_search:", "", "What does a vision transformer look at?"),
)

# They lead to the pages above, and show no picture of their own.
LESSONS = PageEntry("lessons", "Lessons", ":material/school:", "", "What would you like to learn?")
ROOM = PageEntry("room", "Room", ":material/groups:", "", "How does a class follow its teacher?")
EVERY_PAGE = (HOME, *PAGES, LESSONS, ROOM)


def entry(address: str) -> PageEntry:
    """The page at this address. Raises KeyError where there is none."""
    return {each.address: each for each in EVERY_PAGE}[address]


def modules() -> Iterator[str]:
    """The names of what pages are made of, but for their scripts: those are run, and not imported."""
    scripts = {f"pages.{each.address}.page" for each in EVERY_PAGE}
    for module in pkgutil.walk_packages(pages.__path__, "pages."):
        if module.name not in scripts:
            yield module.name
