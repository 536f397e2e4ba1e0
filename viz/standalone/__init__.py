"""A picture that moves, as a file: every attention view in one HTML document, without a server."""

from viz.standalone.document import (
    MOST_NUMBERS,
    AttentionFile,
    KindMaps,
    Opening,
    TooManyNumbersError,
    attention_file,
)
from viz.standalone.given_arrays import GivenAttentionError, attention_html
