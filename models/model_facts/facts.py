"""What a model is: its shape, how it knows order, its norms, its parameters, and how it wants to be written to."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

from models.attention.classifier_labels import label_name
from models.embeddings.hidden_states import NoHiddenStatesError, final_norm
from models.embeddings.input_table import table_facts
from models.engine import Engine
from models.forward.capture import Call, looks_ahead
from models.loaded import Finding, LoadedModel
from models.model_facts.layer_parts import activation, inner_norms, norms_of, placement
from models.model_facts.parameters import parameters_by_part
from models.model_facts.watched_forward import Watched, WatchedStack, watch

_MOST_LABELS = 12
_MADE_FOR = {
    "ForSequenceClassification": "classifying texts: {labels}",
    "ForTokenClassification": "labelling each token: {labels}; that head is not run here",
    "ForQuestionAnswering": "finding where the answer to a question begins and ends; that head is not run here",
    "ForMultipleChoice": "choosing one of several answers; that head is not run here",
}


class LayerMask(NamedTuple):
    """What tokens may look at. kind: "encoder", "decoder" or "cross". layers: those of which this holds."""

    kind: str
    layers: tuple[int, ...]
    mask: str


@dataclass(frozen=True)
class HeadFacts:
    """The heads of each layer of a stack; several numbers where layers differ.

    queries: how many heads there are; keys: how many of keys and values. size, value_size: numbers in a key, a value.
    """

    queries: tuple[int, ...]
    keys: tuple[int, ...]
    size: tuple[int, ...]
    value_size: tuple[int, ...]


@dataclass(frozen=True)
class StackFacts:
    """One stack of layers.

    name: "encoder" or "decoder". layers: how many. with_maps: those whose attention can be shown.
    norm: kind, or "none". norm_placement: see `models.model_facts.layer_parts.placement`. inner_norm: kind of the norms
        inside attention, or "".
    activation: of the MLP, in words. inner_width: of the MLP, 0 where it could not be seen.
    """

    name: str
    layers: int
    with_maps: tuple[int, ...]
    heads: HeadFacts
    norm: str
    norm_placement: str
    inner_norm: str
    activation: str
    inner_width: int
    masks: tuple[LayerMask, ...]


class SpecialToken(NamedTuple):
    """A token with a role of its own. text: as it is written."""

    roles: tuple[str, ...]
    text: str
    id: int


@dataclass(frozen=True)
class ModelFacts:
    """A model in words and numbers.

    architecture: the class that transformers runs. positions: the longest text, None without an end; position_kind,
        position_words: see `models.embeddings.position_kinds`; rotary: for each set of rotary frequencies what
        config.json says of it.
    table_width: of the input table, mostly `width`.
    experts, experts_used, expert_width: of each layer that has some, for each token, and inside of one; 0 without.
    final_norm: whether one stands after the last layer; None where that could not be seen.
    head: how the matrix that makes the logits relates to the input table, "none" where there is none.
    made_for: what a head that config.json names does, which is not that of a language model; "" for most.
    parts: parameters by part, in order; parameters: of all.
    generation: what generation_config.json sets. stored: how the weights came; computed: as they are in memory.
    findings: of the check at load.
    """

    title: str
    family: str
    architecture: str
    model_type: str
    stacks: tuple[StackFacts, ...]
    width: int
    table_width: int
    experts: int
    experts_used: int
    expert_width: int
    vocabulary: int
    positions: int | None
    position_kind: str
    position_words: str
    rotary: tuple[str, ...]
    final_norm: bool | None
    head: str
    made_for: str
    parts: tuple[tuple[str, int], ...]
    parameters: int
    special_tokens: tuple[SpecialToken, ...]
    chat_template: str
    generation: tuple[tuple[str, str], ...]
    stored: str
    computed: str
    findings: tuple[Finding, ...]


@dataclass(frozen=True)
class ModelFactsRequest:
    """Of a model by its name: two forwards over a few tokens, the first time."""

    model: str

    def answer(self, engine: Engine) -> ModelFacts:
        """Raises what `load_model` raises, and NothingRecordedError."""
        loaded = engine.model(self.model)
        with engine.forward(loaded):
            return model_facts(loaded)


def model_facts(loaded: LoadedModel) -> ModelFacts:
    """What this model is. Takes the device: call it while holding its lock. Raises NothingRecordedError."""
    model: Any = loaded.model
    config: Any = model.config.get_text_config()
    watched = watch(loaded)
    norms = norms_of(model)
    table = table_facts(loaded)
    experts = _number(config, "n_routed_experts", "num_local_experts", "num_experts")
    return ModelFacts(
        title=loaded.card.title,
        family=loaded.card.family,
        architecture=type(loaded.classifier or model).__name__,
        model_type=str(model.config.model_type),
        stacks=tuple(_stack_facts(loaded, watched, stack, norms) for stack in _in_order(watched)),
        width=int(config.hidden_size),
        table_width=table.width,
        experts=experts,
        experts_used=_number(config, "num_experts_per_tok") if experts else 0,
        expert_width=_number(config, "moe_intermediate_size", "intermediate_size") if experts else 0,
        vocabulary=loaded.vocabulary,
        positions=loaded.positions,
        position_kind=table.positions.kind,
        position_words=table.positions.words,
        rotary=tuple(_rotary_words(config)),
        final_norm=_has_final_norm(loaded),
        head=table.output,
        made_for=_made_for(loaded),
        parts=tuple(parameters_by_part(loaded, watched, norms).items()),
        parameters=int(model.num_parameters()),
        special_tokens=tuple(_special_tokens(loaded.tokenizer)),
        chat_template=_chat_template(loaded.tokenizer),
        generation=tuple(_generation(model)),
        stored=loaded.card.precision,
        computed=str(model.dtype).removeprefix("torch."),
        findings=loaded.findings,
    )


def _in_order(watched: Watched) -> list[WatchedStack]:
    return sorted(watched.stacks, key=lambda stack: stack.name != "encoder")


def _stack_facts(loaded: LoadedModel, watched: Watched, stack: WatchedStack, norms: dict[Any, str]) -> StackFacts:
    config: Any = loaded.model.config.get_text_config()
    own = {layer: call for (kind, layer), call in stack.calls.items() if kind == stack.name}
    kinds = Counter(norms[module] for layer in stack.layers for module in layer.modules() if module in norms)
    words, inner_width = _activation(watched, stack, config)
    return StackFacts(
        name=stack.name,
        layers=max(len(stack.layers), len(own)),
        with_maps=tuple(sorted(own)),
        heads=_heads(list(own.values())),
        norm=kinds.most_common(1)[0][0] if kinds else "none",
        norm_placement=placement(watched, stack, norms),
        inner_norm=inner_norms(stack, norms, int(config.hidden_size)),
        activation=words,
        inner_width=inner_width,
        masks=tuple(_masks(stack, getattr(config, "layer_types", None))),
    )


def _heads(calls: list[Call]) -> HeadFacts:
    def each(tensor: str, dimension: int) -> tuple[int, ...]:
        return tuple(sorted({int(getattr(call, tensor).shape[dimension]) for call in calls}))

    return HeadFacts(each("query", 1), each("key", 1), each("query", 3), each("value", 3))


def _activation(watched: Watched, stack: WatchedStack, config: Any) -> tuple[str, int]:
    name, is_gated, width = activation(watched, stack)
    if name:
        return (f"{name}, gated" if is_gated else name), width
    # Experts compute theirs inside one function.
    names = ("hidden_act", "activation_function", "hidden_activation", "dense_act_fn", "activation")
    said = next((str(value) for each in names if (value := getattr(config, each, None))), "")
    return said, 0


def _masks(stack: WatchedStack, types: Any) -> Iterator[LayerMask]:
    found: dict[tuple[str, str], list[int]] = {}
    for (kind, layer), call in sorted(stack.calls.items()):
        found.setdefault((kind, _mask_words(kind, layer, call, types)), []).append(layer)
    for (kind, words), layers in found.items():
        yield LayerMask(kind, tuple(layers), words)


def _mask_words(kind: str, layer: int, call: Call, types: Any) -> str:
    if kind == "cross":
        return "the whole source"
    own = types[layer] if isinstance(types, list | tuple) and layer < len(types) else ""
    causal = not looks_ahead(call)
    window = call.arguments.get("sliding_window")
    if isinstance(window, int):
        return f"sliding: itself and the {window - 1:,} before" if causal else f"sliding: {window - 1:,} to either side"
    if own and own not in ("full_attention", "sliding_attention"):
        return f"{own.removesuffix('_attention')}: {'itself and those before' if causal else 'all'} within a part"
    return "causal: itself and those before" if causal else "full: every token"


def _rotary_words(config: Any) -> Iterator[str]:
    """Theta and scaling as `config.rope_parameters` has them, for each kind of layer if they differ."""
    given = getattr(config, "rope_parameters", None)
    if not isinstance(given, dict) or not given:
        return
    sets = given if all(isinstance(value, dict) for value in given.values()) else {"": given}
    for layers, values in sets.items():
        kind = values.get("rope_type", "default")
        parts = [f"theta {values['rope_theta']:,.0f}"] if values.get("rope_theta") else []
        parts.append("no scaling" if kind == "default" else f"scaling “{kind}”")
        parts += [
            f"{name.replace('_', ' ')} {value:g}"
            for name, value in values.items()
            if name not in ("rope_theta", "rope_type", "type") and isinstance(value, int | float)
        ]
        yield (f"{layers.replace('_', ' ')}: " if layers else "") + ", ".join(parts)


def _made_for(loaded: LoadedModel) -> str:
    config: Any = (loaded.classifier or loaded.model).config
    named = {*(config.architectures or ()), type(loaded.classifier or loaded.model).__name__}
    kind = next((words for ending, words in _MADE_FOR.items() if any(each.endswith(ending) for each in named)), "")
    if "{labels}" not in kind:
        return kind
    names = [label_name(config, number) for number in range(config.num_labels)]
    more = f" and {len(names) - _MOST_LABELS:,} more" if len(names) > _MOST_LABELS else ""
    return kind.format(labels=", ".join(names[:_MOST_LABELS]) + more)


def _has_final_norm(loaded: LoadedModel) -> bool | None:
    try:
        return final_norm(loaded) is not None
    except NoHiddenStatesError:
        return None


def _special_tokens(tokenizer: Any) -> Iterator[SpecialToken]:
    if tokenizer is None:
        return
    roles: dict[str, list[str]] = {}
    for role, text in tokenizer.special_tokens_map.items():
        if isinstance(text, str):
            roles.setdefault(text, []).append(role.removesuffix("_token"))
    ids = dict(zip(tokenizer.all_special_tokens, tokenizer.all_special_ids, strict=True))
    for text, number in sorted(ids.items(), key=lambda item: item[1]):
        yield SpecialToken(tuple(roles.get(str(text), ())), str(text), int(number))


def _chat_template(tokenizer: Any) -> str:
    template = getattr(tokenizer, "chat_template", None)
    if isinstance(template, dict):
        template = template.get("default") or next(iter(template.values()), None)
    return template if isinstance(template, str) else ""


def _generation(model: Any) -> Iterator[tuple[str, str]]:
    if not model.can_generate():
        return
    for name, value in sorted(model.generation_config.to_diff_dict().items()):
        # What a forward hands back is no matter of how a text is written.
        if not name.startswith(("_", "output_", "return_")) and name not in ("transformers_version", "use_cache"):
            yield name, str(value)


def _number(config: Any, *names: str) -> int:
    """The first of these that is a whole number above 0, else 0."""
    values = (getattr(config, name, None) for name in names)
    return next((value for value in values if isinstance(value, int) and value > 0), 0)
