"""Where the small figures do not do, each with its reason; and the classes and variants that no mapping names."""

from typing import Any

# Text encoders of models of pictures (or sounds) and texts.
TEXT_ENCODERS = (
    "AlignTextModel",
    "AltCLIPTextModel",
    "BlipTextModel",
    "CLIPSegTextModel",
    "CLIPTextModel",
    "CLIPTextModelWithProjection",
    "ChineseCLIPTextModel",
    "ClapTextModel",
    "ClapTextModelWithProjection",
    "FlavaTextModel",
    "GroupViTTextModel",
    "MetaClip2TextModel",
    "MetaClip2TextModelWithProjection",
    "OwlViTTextModel",
    "Owlv2TextModel",
    "Siglip2TextModel",
    "SiglipTextModel",
    "XCLIPTextModel",
)

# Config class -> (what is set, why).
EXCEPTIONS: dict[str, tuple[dict[str, Any], str]] = {}

# "Class/variant" -> (kind of `classes.MAPPINGS`, config class, what is set, why it is looked at).
VARIANTS: dict[str, tuple[str, str, dict[str, Any], str]] = {}
