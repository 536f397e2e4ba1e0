"""What a model says of a picture: its classes, or which of some texts fits."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from jaxtyping import Float

from models.attention.classifier_labels import label_logits, label_name, probabilities
from models.engine import Engine
from models.forward.capture import Run, recording
from models.forward.recorded_run import to_numpy
from models.loaded import LoadedModel
from models.loading.vision_towers import classifies_pictures
from models.tokenization import encode
from models.vision.errors import NoSuchPartError
from models.vision.features import cosines
from models.vision.tracing import PictureTraceRequest

MOST_CLASSES = 5
MOST_TEXTS = 16


@dataclass(frozen=True, eq=False)
class Classes:
    """The likeliest classes, best first."""

    names: tuple[str, ...]
    probabilities: Float[np.ndarray, " classes"]


@dataclass(frozen=True)
class ClassesRequest:
    """What a model with a head of classes sees in a picture."""

    trace: PictureTraceRequest
    count: int = MOST_CLASSES

    def answer(self, engine: Engine) -> Classes:
        """Raises what `PictureTraceRequest` raises, and NoSuchPartError for a model without such a head."""
        trace = engine.run(self.trace)
        config = classes_of(trace.loaded)
        if config is None:
            raise NoSuchPartError(f"{trace.loaded.card.title} has no head that tells classes; choose one that has.")
        with engine.forward(trace.loaded):
            logits = label_logits(trace)
        if logits is None:
            raise NoSuchPartError(f"{trace.loaded.card.title} has no head that tells classes; choose one that has.")
        shares = probabilities(config, logits)
        best = np.argsort(-shares, kind="stable")[: self.count]
        return Classes(tuple(label_name(config, int(each)) for each in best), shares[best].astype(np.float32))


def classes_of(loaded: LoadedModel) -> Any:
    """The config that names the classes of a model with a head of them; else None."""
    whole = loaded.classifier
    return whole.config if whole is not None and classifies_pictures([type(whole).__name__]) else None


def compares_texts(loaded: LoadedModel) -> bool:
    """Whether it has a text tower, and a tokenizer for it."""
    return hasattr(loaded.classifier, "get_text_features") and loaded.backend is not None


@dataclass(frozen=True, eq=False)
class TextsFit:
    """How well texts fit a picture.

    cosines: of each text's vector and the picture's. probabilities: as the model was trained to give them: shares of 1
        over the texts (CLIP), or each text by itself (SigLIP, which has a bias for that).
    maps: cosine of each text's vector and each patch's, brought into the common space as the picture's is; None where
        the model makes that of all patches together.
    """

    cosines: Float[np.ndarray, " texts"]
    probabilities: Float[np.ndarray, " texts"]
    maps: Float[np.ndarray, "texts rows columns"] | None


@dataclass(frozen=True)
class TextsFitRequest:
    """texts: 1 to MOST_TEXTS."""

    trace: PictureTraceRequest
    texts: tuple[str, ...]

    def answer(self, engine: Engine) -> TextsFit:
        """Raises what `PictureTraceRequest` raises, and NoSuchPartError for a model without a text tower."""
        trace = engine.run(self.trace)
        loaded, whole = trace.loaded, trace.loaded.classifier
        if not compares_texts(loaded):
            raise NoSuchPartError(
                f"{loaded.card.title} was not trained with texts; choose a model that was, such as CLIP or SigLIP."
            )
        if not 0 < len(self.texts) <= MOST_TEXTS or not all(each.strip() for each in self.texts):
            raise NoSuchPartError(f"Give one to {MOST_TEXTS} texts.")
        with engine.forward(loaded), torch.inference_mode():
            texts = np.concatenate([_text_vector(loaded, each) for each in self.texts])
            rows = (trace.interventions,)
            arguments = trace.inputs.arguments(loaded, 1, last_only=False)
            with recording(Run(interventions=rows if trace.interventions else ())):
                picture = to_numpy(whole.get_image_features(**arguments).pooler_output)
            patches = _patches_in_common_space(whole, torch.from_numpy(trace.states[-1]).to(loaded.device, whole.dtype))
            scale = float(whole.logit_scale.exp())
            bias = float(whole.logit_bias) if hasattr(whole, "logit_bias") else None
        found = cosines(texts, picture)[:, 0]
        logits = found * scale + (bias or 0)
        shares = np.exp(logits - logits.max()) if bias is None else 1 / (1 + np.exp(-logits))
        shares = shares / shares.sum() if bias is None else shares
        maps = None if patches is None else trace.patches(cosines(texts, patches))
        return TextsFit(found, shares.astype(np.float32), maps)


def _text_vector(loaded: LoadedModel, text: str) -> Float[np.ndarray, "1 width"]:
    """A text in the common space. SigLIP was trained on texts filled up to all its positions, and reads the last."""
    config = loaded.classifier.config.text_config
    ids = list(encode(loaded.tokenizer, text).ids)
    most = int(config.max_position_embeddings)
    if len(ids) > most:
        raise NoSuchPartError(f"A text has {len(ids)} tokens, and this model reads at most {most}; shorten it.")
    if hasattr(loaded.classifier, "logit_bias"):
        filler = getattr(loaded.tokenizer, "pad_token_id", None)
        ids += [int(config.pad_token_id if filler is None else filler)] * (most - len(ids))
    given = torch.tensor([ids], device=loaded.device)
    return to_numpy(loaded.classifier.get_text_features(input_ids=given).pooler_output)


def _patches_in_common_space(whole: Any, states: torch.Tensor) -> Float[np.ndarray, "place width"] | None:
    """What the class token goes through, done to every place; None where no single place becomes the picture's
    vector.
    """
    norm, projection = getattr(whole.vision_model, "post_layernorm", None), getattr(whole, "visual_projection", None)
    if norm is None or projection is None:
        return None
    return to_numpy(projection(norm(states)))
