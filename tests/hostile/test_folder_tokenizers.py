"""Tokenizers and chat templates of strangers' folders: opened and used, none of them harms anybody else."""

import json
from contextlib import suppress
from typing import Any

import pytest

from models.catalog import MODELS
from models.decoding import DecodingSettings, decode
from models.decoding.prompting import PromptsRequest
from models.engine import Engine
from models.errors import HeadlightError
from models.loading import ModelRefusedError, load_model, open_folder
from models.tokenization import encode
from tests.hostile.class_server import serving
from tests.hostile.visitor import Visitor
from tests.models.test_folders import folder, saved

__all__ = ["folder", "saved"]

pytestmark = pytest.mark.usefixtures("short")

MESSAGE = [{"role": "user", "content": "w11 w23"}]
PLAIN = "{% for message in messages %}w5 {{ message.content }} {% endfor %}"


def loaded_from(folder):
    return load_model(open_folder(str(folder)).name)


def changed(folder, change):
    state = json.loads((folder / "tokenizer.json").read_bytes())
    change(state)
    (folder / "tokenizer.json").write_text(json.dumps(state))


def replaced(content, times, what="w11"):
    first = {"type": "Replace", "pattern": {"String": what}, "content": "z"}
    return [first, *[{"type": "Replace", "pattern": {"String": "z"}, "content": content}] * times]


def test_it_cuts_and_writes_as_in_this_process(folder, monkeypatch):
    (folder / "chat_template.jinja").write_text(PLAIN)
    theirs = loaded_from(folder)
    ours = load_model("smollm2")
    from transformers import AutoTokenizer

    here: Any = AutoTokenizer.from_pretrained(folder)
    for text in ("w11 w23 nothing </s> w5", "<s> w9"):
        assert encode(theirs.tokenizer, text) == encode(here, text)
        assert theirs.tokenizer(text)["input_ids"] == here(text)["input_ids"]
    assert theirs.tokenizer.decode([11, 2, 23], skip_special_tokens=True) == here.decode(
        [11, 2, 23], skip_special_tokens=True
    )
    assert theirs.tokenizer.apply_chat_template(MESSAGE) == here.apply_chat_template(MESSAGE, tokenize=False)
    assert theirs.tokenizer.eos_token_id == here.eos_token_id
    assert theirs.tokenizer.mask_token is None
    assert len(theirs.tokenizer) == len(here)
    steps = list(decode(theirs, "w11 w23", DecodingSettings(max_new_tokens=5)))
    assert "".join(step.text for step in steps)
    # What is ours is transformers' own.
    assert hasattr(ours.tokenizer.backend_tokenizer, "to_str")


USED = {
    "normalizers": lambda state: state.update(normalizer={"type": "Sequence", "normalizers": replaced("zz", 28)}),
    "a panic": lambda state: state.update(
        normalizer={"type": "Replace", "pattern": {"Regex": r"(.|.)*\d\d\d\d\d\d\d"}, "content": "x"}
    ),
}


