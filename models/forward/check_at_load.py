"""Is what Headlight draws of a model what transformers computes? Asked of each model when it is loaded.

The same short input goes through both: Headlight's recorded run, and transformers' own eager code with
`output_attentions`, on a shadow of the model. What differs is refused with the number.
"""

import inspect
import logging
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from models.attention.trace import AttentionTrace, trace_attention, traced
from models.embeddings.hidden_states import NoHiddenStatesError, anatomy_of
from models.embeddings.logit_lens import LensError, can_read_out, normed, read_out
from models.forward.capture import ADDRESSES
from models.forward.inputs import Inputs, plain_ids
from models.forward.interventions import HideToken
from models.forward.kept_findings import Kept, keep_finding, kept_of, key_of, sample_of
from models.forward.map_axes import KINDS
from models.forward.picture_probe import noise
from models.forward.probe import give_addresses
from models.forward.recorded_run import to_numpy
from models.forward.reference_run import Reference, masked_outputs, reference
from models.forward.shadow_modules import outermost_lists
from models.kv_cache.empty_cache import fresh_cache
from models.kv_cache.measurement import measure_cache
from models.kv_cache.shape import CacheFormulaError
from models.kv_cache.shape_from_config import cache_shape
from models.kv_cache.size_formula import predict
from models.loaded import Finding, LoadedModel
from models.loading.checks_after_reading import check_finite
from models.loading.checks_before_reading import ModelRefusedError

log = logging.getLogger(__name__)

# Of different lengths, so that kinds are told apart by them; no power of two, so that no map is taken for a matrix of
# another kind.
SOURCE, TARGET = 9, 5
# How far two ways to compute the same may be apart: rounding alone, many layers deep. In parts of 1 for weights and
# of the largest number for outputs; for each type as often its own rounding.
_WEIGHTS, _OUTPUT = 2e-4, 1e-3
_ROUNDINGS, _NUDGES = 32, 8


def check_inputs(loaded: LoadedModel) -> Inputs:
    """The short input: tokens that mean nothing special, in a source and a target of different lengths."""
    ids = plain_ids(loaded, SOURCE)
    target = ids[::-1][: min(TARGET, len(ids) - 1)] if loaded.is_seq2seq else ()
    return Inputs(ids, loaded.pieces(ids), target, loaded.pieces(target))


def checked(loaded: LoadedModel, folder: Path | None = None) -> LoadedModel:
    """The model with what its check found; its attention modules have their addresses afterwards.

    folder: of the weights, by which it is known that they were compared before. None for a model in memory.

    Takes the device. Raises ModelRefusedError (ArchitectureNotSupportedError where nothing can be seen), also where the
    same files came back as other numbers than those that were compared.
    """
    model = loaded.model
    key = None if folder is None else key_of(loaded, folder)
    kept = None if key is None else kept_of(key)
    if kept is None:
        check_finite(model, loaded.card.title)
        inputs = check_inputs(loaded) if loaded.sight is None else noise(loaded)
        give_addresses(loaded, inputs)
        findings = check(loaded, inputs)
        if key is not None:
            seen = {path: each.__dict__.get(ADDRESSES) for path, each in model.named_modules()}
            addresses = {path: each for path, each in seen.items() if each}
            keep_finding(key, Kept(findings, addresses, sample_of(model)))
        return replace(loaded, findings=findings)
    if sample_of(model) != kept.sample:
        raise ModelRefusedError(
            f"{loaded.card.title} came back with other numbers than those that were compared with transformers' own, "
            "though its files are the same. Open it again; if it stays so, get the files anew."
        )
    modules = dict(model.named_modules())
    for path, addresses in kept.addresses.items():
        modules[path].__dict__[ADDRESSES] = addresses
    return replace(loaded, findings=kept.findings)


def check(loaded: LoadedModel, inputs: Inputs) -> tuple[Finding, ...]:
    """Compare every part; the modules have their addresses already.

    Takes the device. Raises ModelRefusedError where attention or output differ, so that nothing could be drawn.
    """
    trace = _traced(loaded, inputs)
    try:
        known = reference(loaded, inputs)
    except Exception as error:
        log.warning("transformers' own attention failed at the check of %s", loaded.card.name, exc_info=True)
        unknown = f"Not checked: transformers' own eager attention fails here ({type(error).__name__})."
        return (Finding("attention", "not checked", None, unknown),)
    # A head may rule a word out (-inf), and no more than that.
    if torch.isnan(known.output).any() or torch.isposinf(known.output).any():
        raise ModelRefusedError(
            f"{loaded.card.title} answers a plain text with numbers that are none (NaN) or infinite: its weights are "
            "damaged, or its training went astray. Get the files anew, or take an earlier checkpoint."
        )
    return (
        *_drawn(loaded, trace, known, tolerance(loaded, _WEIGHTS), tolerance(loaded, _OUTPUT), is_nudged=False),
        *_without_maps(loaded, trace, known),
        _lens(loaded, known),
        _hidden_token(loaded, inputs),
        _cache(loaded, inputs),
    )


