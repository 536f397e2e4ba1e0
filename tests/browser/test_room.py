"""A room in two browsers: a teacher's and a follower's; and thirty who follow without a browser each."""

import psutil
import pytest
from playwright.sync_api import expect

from benchmarks.followers import following
from benchmarks.rooms import at_rest, seconds_to_the_last
from benchmarks.serving import WATCHED_APP
from benchmarks.serving import serving as bench_serving
from benchmarks.watched_server import FORWARDS
from tests.browser.tab import MAP

BAR = ".room-bar[data-ready='true']"
KEPT = "() => JSON.parse(localStorage.getItem('headlight:rooms'))"


def bar(tab, **facts):
    """The foot of the page, once it says this."""
    found = tab.page.locator(BAR + "".join(f"[data-{name}='{value}']" for name, value in facts.items()))
    found.wait_for()
    return found


def press(tab, name):
    tab.page.locator(BAR).get_by_role("button", name=name, exact=True).click()


def open_room(tab):
    """A room that this tab teaches; its code."""
    tab.goto("room")
    tab.page.get_by_role("button", name="Open a room").click()
    code = bar(tab, role="teacher").get_attribute("data-room")
    tab.page.wait_for_function("() => localStorage.getItem('headlight:rooms')")
    return code


def ask(teacher, student):
    """The second step of a lesson is open, and its question is before the class."""
    teacher.goto("lessons", code=bar(teacher).get_attribute("data-room"))
    bar(teacher, role="teacher")
    teacher.page.get_by_role("button", name="Start: Silent letters").click()
    teacher.page.get_by_role("button", name="Next", exact=True).click()
    teacher.page.locator(".lesson-rail[data-step='2']").wait_for()
    press(teacher, "Ask the class")
    teacher.page.get_by_role("button", name="Go on without the answer").wait_for()
    question = student.page.locator(".room-question[data-state='asked']")
    question.wait_for()
    return question


def test_a_class_of_one_from_the_code_to_the_histogram(new_tab):
    teacher, student = new_tab(), new_tab(somebody_else=True)
    code = open_room(teacher)
    secret = teacher.page.evaluate(KEPT)[code]["secret"]
    student.goto("room", code=code)
    bar(student, role="follower", following="true")
    teacher.page.get_by_role("link", name="Attention").first.click()
    student.map.wait_for()
    teacher.map.wait_for()
    teacher.choose_head(7)
    student.wait_for_query(head="7")
    # An own click detaches, and one button leads back.
    student.choose_head(2)
    bar(student, following="false")
    expect(teacher.page.locator(BAR)).to_contain_text("1 here, 0 follow")
    press(student, "Back to the class")
    student.wait_for_query(head="7")
    press(teacher, "Freeze")
    bar(student, frozen="true")
    student.page.locator(".st-key-head_box").get_by_role("radio", name="4", exact=True).focus()
    student.press("Space")
    student.page.locator(".st-key-head_box").get_by_role("radio", name="3", exact=True).click(force=True)
    press(teacher, "Unfreeze")
    bar(student, frozen="false", following="true")
    assert student.query["head"] == "7", "a screen that stands still is not operated"
    question = ask(teacher, student)
    assert question.get_by_role("radio").count() == 6
    question.get_by_role("radio", name="n", exact=True).focus()
    student.press("Space", "Enter")
    student.page.locator(".room-question[data-state='answered']").wait_for()
    expect(teacher.page.locator(".room-question")).to_contain_text("1 of 1 have answered")
    press(teacher, "Reveal")
    result = student.page.locator(".room-question[data-state='revealed']")
    expect(result.get_by_role("status")).to_contain_text("Yes: “n”")
    assert result.evaluate("root => ['k', 'n'].map(each => root.headlight.value(each))") == ["0", "1"]
    assert secret not in student.page.content() + str(student.page.evaluate(KEPT))
    assert secret not in teacher.page.url + student.page.url + teacher.server.log.read_text()


