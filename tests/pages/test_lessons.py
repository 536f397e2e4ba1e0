"""The lessons from end to end: each view opens, each truth is computed, each claim is borne out by the live numbers."""

import re
from dataclasses import replace

import pytest

from models.engine import engine
from models.lessons import read_lesson
from pages.shared.course import heads, page_addresses
from pages.shared.lesson_place import lesson_files
from pages.shared.registry import LESSONS
from tests.models.test_lessons import STEP
from tests.pages.lesson_screen import Lesson
from tests.pages.screen import Screen
from tests.viz.wire import header_of
from viz.components.lesson_rail import CHOSEN_IN_PICTURE

COURSE = {name: read_lesson(file.read_bytes(), name, page_addresses()) for name, file in lesson_files().items()}


@pytest.mark.quick(2)
@pytest.mark.parametrize("name", ["silent-letters", "tokens", *sorted(COURSE.keys() - {"silent-letters", "tokens"})])
def test_a_lesson_runs_from_its_first_step_to_its_last(name):
    lesson = COURSE[name]
    screen = Lesson(lesson=name)
    for number, step in enumerate(lesson.steps, start=1):
        where = f"{name}, step {number}"
        shown = screen.rail
        assert (shown["step"], shown["say"]) == (number, step.say), where
        assert not screen.notes, where
        assert not screen.problems, where
        assert not shown["problem"], where
        if step.view is not None:
            assert {key: screen.query.get(key) for key in ("model", "text") if step.view.said(key)} == {
                key: step.view.said(key) for key in ("model", "text") if step.view.said(key)
            }, where
        if step.ask is not None:
            assert not shown["result"], where
            assert not shown["isOpen"], where
            screen.any_guess()
            assert not screen.notes, where
            assert not screen.problems, where
            shown = screen.rail
            assert not shown["problem"], where
            assert shown["result"]["says"], where
            assert not re.search(r"[{}]", shown["after"]), where
            found = engine.run(step.truth)
            for claim in step.claims:
                assert claim.says in step.after, (where, claim.says)
                assert claim.holds(found), (where, claim.says)
        assert shown["isOpen"], where
        if number < len(lesson.steps):
            screen.step(number + 1)
    assert screen.rail["step"] == len(lesson.steps)


@pytest.mark.parametrize("name", COURSE)
def test_a_lesson_says_what_it_is_for(name):
    lesson = COURSE[name]
    assert 5 <= len(lesson.steps) <= 9
    assert lesson.aim.startswith("You can ")
    assert lesson.cures
    assert lesson.sources
    asked = [each for each in lesson.steps if each.ask is not None]
    assert len(asked) >= 3
    assert all(each.claims for each in asked)
    assert {each.truth.model for each in asked} <= {"minilm", "smollm2", "spelling_to_sound", "dinov2"}


def test_the_list_names_every_lesson():
    assert [each.name for each, _ in heads()] == list(COURSE)
    screen = Screen(LESSONS.script)
    assert [each.value for each in screen.test.title] == [LESSONS.question]
    assert screen.component("lesson") is None
    screen.tell("lesson_list", "open", {"name": "tokens", "step": 3})
    assert (screen.query["lesson"], screen.query["lesson_step"]) == ("tokens", "3")
    assert screen.test.title[0].value == "How is a text cut into tokens?"


def test_without_a_lesson_a_page_has_no_rail_and_its_own_link():
    screen = Screen(text="cat", model="minilm")
    assert screen.component("lesson") is None
    assert "lesson" not in screen.query


@pytest.fixture
def letters():
    """The first question of a lesson of a small model."""
    return Lesson(lesson="silent-letters", lesson_step="2")


def test_the_first_guess_counts_and_no_other(letters):
    letters.guess(0)
    says = letters.rail["result"]["says"]
    assert letters.rail["result"]["guess"] == 0
    letters.guess(1)
    assert letters.rail["result"] == letters.rail["result"] | {"guess": 0, "says": says}


