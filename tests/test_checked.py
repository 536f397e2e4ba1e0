"""Annotations are checked while the tests run: where a shape stands in them, and where none does."""

import inspect
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from beartype import beartype
from beartype.roar import BeartypeCallHintParamViolation, BeartypeCallHintReturnViolation
from jaxtyping import Float, TypeCheckError, jaxtyped

from models.catalog import model_card
from viz.home_cards import dots
from viz.palette import LIGHT

checked = jaxtyped(typechecker=beartype)
Row = Float[np.ndarray, " width"]


@checked
def joined(left: dict[str, Row], right: list[Row]) -> Row:
    return np.concatenate([*left.values(), *right])[: len(right[0])]


@checked
def said(name: str, *, instead: Any = None) -> str:
    return name if instead is None else instead


@checked
def fits(given: Any) -> bool:
    return isinstance(given, Row)


@checked
def alike(row: Row, other: Any) -> bool:
    return fits(row) and fits(other)


@checked
@dataclass
class Named:
    name: str

    @classmethod
    @checked
    def of(cls, number: int) -> "Named":
        return Named(f"{number}")


def test_one_name_in_a_shape_is_one_length():
    two, three = np.zeros(2), np.zeros(3)
    assert len(joined({"a": two}, [two])) == 2
    with pytest.raises(TypeCheckError, match="width"):
        joined({"a": two}, [three])
    with pytest.raises(TypeCheckError):
        dots(np.zeros((2, 3)), [True, False], "", LIGHT)


def test_a_name_of_a_caller_s_shape_means_nothing_to_who_asks_by_itself():
    assert alike(np.zeros(2), np.zeros(3))
    assert not alike(np.zeros(2), np.zeros((3, 3)))


def test_without_a_shape_what_is_given_and_returned_is_checked():
    assert said("a") == said("", instead="a")
    with pytest.raises(BeartypeCallHintParamViolation):
        said(7)
    with pytest.raises(BeartypeCallHintReturnViolation):
        said("a", instead=7)
    with pytest.raises(BeartypeCallHintParamViolation):
        model_card(7)


def test_classes_are_checked():
    assert Named.of(7) == Named("7")
    with pytest.raises(BeartypeCallHintParamViolation):
        Named(7)
    with pytest.raises(TypeCheckError):
        Named.of("7")


def test_a_check_is_seen_as_what_it_checks():
    assert [said.__name__, said.__module__, *inspect.signature(said).parameters] == [
        "said",
        __name__,
        "name",
        "instead",
    ]
