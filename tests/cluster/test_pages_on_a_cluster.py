"""All tests of the pages once more, with two workers in the place of the process's own models."""

import subprocess
import sys

import pytest

from benchmarks.local_cluster import ROOT, LocalCluster

pytestmark = [pytest.mark.cluster, pytest.mark.slow, pytest.mark.timeout(10_000)]


def test_the_pages_say_the_same():
    cluster = LocalCluster(workers=2)
    try:
        cluster.deploy()
        run = subprocess.run(
            [sys.executable, "-m", "pytest", "tests/pages", "-q", "-m", "not cluster", "--timeout=600"],
            cwd=ROOT,
            env=cluster.environment(TESTS_CLUSTER=cluster.address),
            capture_output=True,
            text=True,
            check=False,
        )
    finally:
        cluster.end()
    assert run.returncode == 0, run.stdout[-6000:]
