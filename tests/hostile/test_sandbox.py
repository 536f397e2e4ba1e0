"""The sandbox: what goes wrong in it stays there, ends soon, and does no harm to the next question."""

import os
import signal
import sys
import threading
import time

import numpy as np
import pytest

from models.errors import HeadlightError
from models.sandbox import LARGEST_ANSWER, Pool, SandboxedFiles, SandboxError
from models.sandbox.messages import WorkerTask, packed, unpacked
from models.tokenization import TextError, Tokenization
from models.tokenization.boundaries import CutText

# ----- What is asked; these functions run in the sandbox.


def environment() -> dict[str, str]:
    return dict(os.environ)


def descriptors() -> list[str]:
    return [os.path.realpath(f"/proc/self/fd/{each}") for each in range(64)]


def modules() -> list[str]:
    return [name for name, module in sys.modules.items() if module is not None]


def for_ever() -> int:
    while True:
        pass


def memory(megabytes: int) -> int:
    return len(bytearray(megabytes * 1_000_000))


def large(size: int) -> bytes:
    return bytes(size)


def dies(number: int) -> int:
    os.kill(os.getpid(), number)
    return 0


def leaves() -> int:
    os._exit(0)


def panics() -> int:
    raise type("PanicException", (BaseException,), {})("at some place of Rust")


def exits() -> int:
    raise SystemExit


def refuses() -> int:
    raise TextError("This text is none.")


def lies() -> int:
    return "a text"  # ty: ignore[invalid-explicit-return]


def cut() -> CutText:
    return CutText(np.arange(3), np.arange(3), np.arange(3))


def reads() -> str:
    return input()


def number() -> int:
    return os.getpid()


LEAKED = []


def leaks() -> int:
    LEAKED.append(bytearray(250_000_000))
    return os.getpid()


def made(files, extra: int) -> dict[str, int]:
    return {"size": sum(map(len, files.values())) + extra, "process": os.getpid()}


def size_of(it) -> int:
    return it["size"]


def process_of(it) -> int:
    return it["process"]


@pytest.fixture
def pool():
    found = Pool(1, seconds=1)
    yield found
    found.close()


def test_it_knows_nothing_of_the_server(pool, monkeypatch):
    monkeypatch.setenv("HF_TOKEN", "a secret")
    known = pool.ask(environment)
    assert not any("TOKEN" in name and name != "TOKENIZERS_PARALLELISM" for name in known)
    assert "a secret" not in known.values()


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")
def test_it_has_no_descriptor_of_the_server(pool, tmp_path):
    with (tmp_path / "secret").open("w") as secret:
        os.set_inheritable(secret.fileno(), True)
        assert not any("secret" in each for each in pool.ask(descriptors))


def test_it_starts_soon_and_without_torch():
    pool = Pool(1, modules=("models.tokenization",))
    start = time.monotonic()
    found = pool.ask(modules)
    assert time.monotonic() - start < 5
    assert "models.tokenization" in found
    assert not {"torch", "transformers"} & {*found}
    pool.close()


@pytest.mark.quick(2)
@pytest.mark.parametrize(
    ("why", "ask"),
    [
        ("time", lambda pool: pool.ask(for_ever)),
        ("memory", lambda pool: pool.ask(memory, 3_000)),
        ("size", lambda pool: pool.ask(large, LARGEST_ANSWER + 1)),
        ("memory", lambda pool: pool.ask(dies, signal.SIGABRT)),
        ("failure", lambda pool: pool.ask(dies, signal.SIGSEGV)),
        ("failure", lambda pool: pool.ask(leaves)),
        ("failure", lambda pool: pool.ask(panics)),
        ("failure", lambda pool: pool.ask(exits)),
        ("failure", lambda pool: pool.ask(lies)),
        ("failure", lambda pool: pool.ask(reads)),
    ],
    ids=["loops", "allocates", "answers", "aborts", "crashes", "leaves", "panics", "exits", "lies", "reads"],
)
def test_what_goes_wrong_is_one_sentence_and_the_next_question_is_answered(pool, within_bounds, why, ask):
    pool.ask(number)
    with within_bounds(), pytest.raises(SandboxError) as failed:
        ask(pool)
    assert failed.value.why == why
    assert str(failed.value).startswith("This file ")
    assert str(failed.value).endswith("; take a shorter text, or another file.")
    assert pool.ask(number) > 0
    # It is not tried a second time.
    start = time.monotonic()
    with pytest.raises(SandboxError, match=str(failed.value)):
        ask(pool)
    assert time.monotonic() - start < 0.1


def test_errors_for_people_come_through_as_they_are(pool):
    with pytest.raises(TextError, match="This text is none"):
        pool.ask(refuses)
    process = pool.ask(number)
    assert process == pool.ask(number)


def test_arrays_come_through(pool):
    found = pool.ask(cut)
    assert found.ids.tolist() == [0, 1, 2]
    assert found.ids.dtype == np.int64


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        (CutText, {"ids": ["|O8", [1], b"\0" * 8], "starts": ["<i8", [0], b""], "ends": ["<i8", [0], b""]}),
        (CutText, {"ids": ["<i8", [10**9], b""], "starts": ["<i8", [0], b""], "ends": ["<i8", [0], b""]}),
        (CutText, {"ids": ["<f8", [1], b"\0" * 8], "starts": ["<i8", [0], b""], "ends": ["<i8", [0], b""]}),
        (Tokenization, {"text": 1, "ids": [], "pieces": []}),
        (WorkerTask, b"\x80\x04]"),
    ],
    ids=["objects", "shape", "other numbers", "no text", "pickle"],
)
def test_what_is_no_plain_data_of_the_kind_is_refused(kind, value):
    import msgspec

    with pytest.raises((msgspec.ValidationError, msgspec.DecodeError)):
        unpacked(packed(value), kind)


def test_what_is_made_is_kept_and_made_again_where_it_is_gone(pool):
    subject = SandboxedFiles("It", made, {"a": b"123"}, (4,))
    assert pool.ask(size_of, of=subject) == 7
    process = pool.ask(process_of, of=subject)
    assert pool.ask(number) == process
    os.kill(process, signal.SIGKILL)
    time.sleep(0.2)
    assert pool.ask(process_of, of=subject) != process
    # Others push it out.
    for name in range(5):
        pool.ask(size_of, of=SandboxedFiles("It", made, {"a": bytes(6_000_000), "b": str(name).encode()}, (0,)))
    assert pool.ask(size_of, of=subject) == 7


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")
def test_a_process_that_is_full_makes_way_for_another(pool):
    process = pool.ask(leaks)
    assert pool.ask(number) != process
    assert pool.ask(memory, 200) == 200_000_000


def test_many_ask_at_once_and_a_few_processes_answer():
    pool, found = Pool(2, seconds=1), []
    threads = [threading.Thread(target=lambda: found.append(pool.ask(number))) for _ in range(12)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert len(found) == 12
    assert len(set(found)) <= 2
    pool.close()


def test_it_ends_with_the_server(tmp_path):
    import subprocess

    program = (
        "import os\nfrom models.sandbox import Pool\nfrom tests.hostile.test_sandbox import number\n"
        "pool = Pool(1)\nprint(pool.ask(number), flush=True)\nos._exit(0)\n"
    )
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=120)
    deadline = time.monotonic() + 10
    while is_there(int(run.stdout)):
        assert time.monotonic() < deadline
        time.sleep(0.1)


def is_there(process):
    import psutil

    return psutil.pid_exists(process) and psutil.Process(process).status() != psutil.STATUS_ZOMBIE


def test_every_failure_is_for_people():
    assert issubclass(SandboxError, HeadlightError)
