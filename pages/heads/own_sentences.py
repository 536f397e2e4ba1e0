"""A person's own sentences, or a treebank with its grammar, on which heads are judged instead of the ready-made."""

from typing import TYPE_CHECKING

import streamlit as st

from models.errors import HeadlightError
from pages.heads.choices import BANK, BANKS, SENTENCES
from pages.heads.text_and_kind import UPLOADED
from pages.shared.bound_widgets import bound, pick
from pages.shared.link import fits, run_again
from pages.shared.plain_text import plain
from pages.shared.sentences_and_charts import remark

if TYPE_CHECKING:
    from models.heads import Bank

_TAKEN = "heads:treebank taken"
_LARGEST_MB = 12


def controls() -> str:
    """Which sentences, and a place to bring one's own. Returns what is wrong with a file that was brought just now, for
    the place where the picture would be; else "".
    """
    from models.heads import bundled_bank

    pick(BANK, "Sentences", BANKS, key="bank_box")
    if BANK.value == "bundled":
        return ""
    mine: Bank | None = st.session_state.get(UPLOADED)
    if mine is not None:
        remark(f"{plain(mine.title)}: {len(mine.sentences):,} sentences. {plain(mine.note)} A link does not carry it.")
        st.button("Let it go", key="bank_let_go", on_click=lambda: st.session_state.pop(UPLOADED, None))
        return ""
    bound(
        st.text_area,
        SENTENCES,
        "Your sentences, one a line",
        height=110,
        placeholder="\n".join(each.text for each in bundled_bank().sentences[:2]),
        help="Without their grammar: heads are then judged by what needs none.",
    )
    # A press leaves the box, and so takes what is typed.
    st.button("Read these sentences", key="bank_read", help="Or Ctrl+Enter in the box.")
    if not fits(SENTENCES):
        remark("These sentences are longer than a link can carry.")
    file = st.file_uploader(
        "Or a treebank (CoNLL-U), in any language",
        ["conllu", "conll", "txt"],
        key="treebank",
        max_upload_size=_LARGEST_MB,
    )
    if file is None:
        return ""
    taken, wrong = st.session_state.get(_TAKEN, ("", ""))
    if taken == file.file_id:
        return wrong
    try:
        st.session_state[UPLOADED] = _read(file.getvalue(), file.name)
    except HeadlightError as error:
        wrong = f"{file.name}: {error}"
        st.session_state[_TAKEN] = (file.file_id, wrong)
        return wrong
    st.session_state[_TAKEN] = (file.file_id, "")
    run_again()
    return ""


def _read(data: bytes, name: str) -> "Bank":
    from models.heads import treebank

    return treebank(data, name)
