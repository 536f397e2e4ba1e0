"""A room on the pages: opened, entered, followed, asked; and what somebody may not do there."""

import pytest
import torch

from models.engine import Engine, engine
from models.lessons import read_lesson
from models.rooms import rooms
from pages.shared.course import page_addresses
from pages.shared.lesson_place import lesson_files
from pages.shared.registry import HOME, LESSONS, ROOM
from tests.pages.room_screen import BAR, QUESTION, InRoom, follower, opened

ATTENTION, TOKENIZERS = "pages/attention/page.py", "pages/tokenizers/page.py"
LOOK_AT, CUT = "What does each token look at?", "How is a text cut into tokens?"
LESSON = read_lesson(lesson_files()["silent-letters"].read_bytes(), "silent-letters", page_addresses())


@pytest.fixture
def teacher():
    screen = opened()
    yield screen
    if screen.bar is not None:
        screen.command("end")


def title(screen):
    return screen.test.title[0].value


def test_without_a_room_a_page_has_no_bar_and_its_own_link():
    screen = InRoom()
    assert screen.component(BAR) is None
    assert "code" not in screen.query
    assert "room:seat" not in screen.test.session_state


def test_a_teacher_opens_a_room(teacher):
    shown = teacher.bar
    assert shown["isTeacher"]
    assert (shown["here"], shown["place"]) == (0, "")
    for said in (shown["code"], f"?code={shown['room']}", "data:image/svg+xml"):
        assert said in teacher.html
    assert teacher.query["code"] == shown["room"]
    assert shown["secret"] == "", "it is told once, to the browser that keeps it"


def test_a_class_follows_detaches_and_comes_back(teacher):
    student = follower(teacher)
    assert student.bar["place"] == ""
    assert title(student) == ROOM.question
    teacher.go(ATTENTION)
    teacher.look("The cat sat on the mat.")
    assert title(student.run()) == LOOK_AT
    assert student.query["text"] == "The cat sat on the mat."
    assert student.bar["isFollowing"]
    assert (teacher.run().bar["here"], teacher.bar["following"]) == (1, 1)
    student.look("A text of my own.")
    assert not student.run().bar["isFollowing"]
    assert teacher.run().bar["following"] == 0
    teacher.go(TOKENIZERS)
    assert title(student.run()) == LOOK_AT, "who explores is left alone"
    assert student.bar["place"] == "Tokenizers"
    student.command("follow")
    assert title(student) == CUT
    assert student.query["text"] == "The cat sat on the mat."
    late = follower(teacher)
    assert title(late) == CUT


@pytest.mark.slow
def test_a_text_that_no_link_can_carry_goes_along(teacher):
    student = follower(teacher)
    long = "a long sentence, " * 200
    teacher.go(TOKENIZERS)
    teacher.look(long)
    assert "text" not in teacher.query
    assert student.run().typed == teacher.typed
    teacher.look("word " * 30_000)
    assert "takes 40,000" in teacher.run().bar["problem"]
    assert student.run().typed.startswith("a long")


@pytest.mark.slow
def test_the_class_is_let_go_called_back_and_frozen(teacher):
    teacher.go(ATTENTION)
    student = follower(teacher)
    teacher.command("loose")
    assert not student.run().bar["isFollowing"]
    student.look("Elsewhere.")
    teacher.command("back")
    assert student.run().bar["isFollowing"]
    assert student.query["text"] == teacher.query["text"]
    teacher.command("freeze")
    assert student.run().bar["isFrozen"]
    student.look("Elsewhere.")
    assert student.run().query["text"] == teacher.query["text"], "it goes back"
    student.command("explore")
    assert "stopped all screens" in student.bar["problem"]
    teacher.command("thaw")
    assert not student.run().bar["isFrozen"]


