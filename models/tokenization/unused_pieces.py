"""What those who publish a vocabulary call pieces that nothing was trained on."""

import re

_UNUSED = re.compile(
    r"unused|reserved|extra_(id_)?\d|madeupword|placeholder|^<(unk|pad|fake)_?\d+>$",
    re.IGNORECASE,
)


def is_named_unused(token: str) -> bool:
    """Whether a piece, as its file writes it, is named as one that stands in no text: [unused12], <extra_id_3>."""
    return _UNUSED.search(token) is not None
