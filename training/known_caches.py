"""See what the known architectures keep in their caches, for all who ask later: python -m training.known_caches."""

import argparse

from models.catalog import ARCHITECTURES
from models.kv_cache import cache_shape, known_config
from models.kv_cache.kept_shapes import KEPT, as_kept


def main() -> None:
    """The command line."""
    argparse.ArgumentParser(prog="python -m training.known_caches", description=__doc__).parse_args()
    shapes = {each: cache_shape(known_config(each)) for each in ARCHITECTURES.values()}
    KEPT.parent.mkdir(exist_ok=True)
    KEPT.write_text(as_kept(shapes), "utf-8")
    print(f"{KEPT.name}: {len(shapes)} architectures, {KEPT.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
