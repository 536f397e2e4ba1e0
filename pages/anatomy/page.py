"""How do all parts of a model fit together? The model as a plan, drawn from one forward, and each of its parts."""

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from pages.anatomy import families
from pages.anatomy.choices import CHOICES
from pages.anatomy.examples import EXAMPLES
from pages.anatomy.inspector import inspect
from pages.anatomy.tabs import below
from pages.shared import thread
from pages.shared.asking import ask
from pages.shared.loading import loading
from pages.shared.messages import show_notes
from pages.shared.page import Page, columns, inspector_in, show
from viz.inspector import Share, shares


def explore(status: DeltaGenerator) -> None:
    """Everything that changes with the part."""
    with loading(thread.MODEL.value, status):
        from models.model_facts import ModelFactsRequest

        facts = ask(ModelFactsRequest(thread.MODEL.value), status)
    _, centre, right = columns()
    with centre:
        show_notes()
        with st.container(key="plan"):
            st.html(shares([Share(name, count / facts.parameters) for name, count in facts.parts if count]))
    with inspector_in(right, PAGE):
        inspect(facts)
    below(status)


PAGE = Page("anatomy", explore, CHOICES, EXAMPLES, library=families.library)
show(PAGE)
