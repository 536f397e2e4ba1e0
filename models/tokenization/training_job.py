"""Training a tokenizer on somebody's own text, as a job whose steps say how far it is."""

import os
import pty
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from models.engine import Engine
from models.errors import HeadlightError
from models.sandbox import environment
from models.tokenization.pieces import check_is_text

ALGORITHMS = ("byte-level BPE", "BPE", "WordPiece", "Unigram")
LONGEST_TEXT = 5_000_000
SHORTEST_TEXT = 100
LARGEST_VOCABULARY = 50_000
_LONGEST_SECONDS = 600
# Of the process that trains; on the longest text it takes about half of that.
_MEMORY = 2 * 1024**3
_SCRIPT = Path(__file__).with_name("training_child.py")
# As the trainers write it: {"stage":"Compute merges","current":8,"total":30}, or a bar with "EM training  3 / 11".
_JSON = re.compile(rb'"stage":"([^"]+)","current":(\d+),"total":(\d+)')
_BAR = re.compile(rb"\] ([A-Z][A-Za-z -]*?) {2,}\S*\s+(\d+)\s*/\s*(\d+)")
# What each stage is called for people, and about which part of the whole it ends at.
_STAGES = {
    "Tokenize words": ("Cutting the text into words", 0.0, 0.1),
    "Pre-processing sequences": ("Cutting the text into words", 0.0, 0.3),
    "Count pairs": ("Counting pairs", 0.1, 0.2),
    "Compute merges": ("Merging", 0.2, 1.0),
    "Suffix array seeds": ("Collecting what repeats", 0.3, 0.5),
    "EM training": ("Keeping the pieces that explain the text best", 0.5, 1.0),
}


class TrainingError(HeadlightError):
    """A text or a size with which no tokenizer can be trained, or a training that failed."""


@dataclass(frozen=True)
class TrainingProgress:
    """How far a training is: `part` from 0 to 1, and what it does. `tokenizer_json` is there at the end."""

    part: float
    stage: str
    tokenizer_json: bytes = b""


@dataclass(frozen=True)
class TrainTokenizerRequest:
    """Train a tokenizer of this algorithm (one of ALGORITHMS) on a text, with about this many pieces."""

    text: str
    algorithm: str
    vocabulary: int
    # Another process works on it.
    most_characters = LONGEST_TEXT

    def steps(self, engine: Engine) -> Iterator[TrainingProgress]:
        """How far it is, and at last the tokenizer. One training at a time; the others wait.

        Raises TrainingError, TextError.
        """
        check_training(self.text, self.algorithm, self.vocabulary)
        with engine.gate("training").lock():
            yield from _train(self.text, self.algorithm, self.vocabulary)


def check_training(text: str, algorithm: str, vocabulary: int) -> None:
    """Raise TrainingError where a tokenizer cannot be trained so, TextError where the text is none."""
    check_is_text(text)
    if algorithm not in ALGORITHMS:
        raise TrainingError(f"There is no such algorithm; choose one of {', '.join(ALGORITHMS)}.")
    if len(text.encode()) > LONGEST_TEXT:
        raise TrainingError(f"The training text is longer than {LONGEST_TEXT // 1_000_000} MB; take a part of it.")
    length = len(text.strip())
    if length < SHORTEST_TEXT:
        raise TrainingError(
            f"There is too little to learn from: the training text has {length} characters, and at least "
            f"{SHORTEST_TEXT} are needed."
        )
    if vocabulary > LARGEST_VOCABULARY:
        raise TrainingError(f"A vocabulary can have at most {LARGEST_VOCABULARY:,} pieces here.")
    alphabet = smallest_vocabulary(text, algorithm)
    if vocabulary < alphabet:
        raise TrainingError(
            f"The vocabulary must have room for the alphabet: {alphabet:,} pieces at least for this text and "
            f"{algorithm}, and {vocabulary:,} were asked for."
        )


def smallest_vocabulary(text: str, algorithm: str) -> int:
    """How many pieces there are before anything is learnt: bytes, or the characters of the text, and one special."""
    if algorithm == "byte-level BPE":
        return 256 + 1
    letters = {character for character in text if not character.isspace()}
    if algorithm == "WordPiece":
        # Each character may begin a word or go on with one.
        return 2 * len(letters) + 1
    return len({*text.replace(" ", "▁")} | {"▁"}) + 1


def _train(text: str, algorithm: str, vocabulary: int) -> Iterator[TrainingProgress]:
    yield TrainingProgress(0.0, "Starting")
    # The trainers draw their bars for terminals only, so standard error is one.
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-P", str(_SCRIPT), algorithm, str(vocabulary), str(_MEMORY)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=theirs,
        # Without the name of a terminal, as on many a server, no bar is drawn.
        env=environment() | {"TERM": "xterm"},
    )
    os.close(theirs)
    is_late = threading.Event()

    def stop() -> None:
        is_late.set()
        process.kill()

    clock = threading.Timer(_LONGEST_SECONDS, stop)
    clock.start()
    made: list[bytes] = []
    talk = threading.Thread(target=lambda: made.append(process.communicate(text.encode("utf-8"))[0]), daemon=True)
    talk.start()
    try:
        yield from _progress(ours)
        talk.join()
        if is_late.is_set():
            raise TrainingError(
                f"The training took longer than {_LONGEST_SECONDS / 60:.0f} minutes and was stopped. "
                "Take a shorter text, one with spaces between its words, or a smaller vocabulary."
            )
        if process.returncode != 0 or not made or not made[0]:
            raise TrainingError(
                "The training failed: this text cannot fill a vocabulary of that size with this algorithm. "
                "Take a longer text, a smaller vocabulary, or another algorithm."
            )
        yield TrainingProgress(1.0, "Done", made[0])
    finally:
        clock.cancel()
        process.kill()
        talk.join()
        os.close(ours)


def _progress(terminal: int) -> Iterator[TrainingProgress]:
    """What the process says of itself until it ends; a step for each stage and each further hundredth."""
    reached, said_last, begun, rest = 0.0, "", "", b""
    while True:
        try:
            data = os.read(terminal, 65_536)
        except OSError:
            # On Linux a terminal whose other end is gone fails to read.
            return
        if not data:
            return
        *lines, rest = re.split(rb"[\r\n]+", rest + data)
        for line in lines:
            found = _JSON.search(line) or _BAR.search(line)
            if found is None or (stage := _STAGES.get(found[1].decode().strip())) is None:
                continue
            said, low, high = stage
            name, done, total = found[1].decode(), int(found[2]), int(found[3])
            # A bar that is used again first has the new stage's name with the numbers of the one before, which is over.
            if done >= total and name != begun:
                continue
            begun = name
            part = low + (high - low) * min(1.0, done / max(1, total))
            if part >= reached + 0.01 or (part >= reached and said != said_last):
                reached, said_last = part, said
                yield TrainingProgress(part, said)
