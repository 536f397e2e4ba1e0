"""What the cache buys, timed on this machine."""

import numpy as np
import streamlit as st

from models.catalog import MODELS
from models.engine import engine
from pages.kv_cache.choices import REPEATS, ROUNDS, TIMED, TIMED_LENGTHS
from pages.kv_cache.export import timing_as_csv
from pages.shared import download_names, thread
from pages.shared.bound_widgets import bound
from pages.shared.export import Download, download_button
from pages.shared.job import Job, waits
from pages.shared.link import run_again
from pages.shared.messages import problem
from pages.shared.sentences_and_charts import chart, remark, say
from pages.shared.theme import palette
from viz.inspector import heading
from viz.kv_cache_charts import timing_chart
from viz.number_format import billions_text, seconds_text, times_text
from viz.tables import sentences, table

JOB = Job("timing")


def what_it_buys(text: str) -> None:
    """The controls, the job, and what it found so far."""
    from models.decoding import CacheTimingRequest

    left, right = st.columns([2, 5], gap="large")
    with left:
        tokens = bound(st.select_slider, TIMED, "Tokens", TIMED_LENGTHS, key="timing_tokens")
        repeats = bound(st.select_slider, ROUNDS, "Rounds (the median counts)", REPEATS, key="timing_repeats")
        request = CacheTimingRequest(thread.MODEL.value, text, int(tokens), int(repeats))
        pressed = st.button("Time it on this machine", key="start_timing")
        remark(
            "One timing runs at a time, and each forward in it has the device for itself; others may compute in "
            "between. The first round warms up and is not timed: in it operations are counted."
        )
    if pressed:
        JOB.start(request)
    elif JOB.request not in (None, request):
        JOB.leave(unless_done=True)
    if JOB.request is None:
        with right:
            st.caption("Nothing timed yet for this text: the same tokens will be computed with the cache and without.")
        return
    with right, st.container(key="timing"):
        _watch()


def _watch() -> None:
    """Shown again and again while it runs."""
    progress, asked = JOB.poll(), JOB.request
    if progress is None:
        st.caption("This timing is not known any more; start it again.")
        return
    every = None if progress.is_done else 0.8
    st.fragment(_result, run_every=every)(asked.tokens, asked.repeats, was_done=progress.is_done)


def _result(tokens: int, repeats: int, *, was_done: bool) -> None:
    from models.decoding import cache_timing

    progress = JOB.poll()
    if progress is None:
        run_again()
    if progress.error:
        problem(progress.error)
        return
    if progress.is_done and not was_done:
        run_again()
    if not progress.is_done:
        if not progress.steps or progress.steps[-1].repeat < 0:
            said = waits(progress, "timing or computing") or "Warming up and counting operations…"
        else:
            said = f"Round {progress.steps[-1].repeat + 1} of {repeats}…"
        st.progress(min(1.0, progress.count / (tokens * (repeats + 1))), text=said)
        JOB.stop_button()
        # Charts would be drawn by the processor that is being timed.
        return
    found = cache_timing(progress.steps)
    if found is None:
        if progress.is_cancelled:
            st.caption("Stopped before the first round was whole.")
        return
    title = MODELS[thread.MODEL.value].title
    rounds = f"{found.repeats} round{'s' if found.repeats > 1 else ''}"
    count = len(found.positions)
    say(
        f"{count} tokens: {seconds_text(float(found.seconds_with.sum()))} with the cache, "
        f"{seconds_text(float(found.seconds_without.sum()))} without: {times_text(found.speed_up)} faster.",
        f"{title}, {engine.device().name}, median of {rounds}. The logits of both ways differ by at most "
        f"{max(found.difference, 1e-5):.5f}.",
    )
    timed = (
        ("ms per token", found.seconds_with, found.seconds_without, 1000),
        ("billion operations per token", found.operations_with, found.operations_without, 1e-9),
    )
    for column, (name, *measured, scale) in zip(st.columns(2), timed, strict=True):
        with column:
            ways = (each.astype(np.float64) for each in measured)
            chart(timing_chart(found.positions, *ways, title=name, scale=scale, palette=palette()))
    read = int(found.positions[0])
    rows = (
        (
            "Reading the prompt (prefill)",
            seconds_text(found.prefill_seconds),
            seconds_text(float(found.seconds_without[0])),
        ),
        (
            f"The {count - 1} tokens after it (decode)",
            seconds_text(found.decode_seconds),
            seconds_text(float(found.seconds_without[1:].sum())),
        ),
        (
            "Each column there is makes the next token slower by",
            _slope_text(found.slope_with),
            _slope_text(found.slope_without),
        ),
        (
            "Floating-point operations",
            billions_text(int(found.operations_with.sum())),
            billions_text(int(found.operations_without.sum())),
        ),
    )
    st.html(table(("", "with the cache", "without"), rows))
    file = Download("CSV", f"{download_names.of_model(thread.MODEL.value)}-timing.csv", timing_as_csv(found))
    download_button(file, key="timing_csv")
    passed, single = found.one_pass_seconds, found.decode_seconds
    st.html(
        heading("Why one pass is so much faster than many steps")
        + sentences(
            [
                f"Reading {read + count - 1} tokens in one pass: {seconds_text(passed)}. "
                f"Writing {count - 1} of them one by one: {seconds_text(single)}, {times_text(single / passed)} as "
                "long, "
                f"for {billions_text(int(found.operations_with[1:].sum()))} operations instead of "
                f"{billions_text(int(found.operations_without[-1]))}.",
                "A step has to fetch all weights from memory for a single column; one pass fetches them once for all "
                "columns. That is why prompts are read so fast, why many texts are served in one batch, and why many "
                "times fewer operations do not make a step as many times faster.",
                "Operations are multiplications and additions in matrix products and attention, counted as they are "
                "run: the hidden half of a causal mask is computed and counted too.",
            ]
        )
    )


def _slope_text(seconds: float) -> str:
    """What one column adds, in microseconds; noise can make it nothing, or less than that."""
    return f"{1e6 * seconds:,.0f} µs" if seconds > 5e-7 else "too little to be measured here"
