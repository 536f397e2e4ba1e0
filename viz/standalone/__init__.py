"""A picture that moves, as a file: every attention view in one HTML document, without a server."""

from viz.standalone.document import AttentionFile, KindMaps, Opening, TooManyNumbersError, attention_file, check_size
from viz.standalone.given import GivenAttentionError, attention_html
