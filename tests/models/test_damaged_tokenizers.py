"""Folders whose tokenizer files are damaged: the sentence names the file, and nothing else of the folder."""

import pytest

from models.loading import ModelRefusedError, load_model, open_folder


@pytest.mark.parametrize("damage", ["[]", "null", "3", '"x"', "", "{}", '{"model": []}', None])
def test_the_sentence_names_the_tokenizer_file(folder, damage):
    file = folder / "tokenizer.json"
    whole = file.read_text()
    file.write_text(whole[: len(whole) // 2] if damage is None else damage)
    with pytest.raises(ModelRefusedError, match=r"tokenizer\.json"):
        load_model(open_folder(str(folder)).name)


@pytest.mark.parametrize("damage", ["[]", "{"])
def test_so_does_it_for_its_settings(folder, damage):
    (folder / "tokenizer_config.json").write_text(damage)
    with pytest.raises(ModelRefusedError, match=r"tokenizer_config\.json"):
        load_model(open_folder(str(folder)).name)
