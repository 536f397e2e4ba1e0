"""Changed files of all kinds, through the doors that strangers have: each works, or is one sentence."""

import pytest

from tests.hostile.fuzz.runs import faults


def test_changed_files():
    assert faults(seed=1, count=24) == []


@pytest.mark.slow
@pytest.mark.timeout(3_600)
def test_three_thousand_changed_files():
    assert faults(seed=2, count=3_000) == []
