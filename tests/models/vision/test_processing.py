"""Pictures are cut as transformers' own processors cut them."""

import json

import numpy as np
import pytest
from transformers import BeitConfig, CLIPVisionConfig, Dinov2Config, ViTConfig
from transformers.models.auto.image_processing_auto import get_image_processor_class_from_name

from models.loading import ModelRefusedError
from models.loading.picture_processing import processing_of
from models.pictures import PictureError, Processing, cut, example_picture

PUBLISHED = {
    "vit": (ViTConfig(), {"image_processor_type": "ViTImageProcessor", "size": {"height": 224, "width": 224}}),
    "old vit": (ViTConfig(), {"feature_extractor_type": "ViTFeatureExtractor", "size": 224, "resample": 2}),
    "old clip": (
        CLIPVisionConfig(),
        {"feature_extractor_type": "CLIPFeatureExtractor", "size": 224, "crop_size": 224, "do_center_crop": True},
    ),
    "deit": (
        ViTConfig(),
        {
            "image_processor_type": "DeiTImageProcessor",
            "size": {"height": 256, "width": 256},
            "resample": 3,
            "crop_size": {"height": 224, "width": 224},
            "do_center_crop": True,
        },
    ),
    "dinov2": (
        Dinov2Config(),
        {
            "image_processor_type": "BitImageProcessorFast",
            "size": {"shortest_edge": 256},
            "resample": 3,
            "crop_size": {"height": 224, "width": 224},
            "image_mean": [0.485, 0.456, 0.406],
            "image_std": [0.229, 0.224, 0.225],
        },
    ),
    "beit": (BeitConfig(), {"image_processor_type": "BeitImageProcessor"}),
    "siglip": (ViTConfig(), {"image_processor_type": "SiglipImageProcessor", "size": {"height": 384, "width": 384}}),
    "a crop larger than what there is": (
        Dinov2Config(),
        {
            "image_processor_type": "BitImageProcessor",
            "size": {"shortest_edge": 100},
            "crop_size": {"height": 141, "width": 224},
        },
    ),
    "not resized": (ViTConfig(), {"image_processor_type": "BitImageProcessor", "do_resize": False}),
}


def written(folder, settings):
    (folder / "preprocessor_config.json").write_text(json.dumps(settings))
    return folder


@pytest.mark.parametrize("name", PUBLISHED)
def test_the_numbers_are_those_of_transformers_own_processor(name, tmp_path):
    config, settings = PUBLISHED[name]
    kind = settings.get("image_processor_type") or settings["feature_extractor_type"]
    kind = kind.removesuffix("Fast").replace("FeatureExtractor", "ImageProcessor")
    own = get_image_processor_class_from_name(f"{kind}Pil")(
        **{key: settings[key] for key in settings if "type" not in key}
    )
    how = processing_of(config, written(tmp_path, settings))
    for pixels in (
        example_picture("flower").pixels,
        example_picture("china").pixels.transpose(1, 0, 2)[:, :200].copy(),
    ):
        known = own(pixels, return_tensors="np")["pixel_values"][0]
        np.testing.assert_allclose(cut(pixels, how, 14).given, known, rtol=0, atol=1e-6)


def test_the_box_says_what_part_of_the_picture_is_left():
    pixels = np.zeros((400, 800, 3), dtype=np.uint8)
    pixels[100:300, 300:500] = 255
    seen = cut(pixels, Processing(resize=(None, 100), crop=(50, 50), resample=0), 10)
    assert seen.pixels.min() == 255
    assert seen.box == pytest.approx((300 / 800, 100 / 400, 500 / 800, 300 / 400), abs=1e-9)


def test_whole_pictures_keep_their_shape_in_whole_patches():
    seen = cut(np.zeros((427, 640, 3), dtype=np.uint8), Processing((None, 256), (224, 224)), 14, is_whole=True)
    assert seen.pixels.shape == (224, 336, 3)
    assert seen.box == (0, 0, 1, 1)
    with pytest.raises(PictureError, match="at most 1,600 are taken"):
        cut(np.zeros((100, 1_600, 3), dtype=np.uint8), Processing((None, 256), (224, 224)), 14, is_whole=True)


def test_another_side_is_in_proportion():
    how = Processing((None, 256), (224, 224)).at(518)
    assert how.resize == (None, 592)
    assert how.crop == (518, 518)
    assert Processing((224, 224), None).at(336).resize == (336, 336)


@pytest.mark.parametrize(
    "settings",
    [
        {"image_processor_type": "NoSuchImageProcessor"},
        {"image_processor_type": "../../x"},
        {"image_processor_type": "Pix2StructImageProcessor"},
        {"image_processor_type": "ViTImageProcessor", "size": {"height": 10**9, "width": 1}},
        {"image_processor_type": "ViTImageProcessor", "size": "large"},
        {"image_processor_type": "ViTImageProcessor", "image_std": [0, 0, 0]},
        {"image_processor_type": "ViTImageProcessor", "image_mean": [1, 2]},
        {"image_processor_type": "ViTImageProcessor", "resample": 99},
    ],
)
def test_what_cannot_be_done_alike_is_refused(settings, tmp_path):
    with pytest.raises(ModelRefusedError) as said:
        processing_of(ViTConfig(), written(tmp_path, settings))
    assert str(said.value).endswith(".")
