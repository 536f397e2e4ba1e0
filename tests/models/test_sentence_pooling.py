"""One vector for a sentence as the folder of a model says, and nothing else taken for it."""

import json
import shutil

import numpy as np
import pytest

from models.embeddings import SentencesRequest
from models.engine import Engine
from models.loading import open_folder
from models.loading.packs import model_folder
from tests.models.test_sentences import KEPT, SENTENCES


@pytest.mark.quick(1)
@pytest.mark.parametrize("is_unit", [False, True])
@pytest.mark.parametrize(("pooling", "way"), [("mean", "mean"), ("cls", "cls"), ("max", "max"), ("lasttoken", "last")])
def test_a_folder_of_sentence_transformers_says_how(pooling, way, is_unit, minilm, tmp_path, no_folders):
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.sentence_transformer.modules import Normalize, Pooling, Transformer

    reader = Transformer(str(model_folder(minilm.card)))
    modules = [reader, Pooling(reader.get_embedding_dimension(), pooling_mode=pooling), *([Normalize()] * is_unit)]
    written = SentenceTransformer(modules=modules, device="cpu")
    written.save(str(tmp_path / "st"))
    card = open_folder(str(tmp_path / "st"))
    assert (card.pooling, card.is_unit) == (way, is_unit)
    theirs = written.encode([SENTENCES[line] for line in KEPT], batch_size=2, show_progress_bar=False)
    ours = Engine(10**8).run(SentencesRequest(card.name, SENTENCES, "own")).vectors
    np.testing.assert_allclose(ours, theirs, atol=2e-5)


@pytest.mark.quick(2)
@pytest.mark.parametrize(
    "settings",
    [
        {"pooling_mode_mean_tokens": True, "pooling_mode_max_tokens": True},
        {"pooling_mode": ["mean", "max"]},
        {"pooling_mode": "weightedmean"},
        {"pooling_mode": 3},
        {},
        [],
    ],
)
def test_what_is_not_done_here_is_not_taken_for_something_else(settings, minilm, tmp_path, no_folders):
    folder = shutil.copytree(model_folder(minilm.card), tmp_path / "st")
    kinds = {"": "Transformer", "1_Pooling": "Pooling"}
    modules = [{"path": path, "type": f"sentence_transformers.models.{kind}"} for path, kind in kinds.items()]
    (folder / "modules.json").write_text(json.dumps(modules))
    (folder / "1_Pooling").mkdir(exist_ok=True)
    (folder / "1_Pooling" / "config.json").write_text(json.dumps({"pooling_mode_cls_token": True}))
    assert open_folder(str(folder)).pooling == "cls"
    (folder / "1_Pooling" / "config.json").write_text(json.dumps(settings))
    assert open_folder(str(folder)).pooling == ""
    (folder / "modules.json").write_text("3")
    assert open_folder(str(folder)).pooling == ""
