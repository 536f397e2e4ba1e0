"""Which cases are tested in each run, where the others would say little new."""

import pytest


def only(quick, values):
    """Of these values, those in `quick` in each run, the others among the slow ones."""
    return [each if each in quick else pytest.param(each, marks=pytest.mark.slow) for each in values]
