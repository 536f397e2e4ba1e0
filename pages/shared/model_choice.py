"""The model in the sidebar: those that are always there, and any other one of the hub or in a folder."""

import logging
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext, suppress
from typing import TYPE_CHECKING, Any

import streamlit as st

from models.catalog import MODELS, ModelCard
from models.catalog.hub_models import HUB_MODELS
from models.engine import engine
from models.errors import HeadlightError
from models.loading.allowed_folders import FOLDER, VARIABLE, has_changed, permitted, roots
from models.loading.hub_ids import hub_id, is_of_hub
from models.loading.hub_limits import check_allowed, is_closed, is_shelf_only, largest_download
from models.one_at_a_time import libraries
from pages.shared import thread
from pages.shared.job import Job
from pages.shared.link import Choice, note, run_again
from pages.shared.local_or_public import is_local, may_know
from pages.shared.messages import in_place, keep_notes
from pages.shared.plain_text import plain
from viz.glossary import explained_markdown

if TYPE_CHECKING:
    from models.engine import Progress
    from models.loading.downloads import DownloadRequest

log = logging.getLogger(__name__)

_DOWNLOAD = Job("download")
_MOST_MINE = 12
_BYTES_PER_PARAMETER = 4
_LOOK_SECONDS = 1.0
_SHELF, _ID, _OWN = "Hub shelf", "Hub id", "Folder"
_BOX = "another"
_MINE, _STAMP = "models:mine", "models:stamp"
_OFFER, _ERROR, _STOPPED, _CLOSES = (f"another:{each}" for each in ("offer", "error", "stopped", "closes"))
_TRY = "try another model"


def choose_model_box() -> None:
    """The select box, what the chosen model is, and how to come by another one. Afterwards `MODELS` has its card."""
    _have_chosen()
    shown = titles([MODELS[name] for name in (*MODELS, *mine())])
    st.session_state["model_box"] = thread.MODEL.value
    st.selectbox(
        "Model",
        list(shown),
        format_func=lambda name: shown.get(name, name),
        key="model_box",
        on_change=lambda: thread.choose_model(st.session_state["model_box"]),
    )
    card = MODELS[thread.MODEL.value]
    _say_of(f"{figures(card)} {card.precision}")
    _another()


def _say_of(facts: str) -> None:
    """What a card says of a model, its words explained; HTML in it stays text."""
    st.caption(explained_markdown(facts), unsafe_allow_html=True)


def titles(cards: Sequence[ModelCard]) -> dict[str, str]:
    """What each model is called in the select box, by its name: no two alike, since the box tells them apart by it."""
    found: dict[str, str] = {}
    for card in cards:
        is_other = card.revision not in ("", "main") and card.name not in HUB_MODELS
        found[card.name] = f"{card.title}, {card.revision[:12]}" if is_other else card.title
    counts, seen = Counter(found.values()), Counter[str]()
    for name, title in found.items():
        seen[title] += 1
        found[name] = f"{title} ({seen[title]})" if counts[title] > 1 else title
    return found


def figures(card: ModelCard) -> str:
    """Layers, heads, width, parameters and the longest text, as far as they are known."""
    layers = f"{card.layers} + {card.decoder_layers}" if card.decoder_layers else f"{card.layers}"
    millions = f"{card.parameters / 1e6:,.{0 if card.parameters > 1e7 else 1 if card.parameters > 1e5 else 2}f}"
    longest = "texts of any length" if card.positions is None else f"up to {card.positions:,} tokens"
    said = [
        # A GGUF of the hub tells them in a header that comes with its weights.
        f"{layers} layers × {card.heads} heads, width {card.width}" if card.layers and card.heads else "",
        f"{millions} million parameters" if card.parameters else "",
        longest if card.family != "vision" else "sees pictures",
    ]
    return f"{', '.join(filter(None, said))}."


def what_it_takes(card: ModelCard) -> str:
    """What a model of the hub takes: memory, licence, and whether its terms have to be agreed to first."""
    memory = f"{megabytes(_BYTES_PER_PARAMETER * card.parameters)} in float32"
    said = [
        f"In memory {memory}." if card.parameters else "",
        f"Licence: {card.licence or 'not stated'}.",
        "Gated: whoever runs this server has to agree to its terms on the hub." if card.is_gated else "Not gated.",
    ]
    return " ".join(filter(None, said))


def megabytes(count: int) -> str:
    """Bytes as downloads are counted, in millions: 1,519 MB, 4.2 MB, 0.11 MB."""
    return f"{count / 1e6:,.{0 if count >= 1e7 else 1 if count >= 1e6 else 2}f} MB"


def mine() -> list[str]:
    """What this session chose beside the models that are always there, as far as it is still known; the latest last."""
    return [name for name in st.session_state.get(_MINE, []) if name in MODELS]


