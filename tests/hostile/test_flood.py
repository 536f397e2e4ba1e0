"""Sixty clients that do their worst: the next visitor is served at once, and what they took comes back."""

import pytest

from tests.hostile.class_server import serving
from tests.hostile.flood import flood


def check(found, growth):
    assert found["is_well"]
    assert found["after"] is not None
    assert found["after"] < 3
    assert found["traces"] == []
    assert sum(found["sessions"].values()) > 0
    rested, before = found["rested"], found["before"]
    assert rested["rss"] < (1 + growth) * before["rss"]
    assert rested["descriptors"] <= before["descriptors"] + 20
    assert rested["threads"] <= before["threads"] + 10


@pytest.mark.slow
@pytest.mark.parametrize(
    ("clients", "seconds", "rest", "growth"), [(16, 10, 120, 0.5), (60, 120, 120, 0.1)], ids=["short", "two minutes"]
)
# Connections that it breaks off.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning", "ignore::ResourceWarning")
def test_the_next_visitor_is_served_and_what_was_taken_comes_back(tmp_path, clients, seconds, rest, growth):
    with serving(tmp_path) as server:
        check(flood(server, clients=clients, seconds=seconds, rest=rest), growth)
