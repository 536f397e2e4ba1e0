"""The vision model that is there without a hub: what was made of its ONNX file is what the file computes."""

import numpy as np
import pytest
import torch

from models.catalog import MODELS
from models.engine import Engine
from models.loading import load_model
from models.loading.packs import model_folder, packs_folder
from models.pictures import EXAMPLES, example_picture
from models.vision import (
    CutPictureRequest,
    LayerWeightsRequest,
    LookGridRequest,
    PictureTraceRequest,
    VisionFactsRequest,
)
from models.vision.tracing import cut_for, trace_picture

NAME = "dinov2"


@pytest.fixture(scope="module")
def loaded():
    return load_model(NAME)


@pytest.fixture(scope="module")
def engine(loaded):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("models.loading.load_model", {NAME: loaded}.__getitem__)
        yield Engine(10**9)


def test_its_card_is_true(engine, loaded):
    facts, card = engine.run(VisionFactsRequest(NAME)), MODELS[NAME]
    assert (facts.layers, facts.heads) == (card.layers, card.heads)
    assert card.width == loaded.model.config.hidden_size
    assert card.parameters == loaded.model.num_parameters()
    assert facts.specials == ("CLS",)
    assert facts.sides == (224, 336, 448, 518)
    assert loaded.findings[0].verdict == loaded.findings[1].verdict == "exact"
    assert "MIT" in card.source
    assert "tuned" in card.source


def test_weights_are_as_exact_as_transformers_own_eager_attention(loaded):
    """Of 4.8 million weights all but a few are within 1e-5 of its own; those few are rounding, as in double precision
    is seen: SDPA's states are no further off than the eager function's.
    """
    from transformers import AutoModel

    seen = cut_for(loaded, example_picture("flower").pixels, None, is_whole=False)
    trace = trace_picture(loaded, seen)
    pixels = torch.from_numpy(seen.given)[None]
    known = []
    for dtype in (torch.float32, torch.float64):
        own = AutoModel.from_pretrained(model_folder(MODELS[NAME]), attn_implementation="eager", dtype=dtype).eval()
        with torch.inference_mode():
            known.append(own(pixels.to(dtype), output_attentions=True).attentions)
    for layer, (theirs, true) in enumerate(zip(*known, strict=True)):
        weights = trace.weights("encoder", layer)
        off = np.abs(weights - theirs[0].numpy())
        assert (off <= 1e-5).mean() > 0.9999
        assert off.max() < 5e-5
        assert np.abs(weights - true[0].numpy()).max() <= 1e-5 + 2 * float((theirs[0] - true[0]).abs().max())


def with_output(file, name):
    """The file with one more output: of two graphs in a message, Protocol Buffers appends the lists of the second."""
    value = bytes([0x0A, len(name)]) + name.encode()
    graph = bytes([12 << 3 | 2, len(value)]) + value
    return file.read_bytes() + bytes([7 << 3 | 2, len(graph)]) + graph


@pytest.mark.slow
def test_what_was_converted_is_what_the_onnx_file_computes(loaded):
    """Its backbone's last state of three pictures, by onnxruntime; the head of the file is not among what is shown."""
    onnxruntime = pytest.importorskip("onnxruntime")
    file = packs_folder() / MODELS[NAME].pack.files[0].path
    session = onnxruntime.InferenceSession(with_output(file, "/backbone/layernorm/Add_1_output_0"))
    pictures = [example_picture(name).pixels for name in EXAMPLES]
    pictures.append(np.random.default_rng(5).integers(0, 256, (300, 250, 3), dtype=np.uint8))
    assert len(pictures) == 3
    for pixels in pictures:
        seen = cut_for(loaded, pixels, None, is_whole=False)
        (known,) = session.run(["/backbone/layernorm/Add_1_output_0"], {"input_image": seen.given[None]})
        np.testing.assert_allclose(trace_picture(loaded, seen).outputs, known[0], rtol=0, atol=1e-4)


def test_heads_outline_the_flower(engine):
    """In the last layers the class token looks at the flower, whose patches are told by their colour."""
    trace = PictureTraceRequest(NAME, "example:flower")
    cut = engine.run(CutPictureRequest(trace))
    blocks = cut.pixels.reshape(cut.rows, cut.patch, cut.columns, cut.patch, 3).mean(axis=(1, 3))
    is_flower = blocks[..., 0] > 1.2 * blocks[..., 1]
    assert 0.1 < is_flower.mean() < 0.8
    grid = engine.run(LookGridRequest(trace, (0,)))
    shown = grid.most[..., None, None] * (grid.steps / 63.0) ** 2
    share = (shown * is_flower).sum(axis=(2, 3)) / shown.sum(axis=(2, 3))
    assert share[-4:].max() > 1.3 * is_flower.mean()


@pytest.mark.slow
@pytest.mark.parametrize(("side", "is_whole"), [(None, False), (518, False), (None, True)])
def test_a_white_square_is_in_the_patch_where_it_is_drawn(loaded, side, is_whole):
    """In the map of a patch-by-patch difference, at 224 and 518 pixels and for a picture that is no square."""
    grey = np.full((448, 672, 3), 90, dtype=np.uint8)
    before = trace_picture(loaded, cut_for(loaded, grey, side, is_whole=is_whole))
    for row, column in ((2, 3), (2, 4), (9, 4)):
        pixels = before.cut.pixels.copy()
        pixels[row * 14 : row * 14 + 14, column * 14 : column * 14 + 14] = 255
        moved = _again(loaded, before, pixels)
        change = np.linalg.norm(moved.states[0] - before.states[0], axis=-1)[1:]
        assert np.unravel_index(change.argmax(), (before.rows, before.columns)) == (row, column)
        assert (change > 1e-3).sum() == 1


def _again(loaded, trace, pixels):
    from dataclasses import replace

    how = loaded.sight.processing
    given = (pixels / 255.0 - np.array(how.mean)) / np.array(how.std)
    return trace_picture(loaded, replace(trace.cut, pixels=pixels, given=given.astype(np.float32).transpose(2, 0, 1)))


@pytest.mark.slow
def test_larger_than_trained_is_interpolated(engine):
    weights = engine.run(LayerWeightsRequest(PictureTraceRequest(NAME, "example:china", side=518), 11, head=0, query=0))
    assert weights.shape == (1, 1, 1 + 37 * 37)
    assert weights.sum() == pytest.approx(1, abs=1e-4)