DECODED = {
    "decoders": lambda state: state.update(
        decoder={"type": "Sequence", "decoders": replaced("zz", 28)},
    ),
}
# What is asked of it for too long, and what it answers afterwards.
ASKED = {
    **dict.fromkeys(USED, (lambda it: encode(it, "w11 w23 " * 200), lambda it: encode(it, "w9").ids[-1] == 9)),
    **dict.fromkeys(DECODED, (lambda it: it.decode([11] * 50), lambda it: it.decode([9]))),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", ASKED)
def test_where_it_asks_for_too_much_there_is_a_sentence(folder, name, within_bounds):
    changed(folder, (USED | DECODED)[name])
    too_much, answers = ASKED[name]
    theirs = loaded_from(folder)
    with within_bounds(), pytest.raises(HeadlightError) as failed:
        too_much(theirs.tokenizer)
    assert str(failed.value).endswith(".")
    assert answers(theirs.tokenizer)


@pytest.mark.slow
def test_a_session_goes_on_after_a_panic(folder, tmp_path):
    """A panic of the library is no Exception: it would end the thread of the session, which answers nobody then."""
    changed(folder, USED["a panic"])
    with serving(tmp_path, address="localhost") as server, Visitor(server) as seen:
        seen.open("attention", model=f"folder:{folder}", text="w9")
        assert (seen.errors, "attention_view" in seen.components) == ([], True)
        seen.put("text_box", string_value="w11 w23 " * 4).press("Look", 60)
        [sentence] = seen.errors
        assert "not foreseen" not in sentence
        seen.put("text_box", string_value="w9 w11").press("Look", 60)
        assert (seen.errors, "attention_view" in seen.components) == ([], True)
        assert server.traces() == []


REFUSED = {
    "a list": b"[]",
    "a cut one": b'{"model": {"vocab": {"a"',
    "depth": b'{"model":' + b"[" * 100_000,
    "no tokenizer": b"{}",
}


@pytest.mark.parametrize("name", REFUSED)
def test_files_that_do_not_fit_are_refused_and_named(folder, name, within_bounds):
    (folder / "tokenizer.json").write_bytes(REFUSED[name])
    card = open_folder(str(folder))
    with (
        within_bounds(),
        pytest.raises(ModelRefusedError, match=r"^Its tokenizer cannot be read, since tokenizer.json "),
    ):
        load_model(card.name)


def test_code_of_a_folder_is_not_run(folder, tmp_path):
    settings = json.loads((folder / "tokenizer_config.json").read_bytes())
    settings["auto_map"] = {"AutoTokenizer": ["theirs.Theirs", None]}
    settings["tokenizer_class"] = "Theirs"
    (folder / "tokenizer_config.json").write_text(json.dumps(settings))
    (folder / "theirs.py").write_text(f"open({str(tmp_path / 'ran')!r}, 'w').close()\n")
    with suppress(HeadlightError):
        loaded_from(folder)
    assert not (tmp_path / "ran").exists()


def test_a_template_that_leads_out_of_the_folder_is_never_read(folder, tmp_path):
    (tmp_path / "secret").write_text("a secret")
    (folder / "additional_chat_templates").mkdir()
    (folder / "additional_chat_templates" / "x.jinja").symlink_to(tmp_path / "secret")
    given = loaded_from(folder).tokenizer._subject.files
    assert "tokenizer.json" in given
    assert not any("additional" in name or b"a secret" in data for name, data in given.items())


TEMPLATES = {
    "a power": "{{ 10 ** (10 ** 9) }}",
    "nested ranges": "{% for a in range(99999) %}{% for b in range(99999) %}{% endfor %}{% endfor %}",
    "a growing namespace": "{% set n = namespace(x='a') %}{% for a in range(60)%}{% set n.x = n.x ~ n.x %}{% endfor %}",
    "a long answer": "{% for a in range(90000) %}{{ 'abcdefghij' * 1000 }}{% endfor %}",
    "joins": "{{ range(99999) | join('a' * 99999) }}",
    "a macro that calls itself": "{% macro f(n) %}{{ f(n) }}{{ f(n) }}{% endmacro %}{{ f(1) }}",
    "a wide format": "{{ '%999999999d' % 1 }}",
    "a product": "{{ 'a' * 9999999999 }}",
    "a list that grows": "{% set n = namespace(x=[1]) %}{% for a in range(60) %}{% set n.x = n.x + n.x %}{% endfor %}",
}


QUICK = ("a macro that calls itself", "a product", "a list that grows")


# Each that is killed takes the import of transformers with it.
@pytest.mark.quick(1)
@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=() if name in QUICK else pytest.mark.slow) for name in TEMPLATES]
)
def test_a_template_that_asks_for_too_much_leaves_the_plain_prompts(folder, name, within_bounds):
    (folder / "chat_template.jinja").write_text(TEMPLATES[name])
    card = MODELS.keep(open_folder(str(folder)))
    engine = Engine()
    engine.model(card.name)
    with within_bounds():
        found = engine.run(PromptsRequest(card.name, ("w11 w23",), "w5 w9"))
    assert not any(answer.variant.is_chat for answer in found.answers)
    (note,) = (note for note in found.notes if "chat template" in note)
    assert "memory on the device" not in note
    assert note.endswith("There are only the plain prompts.") or "cannot be filled" in note
    assert engine.run(PromptsRequest("smollm2", (), "One")).answers


def test_a_template_that_takes_the_message_is_used(folder):
    (folder / "chat_template.jinja").write_text(PLAIN)
    card = MODELS.keep(open_folder(str(folder)))
    found = Engine().run(PromptsRequest(card.name, (), "w9"))
    assert [answer.variant.text for answer in found.answers if answer.variant.is_chat] == ["w5 w9 "]
