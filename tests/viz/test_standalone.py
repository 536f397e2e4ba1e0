"""Attention as a file: every number within 5e-4, small, nothing in it but text and its own script, clear refusals."""

import inspect
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from models.errors import HeadlightError
from tests.viz.standalone_reader import contents, kinds_of
from viz.standalone import GivenAttentionError, TooManyNumbersError, attention_html, packed_maps, size_limit

ROOT = Path(__file__).resolve().parents[2]
HOSTILE = ("</script><img src=x onerror=alert(1)>", "<!--", '" onload="x', "&lt;b>", "\u202eabc", "\n\r\t\0", "🏳️‍🌈")
PASSAGES = (
    "The old captain looked over the grey water and said nothing, for he knew that the wind would turn before noon. "
    "His daughter had already untied the boat, and the dog, which never liked the sea, hid beneath the nets. Nobody "
    "in the village believed that they would find the island again; the maps were wrong, the compass broken, and "
    "the last man who had seen it was blind. Yet they sailed, and on the third morning a bird came out of the fog, "
    "circled the mast twice, and flew on to the west, where a thin line of smoke rose from behind the waves as if "
    "somebody had waited. It was noon when "
    "the fog closed behind them, and nobody spoke a single word until the sun went down over the outer reef.",
    "Whoever bakes bread at home learns patience first. The flour takes up the water slowly, and what is sticky "
    "after ten minutes may be smooth after thirty; yeast works faster in summer than in winter, and a warm kitchen "
    "can ruin a dough that was meant to rest until the evening. A baker whom I asked told me that she never weighs "
    "the salt, since her hand has known the amount for forty years, but that she would not trust her eyes with the "
    "oven. Bread that is taken out too early looks right and tastes of nothing, and most people, she said, are "
    "afraid of a dark crust. So am I, although I have learned by now to wait until the whole kitchen smells of it.",
)


def weights(heads=2, queries=7, keys=None, seed=0, sharpness=0.3):
    draw = np.random.default_rng(seed)
    return draw.dirichlet(np.full(keys or queries, sharpness), size=(heads, queries)).astype(np.float32)


def causal(each):
    seen = np.tril(each) + 1e-6 * np.tril(np.ones_like(each))
    return (seen / seen.sum(axis=-1, keepdims=True)).astype(np.float32)


def names(count):
    return [f"t{each}" for each in range(count)]


def window(count, wide):
    """NaN where a query may not look: the future, and beyond a window."""
    maps, distance = weights(3, count), np.subtract.outer(np.arange(count), np.arange(count))
    return np.where((distance >= 0) & (distance < wide), maps, np.float32(np.nan))


@pytest.mark.parametrize(
    "layers",
    [
        pytest.param([weights(2, 9, seed=each) for each in range(3)], id="an encoder"),
        pytest.param([weights(sharpness=0.01), weights(sharpness=50)], id="sharp and broad"),
        pytest.param([weights(1, 1)], id="one token, one head"),
        pytest.param([np.zeros((2, 3, 3), np.float32), np.ones((2, 3, 3), np.float32)], id="nothing and everything"),
        pytest.param([weights(1, 4), weights(3, 4)], id="layers of different width"),
        pytest.param([window(8, 3), window(8, 8)], id="windows"),
        pytest.param([np.full((1, 2, 2), np.nan, np.float32)], id="nothing to be seen at all"),
    ],
)
def test_numbers_are_within_five_ten_thousandths(layers):
    (maps,) = kinds_of(attention_html(layers, names(layers[0].shape[1])).html).values()
    given = np.concatenate(layers)
    np.testing.assert_array_equal(np.isnan(maps), np.isnan(given))
    np.testing.assert_allclose(maps, given, rtol=0, atol=5e-4 + 1e-7)


def test_a_long_text_is_written_in_parts(monkeypatch):
    monkeypatch.setattr(packed_maps, "CELLS", 40)
    given = weights(2, 13)
    (maps,) = kinds_of(attention_html([given], names(13)).html).values()
    np.testing.assert_allclose(maps, given, rtol=0, atol=5e-4 + 1e-7)