def _traced(loaded: LoadedModel, inputs: Inputs, *changes: HideToken) -> AttentionTrace:
    if loaded.sight is not None:
        return traced(loaded, inputs, (changes,))[0]
    return trace_attention(loaded, inputs.ids, inputs.target_ids or None, changes)


def _drawn(
    loaded: LoadedModel,
    trace: AttentionTrace,
    known: Reference,
    most_weights: float,
    most_output: float,
    *,
    is_nudged: bool,
) -> tuple[Finding, Finding]:
    """What every picture rests on.

    most_weights, most_output: how far they may be apart; more where rounding alone makes more.

    Raises ModelRefusedError where they differ.
    """
    findings = _attention(loaded, trace, known, most_weights), _output(loaded, trace, known, most_output)
    wrong = next((each for each in findings if each.verdict == "refused"), None)
    if wrong is None:
        return findings
    if wrong.difference is not None and not is_nudged:
        # Some weights, most of them random, make much of rounding.
        nudged = reference(loaded, trace.inputs, is_nudged=True)
        most_weights = max(most_weights, _NUDGES * _noise_of_maps(known, nudged))
        most_output = max(most_output, _NUDGES * _share_apart(nudged.output[-1], known.output[-1]))
        return _drawn(loaded, trace, known, most_weights, most_output, is_nudged=True)
    if not (_is_half(loaded) and _is_plain_sdpa(loaded, trace)):
        raise ModelRefusedError(wrong.sentence)
    why = (
        f"Not checked in {str(loaded.model.dtype).removeprefix('torch.')}: transformers' own two ways to compute "
        "attention part here by their rounding."
    )
    attention, output = (replace(each, verdict="not checked", sentence=why) for each in findings)
    return attention, output


def _noise_of_maps(known: Reference, nudged: Reference) -> float:
    pairs = (
        (one, other)
        for kind, layers in known.attentions.items()
        for one, other in zip(layers, nudged.attentions[kind], strict=True)
        if one is not None and other is not None
    )
    return max((float((one - other).abs().max()) for one, other in pairs), default=0.0)


def _is_half(loaded: LoadedModel) -> bool:
    return torch.finfo(loaded.model.dtype).bits < 32


def _is_plain_sdpa(loaded: LoadedModel, trace: AttentionTrace) -> bool:
    """Whether the output is that of transformers' own SDPA: in half precision a router may choose otherwise after it
    than after the eager function.
    """
    if not type(loaded.model)._supports_sdpa:
        return False
    output = reference(loaded, trace.inputs, "sdpa").output[-1]
    return _share_apart(torch.from_numpy(trace.last_output), output) <= 4 * torch.finfo(loaded.model.dtype).eps


def tolerance(loaded: LoadedModel, otherwise: float) -> float:
    """How far apart two numbers of the model's own precision may be."""
    return max(otherwise, _ROUNDINGS * torch.finfo(loaded.model.dtype).eps)


def _attention(loaded: LoadedModel, trace: AttentionTrace, known: Reference, most: float) -> Finding:
    name = type(loaded.model).__name__
    if not known.attentions:
        return Finding("attention", "not checked", None, "Maps not checked: transformers gives none for this model.")
    largest, counts = 0.0, []
    for kind in KINDS:
        ours, theirs = trace.layers(kind), known.attentions.get(kind, ())
        if not ours:
            continue
        if not theirs:
            if set(known.attentions) - set(trace.kinds):
                return _refused("attention", f"{name} was taken for {kind}, and transformers says otherwise.", None)
            counts.append(f"{len(ours)} {kind} layers (not checked)")
            continue
        pairs = _pairs(ours, theirs)
        if pairs is None:
            why = f"{name} has maps of {len(theirs)} {kind} layers in transformers, and {len(ours)} were recorded here."
            return _refused("attention", why, None)
        for layer, expected in pairs:
            weights = trace.weights(kind, layer)
            apart = _apart(weights, expected)
            if apart is None:
                sizes = f"{tuple(expected.shape)} in transformers and {weights.shape} here"
                why = f"A map of {name} is {sizes} ({kind} L{layer})."
                return _refused("attention", why, None)
            if apart > most:
                why = f"The attention weights of {name} are {apart:.2g} off from transformers' own ({kind} L{layer})."
                return _refused("attention", why, apart)
            largest = max(largest, apart)
        counts.append(f"{len(ours)} {kind} layers")
    return Finding(
        "attention", "exact", largest, f"Checked here: {', '.join(counts)}, largest difference {largest:.0e}."
    )


