"""Each part of Headlight beside what transformers computes of the same model and the same tokens."""

import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor
from transformers import Cache, EncoderDecoderCache

from models.attention import HideToken, trace_attention
from models.catalog import Family
from models.decoding import DecodingSettings, decode
from models.embeddings import embed, read_out
from models.errors import HeadlightError
from models.kv_cache import measure_cache, predict_cache
from models.loading import LoadedModel, wrap_model
from tests.models.sweep import references
from tests.models.sweep.classes import Swept, family_of, has_decoder
from tests.models.sweep.figures import IDS, TARGET_IDS
from tests.models.sweep.outcome import CannotBuildError, NotCheckedError, Outcome, Part, WrongError

MAPS, OUTPUTS = 1e-5, 1e-4
HIDDEN, WRITTEN = 3, 6
_ROOT = Path(__file__).resolve().parents[3]


def outcome_of(swept: Swept) -> Outcome:
    """Build the class, run everything through both, and compare."""
    try:
        model: Any = references.build(swept)
    except CannotBuildError as error:
        return Outcome(swept.name, model_type=swept.model_type, reason=str(error))
    family = family_of(model, swept.kind)
    about = {"family": family, "model_type": model.config.model_type}
    try:
        result = references.reference_forward(model)
    except CannotBuildError as error:
        return Outcome(swept.name, **about, parts=_without_reference(swept, model, family), reason=str(error))
    target = TARGET_IDS if has_decoder(model) else None
    layers: list[tuple[str, int]] = []
    taken: list[LoadedModel] = []

    def load() -> None:
        taken.append(wrap_model(references.twin(swept, model), None, family))

    def maps() -> float:
        trace = trace_attention(taken[0], IDS, target)
        layers.extend((kind, len(trace.layers(kind))) for kind in trace.kinds)
        return compare_maps(trace, references.reference_maps(model))

    def output() -> float:
        ours = trace_attention(taken[0], IDS, target).outputs
        return _near(ours, references.output_of(result), OUTPUTS, "the output")

    def compared() -> Iterator[tuple[str, Callable[[], float | None]]]:
        yield "maps", maps
        yield "output", output
        yield "hidden states", lambda: compare_states(taken[0], model, target)
        if "logits" in result:
            yield "lens", lambda: compare_lens(taken[0], model, result)
        yield "hidden token", lambda: compare_hidden(taken[0], model, in_target=False)
        if target:
            yield "hidden target token", lambda: compare_hidden(taken[0], model, in_target=True)
        if model.can_generate():
            yield "text", lambda: compare_text(taken[0], model)

    parts = [_part("load", load)]
    if taken:
        parts += [_part(name, compare, taken[0]) for name, compare in compared()]
    # A config alone is asked what its cache will hold, also of a model that is refused.
    if model.can_generate():
        parts.append(_part("cache", lambda: compare_cache(model), taken[0] if taken else None))
    return Outcome(swept.name, **about, layers=tuple(layers), parts=tuple(parts))


def _without_reference(swept: Swept, model: Any, family: Family) -> tuple[Part, ...]:
    """Where transformers cannot run a text through it, Headlight says so in a sentence."""

    def run() -> None:
        loaded = wrap_model(references.twin(swept, model), None, family)
        trace_attention(loaded, IDS, TARGET_IDS if has_decoder(model) else None)

    part = _part("load", run)
    return (part,) if part.verdict != "exact" else ()


def _part(name: str, compare: Callable[[], float | None], loaded: LoadedModel | None = None) -> Part:
    try:
        return Part(name, "exact", figure=compare())
    except HeadlightError as error:
        return Part(name, "refused", str(error))
    except WrongError as error:
        said = _said(name, error, loaded)
        return Part(name, "refused", said) if said else Part(name, "wrong", str(error), error.figure)
    except NotCheckedError as error:
        return Part(name, "not checked", str(error))
    except Exception as error:
        return Part(name, "crash", f"{type(error).__name__}: {' '.join(str(error).split())[:200]} ({_place(error)})")


def _said(name: str, error: WrongError, loaded: LoadedModel | None) -> str:
    """The sentence that stands in place of this part, or beside what it leaves out; "" where nothing is said."""
    parts = {"maps": ("maps", "attention"), "hidden target token": ("hidden token",)}.get(name, (name,))
    # A layer may be missing and a layer may still see what is hidden, where that is said; numbers may not be wrong.
    enough = {"refused", "partial"} if "hidden token" in parts or error.figure is None else {"refused"}
    findings = getattr(loaded, "findings", ())
    return next((each.sentence for each in findings if each.part in parts and each.verdict in enough), "")


