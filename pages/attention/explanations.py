"""What one looks at on the attention page, for each view."""


def view_explanation(view: str, *, is_cross: bool) -> str:
    """Markdown: how a weight comes about, and how this view shows it."""
    if is_cross:
        return _CROSS + _SHOWN["cross " + view if view != "matrix" else "cross"]
    return _WEIGHT + _SHOWN[view] + _SELF


_WEIGHT = """
A head compares the **query** of one token with the **key** of every token it may see:
`weight = softmax(query · key / √head_dim)`. The weights of a row add up to 1 and say how much of each token's
**value** goes into the row's token. """
_SHOWN = {
    "matrix": """The strip shows one row, over the sentence; the map shows all rows. A darker cell
(a lighter one on a dark screen) is a larger weight, linear from 0 to the largest of this head.
""",
    "heads": """Each line is one weight, from the query on the left to the key on the right, in the
colour of its head; a fainter line is a smaller weight. Point at a token to see its lines alone, click to hold them.
""",
    "model": """Each small picture is one head's map, a layer to a row: the query that looks goes down,
the key that is looked at across. Stripes, diagonals and blocks are what heads do; a click opens one.
""",
    "qk": """From left to right that is one row of one head: the key beside the query, their numbers
multiplied and added up, scaled, and through the softmax. Then what the weights are for: values mixed by them, the
heads side by side, and the output projection.
""",
    "steps": """Each row is the step that writes a token: what it looked at is dark, and it could only
look back.
""",
    "cross": """Lines and map show the same numbers; each row is the step that *writes* the token beside it.
""",
    "cross heads": """Each line is one weight, from the token that a step *writes* on the left to what it
looks at on the right, in the colour of its head.
""",
    "cross model": """Each small picture is one head's map, a layer to a row: the steps of writing go
down, the source goes across. A click opens one.
""",
    "cross qk": """From left to right that is one step of one head: the source's keys beside its query,
their numbers multiplied and added up, scaled, and through the softmax; then the values that are mixed by the weights.
""",
}
_SELF = """
- A **decoder** writes from left to right, so a token cannot see the ones after it: the hatched half of a map.
  An **encoder** sees everything.
- Many heads rest on the first token or on a special one when they find nothing: a *sink*. Look without it to see
  the rest.
- A head's pattern says where it looks, not what it does with what it finds there.
"""
_CROSS = """
A seq2seq model has two halves: the **encoder** reads the source, the **decoder** writes the output, one token at a
step. In **cross-attention** each step's **query** comes from the decoder and is compared with the **keys** of the
source: `weight = softmax(query · key / √head_dim)` (T5 leaves out the root). The weights of a step add up to 1.

- The rows come from one forward in which the decoder is given the output as it stands (*teacher forcing*): row *t*
  is what step *t* looked at while writing.
- What the encoder hands on for a letter already knows its neighbours. A step may therefore look at the letter beside
  the one that it writes: **attention is not alignment**.
- *Encoder* and *Decoder* show what each half looks at in its own text.

"""