def test_who_is_frozen_goes_on_alone_where_the_teacher_is_away(teacher, monkeypatch):
    student = follower(teacher)
    teacher.command("freeze")
    assert student.run().bar["hasTeacher"]
    later = rooms._clock() + 40
    monkeypatch.setattr(rooms, "_clock", lambda: later)
    rooms.touch(student.bar["room"], student.bar["member"], is_following=True)
    assert (student.run().bar["isFrozen"], student.bar["hasTeacher"]) == (True, False)
    student.command("explore")
    assert not student.bar["problem"]
    assert not student.bar["isFollowing"]
    later += 40
    assert not student.run().bar["isFrozen"], "after a minute it thaws for all"


def test_a_follower_who_sends_a_teachers_command_is_told_so(teacher):
    student = follower(teacher)
    before = teacher.room
    for command in ("back", "loose", "freeze", "thaw", "ask", "reveal", "end"):
        student.command(command)
        assert student.bar["problem"] == "Only the teacher of this room can do that."
        assert teacher.room == before


def test_what_is_no_command_is_nothing(teacher):
    before = teacher.room
    for told in ("", "nonsense", "x" * 5_000, 7, None, {"a": 1}, ["end"]):
        teacher.tell(BAR, "command", told)
        assert teacher.room == before
        assert not teacher.bar["problem"]


def test_a_browser_that_says_nonsense_of_what_it_keeps_is_not_heard(teacher):
    student = InRoom(code=teacher.bar["room"])
    for told in (None, 7, {"secret": 1, "member": ""}, {"secret": "x" * 65, "member": ""}, {}):
        student.tell(BAR, "hello", told)
        assert not student.bar["isKnown"]
        assert not student.bar["isTeacher"]


def test_the_secret_is_on_no_followers_page_and_in_no_address(teacher):
    again = InRoom()
    again.press("open_room")
    secret = again.bar["secret"]
    again.hello(secret=secret)
    student = follower(again)
    sent = [each.proto.bytes + each.proto.json.encode() for each in student.test.get("bidi_component")]
    assert not any(secret.encode() in each for each in sent)
    assert secret not in student.html + again.html + str(again.query) + str(student.query)
    wrong = follower(again)
    wrong.hello(secret="guessed")
    assert not wrong.bar["isTeacher"]
    # The same browser in another tab, which kept it.
    other = InRoom(code=again.bar["room"]).hello(secret=secret)
    assert other.bar["isTeacher"]
    again.command("end")


class AtTokenizers(InRoom):
    """The link of a room that leads to another page."""

    PAGE = TOKENIZERS


@pytest.mark.slow
def test_a_second_tab_of_the_teacher_moves_the_class_when_something_is_done_there():
    first = InRoom().press("open_room")
    code, secret = first.bar["room"], first.bar["secret"]
    first.hello(secret=secret).go(ATTENTION)
    student = follower(first)
    second = AtTokenizers(code=code).hello(secret=secret)
    assert title(second) == CUT
    assert title(student.run()) == LOOK_AT, "that it is there moves nobody"
    second.look("Look here.")
    assert title(student.run()) == CUT
    third = InRoom(code=code).hello(secret=secret)
    third.go(ATTENTION)
    assert title(student.run()) == LOOK_AT
    first.command("end")
    assert second.run().bar is None


@pytest.mark.slow
def test_who_comes_back_is_the_same_member(teacher):
    teacher.go(ATTENTION)
    student = follower(teacher)
    member = student.bar["member"]
    again = InRoom(code=teacher.bar["room"]).hello(member=member)
    assert again.bar["member"] == member
    assert title(again) == LOOK_AT
    assert teacher.run().bar["here"] == 1


@pytest.mark.slow
def test_a_room_that_ends_lets_everybody_go_on(teacher):
    teacher.go(ATTENTION)
    student = follower(teacher)
    teacher.command("end")
    assert teacher.bar is None
    student.run()
    assert student.bar is None
    assert student.has_picture or title(student) == LOOK_AT
    assert any("has ended" in each for each in student.notes)
    assert "code" not in student.run().query


@pytest.mark.slow
def test_a_follower_leaves(teacher):
    student = follower(teacher)
    student.command("leave")
    assert student.run().bar is None
    assert teacher.run().bar["here"] == 0