def _place(error: BaseException) -> str:
    """Where it was raised, and the last line of Headlight that led there."""
    frames = [(Path(each.filename), each.lineno) for each in traceback.extract_tb(error.__traceback__)]
    ours = [each for each in frames if _ROOT / "models" in each[0].parents]
    told = [f"{path.name}:{line}" for path, line in frames[-1:]]
    if ours and ours[-1] != frames[-1]:
        told.append(f"from {ours[-1][0].relative_to(_ROOT)}:{ours[-1][1]}")
    return ", ".join(told)


def _near(ours: np.ndarray, theirs: np.ndarray, limit: float, what: str, *, relative: bool = True) -> float:
    """The largest difference, relative to the largest number. Raises WrongError beyond the limit."""
    if ours.shape != theirs.shape:
        raise WrongError(f"{what} has the shape {_shape(ours)} instead of {_shape(theirs)}")
    # Where both forbid a token.
    both = np.isneginf(ours) & np.isneginf(theirs)
    scale = max(1.0, float(np.abs(np.where(both, 0, theirs)).max())) if relative else 1.0
    apart = float(np.abs(np.where(both, 0, ours) - np.where(both, 0, theirs)).max()) / scale
    if not apart <= limit:
        raise WrongError(f"{what} is off by {apart:.1e}", apart)
    return apart


def _shape(array: np.ndarray) -> str:
    return "[" + ", ".join(map(str, array.shape)) + "]"


def compare_maps(trace: Any, theirs: dict[str, list[np.ndarray] | str]) -> float:
    """Kinds, layers, shapes and weights."""
    missing = {kind: why for kind, why in theirs.items() if isinstance(why, str)}
    given = {kind: maps for kind, maps in theirs.items() if not isinstance(maps, str)}
    if not given:
        raise NotCheckedError("; ".join(missing.values()))
    ours = {kind: len(trace.layers(kind)) for kind in trace.kinds if kind not in missing}
    expected = {kind: len(maps) for kind, maps in given.items()}
    if ours != expected:
        raise WrongError(f"layers {_listed(ours)} instead of {_listed(expected)}")
    largest = 0.0
    for kind, maps in given.items():
        for layer, one in zip(trace.layers(kind), maps, strict=True):
            largest = max(
                largest, _near(trace.weights(kind, layer), one, MAPS, f"{kind} layer {layer}", relative=False)
            )
    if missing:
        raise NotCheckedError("; ".join(missing.values()))
    return largest


def _listed(layers: dict[str, int]) -> str:
    return ", ".join(f"{kind} {count}" for kind, count in layers.items()) or "none"


def compare_states(loaded: LoadedModel, model: Any, target: tuple[int, ...] | None) -> float:
    """Each hidden state, of the text and of the target."""
    try:
        theirs = references.reference_states(model)
    except Exception as error:
        theirs, why = {}, f"output_hidden_states raises {type(error).__name__}"
    else:
        why = "no hidden states are returned"
    embedding = embed(loaded, IDS, target)
    if not theirs:
        raise NotCheckedError(why)
    ours = {"text": embedding.hidden_states, "target": embedding.target_hidden_states}
    largest = 0.0
    for part, states in theirs.items():
        if len(ours[part]) != len(states):
            raise WrongError(f"{len(ours[part])} hidden states of the {part} instead of {len(states)}")
        for index, state in enumerate(states):
            largest = max(largest, _near(ours[part][index], state, OUTPUTS, f"hidden state {index} of the {part}"))
    return largest


def compare_lens(loaded: LoadedModel, model: Any, result: Any) -> float | None:
    """The head on the last hidden state gives the logits, and on other vectors others."""
    vectors = references.last_vectors(model)
    if vectors is None:
        read_out(loaded, torch.zeros(2, int(model.config.get_text_config().hidden_size)))
        raise NotCheckedError("transformers gives no vector that its head reads")
    read = read_out(loaded, vectors).numpy()
    apart = _near(read, references.output_of(result), OUTPUTS, "the lens' last row")
    other = read_out(loaded, vectors.flip(0) * 1.5).numpy()
    if np.abs(other - read).max() < OUTPUTS:
        raise WrongError("the lens says the same of other vectors")
    return apart


