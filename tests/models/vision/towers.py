"""Tiny vision models with random weights, made in memory from a Config and never downloaded."""

from functools import cache
from typing import Any

import transformers

from models.loading import wrap_model
from models.pictures import Processing
from tests.models.drawn_weights import with_drawn_weights

PATCH, SIDE, WIDTH, HEADS, LAYERS = 4, 16, 32, 4, 2
_SHAPE: dict[str, Any] = {
    "hidden_size": WIDTH,
    "intermediate_size": 48,
    "num_hidden_layers": LAYERS,
    "num_attention_heads": HEADS,
    "image_size": SIDE,
    "patch_size": PATCH,
}
PROCESSING = Processing(resize=(None, SIDE), crop=(SIDE, SIDE), resample=2)


def _made(name: str, config: str, **more: Any) -> Any:
    model_class = getattr(transformers, name)
    return with_drawn_weights(model_class(getattr(transformers, config)(**_SHAPE | more)), name)


TOWERS = {
    "vit": lambda: _made("ViTModel", "ViTConfig"),
    "deit": lambda: _made("DeiTModel", "DeiTConfig"),
    "dinov2": lambda: _made("Dinov2Model", "Dinov2Config", mlp_ratio=2),
    "dinov2_with_registers": lambda: _made(
        "Dinov2WithRegistersModel", "Dinov2WithRegistersConfig", mlp_ratio=2, num_register_tokens=3
    ),
    "dinov3": lambda: _made("DINOv3ViTModel", "DINOv3ViTConfig", num_register_tokens=2),
    "beit": lambda: _made("BeitModel", "BeitConfig", use_relative_position_bias=True),
    "clip": lambda: _made("CLIPVisionModel", "CLIPVisionConfig"),
    "siglip": lambda: _made("SiglipVisionModel", "SiglipVisionConfig"),
}
SPECIALS = {
    "vit": ("CLS",),
    "deit": ("CLS", "DIST"),
    "dinov2": ("CLS",),
    "dinov2_with_registers": ("CLS", "R0", "R1", "R2"),
    "dinov3": ("CLS", "R0", "R1"),
    "beit": ("CLS",),
    "clip": ("CLS",),
    "siglip": (),
}


@cache
def tower(name: str) -> Any:
    """The model as it is loaded, and shared by the tests."""
    return wrap_model(TOWERS[name](), None, "vision", PROCESSING)


@cache
def classifier() -> Any:
    """A ViT with a head of seven classes."""
    names = {number: f"class {number}" for number in range(7)}
    model = _made("ViTForImageClassification", "ViTConfig", id2label=names)
    return wrap_model(model, None, "vision", PROCESSING)