@pytest.mark.quick(1)
@pytest.mark.parametrize("code", ["BSDKTVMXH", "nonsense", "</script>", "x" * 300, "ÄÖÜ"])
def test_a_link_to_no_room_is_said_and_the_page_lives_on(code):
    screen = InRoom(code=code)
    assert screen.bar is None
    said = [*screen.notes, *screen.problems]
    assert len(said) == 1
    assert code not in said[0]
    assert "code" not in screen.run().query
    assert [each.label for each in screen.test.button][0:1]


def test_a_code_is_typed_and_one_that_is_none_stays_in_its_box(teacher):
    screen = InRoom()
    box = screen.test.text_input(key="room_code")
    box.set_value("bsd-ktv-mxh")
    screen.press("FormSubmitter:enter_room-Enter")
    assert any("has ended, or there never was one" in each for each in screen.problems)
    assert screen.test.text_input(key="room_code").value == "bsd-ktv-mxh"
    screen.test.text_input(key="room_code").set_value(teacher.bar["code"].lower().replace("-", " "))
    screen.press("FormSubmitter:enter_room-Enter")
    assert screen.bar["room"] == teacher.bar["room"]


def asked(teacher, step=2):
    """The lesson's step is open, and its question is asked."""
    teacher.test.session_state["choice:lesson"] = "silent-letters"
    teacher.test.session_state["choice:lesson_step"] = step
    teacher.test.session_state["lesson:go"] = "step"
    # The bar stands before the page, and is woken in a browser.
    teacher.run().run()
    assert teacher.bar["mayAsk"]
    return teacher.command("ask")


def test_a_question_from_its_step_to_its_histogram(teacher):
    students = [follower(teacher) for _ in range(3)]
    asked(teacher)
    for student, guess in zip(students, (1, 0, None), strict=True):
        student.run()
        shown = student.question
        assert (shown["mayGuess"], shown["isCovered"], shown["rows"]) == (True, True, [])
        assert shown["options"] == ["k", "n", "i", "g", "h", "t"]
        if guess is not None:
            student.class_guess(guess)
            assert (student.question["isAnswered"], student.question["answered"]) == (True, -1)
    assert (teacher.run().question["answered"], teacher.question["of"], teacher.question["rows"]) == (2, 3, [])
    students[0].class_guess(0)
    assert "first guess counts" in students[0].question["problem"]
    teacher.command("reveal")
    truth = engine.run(LESSON.steps[1].truth)
    for screen, says in ((students[0], "Yes: “n”"), (students[1], "You chose “k”"), (students[2], ""), (teacher, "")):
        shown = screen.run().question
        assert [each["text"] for each in shown["rows"]] == ["1", "1", "0", "0", "0", "0"]
        assert [each["name"] for each in shown["rows"] if each["isRight"]] == ["n"]
        assert shown["rows"][1]["truth"] == pytest.approx(1)
        assert shown["rows"][0]["truth"] == pytest.approx(truth.value("k") / truth.value("n"))
        assert shown["classSays"] == "1 of 2 have it right; blind guessing gives less than 1."
        assert shown["says"].startswith(says)
        assert bool(shown["says"]) == bool(says)
        assert shown["after"].startswith("At “n”")
        assert not shown["isCovered"]
    students[2].class_guess(1)
    assert "until the teacher reveals" in students[2].question["problem"]


def test_a_question_is_not_left_without_a_word(teacher):
    student = follower(teacher)
    assert not teacher.bar["problem"]
    asked(teacher)
    assert teacher.rail["isAsked"], "the rail says what going on does"
    student.run().class_guess(1)
    teacher.step(3)
    assert "saw no answer" in teacher.run().bar["problem"]
    assert not teacher.rail["isAsked"]
    assert student.run().question["number"] == 0
    teacher.step(2)
    assert not teacher.run().bar["problem"]
    teacher.command("ask").command("reveal")
    assert not teacher.rail["isAsked"]
    teacher.step(3)
    assert not teacher.run().bar["problem"], "this one was answered"