@pytest.mark.slow
def test_a_page_that_is_opened_again_is_where_it_was(new_tab):
    teacher, student = new_tab(), new_tab(somebody_else=True)
    code = open_room(teacher)
    student.goto("room", code=code)
    teacher.page.get_by_role("link", name="Attention").first.click()
    student.map.wait_for()
    member = student.page.evaluate(KEPT)[code]["member"]
    teacher.page.reload()
    bar(teacher, role="teacher")
    teacher.choose_head(9)
    student.wait_for_query(head="9")
    student.page.reload()
    bar(student, role="follower", following="true")
    student.wait_for_query(head="9")
    assert student.page.evaluate(KEPT)[code]["member"] == member
    expect(teacher.page.locator(BAR)).to_contain_text("1 here, 1 follow")
    # Who types has gone on alone, and keeps the words.
    student.page.locator(".st-key-text_box textarea").press_sequentially("My own ")
    bar(student, following="false")
    teacher.choose_head(3)
    teacher.wait_for_query(head="3")
    student.page.wait_for_timeout(1000)
    assert "My own" in student.page.locator(".st-key-text_box textarea").input_value()
    press(teacher, "End the room")
    press(teacher, "End it for all?")
    expect(student.page.locator(BAR)).to_have_count(0)
    student.page.get_by_text("This room has ended").wait_for()


@pytest.mark.slow
@pytest.mark.parametrize("size", [(1280, 720), (390, 844)], ids=str)
def test_the_bar_and_the_question_hang_over_nothing(new_tab, size):
    teacher, student = new_tab(), new_tab(somebody_else=True)
    for each in (teacher, student):
        each.page.set_viewport_size({"width": size[0], "height": size[1]})
    code = open_room(teacher)
    assert teacher.hangs_over <= 0
    student.goto("room", code=code)
    bar(student)
    assert student.hangs_over <= 0
    ask(teacher, student)
    for each in (teacher, student):
        each.wait_until(lambda each=each: each.hangs_over <= 0)
        box = each.page.locator(BAR).bounding_box()
        assert box["y"] + box["height"] <= size[1]
        assert box["height"] <= 80, "two lines at most"


@pytest.mark.slow
def test_thirty_follow_on_a_server_of_their_own(chromium, tmp_path):
    """Each click reaches all of them within two seconds, with one forward; guesses are counted as they were sent."""
    log = tmp_path / "forwards"
    with bench_serving(WATCHED_APP, {FORWARDS: str(log)}) as server:
        contexts = [chromium.new_context(viewport={"width": 1280, "height": 720}) for _ in range(2)]
        page, other = (each.new_page() for each in contexts)
        page.goto(server.link("room"))
        page.get_by_role("button", name="Open a room").click()
        page.locator(f"{BAR}[data-role='teacher']").wait_for()
        code = page.locator(BAR).get_attribute("data-room")
        page.get_by_role("link", name="Attention").first.click()
        page.locator(MAP).wait_for()
        other.goto(server.link("room", code=code))
        other.locator(MAP).wait_for()
        with following(server, code, 30) as there:
            there.wait_until("head", "1")
            before = log.stat().st_size
            seconds = []
            for head in (2, 5, 8, 3, 9):
                seconds.append(seconds_to_the_last(page, there, head))
                other.wait_for_function("n => new URLSearchParams(location.search).get('head') === n", arg=str(head))
            assert log.stat().st_size == before, "other heads of one text need no forward"
            page.locator(".st-key-text_box textarea").fill("One text for all of them.")
            page.get_by_role("button", name="Look", exact=True).click()
            there.wait_until("text", "One text for all of them.")
            assert log.stat().st_size - before == 1
            page.goto(server.link("lessons", code=code))
            page.locator(f"{BAR}[data-role='teacher']").wait_for()
            page.get_by_role("button", name="Start: Silent letters").click()
            page.get_by_role("button", name="Next", exact=True).click()
            page.locator(".lesson-rail[data-step='2']").wait_for()
            there.wait_until("text", "knight")
            page.get_by_role("button", name="Ask the class").click()
            other.locator(".room-question[data-state='asked']").wait_for()
            there.wait_for("room_question")
            guesses = [each % 4 for each in range(30)]
            there.tell("room_question", "guess", [{"number": 1, "guess": each} for each in guesses])
            expect(page.locator(".room-question")).to_contain_text("30 of 31 have answered", timeout=30_000)
            assert other.locator(".room-question tr").count() == 0
            page.get_by_role("button", name="Reveal").click()
            result = other.locator(".room-question[data-state='revealed']")
            result.wait_for()
            counted = result.evaluate("root => ['k', 'n', 'i', 'g', 'h'].map(each => root.headlight.value(each))")
            assert counted == [str(guesses.count(each)) for each in range(5)]
            page.wait_for_timeout(3000)
            core, received = at_rest(server, there, 5.0)
            assert [fault for each in there.followers for fault in each.faults] == []
        for each in contexts:
            each.close()
        assert "Traceback" not in server.log()
    assert received < 200
    assert core < 0.05 * max(1.0, psutil.getloadavg()[0])
    assert max(seconds) < 2 * max(1.0, psutil.getloadavg()[0] / 2)