# Of other kinds than a number each is refused in each run in tests/models/test_lessons.py.
@pytest.mark.quick(5)
@pytest.mark.parametrize("guess", [-1, 6, 1.5, [[0]] * 70, 10**30, "n", [1], {"a": 1}, True])
def test_a_guess_that_cannot_be_chosen_is_said_in_a_sentence(letters, guess):
    letters.guess(guess)
    assert letters.rail["result"] is None
    assert len(letters.notes) <= 1
    assert not letters.rail["isOpen"]


@pytest.mark.parametrize(
    ("name", "step", "unit"), [("word-order", 2, "0.050"), ("attention-by-hand", 4, "percentage points")]
)
def test_bars_are_told_in_the_unit_of_what_they_guess(name, step, unit):
    """Cosines are no parts of a whole."""
    screen = Lesson(lesson=name, lesson_step=str(step))
    assert screen.rail["kind"] == "draw"
    assert screen.rail["isPart"] == (unit != "0.050")
    screen.any_guess()
    shown = screen.rail["result"]
    assert shown["says"].endswith(f"within {'5 ' * (unit != '0.050')}{unit}.")
    assert any("%" in each for each in shown["texts"]) == (unit != "0.050")


def test_later_steps_come_after_an_answer_or_a_skip(letters):
    letters.step(3)
    assert letters.rail["step"] == 2
    letters.guess(None)
    assert letters.rail["isOpen"]
    assert letters.rail["result"] is None
    letters.step(3)
    assert letters.rail["step"] == 3
    letters.step(99)
    assert letters.rail["step"] == 3
    letters.step(1)
    assert letters.rail["step"] == 1


def test_a_text_of_ones_own_is_asked_about_where_that_makes_sense():
    screen = Lesson(lesson="tokens", lesson_step="2")
    screen.look("one two three")
    assert screen.rail["isOwn"]
    screen.guess(9)
    assert "it is 3" in screen.rail["result"]["says"]
    assert "your text" in screen.rail["after"]
    screen.step(3)
    assert "own sentences" in screen.rail["note"]
    assert screen.typed == "one two three"
    screen.tell("lesson", "text", 1)
    assert screen.typed.startswith("strawberry")


@pytest.mark.parametrize(("token", "guess"), [(0, 0), (6, None)])
def test_the_token_that_is_chosen_in_the_picture_may_be_the_guess(token, guess):
    screen = Lesson(lesson="silent-letters", lesson_step="3")
    assert screen.rail["inPicture"]
    assert not screen.rail["isCovered"]
    screen.tell("attention_view", "token", [token, -1])
    screen.guess(CHOSEN_IN_PICTURE)
    if guess is None:
        assert screen.rail["result"] is None
        (note,) = screen.notes
        assert "none of k, n, i, g, h, t" in note
    else:
        assert screen.rail["result"]["guess"] == guess
        assert screen.rail["result"]["isRight"]


def test_where_it_makes_none_that_is_said_and_one_may_go_on(letters):
    letters.look("cat")
    letters.guess(0)
    assert "does not hold a word" in letters.rail["problem"]
    assert letters.rail["isOpen"]
    letters.tell("lesson", "text", 1)
    assert letters.typed == "knight"
    assert not letters.rail["problem"]


def test_a_lesson_is_closed_and_goes_out_of_the_link(letters):
    letters.tell("lesson", "leave", 1)
    assert letters.component("lesson") is None
    assert "lesson" not in letters.query
    assert letters.typed == "knight"


@pytest.mark.parametrize(
    "query",
    [
        {"lesson": "no-such"},
        {"lesson": "own"},
        {"lesson": "tokens", "lesson_step": "23"},
        {"lesson": "tokens", "lesson_step": "x"},
    ],
)
def test_a_link_to_what_is_not_there_is_a_sentence(query):
    screen = Lesson(**query)
    assert len(screen.notes) == 1
    assert not screen.problems


def test_what_is_computed_is_shown_and_not_what_is_written(monkeypatch, letters):
    """The same step with another question has another truth."""
    lesson = COURSE["silent-letters"]
    step = replace(lesson.steps[1], truth=replace(lesson.steps[1].truth, of="T"))
    changed = replace(lesson, steps=(lesson.steps[0], step, *lesson.steps[2:]))
    monkeypatch.setattr("pages.shared.lesson_rail.lesson", lambda _: changed)
    letters.guess(0)
    assert "“t”" in letters.rail["result"]["says"]


