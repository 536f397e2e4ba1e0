"""How the transformer block has changed: published models as plans, each beside the one before, with its figures."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Any

from transformers import AutoConfig, PreTrainedConfig

from models.anatomy.diagram import Box, Diagram, ModelPlan
from models.anatomy.history_models import STATIONS, Station
from models.anatomy.plan import plan_of_config
from models.engine import Engine
from models.kv_cache.shape_from_config import cache_shape
from models.kv_cache.size_formula import predict
from models.one_at_a_time import one_at_a_time

# Long enough for a window to be seen, and short enough for every model.
_CONTEXT = 8_192
_DTYPE = "bfloat16"
_LIKE = ("positions", "norm", "attention", "cross-attention", "mlp", "experts", "router", "mixer", "linear", "other")


@dataclass(frozen=True)
class Figures:
    """What a model costs: parameters; operations for one token read alone; bytes of its KV cache for each token of a
    text of 8,192, in 16 bits (0 for one that keeps nothing), and what they would be if each layer that attends kept the
    keys and values of its heads as they are looked at, over the whole text.
    """

    parameters: int
    operations: int
    cache: float
    cache_of_heads: int


@dataclass(frozen=True)
class StationPlan:
    """One station: its plan, the boxes of the layer that is shown and whether each is new beside the station before,
    what is gone since, in words, and its figures, with and without its change.
    """

    station: Station
    plan: ModelPlan
    layer: Box
    is_new: tuple[bool, ...]
    gone: tuple[str, ...]
    positions: str
    figures: Figures
    otherwise: Figures | None


@dataclass(frozen=True)
class StationRequest:
    """One station by its place among `STATIONS`; only configs are made."""

    place: int

    def answer(self, engine: Engine) -> StationPlan:
        """Raises PlanError, CacheFormulaError."""
        station = STATIONS[self.place]
        config = _config(station)
        plan = plan_of_config(config, 1, title=station.title, bits=16)
        layer = shown_layer(plan)
        before = engine.run(StationRequest(self.place - 1)).layer if self.place else None
        is_new, gone = differences(None if before is None else before.inner, layer.inner)
        other = None
        if station.without:
            changed = _config(station, station.without)
            other = _figures(plan_of_config(changed, 1, bits=16), changed)
        return StationPlan(station, plan, layer, is_new, gone, _positions(plan), _figures(plan, config), other)


def _config(station: Station, more: Mapping[str, object] | None = None) -> PreTrainedConfig:
    with one_at_a_time():
        return AutoConfig.for_model(station.model_type, **{**station.figures, **(more or {})})


def _figures(plan: ModelPlan, config: PreTrainedConfig) -> Figures:
    shape = cache_shape(config)
    kept = sum(predict(shape, _CONTEXT, source_positions=_CONTEXT, dtype=_DTYPE).bytes) if shape else 0
    return Figures(plan.parameters, plan.operations, kept / _CONTEXT, 2 * _numbers_of_heads(plan))


def _numbers_of_heads(plan: ModelPlan) -> int:
    """Of the keys and values of all heads, for a token."""
    found = 0
    for layer in plan.every.boxes:
        for each in () if layer.kind != "layer" or layer.inner is None else layer.inner.every_box():
            facts: dict[str, Any] = dict(each.facts)
            if each.kind in ("attention", "cross-attention") and "key and value heads" in facts:
                key = facts["numbers in a key"]
                found += facts["key and value heads"] * (key + facts.get("numbers in a value", key))
    return found


def shown_layer(plan: ModelPlan) -> Box:
    """The layer that tells most: of the last stack the one of which there are most; of two kinds in turns the one that
    has no attention.
    """
    layers = [each for each in plan.folded.boxes if each.kind in ("layer", "layers")]
    last = layers[-1]
    if last.kind == "layer" or last.inner is None:
        return max(reversed(layers[-2:]), key=lambda each: each.count)
    kinds = [each for each in last.inner.boxes if each.kind == "layer"]
    return next((each for each in kinds if not _attends(each)), kinds[0])


def _attends(layer: Box) -> bool:
    return layer.inner is not None and any(each.kind == "attention" for each in layer.inner.boxes)


def differences(before: Diagram | None, after: Diagram | None) -> tuple[tuple[bool, ...], tuple[str, ...]]:
    """Which boxes of a layer are new beside those of another, in their order, and what is gone, in words."""
    boxes = () if after is None else after.boxes
    if before is None:
        return (False,) * len(boxes), ()
    old = [each for each in before.boxes if each.kind in (*_LIKE, "sum")]
    new = [each for each in boxes if each.kind in (*_LIKE, "sum")]
    same: set[str] = set()
    gone: list[str] = []
    matcher = SequenceMatcher(None, [*map(box_words, old)], [*map(box_words, new)], autojunk=False)
    for kind, begin, end, first, last in matcher.get_opcodes():
        if kind == "equal":
            same |= {each.name for each in new[first:last]}
        else:
            gone += [box_words(each) for each in old[begin:end] if each.kind != "sum"]
    named = {each.name for each in new}
    kept = {box_words(each) for each in new}
    return (
        tuple(each.name in named and each.name not in same for each in boxes),
        tuple(dict.fromkeys(each for each in gone if each not in kept)),
    )


def box_words(box: Box) -> str:
    """What a box is, without sizes: boxes of two models that are called alike do the same."""
    facts = dict(box.facts)
    if box.kind in ("attention", "cross-attention"):
        return ", ".join([box.title, *_attention_words(box, facts)])
    if box.kind == "mlp":
        return ", ".join(
            [box.title, str(facts.get("curve")).partition(" (")[0], *(["gated"] if facts.get("gated") == "yes" else [])]
        )
    if box.kind == "experts":
        has_shared = box.inner is not None and any(each.kind == "mlp" for each in box.inner.boxes)
        return f"{box.title}, one for all" if has_shared else box.title
    return box.title


def _attention_words(box: Box, facts: Mapping[str, object]) -> Sequence[str]:
    inner = () if box.inner is None else box.inner.boxes
    norms = [each for each in inner if each.kind == "norm"]
    places = [each for each in inner if each.kind == "text" and each.title != "input"]
    found = ["latent" if "numbers in a value" in facts else "q and k normed"] if norms else []
    heads, keys = facts.get("heads"), facts.get("key and value heads")
    if isinstance(heads, int) and isinstance(keys, int) and keys < heads:
        found.append("grouped")
    if "window" in facts:
        found.append("window")
    if any(each.title == "positions" for each in places):
        found.append("rotary")
    if box.kind == "attention" and any(each.title == "from an earlier layer" for each in places):
        found.append("distance bias")
    return found


def _positions(plan: ModelPlan) -> str:
    """How the model knows order, in words, from what was seen."""
    every = list(plan.every.every_box())
    if any(each.title == "Rotary angles" for each in every):
        return "turned queries and keys"
    rows = [each for each in plan.every.boxes if each.kind == "positions"]
    if rows:
        trained = dict(rows[0].facts).get("trained")
        return "computed vectors (sinusoids)" if trained == "no" else "learned vectors"
    if any(each.kind == "positions" for each in every):
        return "a learned bias for each distance"
    return "none of its own: layers with a state run in order"