def compare_hidden(loaded: LoadedModel, model: Any, *, in_target: bool) -> float:
    """A hidden token beside 0 in the mask."""
    name, ids = ("decoder_attention_mask", TARGET_IDS) if in_target else ("attention_mask", IDS)
    mask = torch.ones(1, len(ids), dtype=torch.long)
    mask[0, HIDDEN] = 0
    target = TARGET_IDS if has_decoder(model) else None
    # What stands at the hidden token itself nobody reads any more, and ESM takes its vector away as well.
    is_own = in_target == (target is not None)
    rows = [place for place in range(len(target or IDS)) if not (is_own and place == HIDDEN)]
    ours = trace_attention(loaded, IDS, target, [HideToken(HIDDEN, in_target)]).outputs
    plain = references.output_of(references.forward(model))
    # Some count positions from the mask (OPT): there the tokens after a hidden one would move up.
    places = {"decoder_position_ids" if in_target else "position_ids": torch.arange(len(ids))[None]}
    found: list[Exception] = []
    for more in ({}, places):
        try:
            theirs = references.output_of(references.forward(model, **{name: mask}, **more))
        except Exception as error:
            found.append(NotCheckedError(f"{name} with a 0 raises {type(error).__name__}"))
            continue
        if np.isnan(theirs[rows]).any() or np.array_equal(theirs, plain):
            found.append(NotCheckedError(f"{name} with a 0 changes nothing"))
            continue
        try:
            return _near(ours[rows], theirs[rows], OUTPUTS, f"the output with token {HIDDEN} hidden")
        except WrongError as error:
            found.append(error)
    raise min(found, key=lambda each: (isinstance(each, NotCheckedError), getattr(each, "figure", None) or 0.0))


def _generated(model: Any) -> Any:
    ids = torch.tensor([IDS])
    return model.generate(
        input_ids=ids,
        attention_mask=torch.ones_like(ids),
        do_sample=False,
        num_beams=1,
        max_new_tokens=WRITTEN,
        pad_token_id=0,
        return_dict_in_generate=True,
        output_logits=True,
    )


def compare_text(loaded: LoadedModel, model: Any) -> None:
    """Greedy text."""
    try:
        made = _generated(model)
    except Exception as error:
        made, why = None, f"generate raises {type(error).__name__}: {' '.join(str(error).split())[:100]}"
    ours = [step.token_id for step in decode(loaded, IDS, DecodingSettings(max_new_tokens=WRITTEN, temperature=0))]
    if made is None:
        raise NotCheckedError(why)
    before = 1 if has_decoder(model) else len(IDS)
    theirs = made.sequences[0, before:].tolist()
    if ours != theirs:
        place = next((at for at, pair in enumerate(zip(ours, theirs, strict=False)) if pair[0] != pair[1]), len(ours))
        margin = ""
        if place < len(made.logits):
            best = made.logits[place][0].float().topk(2).values
            margin = f", where the likeliest is ahead by {float(best[0] - best[1]):.1e}"
        raise WrongError(f"wrote {ours} instead of {theirs}, other from token {place} on{margin}")


def compare_cache(model: Any) -> None:
    """What a real cache holds after transformers' own generation, and what the config alone predicts."""
    try:
        made, why = _generated(model), "generate returns no cache"
        cache = made.get("past_key_values")
    except Exception as error:
        made, cache, why = None, None, f"generate raises {type(error).__name__}: {' '.join(str(error).split())[:100]}"
    length = made.sequences.shape[1] if made is not None else len(IDS) + WRITTEN
    written = length - (1 if has_decoder(model) else len(IDS))
    predicted = predict_cache(
        model.config,
        length - 1,
        source_positions=len(IDS) if has_decoder(model) else 0,
        newest=1 if written > 1 or has_decoder(model) else length - 1,
    )
    if not isinstance(cache, Cache):
        raise NotCheckedError(why)
    measured = measure_cache(cache)
    held = _bytes_of(cache)
    if measured.total_bytes != held:
        raise WrongError(f"measured {measured.total_bytes} bytes where the cache holds {held}")
    if not predicted.layers and not measured.layers:
        return
    for name in ("layers", "kinds", "positions", "heads", "key_widths", "value_widths", "bytes", "rows", "dtype"):
        said, found = getattr(predicted, name), getattr(measured, name)
        if said != found:
            raise WrongError(f"predicted {name} {said} where {found} are measured")


def _bytes_of(cache: Cache) -> int:
    """All numbers that a growing cache holds."""
    parts = [cache]
    if isinstance(cache, EncoderDecoderCache):
        parts = [cache.self_attention_cache, cache.cross_attention_cache]
    tensors = {id(each): each for part in parts for layer in part.layers for each in _tensors(vars(layer))}
    return sum(each.numel() * each.element_size() for each in tensors.values() if each.is_floating_point())


def _tensors(held: Any) -> list[Tensor]:
    if isinstance(held, Tensor):
        return [held]
    if isinstance(held, dict):
        return [each for value in held.values() for each in _tensors(value)]
    return [each for value in held for each in _tensors(value)] if isinstance(held, list | tuple) else []
