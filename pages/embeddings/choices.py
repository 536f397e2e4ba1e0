"""What can be chosen on the embeddings page."""

from typing import Any

from pages.shared import thread
from pages.shared.link import Choice, NumberPair, note, number_pair, one_of, whole_number

MOST_TEXTS = 200
SHOWN = {"context": "In context", "lens": "Logit lens", "table": "The table"}
METHODS = {"pca": "PCA", "umap": "UMAP", "t-sne": "t-SNE"}
POOLINGS = {
    "own": "As the model was trained",
    "mean": "Mean of all",
    "cls": "First token",
    "max": "Largest of each number",
    "last": "Last token",
}
MEASURES = {"cosine": "Cosine", "dot": "Dot product"}
LONGEST_SENTENCE = 400


def _sentence(text: str) -> str:
    if len(text) > LONGEST_SENTENCE:
        raise ValueError(f"The link's sentence has more than {LONGEST_SENTENCE} characters; another one is shown.")
    return thread.readable(text)


_place = number_pair("The link's place is not a layer and a position, as in 28-12; none is selected.")
SHOW: Choice[str] = Choice("show", "context", one_of("view", tuple(SHOWN)))
# The layer; "layer" itself is the attention page's, where the first one is not the table.
DEPTH: Choice[int] = Choice("depth", 0, whole_number("layer"))
METHOD: Choice[str] = Choice("map", "pca", one_of("kind of map", tuple(METHODS)))
AXES: Choice[str] = Choice("axes", "2", one_of("number of axes", ("2", "3")))
POINTS: Choice[str] = Choice("points", "all", one_of("choice of points", ("all", "word")), (thread.TEXT,))
WORD: Choice[str] = Choice("word", "", thread.readable, (thread.TEXT,))
SENSES: Choice[str] = Choice("senses", "", thread.readable, (thread.TEXT,))
POINT: Choice[int | None] = Choice(
    "point", None, whole_number("point"), (*thread.OWNERS, METHOD, AXES, POINTS, WORD, SENSES)
)
CENTRED: Choice[str] = Choice("centred", "no", one_of("way to treat the mean", ("no", "yes")))
SIMILAR: Choice[str] = Choice("similar", "tokens", one_of("kind of similarity", ("tokens", "sentences")))
POOLING: Choice[str] = Choice("pooling", "own", one_of("pooling", tuple(POOLINGS)))
ANSWER: Choice[str] = Choice("answer", "", thread.readable, (thread.TEXT,))
PLACE: Choice[NumberPair | None] = Choice("place", None, _place, thread.OWNERS)
PIECE: Choice[str] = Choice("piece", "", thread.readable)
MINUS: Choice[str] = Choice("minus", "", thread.readable)
PLUS: Choice[str] = Choice("plus", "", thread.readable)
MEASURE: Choice[str] = Choice("measure", "cosine", one_of("measure", tuple(MEASURES)))
# In the tabs: the line whose tokens are compared; the first line in another order; many lines, whether they are
# embedded, and to which of them the nearest are shown.
LINE: Choice[int] = Choice("line", 0, whole_number("line"), (thread.TEXT,))
SWAPPED: Choice[str] = Choice("swapped", "", _sentence, (thread.TEXT,))
LINES: Choice[str] = Choice("lines", "", thread.readable)
EMBEDDED: Choice[str] = Choice("embedded", "no", one_of("state of the lines", ("no", "yes")), (thread.MODEL, LINES))
NEAR_LINE: Choice[int] = Choice("near_line", 0, whole_number("line"), (LINES,))

CHOICES: tuple[Choice[Any], ...] = (
    *(SHOW, DEPTH, METHOD, AXES, POINTS, WORD, SENSES, POINT, CENTRED, SIMILAR, POOLING),
    *(ANSWER, PLACE, PIECE, MINUS, PLUS, MEASURE, LINE, SWAPPED, LINES, EMBEDDED, NEAR_LINE),
)


def texts() -> tuple[str, ...]:
    """A text to a line; empty lines are none. More than can be shown are said and left out."""
    lines = tuple(line.strip() for line in thread.TEXT.value.splitlines() if line.strip())
    if len(lines) > MOST_TEXTS:
        note(f"There are {len(lines):,} lines; the first {MOST_TEXTS} are shown here. “Many sentences” takes more.")
    return lines[:MOST_TEXTS]


def senses(count: int) -> tuple[str, ...]:
    """A name for each line, as far as they were given."""
    names = [each.strip() for each in SENSES.value.split(",")] if SENSES.value else []
    return tuple((names + [""] * count)[:count])


def line_there(choice: Choice[int], count: int) -> None:
    """A line that is not among so many is said and not taken."""
    if choice.value >= count:
        note(f"The link names line {choice.value + 1}; there are {count:,}. The first one is shown.")
        choice.forget()
