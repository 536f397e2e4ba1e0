"""Measure the atlases of heads that come with Headlight: python -m training.head_atlases (some minutes)."""

import argparse
import time

from models.engine import engine
from models.heads import bundled_bank
from models.heads.atlas import Atlas
from models.heads.atlas_files import AtlasSource, bundled_file, written
from models.heads.atlas_measurement import Measurement

ATLASES = (
    ("minilm", "encoder"),
    ("smollm2", "decoder"),
    ("spelling_to_sound", "encoder"),
    ("spelling_to_sound", "decoder"),
    ("spelling_to_sound", "cross"),
)


def measured(model: str, kind: str) -> Atlas:
    """The atlas of an offline model, with the bundled bank and the seed that pages ask for."""
    steps = Measurement(model, kind, bundled_bank()).computed(engine)
    while True:
        try:
            next(steps)
        except StopIteration as end:
            return end.value


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m training.head_atlases", description=__doc__)
    parser.add_argument("--model", help="only this one")
    given = parser.parse_args()
    for model, kind in ATLASES:
        if given.model in (None, model):
            began = time.monotonic()
            data = written(measured(model, kind), AtlasSource(kind, bundled_bank(), 0))
            place = bundled_file(model, kind)
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(data)
            print(f"{place.name}: {len(data):,} bytes, {time.monotonic() - began:.0f} s", flush=True)


if __name__ == "__main__":
    main()
