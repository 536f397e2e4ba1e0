"""`python -m benchmarks.watched_server ARGUMENTS`: Headlight's server with an engine that is watched.

ARGUMENTS are those of `streamlit run app.py`. The environment says what is wanted:

HEADLIGHT_BENCH_FORWARDS: a file that gets one byte for each forward of any model.
HEADLIGHT_BENCH_RANDOM_BERT: set, the model named "minilm" is a BERT-base with random weights.
"""

import os
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING

import models.engine
from models.engine import Engine

if TYPE_CHECKING:
    from models.loaded import LoadedModel

FORWARDS = "HEADLIGHT_BENCH_FORWARDS"
RANDOM_BERT = "HEADLIGHT_BENCH_RANDOM_BERT"
_ROOT = Path(__file__).resolve().parents[1]


def random_bert(tokenizer: object) -> "LoadedModel":
    """A BERT-base (12 layers x 12 heads, width 768), its weights drawn with a seed, its words MiniLM's."""
    import torch
    from transformers import BertConfig, BertModel

    from models.loading import wrap_model

    model = BertModel(BertConfig())
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.dim() > 1:
                parameter.normal_(std=0.2, generator=generator)
    return wrap_model(model, tokenizer, "encoder")


class WatchedEngine(Engine):
    """The engine, with forwards counted from outside the model and, if wanted, another model in MiniLM's place."""

    def __init__(self) -> None:
        super().__init__()
        self._watching = threading.Lock()
        self._watched: dict[str, LoadedModel] = {}

    def model(self, name: str) -> "LoadedModel":
        """The model of this name, watched from before its first forward."""
        loaded = super().model(name)
        with self._watching:
            if name not in self._watched:
                if os.environ.get(RANDOM_BERT):
                    loaded = random_bert(loaded.tokenizer)
                loaded.model.register_forward_pre_hook(_note)
                self._watched[name] = loaded
            return self._watched[name]


def _note(*_: object) -> None:
    log = os.environ.get(FORWARDS)
    if log:
        with Path(log).open("ab") as file:
            file.write(b".")


def main() -> None:
    """Put the watched engine in its place, then run Streamlit as its command line does."""
    from streamlit.web import cli

    models.engine.engine = WatchedEngine()
    cli.main(["run", str(_ROOT / "app.py"), *sys.argv[1:]])


if __name__ == "__main__":
    main()