class AtAttention(InRoom):
    """The link of a teacher's page, opened again."""

    PAGE = ATTENTION


def test_until_a_browser_has_said_who_it_is_it_is_asked_nothing():
    """A teacher's page that is opened again is no student's for a moment."""
    first = InRoom().press("open_room")
    secret = first.bar["secret"]
    first.hello(secret=secret)
    asked(first)
    again = AtAttention(**first.query)
    assert (again.query["lesson"], again.query["lesson_step"]) == ("silent-letters", "2")
    assert not again.bar["isKnown"]
    assert again.component("lesson") is None
    assert again.question is None
    again.hello(secret=secret)
    assert again.rail["isTaught"]
    assert again.rail["isAsked"]
    assert again.question["number"] == 1
    first.command("end")


def test_a_class_is_told_that_its_teacher_looks_for_what_comes_next(teacher):
    teacher.go(ATTENTION)
    follows, explores = follower(teacher), follower(teacher)
    explores.look("A text of my own.")
    for list_of in (LESSONS, HOME):
        teacher.go(list_of.script)
        assert follows.run().bar["isChoosing"]
        assert explores.run().bar["isChoosing"]
        assert title(follows) == title(explores) == LOOK_AT, "nobody is moved"
        teacher.go(ATTENTION)
        assert not follows.run().bar["isChoosing"]
        assert not explores.run().bar["isChoosing"]


def test_a_teacher_who_comes_back_to_a_page_has_chosen(teacher):
    teacher.go(ATTENTION)
    student = follower(teacher)
    teacher.go(LESSONS.script)
    again = AtAttention(**teacher.query).hello(secret=teacher.test.session_state["room:secret"])
    assert again.bar["isTeacher"]
    assert not student.run().bar["isChoosing"]


def test_a_teacher_who_has_shown_nothing_yet_leaves_nothing(teacher):
    teacher.go(LESSONS.script)
    assert not follower(teacher).bar["isChoosing"]


@pytest.mark.slow
def test_a_guess_that_cannot_be_chosen_is_said_in_a_sentence(teacher):
    student = follower(teacher)
    asked(teacher)
    student.run()
    for guess in (-1, 6, 1.5, "n", [1], {"a": 1}, True, None, [0] * 70, 10**30):
        student.class_guess(guess)
        assert not student.question["isAnswered"]
        assert student.question["mayGuess"]
        assert rooms.answered(teacher.room) == 0


@pytest.mark.slow
def test_what_is_revealed_is_what_the_model_computes(teacher, monkeypatch):
    """With other weights something else is revealed."""
    asked(teacher)
    other = Engine()
    attention = [
        each for name, each in other.model("spelling_to_sound").model.named_parameters() if "EncDecAttention.q" in name
    ]
    with torch.no_grad():
        for each in attention:
            each.zero_()
    monkeypatch.setattr("pages.shared.asking_engine.engine", other)
    teacher.command("reveal")
    found = teacher.room.question.found
    assert found.values != engine.run(LESSON.steps[1].truth).values


@pytest.mark.slow
def test_the_wall_shows_how_many_have_answered_and_guesses_nothing():
    again = InRoom().press("open_room")
    code, secret = again.bar["room"], again.bar["secret"]
    again.hello(secret=secret)
    # It stands in the teacher's own browser.
    wall = InRoom(code=code, screen="projector").hello(secret=secret)
    assert wall.bar["isWall"]
    assert not wall.bar["isTeacher"]
    student = follower(again)
    assert again.run().bar["here"] == 1, "a screen is nobody"
    asked(again)
    student.run().class_guess(1)
    wall.run()
    assert wall.query["projector"] == "on"
    assert "projector" not in student.query
    assert (wall.question["mayGuess"], wall.question["answered"], wall.question["of"]) == (False, 1, 1)
    assert QUESTION in {each.key for each in wall.test.get("bidi_component")}
