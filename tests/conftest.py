"""How the tests are shared out among processes, and what all of these are spared.

Nothing of the project's packages is imported at the top: a conftest is read before pytest's plugins are set up, and
jaxtyping's can only check what it sees imported.
"""

import gc
import os
import re
from collections import Counter

import pytest
from hypothesis import HealthCheck, settings

from tests.checked import check_quickly

check_quickly()

BEHIND = pytest.StashKey[bool]()
BROWSER = "tests/browser/"


def pytest_configure(config):
    # Nothing of what is imported is garbage.
    gc.disable()
    # Where the slow tests are left out fewer examples are drawn, the same each time. On a busy machine drawing one
    # takes longer than hypothesis likes.
    settings.register_profile(
        "here",
        max_examples=40 if "not slow" in config.getoption("markexpr") else 200,
        deadline=None,
        derandomize=True,
        suppress_health_check=[HealthCheck.too_slow],
    )
    settings.load_profile("here")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items):
    """Of a test marked `quick(n)` the first n cases are tested in each run, the others among the slow ones."""
    seen = Counter()
    for item in items:
        marker = item.get_closest_marker("quick")
        if marker is not None and item.get_closest_marker("slow") is None:
            name = item.nodeid.partition("[")[0]
            seen[name] += 1
            if seen[name] > marker.args[0]:
                item.add_marker(pytest.mark.slow)


def pytest_collection_finish():
    """The collector need not look through the libraries again and again: a twentieth of all that the tests take."""
    gc.enable()
    gc.freeze()


@pytest.fixture
def no_folders(monkeypatch):
    """As in a process in which no folder was opened before."""
    from models.catalog import MODELS

    monkeypatch.setattr(MODELS, "_opened", type(MODELS._opened)())


def pytest_runtest_setup(item):
    """Of several processes those that drive Chromium go first: they wait most of the time, and are through last."""
    is_apart = hasattr(item.config, "workerinput")
    if is_apart and "/tests/browser/" not in item.path.as_posix() and not item.config.stash.get(BEHIND, False):
        item.config.stash[BEHIND] = True
        os.nice(5)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config, log):
    """`--dist loadfile`, where two processes drive Chromium: a third browser would wait for these and fail."""
    from xdist.scheduler import LoadFileScheduling

    # What is seen of each page at rest is remembered by the process that looked: these files are one.
    asks = re.compile(r"def test_\w+\([^)]*\bat_rest\b")
    files = (config.rootpath / BROWSER).glob("test_*.py")
    at_rest = {f"{BROWSER}{each.name}" for each in files if asks.search(each.read_text())}

    class TwoBrowsers(LoadFileScheduling):
        def _split_scope(self, nodeid):
            file = super()._split_scope(nodeid)
            return f"{BROWSER}at rest" if file in at_rest else file

        def _assign_work_unit(self, node):
            drives = node in self.nodes[:2]
            found = next((each for each in self.workqueue if drives or not each.startswith(BROWSER)), None)
            if found is None:
                node.shutdown()
                return
            self.workqueue.move_to_end(found, last=False)
            super()._assign_work_unit(node)

    return TwoBrowsers(config, log) if config.getvalue("dist") == "loadfile" else None
