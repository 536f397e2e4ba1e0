"""What was drawn and not sent yet, when a part of the page runs again."""

import pytest
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from streamlit.runtime import app_session
from streamlit.runtime.forward_msg_queue import ForwardMsgQueue

from pages.shared.unsent_to_browser import Unsent, keep_unsent

PART = "part"


def of_run(run, *fragments):
    message = ForwardMsg()
    message.metadata.run.script_run_id = run
    message.metadata.run.fragment_ids.extend(fragments)
    return message


def begun(run, *fragments):
    message = of_run(run, *fragments)
    message.new_session.name = "app"
    return message


def drawn(run, place, fragment=""):
    message = of_run(run)
    message.metadata.delta_path.extend([0, place])
    message.delta.fragment_id = fragment
    message.delta.new_element.text.body = f"{run} {place}"
    return message


def ended(run, *fragments):
    message = of_run(run, *fragments)
    message.script_finished = (
        ForwardMsg.FINISHED_FRAGMENT_RUN_SUCCESSFULLY if fragments else ForwardMsg.FINISHED_SUCCESSFULLY
    )
    return message


def page_of(messages):
    """What a browser has on its page after these: as its `AppRoot` places elements and removes those of other runs."""
    page = []
    for message in messages:
        run = message.metadata.run.script_run_id
        match message.WhichOneof("type"):
            case "delta":
                place = message.metadata.delta_path[1]
                assert place <= len(page), f"Bad delta path index {place}"
                page[place : place + 1] = [(run, message.delta.new_element.text.body)]
            case "script_finished" if message.script_finished == ForwardMsg.FINISHED_SUCCESSFULLY:
                page = [each for each in page if each[0] == run]
    return [body for _, body in page]


def whole_run_then_part(queue):
    """The messages of a page of three elements, all of it run, and at once its second element alone."""
    whole = (begun("whole"), drawn("whole", 0), drawn("whole", 1, PART), drawn("whole", 2), ended("whole"))
    for message in whole:
        queue.enqueue(message)
    queue.clear(retain_lifecycle_msgs=True, fragment_ids_this_run=[PART])
    for message in (begun("part", PART), drawn("part", 1, PART), ended("part", PART)):
        queue.enqueue(message)
    return queue.flush()


def test_a_part_that_runs_right_after_the_page_stays_in_its_place():
    assert page_of(whole_run_then_part(Unsent())) == ["whole 0", "part 1", "whole 2"]


def test_the_library_needs_it():
    with pytest.raises(AssertionError, match="Bad delta path index 2"):
        page_of(whole_run_then_part(ForwardMsgQueue()))


def test_a_whole_run_takes_the_place_of_what_was_not_sent():
    queue = Unsent()
    for message in (begun("first"), drawn("first", 0), ended("first")):
        queue.enqueue(message)
    queue.clear(retain_lifecycle_msgs=True)
    assert [each.WhichOneof("type") for each in queue.flush()] == ["new_session", "script_finished"]
    queue.enqueue(drawn("second", 0))
    queue.clear()
    assert queue.is_empty()


def test_sessions_that_begin_from_now_on_have_it(monkeypatch):
    monkeypatch.setattr(app_session, "ForwardMsgQueue", ForwardMsgQueue)
    keep_unsent()
    assert app_session.ForwardMsgQueue is Unsent