# ----- One's own


def making():
    """Somebody has begun a lesson, and shown one view."""
    screen = Screen(LESSONS.script).press("make_lesson")
    screen.go("pages/attention/page.py")
    screen.look("The dog sat on the mat.")
    return screen.press("add_view")


def test_a_lesson_is_made_tried_and_taken_along():
    screen = making()
    screen.go(LESSONS.script)
    # A view is enough: a lesson of views alone is a list of links.
    assert len(screen.test.get("download_button")) == 1
    screen.test.text_input(key="lesson_title").set_value("Dogs </script>")
    screen.test.text_area(key="make_say_0_1").set_value("A dog *sits*.")
    screen.test.segmented_control(key="make_ask_0_1").set_value("choose")
    screen.run()
    assert "Not yet a lesson" in "".join(each.value for each in screen.test.caption)
    screen.test.text_input(key="make_prompt_0_1").set_value("Where does it look?")
    screen.test.selectbox(key="make_question_0_1").set_value("link weights")
    screen.run()
    assert "layer = 3" in screen.test.text_area(key="make_with link weights_0_1").value
    screen.test.text_area(key="make_with link weights_0_1").set_value('of = "dog"\nlayer = 2')
    screen.test.text_area(key="make_options_0_1").set_value("dog\nmat")
    screen.run()
    assert not screen.problems
    assert len(screen.test.get("download_button")) == 1
    made = read_lesson(draft_of(screen).encode(), "own", page_addresses())
    assert (made.title, made.steps[0].truth.text) == ("Dogs </script>", "The dog sat on the mat.")
    assert "layer = 2" in draft_of(screen)
    screen.press("try_lesson")
    assert header_of(screen.component("lesson"))["say"] == "A dog *sits*."
    assert screen.typed == "The dog sat on the mat."
    assert screen.query["lesson"] == "own"


def draft_of(screen):
    return screen.test.session_state["lesson:draft"].file()


def test_steps_change_places_and_go():
    screen = making()
    screen.look("Another text.").press("add_view")
    screen.go(LESSONS.script)
    views = [step["view"] for step in screen.test.session_state["lesson:draft"].steps]
    screen.press("make_up_1_2")
    assert [step["view"] for step in screen.test.session_state["lesson:draft"].steps] == views[::-1]
    screen.press("make_remove_0_3")
    assert [step["view"] for step in screen.test.session_state["lesson:draft"].steps] == views[:1]
    screen.press("leave_lesson")
    assert "lesson:draft" not in screen.test.session_state


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"\x00 = [", "cannot be read as TOML"),
        (b"#" * 300_000, "at most 200 kB"),
        (b'title = "a"\n[[step]]\nview = "https://evil.example/x"\nsay = "a"', "opens no page"),
    ],
)
def test_a_file_that_is_no_lesson_is_said_in_a_sentence(data, says):
    screen = Screen(LESSONS.script)
    screen.test.file_uploader(key="lesson_file").set_value(("lesson.toml", data, "application/toml"))
    screen.run()
    (problem,) = screen.problems
    assert says in problem
    assert "evil" not in problem


def test_a_file_is_opened_in_a_fresh_session():
    data = making_text().encode()
    screen = Screen(LESSONS.script)
    screen.test.file_uploader(key="lesson_file").set_value(("lesson.toml", data, "application/toml"))
    screen.run()
    assert not screen.problems
    assert "<img" not in "".join(each.value for each in screen.test.get("html"))
    screen.press("start_own")
    assert header_of(screen.component("lesson"))["title"] == "</script><img src=x>"
    assert header_of(screen.component("lesson"))["options"] == ["</script>", "cat"]


def making_text():
    """A lesson whose words would be HTML, a script or Markdown."""
    words = {"One": "</script><img src=x>", "Look.": "</script><script>alert(1)</script>", "Where?": "</script>"}
    text = STEP.replace('["cat", "sat"]', '["</script>", "cat"]')
    for ours, theirs in words.items():
        text = text.replace(ours, theirs)
    return f'aim = "**bold** <b>"{text}'
