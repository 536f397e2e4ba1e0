"""What the cache buys, timed on this machine, and what 8-bit numbers change."""

from contextlib import suppress

import numpy as np
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from models.catalog import MODELS
from models.engine import JobError, engine
from pages.shared import thread
from pages.shared.asking import ask, working
from pages.shared.messages import problem
from viz.cache_charts import steps_chart, timing_chart
from viz.cache_tables import sentences, side_by_side, table
from viz.inspector import heading, line, part_text
from viz.quantities import bytes_text, operations_text, seconds_text, times_text

_JOB = "timing:job"
_LENGTHS = (16, 32, 64, 128)
_REPEATS = (1, 3, 5)
_FP8_LENGTHS = 64


def what_it_buys(text: str) -> None:
    """The controls, the job, and what it found so far."""
    from models.decoding import CacheTimingRequest

    left, right = st.columns([2, 5], gap="large")
    with left:
        tokens = st.select_slider("Tokens", _LENGTHS, value=32, key="timing_tokens")
        repeats = st.select_slider("Rounds (the median counts)", _REPEATS, value=3, key="timing_repeats")
        request = CacheTimingRequest(thread.MODEL.value, text, int(tokens), int(repeats))
        pressed = st.button("Time it on this machine", key="start_timing")
        st.html(
            line(
                "One timing runs at a time, and each forward in it has the device for itself; others may compute in "
                "between. The first round warms up and is not timed: in it operations are counted."
            )
        )
    if pressed:
        _leave()
        st.session_state[_JOB] = (request, engine.start(request))
    known = st.session_state.get(_JOB)
    if known is None or known[0] != request:
        with right:
            st.caption("Nothing timed yet for this text: the same tokens will be computed with the cache and without.")
        return
    with right, st.container(key="timing"):
        _watch(known[1], known[0].tokens, known[0].repeats)


def _leave() -> None:
    _, job = st.session_state.pop(_JOB, (None, None))
    if job is not None:
        with suppress(JobError):
            engine.cancel(job)


def _watch(job: str, tokens: int, repeats: int) -> None:
    """Shown again and again while it runs."""
    try:
        is_done = engine.poll(job).is_done
    except JobError:
        st.session_state.pop(_JOB, None)
        st.caption("This timing is not known any more; start it again.")
        return
    st.fragment(_result, run_every=None if is_done else 0.8)(job, tokens, repeats, is_done)


def _result(job: str, tokens: int, repeats: int, was_done: bool) -> None:
    from models.decoding import cache_timing

    progress = engine.poll(job)
    if progress.error:
        problem(progress.error)
        return
    if progress.is_done and not was_done:
        st.rerun()
    if not progress.is_done:
        if progress.place and not progress.count:
            said = f"Others are timing or computing. Your place in the queue: {progress.place}."
        elif not progress.steps or progress.steps[-1].repeat < 0:
            said = "Warming up and counting operations…"
        else:
            said = f"Round {progress.steps[-1].repeat + 1} of {repeats}…"
        st.progress(min(1.0, progress.count / (tokens * (repeats + 1))), text=said)
        st.button("Stop", key="stop_timing", on_click=lambda: engine.cancel(job))
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
    st.html(
        sentences(
            [
                f"{count} tokens: {seconds_text(float(found.seconds_with.sum()))} with the cache, "
                f"{seconds_text(float(found.seconds_without.sum()))} without: {times_text(found.speed_up)} faster.",
                f"{title}, {engine_device()}, median of {rounds}. The logits of both ways differ by at most "
                f"{found.difference:.1g}.",
            ]
        )
    )
    left, right = st.columns(2)
    with left:
        st.altair_chart(
            timing_chart(found.positions, found.seconds_with, found.seconds_without, title="ms per token", scale=1000),
            width="stretch",
        )
    with right:
        st.altair_chart(
            timing_chart(
                found.positions,
                found.operations_with.astype(np.float64),
                found.operations_without.astype(np.float64),
                title="billion operations per token",
                scale=1e-9,
            ),
            width="stretch",
        )
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
            "One token more costs, for each column there is",
            f"{1e6 * found.slope_with:,.1f} µs",
            f"{1e6 * found.slope_without:,.1f} µs",
        ),
        (
            "Floating-point operations",
            operations_text(int(found.operations_with.sum())),
            operations_text(int(found.operations_without.sum())),
        ),
    )
    st.html(table(("", "with the cache", "without"), rows))
    passed, single = found.one_pass_seconds, found.decode_seconds
    st.html(
        heading("Why one pass is so much faster than many steps")
        + sentences(
            [
                f"Reading {read + count - 1} tokens in one pass: {seconds_text(passed)}. "
                f"Writing {count - 1} of them one by one: {seconds_text(single)}, {times_text(single / passed)} as "
                "long, "
                f"for {operations_text(int(found.operations_with[1:].sum()))} operations instead of "
                f"{operations_text(int(found.operations_without[-1]))}.",
                "A step has to fetch all weights from memory for a single column; one pass fetches them once for all "
                "columns. That is why prompts are read so fast, and why many texts are served in one batch.",
                "Operations are multiplications and additions in matrix products and attention, counted as they are "
                "run: the hidden half of a causal mask is computed and counted too.",
            ]
        )
    )


def engine_device() -> str:
    """Where it is computed."""
    from models.engine import device_name

    return device_name()


def in_8_bits(text: str, tokens: int, status: DeltaGenerator) -> None:
    """Bytes, the change in the next-token distribution, and both texts."""
    from models.decoding import Fp8Request

    tokens = min(tokens, _FP8_LENGTHS)
    with working("Writing the same text with both caches…", status):
        found = ask(Fp8Request(thread.MODEL.value, text, tokens), status)
    agree = float(found.agrees.mean())
    parted = (
        f"Left to themselves the two write the same {len(found.exact_texts)} tokens."
        if found.parts_at is None
        else f"Left to themselves the two part at token {found.parts_at + 1}."
    )
    st.html(
        sentences(
            [
                f"{bytes_text(found.fp8_bytes)} instead of {bytes_text(found.exact_bytes)}: "
                f"{times_text(found.exact_bytes / found.fp8_bytes)} less. {parted}",
                f"Over the same {len(found.agrees)} tokens both find the same next token the likeliest in "
                f"{part_text(agree)} of the cases; the logits differ by up to {found.differences.max():.2f}.",
            ]
        )
    )
    left, right = st.columns(2, gap="large")
    with left, st.container(key="fp8_chart"):
        st.altair_chart(
            steps_chart(found.divergences.tolist(), title="KL divergence (nats)", parts_at=found.parts_at),
            width="stretch",
        )
        st.html(
            line(
                "How far the next-token distribution moves, token by token, over the same tokens. Nothing at the "
                "first: the prompt is read before anything is rounded."
            )
        )
    with right:
        st.html(
            side_by_side("As it is", "With 8-bit numbers", found.parts_at, (found.exact_texts, found.fp8_texts))
            + line(
                "transformers' QuantizedCache (fp8, e4m3): one scale for all keys and one for all values of a layer, "
                "set by the prompt. Fewer bytes, other words: neither text is the better one for that."
            )
        )