def test_a_decoders_future_is_unseen_and_not_zero():
    given = causal(weights(2, 5))
    (maps,) = kinds_of(attention_html([given], names(5)).html).values()
    np.testing.assert_array_equal(np.isnan(maps), np.triu(np.ones((2, 5, 5)), 1).astype(bool))
    header, _ = contents(attention_html([given], names(5)).html)
    assert "future" in header["kinds"][0]["headers"]["matrix"]["unseenMeans"]


def test_an_encoder_and_a_decoder_by_bertvizs_names():
    encoder, decoder, cross = weights(2, 4), causal(weights(2, 3, seed=1)), weights(2, 3, 4, seed=2)
    file = attention_html(
        encoder_attention=[encoder[None]],
        decoder_attention=(decoder[None],),
        cross_attention=[cross[None]],
        encoder_tokens=["▁a", "Ġb", "c</w>", "d"],
        decoder_tokens=names(3),
    )
    header, _ = contents(file.html)
    assert [each["kind"] for each in header["kinds"]] == ["encoder", "decoder", "cross"]
    assert header["kinds"][0]["headers"]["heads"]["queries"] == [" a", " b", "c", "d"]
    assert header["kinds"][2]["headers"]["matrix"]["keys"] == [" a", " b", "c", "d"]
    assert header["opening"]["kind"] == "cross"
    np.testing.assert_allclose(kinds_of(file.html)["cross"], cross, rtol=0, atol=5e-4 + 1e-7)


def test_every_argument_that_bertviz_has_for_what_is_drawn_is_one_of_ours():
    from bertviz import head_view

    theirs = inspect.signature(head_view).parameters.keys() - {"html_action"}
    assert theirs <= inspect.signature(attention_html).parameters.keys()


@pytest.mark.parametrize("kind", [torch.bfloat16, torch.float64])
def test_tensors_are_taken_as_transformers_returns_them(kind):
    given = torch.from_numpy(weights()).to(kind).requires_grad_()[None]
    (maps,) = kinds_of(attention_html((given,), names(7)).html).values()
    np.testing.assert_allclose(maps, given[0].detach().float().numpy(), rtol=0, atol=5e-4 + 1e-7)


def test_it_opens_on_a_head_that_looks_far_and_on_a_query_that_is_sure():
    stripes, telling = np.zeros((2, 8, 8), np.float32), np.zeros((2, 8, 8), np.float32)
    stripes[:, :, 0] = 1
    telling[0] = np.eye(8)
    telling[1, :, 3] = 0.4
    telling[1, 6, 2] = 0.9
    header, _ = contents(attention_html([stripes, telling], names(8)).html)
    opening = header["opening"]
    assert (opening["view"], opening["layer"], opening["head"]) == ("matrix", 1, 1)
    assert header["kinds"][0]["selected"] == 6


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({}, "found none"),
        ({"attention": []}, "output_attentions=True"),
        ({"attention": [None]}, "output_attentions=True"),
        ({"attention": [weights(2, 3)], "tokens": names(2)}, "1 × heads × 2 × 2.*found 2 × 3 × 3"),
        ({"attention": [weights(2, 2)[0]]}, "found 2 × 2"),
        ({"attention": [np.stack([weights(2, 2)] * 3)]}, "that of 3"),
        ({"attention": [weights(2, 2) * 40]}, "from 0 to 1"),
        ({"attention": [np.full((1, 2, 2), np.inf)]}, "from 0 to 1"),
        ({"attention": ["text"]}, "found none"),
        ({"attention": [weights(2, 2)], "tokens": None}, "expected tokens"),
        ({"attention": [weights(2, 2)], "tokens": "ab"}, "one text"),
        ({"attention": [weights(2, 2)], "cross_attention": [weights(2, 2)]}, "found both"),
        ({"cross_attention": [weights(2, 2)], "encoder_tokens": names(2)}, "encoder_tokens and decoder_tokens"),
        ({"attention": [weights(2, 2)], "layer": 4}, "layers 0 to 0"),
        ({"attention": [weights(2, 2)], "include_layers": [7]}, "from 0 to 0"),
        ({"attention": [weights(2, 2)], "heads": [2]}, "from 0 to 1"),
        ({"attention": [weights(2, 2)], "view": "neuron"}, "matrix, heads, model"),
        ({"attention": [weights(2, 2)], "selected": 2}, "from 0 to 1"),
        ({"attention": [weights(2, 2)], "sentence_b_start": 2}, "second sentence"),
    ],
)
def test_what_does_not_fit_is_said_in_one_sentence(arguments, said):
    with pytest.raises(GivenAttentionError, match=said) as raised:
        attention_html(**({"tokens": names(2)} | arguments))
    assert isinstance(raised.value, HeadlightError)
    assert "\n" not in str(raised.value)


