"""What the libraries are told is not here: less is imported, and who asks for the rest gets the real one."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

_ROOT = Path(__file__).resolve().parents[2]
_HEAVY = ("sympy.polys", "torch.distributed.tensor", "torch._dynamo.utils", "scipy", "sklearn", "boto3")


def _in_process(program: str) -> Any:
    """What a fresh process prints as JSON after Headlight's libraries were imported in it."""
    start = "import json, sys\nfrom models.one_at_a_time import libraries\nlibraries()\nimport torch\n"
    ran = subprocess.run(
        [sys.executable, "-c", start + program], cwd=_ROOT, capture_output=True, text=True, timeout=120, check=False
    )
    assert ran.returncode == 0, ran.stderr[-2000:]
    return json.loads(ran.stdout.splitlines()[-1])


@pytest.mark.slow
def test_what_is_never_used_is_not_imported() -> None:
    program = f"""
from models.engine import engine
from models.attention import trace_attention
trace_attention(engine.model("minilm"), "a b c").weights("encoder", 0)
print(json.dumps([each for each in {_HEAVY!r} if each in sys.modules]))
"""
    assert set(_in_process(program)) <= {"sympy.polys"}


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        (
            "[torch._dynamo.config.__name__,"
            " __import__('torch._dynamo.utils', fromlist=['counters']).counters is torch._dynamo.utils.counters]",
            ["torch._dynamo.config", True],
        ),
        pytest.param(
            "torch.compile(lambda x: x + 1, backend='eager')(torch.ones(2)).tolist()",
            [2.0, 2.0],
            marks=pytest.mark.slow,
        ),
        pytest.param("__import__('boto3').__name__", "boto3", marks=pytest.mark.slow),
    ],
    ids=["an attribute and a part", "compiling", "a package that was hidden"],
)
def test_who_asks_for_the_rest_gets_the_real_one(asked: str, expected: object) -> None:
    assert _in_process(f"print(json.dumps({asked}))") == expected


@pytest.mark.slow
def test_two_threads_may_ask_at_once() -> None:
    program = """
import threading
found, errors = [], []
start = threading.Barrier(4)
def ask():
    start.wait()
    try:
        found.append(torch._dynamo.utils.__name__)
    except BaseException as error:
        errors.append(repr(error))
threads = [threading.Thread(target=ask) for _ in range(4)]
[each.start() for each in threads]
[each.join() for each in threads]
print(json.dumps([len(found), errors]))
"""
    assert _in_process(program) == [4, []]
