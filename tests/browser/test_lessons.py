"""A lesson as a student goes through it: with the keyboard, on a telephone, and again in the same browser."""

import pytest
from playwright.sync_api import expect

from tests.browser.at_rest import LAPTOP, TELEPHONE, come_to_rest, faults, told
from tests.browser.tab import SIZES
from tests.browser.test_room import bar, open_room, press

RAIL = ".lesson-rail[data-ready='true']"
KEPT = "() => JSON.parse(localStorage.getItem('headlight:lessons'))"


def rail(tab, step):
    found = tab.page.locator(f"{RAIL}[data-step='{step}']")
    found.wait_for()
    return found


def covered(tab):
    return tab.page.evaluate("() => document.documentElement.dataset.lessonCover === 'on'")


def test_columns_of_pieces_are_covered_until_somebody_has_guessed(tab):
    tab.goto("tokenizers", lesson="tokens", lesson_step=2)
    rail(tab, 2)
    tab.page.locator(".token-columns[data-ready='true']").wait_for(state="attached")
    assert covered(tab)
    for part in (".st-key-columns", ".st-key-inspector"):
        expect(tab.page.locator(f"{part} > *").first).to_be_hidden()


def test_a_lesson_by_keyboard_from_the_list_to_an_answer(tab):
    tab.goto("lessons")
    tab.page.get_by_role("button", name="Start: Silent letters").focus()
    tab.press("Enter")
    rail(tab, 1)
    tab.wait_for_query(lesson="silent-letters", kind="cross")
    tab.page.get_by_role("button", name="Next", exact=True).focus()
    tab.press("Enter")
    now = rail(tab, 2)
    tab.wait_for_query(lesson_step="2", text="knight")
    group = now.get_by_role("group", name="At which letter does this head look")
    assert group.get_by_role("radio").count() == 6
    assert covered(tab)
    submit = now.get_by_role("button", name="This is my guess")
    submit.focus()
    tab.press("Enter")
    expect(now.get_by_role("alert")).to_have_text("Choose one first.")
    group.get_by_role("radio", name="k", exact=True).focus()
    tab.press("ArrowDown")
    tab.press("Enter")
    expect(now.get_by_role("status")).to_contain_text("Yes: “n”")
    assert not covered(tab)
    assert tab.page.evaluate(KEPT) == {"silent-letters": {"step": 2, "isDone": False}}
    tab.page.get_by_role("button", name="Close").click()
    expect(tab.page.locator(".lesson-rail")).to_have_count(0)
    tab.page.locator("[data-testid=stSidebarNav], [data-testid=stSidebarCollapsedControl]").first.wait_for(
        state="attached"
    )
    tab.goto("lessons")
    tab.page.get_by_text("you were at step 2").wait_for()
    tab.page.get_by_role("button", name="Go on at step 2: Silent letters").wait_for()


# Somebody's press changes classes and elements of the page, as its next run does.
CHANGED = """() => {
  const main = document.querySelector(".stMainBlockContainer > .stVerticalBlock")
  const settle = () => getComputedStyle(main).paddingRight
  settle()
  for (const each of main.querySelectorAll(".stElementContainer")) each.classList.toggle("another")
  settle()
  main.firstElementChild.append(document.createElement("span"))
  settle()
}"""


def restyled(tab):
    """Of how many elements the styles are computed anew when those of the page change."""
    session, events, ended = tab.page.context.new_cdp_session(tab.page), [], []
    session.on("Tracing.dataCollected", lambda told: events.extend(told["value"]))
    session.on("Tracing.tracingComplete", lambda _: ended.append(True))
    session.send(
        "Tracing.start",
        {"transferMode": "ReportEvents", "traceConfig": {"includedCategories": ["devtools.timeline"]}},
    )
    tab.page.evaluate(CHANGED)
    session.send("Tracing.end")
    while not ended:
        tab.page.wait_for_timeout(50)
    return max(each["args"].get("elementCount", 0) for each in events if each["name"] == "UpdateLayoutTree")


