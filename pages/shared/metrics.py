"""Our figures beside Streamlit's own at its metrics address, in OpenMetrics."""

import time
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, TypeAlias

from streamlit import runtime
from streamlit.runtime.stats import CounterStat, GaugeStat, HistogramStat, Stat

from models.engine import EngineFigures, engine
from models.errors import HeadlightError
from pages.shared.refusals import refusals

if TYPE_CHECKING:
    from streamlit.proto.openmetrics_data_model_pb2 import Metric

_Labels: TypeAlias = dict[str, str] | None

_began = time.monotonic()
# What each family says; those that end in a unit have it.
_HELP = {
    "headlight_forwards": "Forwards of models that began.",
    "headlight_forward_wait_seconds": "How long a forward waited for its device.",
    "headlight_queue": "Forwards that compute on a device or wait for it.",
    "headlight_device_busy_seconds": "Seconds that a device computed.",
    "headlight_questions": "Questions that were answered: computed, or kept by the cache.",
    "headlight_refused": "What was refused in a sentence: by the engine, a page, or the server.",
    "headlight_cache_bytes": "Bytes of kept answers.",
    "headlight_cache_limit_bytes": "How many bytes of answers are kept at most.",
    "headlight_cache_answers": "Kept answers.",
    "headlight_models": "Models that are loaded, or being loaded.",
    "headlight_model_bytes": "Bytes of models on a device.",
    "headlight_jobs": "Jobs under way.",
    "headlight_rooms": "Rooms that are open.",
    "headlight_room_people": "People who are in rooms, teachers left out.",
    "headlight_up_seconds": "Seconds since the server began.",
}
_ROOMS = ("headlight_rooms", "headlight_room_people")


def _unit(family: str) -> str:
    return next((each for each in ("seconds", "bytes") if family.endswith(f"_{each}")), "")


def _gauge(family: str, value: float, labels: _Labels = None) -> Stat:
    return GaugeStat(family, int(value), labels, _unit(family), _HELP[family])


def _counter(family: str, value: float, labels: _Labels = None) -> Stat:
    return CounterStat(family, int(value), labels, _unit(family), _HELP[family])


class SecondsStat(CounterStat):
    """A counter that is no whole number, of which Streamlit has none."""

    def marshall_metric_proto(self, metric: "Metric") -> None:
        """As Streamlit's own, with its fraction."""
        for name, value in sorted((self.labels or {}).items()):
            metric.labels.add(name=name, value=value)
        metric.metric_points.add().counter_value.double_value = self.value


def _seconds(family: str, value: float, labels: _Labels = None) -> Stat:
    return SecondsStat(family, round(value, 4), labels, "seconds", _HELP[family])  # ty: ignore[invalid-argument-type]


def engine_stats(figures: EngineFigures, others: Mapping[tuple[str, str], int]) -> Iterator[Stat]:
    """What an engine's figures say, and what was refused elsewhere."""
    waits = "headlight_forward_wait_seconds"
    yield _counter("headlight_forwards", figures.forwards)
    yield HistogramStat(
        waits, figures.waits.buckets, figures.waits.seconds, figures.waits.count, None, _unit(waits), _HELP[waits]
    )
    for device, length in figures.queue.items():
        yield _gauge("headlight_queue", length, {"device": device})
    for device, seconds in figures.busy.items():
        yield _seconds("headlight_device_busy_seconds", seconds, {"device": device})
    for found, count in figures.questions.items():
        yield _counter("headlight_questions", count, {"answer": found})
    all_refused = {**{("engine", why): count for why, count in figures.refused.items()}, **others}
    for (where, why), count in sorted(all_refused.items()):
        yield _counter("headlight_refused", count, {"by": where, "reason": why})
    yield _gauge("headlight_cache_bytes", figures.cache_bytes)
    if figures.cache_most is not None:
        yield _gauge("headlight_cache_limit_bytes", figures.cache_most)
    yield _gauge("headlight_cache_answers", figures.cache_answers)
    yield _gauge("headlight_models", figures.models)
    for device, size in figures.model_bytes.items():
        yield _gauge("headlight_model_bytes", size, {"device": device})
    yield _gauge("headlight_jobs", figures.jobs)


def room_stats() -> Iterator[Stat]:
    """How many rooms there are, and people in them; nothing where those who keep them cannot be asked."""
    from models.rooms import rooms

    try:
        count, people = rooms.counted()
    except HeadlightError:
        return
    yield _gauge("headlight_rooms", count)
    yield _gauge("headlight_room_people", people)


class Ours:
    """What Streamlit asks for our figures."""

    stats_families: Sequence[str] = tuple(_HELP)

    def get_stats(self, family_names: Sequence[str] | None = None) -> Mapping[str, Sequence[Stat]]:
        """Those of these families, or all."""
        wanted = set(family_names or self.stats_families)
        stats = [*engine_stats(engine.counted(), refusals()), _gauge("headlight_up_seconds", time.monotonic() - _began)]
        if wanted & set(_ROOMS):
            stats += room_stats()
        found: dict[str, list[Stat]] = {}
        for stat in stats:
            if stat.family_name in wanted:
                found.setdefault(stat.family_name, []).append(stat)
        return found


def show_figures() -> None:
    """Called once, when the server begins: Streamlit has a place for others' figures beside its own."""
    runtime.get_instance().stats_mgr.register_provider(Ours())