def _without_maps(loaded: LoadedModel, trace: AttentionTrace, known: Reference) -> Iterator[Finding]:
    """What attends by code of its own, so that there is nothing to draw of it."""
    unseen = []
    for kind in KINDS:
        ours, theirs = trace.layers(kind), known.attentions.get(kind, ())
        if not ours and (theirs or loaded.is_seq2seq):
            unseen.append(f"its {kind} attention" if kind == "cross" else f"its {kind}'s attention")
        elif ours and len(ours) < len(theirs):
            unseen.append(f"{len(theirs) - len(ours)} of its {kind} layers")
    if unseen:
        why = f"There are no maps of {' and '.join(unseen)}: it is computed by code of the model's own."
        yield Finding("maps", "partial", None, why)


def _pairs(ours: tuple[int, ...], theirs: tuple[Tensor | None, ...]) -> list[tuple[int, Tensor]] | None:
    """Each recorded layer and its map in transformers: by number where there is one for each, else in order."""
    there = [each for each in theirs if each is not None]
    if len(there) == len(ours):
        return list(zip(ours, there, strict=True))
    if ours[-1] < len(theirs):
        found = [(layer, theirs[layer]) for layer in ours]
        return None if any(each is None for _, each in found) else [(x, each) for x, each in found if each is not None]
    return None


def _output(loaded: LoadedModel, trace: AttentionTrace, known: Reference, most: float) -> Finding:
    apart = _share_apart(torch.from_numpy(trace.last_output), known.output[-1])
    if apart > most:
        why = f"What {type(loaded.model).__name__} computes here is {apart:.2g} of its largest output off from "
        return _refused("output", why + "transformers' own.", apart)
    return Finding("output", "exact", apart, f"Output: largest difference {apart:.0e} of the largest.")


def _lens(loaded: LoadedModel, known: Reference) -> Finding:
    """The lens on the last layer must give the model's own logits, and on another one others."""
    if not can_read_out(loaded):
        return Finding("lens", "none", None, "")
    try:
        anatomy = anatomy_of(loaded)
        if not known.hidden_states:
            return Finding("lens", "not checked", None, "Logit lens not checked: there are no hidden states.")
        last, first = known.hidden_states[-1], known.hidden_states[0]
        read = read_out(loaded, last if anatomy.reader.last_is_normed else normed(loaded, last))
        other = read_out(loaded, normed(loaded, first))
    except (LensError, NoHiddenStatesError) as error:
        return _refused("lens", str(error), None)
    except Exception as error:
        log.warning("The head of %s failed at the check", loaded.card.name, exc_info=True)
        why = f"The head of {type(loaded.model).__name__} cannot be run by itself ({type(error).__name__}), "
        return _refused("lens", why + "so there is no logit lens.", None)
    apart = _share_apart(read, known.output)
    if apart > tolerance(loaded, _OUTPUT):
        why = f"The logit lens after the last layer is {apart:.2g} of the largest logit off from the model's own"
        return _refused("lens", why + ", so it is not shown.", apart)
    if not torch.equal(last, first) and torch.equal(read, other):
        return _refused("lens", "The logit lens says the same whatever it reads, so it is not shown.", None)
    return Finding("lens", "exact", apart, f"Logit lens: largest difference {apart:.0e}.")


