"""Classes that are wrong or crash today; each is a fault to be mended, and the list only ever gets shorter."""

KNOWN: frozenset[str] = frozenset()
