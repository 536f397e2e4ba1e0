"""A library that gives up is a failure like others."""

import pytest

from models.engine import engine
from models.errors import HeadlightError
from models.rust_panics import PanicError, panics_as_failures


class PanicException(BaseException):
    """As pyo3 makes one for each library."""


def panic():
    raise PanicException("called `Option::unwrap()` on a `None` value")


def test_a_panic_is_an_exception():
    with pytest.raises(PanicError, match="unwrap"), panics_as_failures():
        panic()
    with pytest.raises(KeyboardInterrupt), panics_as_failures():
        raise KeyboardInterrupt


def test_in_an_answer():
    class Asked:
        def answer(self, engine):
            panic()

    with pytest.raises(PanicError):
        engine.run(Asked())


def test_in_a_page():
    from pages.shared.messages import in_place

    said = []
    with in_place(said.append):
        panic()
    assert len(said) == 1


def test_a_computation_opens_no_folder(tmp_path):
    with pytest.raises(HeadlightError, match="not open here"):
        engine.model(f"folder:{tmp_path}")
