"""The valid files that are changed, and the doors through which a stranger brings each."""

import base64
import io
import json
import shutil
import tempfile
from collections.abc import Callable
from functools import cache
from pathlib import Path
from random import Random  # noqa: TID251 - one of its own, seeded

import sentencepiece

from models.attention import trace_attention
from models.catalog import MODELS
from models.decoding.prompting import prompt_variants
from models.engine import Engine
from models.loading import load_model, open_folder
from models.tokenization import ComparisonRequest, keep_own, new_own_name, open_tokenizer_file
from tests.hostile.folders import tiny
from tests.hostile.fuzz.mutations import mutated
from tests.models.test_folders import WORDS, tokenizer_of, write_gguf

_TEXT = "w5 w6 naïve 🍓 <s>\n\tw7"
_PIECES = [bytes([number]) for number in range(256)] + [b"ab", b"cd", b"abcd", b" w", b"w5", b"w6"]
_MARKS = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")
_TEMPLATE = (
    "{{ bos_token }}{% for message in messages %}{{ message['role'] + ': ' + message['content'] | trim }}\n"
    "{% endfor %}{% if add_generation_prompt %}assistant:{% endif %}"
)


def _tekken() -> bytes:
    vocabulary = [
        {"rank": rank, "token_bytes": base64.b64encode(each).decode(), "token_str": None}
        for rank, each in enumerate(_PIECES)
    ]
    config = {
        "pattern": r"[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}|\s+",
        "num_vocab_tokens": len(vocabulary),
        "default_vocab_size": len(vocabulary) + 20,
        "default_num_special_tokens": 20,
        "version": "v3",
    }
    return json.dumps({"config": config, "vocab": vocabulary}).encode()


def _tiktoken() -> bytes:
    return b"\n".join(base64.b64encode(each) + b" %d" % rank for rank, each in enumerate(_PIECES))


def _sentencepiece() -> bytes:
    written = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(
            ["w5 w6 w7 naïve strawberry", "a low lower lowest new newer", _TEXT.replace("\n", " ")] * 9
        ),
        model_writer=written,
        vocab_size=60,
        hard_vocab_limit=False,
        num_threads=1,
        minloglevel=2,
    )
    return written.getvalue()


@cache
def tokenizer_files() -> dict[str, bytes]:
    """Files that open as a tokenizer of one's own, by kind."""
    return {
        "tokenizer.json": tokenizer_of("bert").backend_tokenizer.to_str().encode(),
        "tokenizer.json of bytes": open_tokenizer_file(_tiktoken()).tokenizer_json,
        "tekken.json": _tekken(),
        "tiktoken": _tiktoken(),
        "sentencepiece": _sentencepiece(),
        "vocab.txt": "\n".join([*_MARKS, *WORDS, "na", "##ive", "w"]).encode(),
    }


def _own_tokenizer(kind: str, data: bytes) -> None:
    opened = open_tokenizer_file(data)
    engine, name = Engine(), new_own_name()
    try:
        keep_own(engine, name, opened.tokenizer_json, "Mine", opened.format)
        engine.run(ComparisonRequest((name,), _TEXT, split_special_tokens=False, start=0))
    finally:
        engine.close()


# The file of a folder, and of which tiny model; what is not there is added.
_IN_FOLDERS = (
    ("config.json", "llama"),
    ("config.json", "bert"),
    ("config.json", "t5"),
    ("model.safetensors", "llama"),
    ("tokenizer.json", "llama"),
    ("tokenizer_config.json", "llama"),
    ("generation_config.json", "llama"),
    ("special_tokens_map.json", "llama"),
    ("chat_template.jinja", "llama"),
    ("vocab.txt", "bert"),
    ("tiny.gguf", "llama"),
)


@cache
def _gguf() -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        write_gguf(Path(folder) / "tiny.gguf")
        return (Path(folder) / "tiny.gguf").read_bytes()


def _valid(file: str, folder: Path) -> bytes:
    added = {
        "special_tokens_map.json": lambda: b'{"bos_token": "<s>", "eos_token": {"content": "</s>", "lstrip": false}}',
        "chat_template.jinja": _TEMPLATE.encode,
        "vocab.txt": lambda: "\n".join([*_MARKS, *WORDS[len(_MARKS) :]]).encode(),
        "tiny.gguf": _gguf,
    }
    path = folder / file
    return added[file]() if file in added else path.read_bytes()


def _folder(file: str, name: str, change: Callable[[bytes], bytes]) -> None:
    with tempfile.TemporaryDirectory() as place:
        folder = tiny(name, Path(place))
        path = folder / file
        path.write_bytes(change(_valid(file, folder)))
        if file == "vocab.txt":
            (folder / "tokenizer.json").unlink()
            (folder / "tokenizer_config.json").unlink()
        opened = path if file.endswith(".gguf") else folder
        try:
            loaded = load_model(open_folder(str(opened), anywhere=True).name)
            is_seq2seq = loaded.card.family == "seq2seq"
            trace = trace_attention(loaded, "w5 w6 w7", "w8 w9" if is_seq2seq else None)
            trace.weights(trace.kinds[0], trace.layers(trace.kinds[0])[0])
            if loaded.card.family == "decoder":
                prompt_variants(loaded, ("w5",), "w6")
        finally:
            MODELS._opened.clear()
            shutil.rmtree(folder)


def kinds() -> tuple[str, ...]:
    """What is changed, by name."""
    return (*(f"own {kind}" for kind in tokenizer_files()), *(f"{file} of {name}" for file, name in _IN_FOLDERS))


def bring(kind: str, draw: Random | None) -> None:
    """Bring one changed file, or the valid one where nothing draws, and use it. Raises what the doors raise."""

    def change(data: bytes) -> bytes:
        return data if draw is None else mutated(data, draw)

    if kind.startswith("own "):
        own = kind.removeprefix("own ")
        _own_tokenizer(own, change(tokenizer_files()[own]))
    else:
        file, name = kind.split(" of ")
        _folder(file, name, change)