def have(name: str, *, again: bool = False) -> str:
    """Have `MODELS` know a model, one that was fetched or lies in a folder too, and this session list it.

    again: a folder whose files were saved again is opened anew also for whoever has it open; it always is for others.

    Returns the name it has. Raises HeadlightError with the reason where it cannot be opened.
    """
    if name in tuple(MODELS):
        return name
    if name.startswith(FOLDER):
        anywhere = may_know(is_open=name in MODELS)
        name = FOLDER + str(permitted(name.removeprefix(FOLDER), anywhere=anywhere))
    is_old = name in MODELS and (again or name not in mine()) and has_changed(MODELS[name])
    if name not in MODELS or is_old:
        # torch comes with these, and with these models only.
        libraries()
        if name.startswith(FOLDER):
            from models.loading.folders import open_folder

            name = open_folder(name.removeprefix(FOLDER), anywhere=is_local()).name
            if is_old:
                engine.forget_model(name)
        elif is_of_hub(name):
            from models.loading.hub import is_fetched, open_fetched

            if not is_fetched(name):
                check_allowed(hub_id(name))
            name = open_fetched(name).name
    known = [each for each in st.session_state.get(_MINE, []) if each != name]
    # Their order in the select box stays as it is while one goes to and fro between them.
    if name not in mine():
        st.session_state[_MINE] = [*known, name][-_MOST_MINE:]
    return name


def have_as_well(choice: Choice[str], otherwise: str) -> str:
    """The same for a further model, which this choice names; "" where it cannot be opened, which is noted with the
    reason. otherwise: what the note begins with.
    """
    try:
        return have(choice.value)
    except HeadlightError as error:
        note(f"{otherwise} {error}")
        choice.forget()
        return ""


def may_be_loaded_again() -> bool:
    """Whether the files of the chosen model were saved again since this session's page was drawn."""
    card = MODELS.get(thread.MODEL.value)
    return card is not None and has_changed(card, st.session_state.get(_STAMP, ""), within=_LOOK_SECONDS)


def _have_chosen() -> None:
    """See that `MODELS` has the chosen model; one that cannot be opened is said, and the default taken."""
    name = thread.MODEL.value
    was_open = name in st.session_state.get(_MINE, [])
    with in_place(lambda why: _refuse(name, why, was_open=was_open), _TRY):
        with nullcontext() if name in MODELS else st.spinner("Opening the model…"):
            have(name)
        st.session_state[_STAMP] = MODELS[name].stamp


def _refuse(name: str, why: str, *, was_open: bool) -> None:
    log.info("Not opened: %s", name)
    # So that the form asks for it when somebody opens the box.
    if is_of_hub(name):
        _fill_in(name)
    what = "The model is not open any more" if was_open else "The link names a model that is not open here"
    thread.refuse_model(name, f"{what}; the default is shown. {why}")


def _fill_in(name: str) -> None:
    with suppress(HeadlightError):
        which = hub_id(name)
        is_on_shelf = which.name in HUB_MODELS
        st.session_state["another_source"] = _SHELF if is_on_shelf else _ID
        if is_on_shelf:
            st.session_state["hub_shelf"] = which.name
        else:
            st.session_state["another:hub_id"] = which.repository
            st.session_state["another:hub_revision"] = "" if which.revision == "main" else which.revision


@st.fragment
def _another() -> None:
    """A fragment: the page behind does not run again while somebody looks for a model."""
    if st.session_state.pop(_CLOSES, False):
        st.session_state[_BOX] = False
    box = st.expander("Another model", key=_BOX, on_change="rerun")
    if box.open:
        with box:
            _sources()
    # Below the box and not in it: a download goes on, and is said to, when the box is closed.
    if _DOWNLOAD.request is not None:
        with st.container(key="another_coming"):
            _coming(_DOWNLOAD.request.model)
    if _ERROR in st.session_state:
        with st.container(key="another_problem"):
            st.error(plain(st.session_state[_ERROR]), icon=":material/error:")
    if _STOPPED in st.session_state:
        st.caption("Stopped. What came is kept, and fetching it again goes on from there.")


def _sources() -> None:
    if "another_source" not in st.session_state:
        st.session_state["another_source"] = st.session_state.get("another:source", _SHELF)
    source = st.segmented_control(
        "From", [_SHELF, _ID, _OWN], key="another_source", required=True, wrap=True, on_change=_try_anew
    )
    st.session_state["another:source"] = source
    with _in_place():
        if source == _OWN:
            _folder()
        elif is_closed():
            _fetched_only()
        elif source == _SHELF:
            _shelf(list(HUB_MODELS))
        elif is_shelf_only():
            st.caption("On this server only the models of the shelf can be had from the hub.")
        else:
            _by_id()


@contextmanager
def _in_place() -> Iterator[None]:
    """Have what goes wrong inside said in one sentence below the box; what computes can be imported inside."""
    with in_place(lambda sentence: st.session_state.update({_ERROR: sentence}), _TRY):
        libraries()
        yield


def _fetched_only() -> None:
    """Where the hub is closed, what was fetched before can still be opened."""
    from models.loading.hub import is_fetched

    names = [name for name in HUB_MODELS if is_fetched(name)]
    st.caption("The hub is closed on this server." + (" These were fetched before:" if names else ""))
    if names:
        _shelf(names)


