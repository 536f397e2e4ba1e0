"""Vision models in folders: opened by their path with their processor, two towers with the texts that they compare."""

import json

import numpy as np
import pytest
import torch
from tokenizers import Tokenizer, models, pre_tokenizers, processors
from transformers import CLIPConfig, CLIPModel, PreTrainedTokenizerFast

from models.engine import Engine
from models.loading import ModelRefusedError, load_model, open_folder
from models.vision import DEFAULT_PICTURE, ClassesRequest, PictureTraceRequest, TextsFitRequest, VisionFactsRequest
from tests.models.drawn_weights import with_drawn_weights
from tests.models.vision.towers import HEADS, LAYERS, PATCH, SIDE, TOWERS, classifier

PROCESSOR = {
    "image_processor_type": "CLIPImageProcessor",
    "size": {"shortest_edge": SIDE},
    "crop_size": {"height": SIDE, "width": SIDE},
    "do_center_crop": True,
    "resample": 3,
}
WORDS = ("<s>", "</s>", "a", "flower", "pagoda", "cat")


def two_towers():
    part = {"hidden_size": 32, "intermediate_size": 48, "num_hidden_layers": LAYERS, "num_attention_heads": HEADS}
    config = CLIPConfig(
        text_config=part
        | {
            "vocab_size": len(WORDS),
            "bos_token_id": 0,
            "eos_token_id": 1,
            "pad_token_id": 1,
            "max_position_embeddings": 8,
        },
        vision_config=part | {"image_size": SIDE, "patch_size": PATCH},
        projection_dim=16,
    )
    return with_drawn_weights(CLIPModel(config), "CLIPModel")


def words():
    backend = Tokenizer(models.WordLevel({word: place for place, word in enumerate(WORDS)}, unk_token="a"))
    backend.pre_tokenizer = pre_tokenizers.Whitespace()
    backend.post_processor = processors.TemplateProcessing("<s> $A </s>", special_tokens=[("<s>", 0), ("</s>", 1)])
    return PreTrainedTokenizerFast(tokenizer_object=backend, bos_token="<s>", eos_token="</s>")


def saved(model, folder, tokenizer=None):
    model.save_pretrained(folder)
    (folder / "preprocessor_config.json").write_text(json.dumps(PROCESSOR))
    if tokenizer is not None:
        tokenizer.save_pretrained(folder)
    return open_folder(str(folder), anywhere=True).name


@pytest.mark.usefixtures("no_folders")
@pytest.mark.parametrize("name", ["vit", "dinov2_with_registers", "siglip"])
def test_a_folder_is_opened_with_its_processor(name, tmp_path):
    loaded = load_model(saved(TOWERS[name](), tmp_path))
    assert loaded.card.family == "vision"
    assert (loaded.card.layers, loaded.card.heads) == (LAYERS, HEADS)
    assert loaded.findings[0].verdict == "exact"
    assert loaded.sight.processing.is_own
    assert loaded.sight.processing.crop == (SIDE, SIDE)


@pytest.mark.usefixtures("no_folders")
def test_texts_and_a_picture_are_compared_as_clip_compares_them(tmp_path):
    name = saved(two_towers(), tmp_path, words())
    engine = Engine(10**8)
    asked = PictureTraceRequest(name, DEFAULT_PICTURE)
    texts = ("a flower", "a pagoda", "a cat")
    assert engine.run(VisionFactsRequest(name)).has_texts
    found = engine.run(TextsFitRequest(asked, texts))
    own, trace = two_towers(), engine.run(asked)
    ids = words()(list(texts), return_tensors="pt")
    with torch.inference_mode():
        known = own(
            **{key: ids[key] for key in ("input_ids", "attention_mask")},
            pixel_values=torch.from_numpy(trace.cut.given)[None],
        )
        states = own.vision_model(torch.from_numpy(trace.cut.given)[None]).last_hidden_state[0, 1:]
        patches = own.visual_projection(own.vision_model.post_layernorm(states)).numpy()
    np.testing.assert_allclose(found.probabilities, known.logits_per_image.softmax(-1)[0], rtol=0, atol=1e-5)
    np.testing.assert_allclose(found.cosines, (known.text_embeds @ known.image_embeds.T)[:, 0], rtol=0, atol=1e-5)
    by_hand = known.text_embeds.numpy() @ (patches / np.linalg.norm(patches, axis=1, keepdims=True)).T
    np.testing.assert_allclose(found.maps.reshape(3, -1), by_hand, rtol=0, atol=1e-5)


@pytest.mark.usefixtures("no_folders")
def test_a_head_of_classes_comes_with_its_model(tmp_path):
    engine = Engine(10**8)
    name = saved(classifier().classifier, tmp_path)
    asked = PictureTraceRequest(name, DEFAULT_PICTURE)
    found = engine.run(ClassesRequest(asked, 3))
    given = torch.from_numpy(engine.run(asked).cut.given)[None]
    with torch.inference_mode():
        known = classifier().classifier(given).logits.softmax(-1)[0]
    np.testing.assert_allclose(found.probabilities, known.sort(descending=True).values[:3], rtol=0, atol=1e-5)
    assert found.names[0] == f"class {int(known.argmax())}"


@pytest.mark.usefixtures("no_folders")
def test_lacking_weights_are_refused(tmp_path):
    name = saved(TOWERS["vit"](), tmp_path)
    config = json.loads((tmp_path / "config.json").read_text())
    (tmp_path / "config.json").write_text(json.dumps(config | {"num_hidden_layers": 3}))
    with pytest.raises(ModelRefusedError, match=r"lack|changed"):
        load_model(name)