def test_beside_a_lesson_a_page_changes_as_cheaply_as_alone(tab):
    tab.goto("attention", lesson="attention-by-hand", lesson_step=2)
    rail(tab, 2)
    tab.page.locator(".st-key-inspector").wait_for(state="attached")
    come_to_rest(tab)
    count = tab.page.locator(".stMainBlockContainer *").count()
    assert covered(tab)
    assert restyled(tab) < count / 3, f"of {count}"


def test_two_sentences_and_the_question_stand_beside_the_answer(tab):
    tab.goto("embeddings", lesson="word-order", lesson_step=2)
    now = rail(tab, 2)
    slider = now.get_by_role("slider", name="with positions")
    expect(slider).to_have_attribute("aria-valuetext", "0.50")
    asked = now.get_by_role("group").locator("legend").text_content()
    now.get_by_role("button", name="This is my guess").click()
    expect(now.get_by_role("status")).to_contain_text("within 0.050")
    expect(now).to_contain_text(asked)
    second = tab.page.get_by_role("textbox", name="The same words in another order")
    expect(second).to_have_value("The man bites the dog.")
    for each in (second, tab.page.locator(".st-key-in_order").get_by_text("The dog bites the man.")):
        expect(each).to_be_in_viewport(ratio=1, timeout=30_000)


@pytest.mark.quick(1)
@pytest.mark.parametrize("size", SIZES, ids=str)
def test_the_rail_hangs_over_nothing_and_can_be_put_away(new_tab, size):
    tab = new_tab()
    tab.page.set_viewport_size({"width": size[0], "height": size[1]})
    tab.goto("lessons", lesson="sampling", lesson_step="4")
    now = rail(tab, 4)
    tab.page.locator(".st-key-inspector").wait_for(state="attached")
    assert tab.hangs_over <= 0
    box, title = now.bounding_box(), tab.page.get_by_role("heading", level=1).bounding_box()
    text = tab.page.locator(".st-key-text_box").bounding_box()
    if size[0] < 500:
        assert title["y"] < box["y"] < text["y"]
    else:
        assert box["x"] > text["x"] + text["width"]
    # Ordered by keys: min-p is brought to the front.
    now.get_by_role("button", name="Move min-p 0.05 up").focus()
    tab.press("Enter")
    tab.press("Enter")
    expect(now.get_by_role("listitem").first).to_contain_text("min-p 0.05")
    now.get_by_role("button", name="Hide").click()
    expect(now.get_by_role("button", name="This is my guess")).to_have_count(0)
    now.get_by_role("button", name="Show").click()
    now.get_by_role("button", name="This is my guess").wait_for()


def test_on_a_telephone_the_step_stays_in_sight(new_tab):
    """Also where its answer opens a tab far below."""
    tab = new_tab(size=SIZES[1])
    tab.goto("attention", lesson="looking-and-mattering", lesson_step=2)
    rail(tab, 2).get_by_role("button", name="This is my guess").click()
    result = rail(tab, 2).get_by_role("status")
    result.wait_for()
    tab.page.get_by_role("tab", selected=True).wait_for(state="attached")
    come_to_rest(tab)
    expect(result.locator("p").first).to_be_in_viewport(ratio=1)
    rail(tab, 2).get_by_role("button", name="Next", exact=True).click()
    heading = rail(tab, 3).get_by_role("heading", name="Step 3 of")
    come_to_rest(tab)
    expect(heading).to_be_in_viewport(ratio=1)


def typed(tab, name, text):
    """Text put into a box of the step that is being made, which has it once its run has ended."""
    tab.page.get_by_role("textbox", name=name).focus()
    tab.press("Control+a")
    tab.page.keyboard.type(text)
    tab.press("Control+Enter" if "\n" in text or name in AREAS else "Enter")
    # What can be taken along before the words are in it would come without them.
    tab.page.wait_for_timeout(500)
    tab.page.locator("[data-testid=stApp][data-test-script-state=notRunning]").wait_for()


