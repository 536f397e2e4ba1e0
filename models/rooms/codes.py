"""Codes that are read from the last row, typed on a telephone, and not guessed; secrets that are only compared."""

import hashlib
import hmac
import math
import secrets

# No two look alike, and no vowel makes a word of them. What is left out is read as its double: 8 as B, 0 as D.
LETTERS = "BCDFGHJKMNPRSTVWXYZ3479"
_DOUBLES = str.maketrans("85260OQU", "BSZGDDDV")
_LENGTH, _GROUP = 9, 3
# A code's bits; a secret's.
CODE_BITS = _LENGTH * math.log2(len(LETTERS))
SECRET_BITS = 128
_LONGEST_TYPED = 40


def new_code() -> str:
    """A code of a little more than 40 bits, drawn by the system."""
    return "".join(secrets.choice(LETTERS) for _ in range(_LENGTH))


def grouped(code: str) -> str:
    """As people read it: KTF-MXH-3RD."""
    return "-".join(code[start : start + _GROUP] for start in range(0, len(code), _GROUP))


def read_code(typed: str) -> str | None:
    """The code that somebody typed, in any case, with spaces or hyphens; None for what cannot be one."""
    if len(typed) > _LONGEST_TYPED:
        return None
    code = "".join(each for each in typed.upper() if each.isalnum()).translate(_DOUBLES)
    return code if len(code) == _LENGTH and set(code) <= set(LETTERS) else None


def new_secret() -> str:
    """A secret of 128 bits, drawn by the system."""
    return secrets.token_urlsafe(SECRET_BITS // 8)


def new_member() -> str:
    """What tells a member apart from others, and says nothing about anybody."""
    return secrets.token_urlsafe(12)


def digest(secret: str) -> bytes:
    """What is kept of a secret; SHA-256 is enough, since nobody can go through 2^128 of them."""
    return hashlib.sha256(secret.encode("utf-8", "replace")).digest()


def is_secret(told: str, kept: bytes) -> bool:
    """Whether this is the secret of which the digest is kept, in the same time wherever they differ."""
    return hmac.compare_digest(digest(told), kept)
