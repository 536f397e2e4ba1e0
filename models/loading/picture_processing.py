"""How a model's files say that pictures are made ready for it."""

import json
from pathlib import Path
from typing import Any

from transformers import PreTrainedConfig
from transformers.image_processing_backends import PilBackend
from transformers.models.auto.image_processing_auto import (
    IMAGE_PROCESSOR_MAPPING_NAMES,
    get_image_processor_class_from_name,
)

from models.loading.refusals import ModelRefusedError
from models.pictures import PictureError, Processing, processing_from

PROCESSOR_FILES = ("preprocessor_config.json", "processor_config.json")
_SETTINGS = (
    *("do_resize", "size", "resample", "do_center_crop", "crop_size", "do_rescale", "rescale_factor"),
    *("do_normalize", "image_mean", "image_std"),
)
# Has steps of its own for maps of segments, and none for pictures.
_AS_OTHERS = {"BeitImageProcessor"}
_STEPS = ("_preprocess", "resize", "center_crop", "rescale", "normalize")
# Has no class without torchvision. It scales colours before it resizes, which is the same but for rounding.
_OF_TORCHVISION = {
    "DINOv3ViTImageProcessor": {
        "size": {"height": 224, "width": 224},
        "resample": 2,
        "image_mean": (0.485, 0.456, 0.406),
        "image_std": (0.229, 0.224, 0.225),
    }
}


def processing_of(config: PreTrainedConfig, folder: Path | None) -> Processing:
    """What the files of a folder say; where they say nothing, what most models take, of the size in the config.

    config: of the part that sees. Raises ModelRefusedError where it is more than resizing, cropping and scaling.
    """
    settings = {} if folder is None else _settings(folder)
    if not settings:
        side: Any = getattr(config, "image_size", None)
        if not isinstance(side, int):
            raise ModelRefusedError("It does not say how large a picture it takes; save its processor beside it.")
        return Processing(resize=(side, side), crop=None, is_own=False)
    name = str(settings.get("image_processor_type") or settings.get("feature_extractor_type") or "")
    if not name:
        name = str(IMAGE_PROCESSOR_MAPPING_NAMES.get(config.model_type, {}).get("torchvision") or "ViTImageProcessor")
    name = name.removesuffix("Fast").removesuffix("Pil").replace("FeatureExtractor", "ImageProcessor")
    usual, is_square = _usual(name)
    try:
        return processing_from(usual | settings, is_square=is_square)
    except PictureError as error:
        raise ModelRefusedError(str(error)) from error


def _settings(folder: Path) -> dict[str, Any]:
    for name in PROCESSOR_FILES:
        if (folder / name).is_file():
            found = json.loads((folder / name).read_text("utf-8"))
            found = found.get("image_processor", found) if name == PROCESSOR_FILES[1] else found
            if isinstance(found, dict):
                return found
    return {}


def _usual(name: str) -> tuple[dict[str, Any], bool]:
    """What a class of processors does unless it is told otherwise, and what it takes a single size for."""
    if name in _OF_TORCHVISION:
        return _OF_TORCHVISION[name], True
    found: Any = get_image_processor_class_from_name(f"{name}Pil") if name.isidentifier() else None
    if not isinstance(found, type) or not issubclass(found, PilBackend):
        raise ModelRefusedError(
            "Its pictures are made ready by a class that the installed transformers does not have without torchvision; "
            "choose another model."
        )
    if name not in _AS_OTHERS and any(getattr(found, each) is not getattr(PilBackend, each) for each in _STEPS):
        raise ModelRefusedError(
            f"Its pictures are made ready by {name}, which does more than to resize, crop and scale them, so that they "
            "cannot be shown as the model sees them; choose another model."
        )
    usual = {each: getattr(found, each, None) for each in _SETTINGS}
    return {each: value for each, value in usual.items() if value is not None}, bool(
        getattr(found, "default_to_square", True)
    )
