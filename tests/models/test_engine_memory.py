"""Memory: what stays is out of the collector's sight, and threads share their heaps."""

import gc
import os
import subprocess
import sys

import pytest

from models.engine import Engine
from tests.pages.screen import ROOT


@pytest.mark.parametrize("what", ["a tokenizer", "a model"])
def test_what_is_loaded_for_good_is_out_of_the_collectors_sight(what):
    """Streamlit collects garbage after every run, before the run's last messages have left."""
    engine = Engine()
    before = gc.get_freeze_count()
    try:
        engine.tokenizer("bert") if what == "a tokenizer" else engine.model("spelling_to_sound")
        assert gc.get_freeze_count() > before
    finally:
        gc.unfreeze()


# Each thread takes a heap of its own, as Streamlit's reruns would, and leaves a hole in it.
_THREADS = """
import threading
import models.engine
import ctypes
library = ctypes.CDLL(None)
library.malloc.restype = ctypes.c_void_p
heaps = set()
barrier = threading.Barrier(12)
def work():
    place = library.malloc(1000)
    barrier.wait()
    # An arena of glibc's begins at a multiple of 64 MiB.
    heaps.add(place >> 26)
threads = [threading.Thread(target=work) for _ in range(12)]
[thread.start() for thread in threads]
[thread.join() for thread in threads]
print(len(heaps))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="the heaps of other systems are not divided by threads")
def test_threads_share_their_heaps():
    run = subprocess.run([sys.executable, "-c", _THREADS], cwd=ROOT, capture_output=True, text=True, check=True)
    assert int(run.stdout) <= 3


def test_openmp_is_told_to_wait_asleep_before_torch_is_loaded():
    """Threads that wait in a busy loop keep the core from those that they wait for."""
    told = "import os, sys, models.engine; print(os.environ['OMP_WAIT_POLICY'], 'torch' in sys.modules)"
    without = {name: value for name, value in os.environ.items() if name != "OMP_WAIT_POLICY"}
    for given, expected in ((without, "passive"), (without | {"OMP_WAIT_POLICY": "active"}, "active")):
        said = subprocess.run(
            [sys.executable, "-c", told], env=given, cwd=ROOT, capture_output=True, text=True, check=True
        ).stdout
        assert said.split() == [expected, "False"]
