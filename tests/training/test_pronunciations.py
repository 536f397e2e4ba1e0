"""The dictionary as training data: what is held out stays out."""

import pytest

from training.alphabet import CHARACTERS, PHONEMES, VOCABULARY, build_target_tokenizer, build_tokenizer
from training.batches import IGNORED, as_tensors, batches
from training.pronunciations import Spelling, families, phrase, phrases, read_dictionary, split
from training.recipe import Recipe
from training.scoring import edit_distance, score


@pytest.fixture(scope="module")
def dictionary():
    return read_dictionary()


@pytest.fixture(scope="module")
def data(dictionary):
    return split(dictionary)


@pytest.mark.slow
def test_five_percent_are_held_out_and_nothing_is_lost(dictionary, data):
    parts = [{each.spelling for each in part} for part in (data.train, data.validation, data.held_out)]
    assert set.union(*parts) == set(dictionary)
    assert sum(map(len, parts)) == len(dictionary)
    assert len(parts[2]) / len(dictionary) == pytest.approx(0.05, abs=0.003)


@pytest.mark.parametrize("ending", ["s", "'s", "s'", "'", "es"])
def test_an_inflection_stands_on_the_side_of_its_word(data, ending):
    side = {each.spelling: name for name in ("train", "validation", "held_out") for each in getattr(data, name)}
    pairs = [(word, word + ending) for word in side if word + ending in side]
    assert len(pairs) > 100
    assert all(side[word] == side[inflected] for word, inflected in pairs)


def test_families_hold_other_spellings_together():
    assert families(["city", "cities", "city's", "knife", "knives", "co-op", "coop", "cat"]) == (
        ("cat",),
        ("cities", "city", "city's"),
        ("co-op", "coop"),
        ("knife", "knives"),
    )


def test_everything_in_the_dictionary_can_be_written_with_the_vocabulary(dictionary):
    assert {letter for word in dictionary for letter in word} <= set(CHARACTERS)
    assert {sound for said in dictionary.values() for sounds in said for sound in sounds} <= set(PHONEMES)
    assert len(set(VOCABULARY)) == len(VOCABULARY)


def test_the_tokenizer_reads_letters_and_writes_sounds():
    tokenizer, target = build_tokenizer().backend_tokenizer, build_target_tokenizer()
    assert tokenizer.encode("Knight’s  CAFÉ").tokens == [*"knight's cafe", "</s>"]
    cut = tokenizer.encode("é 3я")
    assert cut.tokens == ["e", " ", "<unk>", "<unk>", "</s>"]
    assert cut.offsets[:4] == [(0, 1), (1, 2), (2, 3), (3, 4)]
    assert target.encode("N AY1 T | B").tokens == ["N", "AY1", "T", "|", "B", "</s>"]
    assert target.encode("n QQ").tokens == ["n", "<unk>", "</s>"]


def test_a_phrase_is_its_words_with_a_boundary():
    read = Spelling("read", (("R", "EH1", "D"), ("R", "IY1", "D")))
    knight = Spelling("knight", (("N", "AY1", "T"),))
    said = phrase([read, knight])
    assert said.spelling == "read knight"
    assert said.pronunciations == (
        ("R", "EH1", "D", "|", "N", "AY1", "T"),
        ("R", "IY1", "D", "|", "N", "AY1", "T"),
    )
    drawn = list(phrases([read, knight], 200, [1]))
    assert {each.spelling.count(" ") for each in drawn} == {1, 2, 3}
    assert drawn == list(phrases([read, knight], 200, [1]))


def test_batches_hold_every_word_once_within_the_bound(data):
    recipe = Recipe(tokens=800)
    some = data.train[:2_000]
    made = batches(some, recipe, 0)
    spelt = [spelling for rows in made for spelling, _ in rows]
    single = {each.spelling for each in some}
    assert sorted(each for each in spelt if each in single and " " not in each) == sorted(single)
    assert len(spelt) == 2_000 + 125
    assert max(len(rows) * max(len(word) + len(said) + 2 for word, said in rows) for rows in made) <= 800
    assert made == batches(some, recipe, 0)
    assert made != batches(some, recipe, 1)


def test_tensors_pad_what_is_not_there():
    ids, mask, labels = as_tensors([("ab", ("B",)), ("a", ("AA1", "B"))], 0.0, [0])
    name = VOCABULARY.index
    assert ids.tolist() == [[name("a"), name("b"), name("</s>")], [name("a"), name("</s>"), name("<pad>")]]
    assert mask.tolist() == [[1, 1, 1], [1, 1, 0]]
    assert labels.tolist() == [[name("B"), name("</s>"), IGNORED], [name("AA1"), name("B"), name("</s>")]]
    lost, _, _ = as_tensors([("abcdefgh", ("B",))] * 200, 0.5, [0])
    share = (lost[:, :-1] == name("<unk>")).float().mean().item()
    assert share == pytest.approx(0.5, abs=0.05)
    assert (lost[:, -1] == name("</s>")).all()


def test_errors_take_the_nearest_listed_way():
    read = Spelling("read", (("R", "EH1", "D"), ("R", "IY1", "D", "Z")))
    right = score([(read, ("R", "EH2", "D"))])
    assert (right.word, right.phoneme, right.word_with_stress) == (0, 0, 1)
    wrong = score([(read, ("R", "IY1", "D")), (read, ("R", "IY1", "D", "Z"))])
    assert wrong.word == 0.5
    assert wrong.phoneme == pytest.approx(1 / 7)
    with pytest.raises(ValueError, match="nothing to score"):
        score([])


@pytest.mark.parametrize(
    ("one", "other", "distance"), [("", "abc", 3), ("kitten", "sitting", 3), ("abc", "abc", 0), ("ab", "ba", 2)]
)
def test_edit_distance(one, other, distance):
    assert edit_distance(one, other) == edit_distance(other, one) == distance


def test_the_same_split_on_every_machine(data):
    assert len(data.held_out) == 6_303
    assert {"abbe", "abdicate", "abdicates", "adidas's"} <= {each.spelling for each in data.held_out}