def test_too_many_numbers_are_refused_before_anything_is_made(monkeypatch):
    monkeypatch.setattr(size_limit, "MOST_NUMBERS", 100)
    monkeypatch.setattr(packed_maps, "packed_maps", lambda _: pytest.fail("was packed"))
    with pytest.raises(TooManyNumbersError, match="162 numbers, and one file holds at most 100"):
        attention_html([weights(2, 9)], names(9))


def test_tokens_and_title_are_text():
    file = attention_html([weights(2, 7)], HOSTILE, title=HOSTILE[0])
    header, _ = contents(file.html)
    assert tuple(header["kinds"][0]["headers"]["matrix"]["queries"]) == HOSTILE
    assert file.html.count("<script") == file.html.count("</script>") == 2
    assert "<img" not in file.html
    assert "onerror=alert(1)&gt;</title>" in file.html
    assert not any(ord(each) < 32 and each != "\n" for each in file.html.partition('id="contents">')[0])
    assert "<script" not in file._repr_html_(), "in a notebook it stands in an attribute"


def test_a_notebook_shows_it_by_itself():
    from IPython.core.formatters import DisplayFormatter

    file = attention_html([weights(2, 7)], names(7))
    data, _ = DisplayFormatter().format(file)
    assert data["text/html"] == file._repr_html_()
    assert data["text/plain"].startswith("<AttentionFile")


def test_nothing_is_asked_of_anybody():
    html = attention_html([weights()], names(7)).html
    assert "default-src 'none'" in html
    assert "unsafe" not in html.partition("<style>")[0]
    assert not [
        each
        for each in ("http:", "https:", "src=", "href=", "@import", "url(")
        if each in html.partition('id="contents">')[0]
    ]


def test_the_same_is_the_same_file(tmp_path):
    one, other = (attention_html([weights()], names(7)) for _ in range(2))
    assert one == other
    assert one.save(tmp_path / "maps.html").read_bytes() == one.html.encode()


def test_it_needs_neither_streamlit_nor_torch():
    program = (
        "import sys, numpy as np\nfrom viz.standalone import attention_html\n"
        "attention_html([np.eye(3)[None]], ['a', 'b', 'c'])\n"
        "print(*{'streamlit', 'torch', 'transformers'} & sys.modules.keys())"
    )
    run = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
    assert run.stdout.split() == []


def test_the_worst_that_a_softmax_can_give_is_bounded():
    """Weights drawn evenly from all that sum to 1 have nothing that could be expected."""
    given = [weights(4, 128, seed=each, sharpness=1) for each in range(2)]
    bare = len(attention_html([np.eye(128)[None]], names(128)).html.encode())
    size = len(attention_html(given, names(128)).html.encode()) - bare
    assert size / (8 * 128 * 128) < 0.7, "bytes a weight: 12 x 12 heads at 128 tokens are 1.7 MB at most"


@pytest.mark.slow
def test_twelve_layers_of_twelve_heads_at_128_tokens_are_less_than_a_megabyte():
    """MiniLM has six layers: those of two texts, each of which is expected from its own heads before."""
    from models.attention import trace_attention
    from models.loading import load_model

    loaded = load_model("minilm")
    layers, tokens = [], ()
    for text in PASSAGES:
        ids = loaded.tokenizer.backend_tokenizer.encode(text).ids[:128]
        assert len(ids) == 128
        trace = trace_attention(loaded, tuple(ids))
        layers += [trace.weights("encoder", each) for each in range(6)]
        tokens = trace.tokens
    assert len(attention_html(layers, tokens).html.encode()) < 1_000_000
