"""What the address says is taken over where a person opened it, and not where the page ran itself anew."""

from streamlit.testing.v1 import AppTest


def page():
    import streamlit as st

    from pages.shared.link import Choice, mirror, receive, run_again

    step = Choice("step", 0, int)
    # The door takes the thread, the page takes the rest.
    receive([])
    receive([step])
    if "chosen" in st.session_state:
        step.choose(st.session_state.pop("chosen"))
    is_ours = st.session_state.pop("ours", False)
    mirror([step])
    if is_ours:
        # As the browser sent it with what it asked for before the choice.
        st.query_params.from_dict({"step": "1"})
        run_again()
    st.text(step.value)


def opened(**query):
    test = AppTest.from_function(page)
    test.query_params.update(query)
    return test.run()


def test_a_run_of_the_page_itself_does_not_take_a_choice_back():
    test = opened(step="1")
    assert test.text[0].value == "1"
    test.session_state["chosen"] = 2
    test.session_state["ours"] = True
    assert test.run().text[0].value == "2"
    assert test.query_params["step"] == "2"


def test_an_earlier_address_that_is_opened_again_is_taken():
    test = opened(step="1")
    test.session_state["chosen"] = 2
    test.run()
    test.query_params["step"] = "1"
    assert test.run().text[0].value == "1"


def test_back_undoes_a_first_choice_which_the_address_did_not_name():
    test = AppTest.from_function(page_that_names_what_differs).run()
    assert test.text[0].value == "0, short"
    long = "x" * 5_000
    test.session_state["chosen"] = (7, long)
    assert test.run().text[0].value == f"7, {long}"
    assert dict(test.query_params) == {"model": "one", "step": "7"}
    del test.query_params["step"]
    assert test.run().text[0].value == "0, short"
    # And forward, where the text is more than the address can say.
    test.query_params["step"] = "7"
    assert test.run().text[0].value == f"7, {long}"


def test_an_address_without_anything_takes_nothing_back():
    test = AppTest.from_function(page_that_names_what_differs).run()
    test.session_state["chosen"] = (7, "long")
    test.run()
    test.query_params.clear()
    assert test.run().text[0].value == "7, long"


def page_that_names_what_differs():
    import streamlit as st

    from pages.shared.link import Choice, mirror, receive

    model, *others = choices = Choice("model", "one", str), Choice("step", 0, int), Choice("text", "short", str)
    receive(choices)
    if "chosen" in st.session_state:
        for choice, value in zip(others, st.session_state.pop("chosen"), strict=True):
            choice.choose(value)
    mirror([model, *(each for each in others if each.value != each.default)])
    st.text(", ".join(str(each.value) for each in others))
