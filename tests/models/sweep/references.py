"""What transformers itself computes, with its own eager attention: nothing of Headlight is called here."""

import inspect
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
import transformers
from torch import Tensor
from transformers import PreTrainedConfig, PreTrainedModel

from tests.models.drawn_weights import with_drawn_weights
from tests.models.sweep.classes import Swept, has_decoder
from tests.models.sweep.configs import tiny_config
from tests.models.sweep.exceptions import EXCEPTIONS
from tests.models.sweep.figures import IDS, TARGET_IDS, TOKENS
from tests.models.sweep.outcome import CannotBuildError

_SETTINGS = {name: settings for name, (settings, _) in EXCEPTIONS.items()}


def config_of(swept: Swept) -> PreTrainedConfig:
    """A new config each time: transformers writes into those that it is given."""
    more = {**_SETTINGS.get(swept.class_name, {}), **swept.settings}
    config = tiny_config(swept.config_class, _SETTINGS, more)
    # BERT and its like read both ways unless their config says that they write.
    if swept.kind == "causal" and hasattr(config, "is_decoder"):
        config.is_decoder = True
    return config


def _made(swept: Swept, **more: Any) -> PreTrainedModel:
    if "models" in swept.settings:
        return _of_two(*(getattr(transformers, name) for name in swept.settings["models"]), **more)
    return getattr(transformers, swept.class_name)._from_config(config_of(swept), **more)


def _of_two(reader: Any, writer: Any, **more: Any) -> PreTrainedModel:
    """An encoder and a decoder that were models of their own before."""
    begins = {"decoder_start_token_id": TOKENS["decoder_start_token_id"], "pad_token_id": TOKENS["pad_token_id"]}
    crosses = {"is_decoder": True, "add_cross_attention": True}
    model: Any = transformers.EncoderDecoderModel(
        encoder=reader._from_config(tiny_config(reader.config_class, _SETTINGS, {"num_hidden_layers": 3}), **more),
        decoder=writer._from_config(tiny_config(writer.config_class, _SETTINGS, crosses), **more),
    )
    model.config.update(begins)
    model.generation_config.update(**begins)
    return model


def build(swept: Swept) -> PreTrainedModel:
    """The class with weights drawn by a seeded generator, its attention eager. Raises CannotBuildError."""
    try:
        model = _made(swept, attn_implementation="eager")
    except Exception as error:
        raise CannotBuildError(f"transformers does not build it: {_said(error)}") from error
    return with_drawn_weights(model, swept.name)


def twin(swept: Swept, reference: PreTrainedModel) -> PreTrainedModel:
    """Another model of a config of its own with the same weights, as a person would have it before Headlight."""
    model = _made(swept)
    model.load_state_dict(reference.state_dict())
    return model.eval()


def forward(model: Any, ids: Sequence[int] = IDS, target: Sequence[int] = TARGET_IDS, **more: Any) -> Mapping[str, Any]:
    """What transformers returns. more: further arguments; what the class does not take is left out."""
    given: dict[str, Any] = {
        "input_ids": torch.tensor([ids]),
        "attention_mask": torch.ones(1, len(ids), dtype=torch.long),
    }
    if has_decoder(model):
        given["decoder_input_ids"] = torch.tensor([target])
    given |= {"use_cache": False, "return_dict": True} | more
    taken = inspect.signature(model.forward).parameters
    if not any(each.kind is inspect.Parameter.VAR_KEYWORD for each in taken.values()):
        given = {name: value for name, value in given.items() if name in taken}
    with torch.inference_mode():
        return model(**given)


def output_of(result: Any) -> np.ndarray:
    """The logits, or the last hidden state of a model without a head: [position, output]."""
    for name in ("logits", "last_hidden_state", "prediction_logits"):
        if name in result:
            return result[name][0].float().numpy()
    raise CannotBuildError(f"its output has neither logits nor a last hidden state: {', '.join(result)}")


def reference_forward(model: Any) -> Any:
    """The forward that all else is compared with. Raises CannotBuildError where transformers itself fails."""
    try:
        result = forward(model)
        output = output_of(result)
    except CannotBuildError:
        raise
    except Exception as error:
        raise CannotBuildError(f"transformers' own forward fails: {_said(error)}") from error
    if not np.isfinite(output).any() or np.isnan(output).any():
        raise CannotBuildError("transformers' own output is NaN with these weights")
    return result


def looks_ahead(model: Any) -> bool:
    """Whether what comes out at earlier positions changes with the last token, seen by running it twice."""
    one, other = (output_of(forward(model, ids)) for ids in (IDS, (*IDS[:-1], IDS[-1] + 1)))
    return one.shape == other.shape and len(one) == len(IDS) and bool(np.abs(one[:-1] - other[:-1]).max() > 1e-5)


def reference_maps(model: Any) -> dict[str, list[np.ndarray] | str]:
    """For each kind its layers' weights [head, query, key] in order, or why transformers gives none."""
    try:
        result = forward(model, output_attentions=True)
    except Exception as error:
        return {"decoder": f"output_attentions raises {_said(error)}"}
    if has_decoder(model):
        names = {"encoder": "encoder_attentions", "decoder": "decoder_attentions", "cross": "cross_attentions"}
    else:
        names = {"encoder" if looks_ahead(model) else "decoder": "attentions"}
        if result.get("cross_attentions"):
            names["cross"] = "cross_attentions"
    queries = {"encoder": len(IDS), "decoder": len(TARGET_IDS), "cross": len(TARGET_IDS)}
    if not has_decoder(model):
        queries = dict.fromkeys(queries, len(IDS))
    return {kind: _maps(result.get(name), name, queries[kind]) for kind, name in names.items()}


def _maps(given: Any, name: str, queries: int) -> list[np.ndarray] | str:
    if not given:
        return f"{name} is {'missing' if given is None else 'empty'}"
    # The states of linear attention stand among them as well (MiniMax), and blocks (LongT5).
    found = [each for each in given if isinstance(each, Tensor) and each.dim() == 4 and each.shape[2] == queries]
    if not found:
        return f"{name} holds no weights [batch, head, query, key]"
    return [each[0].float().numpy() for each in found]


def reference_states(model: Any) -> dict[str, list[np.ndarray]]:
    """The hidden states that transformers returns, by "text" and "target"; what it does not return is left out."""
    result = forward(model, output_hidden_states=True)
    names = {"text": "encoder_hidden_states", "target": "decoder_hidden_states"}
    if not has_decoder(model):
        names = {"text": "hidden_states"}
    return {
        part: [each[0].float().numpy() for each in result[name]] for part, name in names.items() if result.get(name)
    }


def last_vectors(model: Any) -> Tensor | None:
    """What the head reads: the last hidden state that the stack below it hands over, [position, width]."""
    body = model.get_decoder() if has_decoder(model) else model.base_model
    if body is not None and body is not model and body.get_output_embeddings() is not None:
        body = body.base_model
    if body is None or body is model:
        states = reference_states(model)
        last_states = states.get("target") or states.get("text")
        return torch.from_numpy(last_states[-1]) if last_states else None
    seen: list[Any] = []
    hook = body.register_forward_hook(lambda _, __, output: seen.append(output))
    try:
        forward(model)
    finally:
        hook.remove()
    # Some heads call what is inside of it (OPT).
    last = (seen[-1] if seen else forward(body))[0]
    return last[0] if isinstance(last, Tensor) and last.dim() == 3 else None


def _said(error: BaseException) -> str:
    return f"{type(error).__name__}: {' '.join(str(error).split())[:160]}"
