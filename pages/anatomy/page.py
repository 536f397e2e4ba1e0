"""How do its parts fit together? The model as a plan, drawn from one forward, and each of its parts."""

from streamlit.delta_generator import DeltaGenerator

from models.catalog import ARCHITECTURES
from models.engine import engine
from pages.anatomy import families, plan
from pages.anatomy.choices import CHOICES, OF_ORDER, OF_PARTS, PART, PLAN_OF
from pages.anatomy.examples import EXAMPLES
from pages.anatomy.inspector import inspect
from pages.anatomy.tabs import below
from pages.shared import thread
from pages.shared.asking_engine import ask
from pages.shared.loading import loading
from pages.shared.messages import in_place, show_notes
from pages.shared.page import Page, columns, controls_in, inspector_in, part, show
from pages.shared.sentences_and_charts import explanation

# What only the tabs show.
_OF_TABS = (*OF_PARTS, *OF_ORDER, thread.TOKEN, thread.TAB)


def explore(status: DeltaGenerator) -> None:
    """Everything that changes with the part."""
    left, centre, right = columns((2.1, 8.0, 2.9))
    is_soon = engine.has_model(thread.MODEL.value) and plan.request() in engine.answers
    with controls_in(left, plan.controls, is_soon=is_soon):
        found = None
        with centre, in_place(), loading(thread.MODEL.value, status):
            request = plan.request()
            if request is None:
                explanation("Paste a config.json on the left: its plan is drawn without any weights.")
            else:
                found = ask(request, status)
        with centre:
            if found is not None:
                boxes = plan.way(found)
            show_notes()
            if found is not None:
                plan.show(found)
        if found is not None:
            with inspector_in(right, PAGE), in_place():
                inspect(found, boxes, status)
    part(below, PAGE, _OF_TABS)(found)


def pictured() -> tuple[str, ...]:
    """What the plan is of, and the part that is open."""
    drawn = ARCHITECTURES[PLAN_OF.value].title if PLAN_OF.value in ARCHITECTURES else ""
    return "Plan", drawn, (PART.value or "").replace("/", " › ")


PAGE = Page("anatomy", explore, CHOICES, EXAMPLES, library=families.LIBRARY.mount, pictured=pictured)
show(PAGE)