def _shelf(names: list[str]) -> None:
    from models.loading.hub import is_fetched

    if "hub_shelf" not in st.session_state and st.session_state.get("another:hub_shelf") in names:
        st.session_state["hub_shelf"] = st.session_state["another:hub_shelf"]
    name = st.selectbox(
        "Model of the shelf",
        names,
        format_func=lambda each: HUB_MODELS[each].title,
        key="hub_shelf",
        on_change=_try_anew,
    )
    st.session_state["another:hub_shelf"] = name
    card = HUB_MODELS[name]
    _say_of(f"{figures(card)} {what_it_takes(card)} {card.precision}")
    if is_fetched(name):
        _open_button(name)
        return
    st.caption(f"At most {largest_download() / 1e9:,.1f} GB are fetched here.")
    _fetch_button(name, f"about {megabytes(card.download)}")


def _by_id() -> None:
    """Any model of the hub: what it is and how large, before it is fetched."""
    with st.form("hub_form", border=False):
        repository = _typed("Id", "hub_id", "openai-community/gpt2")
        revision = _typed("Revision", "hub_revision", "main")
        is_asked = st.form_submit_button("Look it up")
    if is_asked:
        _try_anew()
        from models.loading.hub import is_fetched, look_up

        which = hub_id(f"{repository.strip()}@{revision.strip()}")
        if is_fetched(which.name):
            _open(which.name)
        with st.spinner("Asking the hub…"):
            st.session_state[_OFFER] = look_up(which.name).card
    card = st.session_state.get(_OFFER)
    if card is not None:
        _say_of(f"{card.title}, {card.family}. {figures(card)} {what_it_takes(card)} {card.precision}".strip())
        _fetch_button(card.name, megabytes(card.download))


def _folder() -> None:
    """A folder of the machine on which the server runs."""
    if not (is_local() or roots()):
        st.caption(
            "Folders are closed: other machines can reach this server. Whoever runs it can name folders to open models "
            f"from with {VARIABLE}."
        )
        return
    with st.form("folder_form", border=False):
        path = _typed("Folder on the server", "folder_path", "/path/to/model")
        is_asked = st.form_submit_button("Open it")
    st.caption("With config.json, a tokenizer and safetensors, or a .gguf file. No pickle is read.")
    if is_asked:
        _try_anew()
        _open(FOLDER + path)


def _typed(label: str, key: str, example: str) -> str:
    """A text field that keeps what was typed while another source is shown, which Streamlit forgets."""
    if key not in st.session_state:
        st.session_state[key] = st.session_state.get(f"another:{key}", "")
    st.session_state[f"another:{key}"] = st.text_input(label, key=key, placeholder=example)
    return st.session_state[f"another:{key}"]


def _open_button(name: str) -> None:
    if st.button("Open it", key="hub_open", type="primary", help="It is on this server already."):
        _try_anew()
        _open(name)


def _fetch_button(name: str, size: str) -> None:
    st.button(
        f"Fetch it ({size})",
        key="hub_fetch",
        type="primary",
        disabled=_DOWNLOAD.request is not None,
        on_click=_fetch,
        args=(name,),
    )


def _fetch(name: str) -> None:
    for each in (_ERROR, _STOPPED):
        st.session_state.pop(each, None)
    with _in_place():
        from models.loading.downloads import DownloadRequest

        _DOWNLOAD.start(DownloadRequest(name))


def _open(name: str) -> None:
    """Choose it and put the box away; raises HeadlightError where it cannot be opened, and else runs the page again."""
    with st.spinner("Opening the model…"):
        _choose(name)
    _run_again()


def _choose(name: str) -> None:
    thread.choose_model(have(name, again=True))
    _try_anew()
    st.session_state[_CLOSES] = True


def _coming(name: str) -> None:
    """How far a download is; what is whole is chosen."""
    title = plain(hub_id(name).repository.rpartition("/")[2])

    def progress_text(step: Any) -> tuple[float, str]:
        said = f"{megabytes(step.done)} of {megabytes(step.total)}"
        if not step.file and step.done < step.total:
            said = "Somebody else fetches it already; it is waited for."
        return step.done / max(1, step.total), f"{title}: {said}"

    _DOWNLOAD.watch(_ended, progress_text, f"{title}: Asking the hub…", stop="Cancel")


def _ended(request: "DownloadRequest", progress: "Progress") -> None:
    from models.loading.hub import is_fetched

    if progress.error:
        st.session_state[_ERROR] = progress.error
    elif progress.is_cancelled or not is_fetched(request.model):
        st.session_state[_STOPPED] = True
    else:
        with _in_place():
            _choose(request.model)
    keep_notes()


def _try_anew() -> None:
    """What was said of an earlier attempt holds no longer."""
    for each in (_OFFER, _ERROR, _STOPPED):
        st.session_state.pop(each, None)


def _run_again() -> None:
    keep_notes()
    run_again()
