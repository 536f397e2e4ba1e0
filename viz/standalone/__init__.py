"""A picture that moves, as a file: every attention view in one HTML document, without a server."""

from viz.standalone.document import (
    AttentionFile,
    KindMaps,
    Opening,
    attention_file,
)
from viz.standalone.given_arrays import GivenAttentionError, attention_html
from viz.standalone.size_limit import MOST_NUMBERS, TooManyNumbersError