def _hidden_token(loaded: LoadedModel, inputs: Inputs) -> Finding:
    """A hidden token must be what a 0 in transformers' `attention_mask` is; and what still sees it is said."""
    hidden = len(inputs.ids) // 2
    if loaded.sight is not None and "attention_mask" not in inspect.signature(loaded.model.forward).parameters:
        why = f"Hidden patches not checked: {type(loaded.model).__name__} takes no mask."
        return Finding("hidden token", "not checked", None, why)
    trace = _traced(loaded, inputs, HideToken(hidden))
    ours = torch.from_numpy(trace.last_output)
    try:
        if loaded.sight is None:
            # The same place with another token in it: what changes has seen it.
            theirs, changed = masked_outputs(loaded, inputs, hidden, inputs.ids[0])
            change = _share_apart(changed, theirs)
        else:
            theirs, change = reference(loaded, inputs, hidden=hidden).output[-1], 0.0
        most = tolerance(loaded, _OUTPUT)
        if _share_apart(ours, theirs) > most:
            # By itself: experts with room for so many tokens choose otherwise among two rows.
            theirs = reference(loaded, inputs, hidden=hidden).output[-1]
    except Exception as error:
        log.warning("A mask failed at the check of %s", loaded.card.name, exc_info=True)
        why = f"Hidden tokens not checked: transformers fails on a mask here ({type(error).__name__})."
        return Finding("hidden token", "not checked", None, why)
    apart = _share_apart(ours, theirs)
    if apart > most:
        nudged = reference(loaded, inputs, hidden=hidden, is_nudged=True).output[-1]
        most = max(most, _NUDGES * _share_apart(nudged, theirs))
    if apart > most:
        why = f"A token that is hidden here is {apart:.2g} of the largest output off from a 0 in transformers' mask"
        return _refused("hidden token", why + ", so no token can be hidden.", apart)
    if change > most / 10:
        blind = layers_without_attention(loaded.model)
        where = f"its {blind} layers without attention" if blind else "all that its layers do beside attention"
        return Finding("hidden token", "partial", apart, f"Hiding a token does not reach {where}: they still see it.")
    return Finding("hidden token", "exact", apart, f"Hidden token: largest difference {apart:.0e}.")


def _cache(loaded: LoadedModel, inputs: Inputs) -> Finding:
    """What a forward leaves in a cache must be what is predicted of it."""
    model: Any = loaded.model
    if not model.can_generate():
        return Finding("cache", "none", None, "")
    try:
        shape = cache_shape(model.config, type(model))
    except CacheFormulaError as error:
        return _refused("cache", str(error), None)
    cache = fresh_cache(model)
    if cache is None:
        return Finding("cache", "not checked", None, "Cache not checked: it is of a kind of the model's own.")
    more = {"past_key_values": cache, "use_cache": True}
    try:
        with torch.inference_mode():
            model(**inputs.arguments(loaded, 1, last_only=True) | more)
    except Exception as error:
        log.warning("A cache failed at the check of %s", loaded.card.name, exc_info=True)
        why = f"Cache not checked: the model does not take an empty one ({type(error).__name__})."
        return Finding("cache", "not checked", None, why)
    positions = len(inputs.target_ids or inputs.ids)
    source = len(inputs.ids) if inputs.target_ids else 0
    found = measure_cache(cache)
    expected = predict(shape, positions, dtype=model.dtype, source_positions=source, newest=positions)
    apart = abs(found.total_bytes - expected.total_bytes)
    ours, theirs = ((each.layers, each.heads, each.positions, each.bytes) for each in (expected, found))
    if ours != theirs:
        why = f"The cache of {type(model).__name__} holds {found.total_bytes:,} bytes after {positions} tokens"
        why += f", and {expected.total_bytes:,} were predicted: it is not predicted for this architecture."
        return _refused("cache", why, apart)
    return Finding(
        "cache", "exact", apart, f"Cache: {found.total_bytes:,} bytes after {positions} tokens, as predicted."
    )


def layers_without_attention(model: Any) -> int:
    """How many members of the stacks of layers have none that was seen, where others of the same stack have some."""
    count = 0
    for stack in outermost_lists(model):
        attends = [any(ADDRESSES in each.__dict__ for each in member.modules()) for member in stack]
        count += attends.count(False) if any(attends) else 0
    return count


def _apart(ours: np.ndarray, theirs: Tensor) -> float | None:
    """The largest difference; None where the shapes differ."""
    expected = to_numpy(theirs)
    if ours.shape != expected.shape:
        return None
    apart = np.abs(ours - expected)
    return float("inf") if np.isnan(apart).any() else float(apart.max(initial=0))


def _share_apart(ours: Tensor, theirs: Tensor) -> float:
    """The largest difference as a part of the largest number."""
    ours, theirs = ours.detach().to("cpu", torch.float32), theirs.detach().to("cpu", torch.float32)
    finite = torch.isfinite(theirs)
    if ours.shape != theirs.shape or not torch.equal(finite, torch.isfinite(ours)):
        return float("inf")
    if not bool(finite.any()):
        return 0.0
    largest = max(float(theirs[finite].abs().max()), torch.finfo(torch.float32).tiny)
    return float((ours - theirs)[finite].abs().max()) / largest


def _refused(part: str, sentence: str, difference: float | int | None) -> Finding:
    return Finding(part, "refused", difference, sentence)
