"""Every class of docs/architectures.md is exact or refused, and the file says what is so."""

import pytest

from tests.models.sweep.classes import one, swept
from tests.models.sweep.known import KNOWN
from tests.models.sweep.pool import outcomes
from tests.models.sweep.table import COMMAND, FILE, names_in, word_of, words_in

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]
# Not asked of transformers while tests are collected: it would import each of its modelling files.
NAMES = names_in(FILE.read_text("utf-8"))


@pytest.fixture(scope="module")
def found(request):
    """The outcome of each class that a test of this run asks for, by name."""
    calls = [getattr(item, "callspec", None) for item in request.session.items if item.path == request.path]
    asked = {call.params["name"] for call in calls if call is not None}
    whole = any(call is None for call in calls)
    return {each.name: each for each in outcomes([one(name) for name in NAMES if whole or name in asked])}


@pytest.mark.parametrize("name", NAMES)
def test_a_class_is_exact_or_refused(found, name):
    failed = found[name].of("crash") + found[name].of("wrong")
    if failed and name in KNOWN:
        pytest.xfail(f"known: {failed[0].detail}")
    assert not failed, "\n".join(f"{part.name}: {part.detail}" for part in failed)


def test_what_is_known_to_fail_does(found):
    mended = {name for name in KNOWN if found[name].verdict not in ("wrong", "crash")}
    assert not mended, f"take them off the list in known.py: {', '.join(sorted(mended))}"


def test_the_table_has_every_class():
    assert list(swept()) == NAMES, f"run {COMMAND}"


def test_the_table_is_what_is_found(found):
    words = {name: word_of(each) for name, each in found.items()}
    assert words_in(FILE.read_text("utf-8")) == words, f"run {COMMAND}"