AREAS = ("Say one thing", "With, a line each", "Options, a line each", "Say afterwards")


def taken_along(tab, file):
    """A lesson of one view that is asked about, made by keyboard alone and saved."""
    tab.goto("lessons")
    tab.page.locator(".st-key-own_lessons summary").focus()
    tab.press("Enter")
    tab.page.get_by_role("button", name="Make a lesson").focus()
    tab.press("Enter")
    tab.page.get_by_text("press Add this view in the sidebar; the views").wait_for()
    tab.page.get_by_role("link", name="Attention").focus()
    tab.press("Enter")
    tab.map.wait_for()
    tab.wait_for_query(layer="3")
    tab.page.get_by_role("button", name="Add this view").focus()
    tab.press("Enter")
    tab.page.get_by_role("link", name="Your lesson: 1 step").focus()
    tab.press("Enter")
    typed(tab, "Say one thing", "Look at the animal.")
    tab.page.get_by_role("radio", name="choose").focus()
    tab.press("Space")
    typed(tab, "The question in words", "Where does “it” look most?")
    typed(tab, "With, a line each", 'layer = 3\nhead = 1\nof = "it"')
    typed(tab, "Options, a line each", "street\nanimal")
    typed(tab, "Say afterwards", "At {largest}.")
    take = tab.page.get_by_role("button", name="Take the lesson along")
    take.wait_for()
    with tab.page.expect_download() as download:
        take.focus()
        tab.press("Enter")
    download.value.save_as(file)
    return file


def opened_from(tab, file):
    """The list of lessons with this file's, which is started."""
    tab.page.get_by_text("Open or make a lesson").click()
    tab.page.locator(".st-key-lesson_file input[type=file]").set_input_files(file)
    tab.page.get_by_role("button", name="Start this lesson").click()


@pytest.mark.slow
def test_a_lesson_made_by_keyboard_runs_in_another_browser_and_in_a_room(new_tab, tmp_path):
    file = taken_along(new_tab(), tmp_path / "lesson.toml")
    other, student = new_tab(somebody_else=True), new_tab(somebody_else=True)
    other.goto("lessons")
    opened_from(other, file)
    expect(rail(other, 1)).to_contain_text("Look at the animal.")
    other.wait_for_query(layer="3", head="1")
    other.map.wait_for(state="attached")
    student.goto("room", code=open_room(other))
    bar(student, role="follower")
    other.page.get_by_role("link", name="Teach a lesson").click()
    opened_from(other, file)
    expect(rail(other, 1)).to_contain_text("Look at the animal.")
    student.wait_for_query(layer="3", head="1")
    question = student.page.locator(".room-question")
    expect(question).to_contain_text("Look at the animal.")
    assert "Where does" not in question.text_content(), "what is asked comes when it is asked"
    press(other, "Ask the class")
    expect(question).to_contain_text("Where does “it” look most?")
    question.get_by_role("radio", name="animal", exact=True).focus()
    student.press("Space", "Enter")
    student.page.locator(".room-question[data-state='answered']").wait_for()
    expect(other.page.locator(".room-question")).to_contain_text("1 of 1 have answered")
    press(other, "Reveal")
    student.page.locator(".room-question[data-state='revealed']").wait_for()
    expect(question.get_by_role("status")).to_contain_text("Yes: “animal”")
    expect(question).to_contain_text("At “animal”.")
    assert question.evaluate("root => ['street', 'animal'].map(each => root.headlight.value(each))") == ["0", "1"]


@pytest.mark.slow
@pytest.mark.parametrize("room", [LAPTOP, TELEPHONE], ids="-".join)
@pytest.mark.parametrize("path", ["lessons", "lessons?lesson=tokens&lesson_step=2"])
def test_lessons_can_be_read_and_hit(looking, path, room):
    with looking.opened(path, room) as tab:
        if "?" in path:
            tab.page.get_by_role("button", name="This is my guess").click()
            tab.page.locator(".lesson-rail [role=status]").wait_for()
            come_to_rest(tab)
        assert told(faults(tab)) == []
