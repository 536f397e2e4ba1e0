"""ARPAbet, the notation of the spelling-to-sound model, for people who do not know it."""

from dataclasses import dataclass

WORD_BOUNDARY = "|"
_STRESS = {"0": "unstressed", "1": "primary stress", "2": "secondary stress"}

# Sign in the International Phonetic Alphabet and an English word in which the sound stands.
_SOUNDS = {
    "AA": ("ɑ", "odd"),
    "AE": ("æ", "at"),
    "AH": ("ʌ", "hut"),
    "AO": ("ɔ", "ought"),
    "AW": ("aʊ", "cow"),
    "AY": ("aɪ", "hide"),
    "B": ("b", "be"),
    "CH": ("tʃ", "cheese"),
    "D": ("d", "dee"),
    "DH": ("ð", "thee"),
    "EH": ("ɛ", "bed"),
    "ER": ("ɝ", "hurt"),
    "EY": ("eɪ", "ate"),
    "F": ("f", "fee"),
    "G": ("ɡ", "green"),
    "HH": ("h", "he"),
    "IH": ("ɪ", "it"),
    "IY": ("i", "eat"),
    "JH": ("dʒ", "gee"),
    "K": ("k", "key"),
    "L": ("l", "lee"),
    "M": ("m", "me"),
    "N": ("n", "knee"),
    "NG": ("ŋ", "sing"),
    "OW": ("oʊ", "oat"),
    "OY": ("ɔɪ", "toy"),
    "P": ("p", "pay"),
    "R": ("ɹ", "read"),
    "S": ("s", "sea"),
    "SH": ("ʃ", "she"),
    "T": ("t", "tea"),
    "TH": ("θ", "thin"),
    "UH": ("ʊ", "hood"),
    "UW": ("u", "two"),
    "V": ("v", "very"),
    "W": ("w", "we"),
    "Y": ("j", "yield"),
    "Z": ("z", "zoo"),
    "ZH": ("ʒ", "measure"),
}


@dataclass(frozen=True)
class Sound:
    """One sound: its name in ARPAbet with the stress digit, its IPA sign, a word it stands in, its stress or ''."""

    name: str
    ipa: str
    word: str
    stress: str


def sound(name: str) -> Sound | None:
    """The sound of this name (AY1, N), or None. An unstressed AH is the schwa, an unstressed ER its coloured form."""
    plain, stress = name.rstrip("012"), _STRESS.get(name[-1:], "")
    if plain not in _SOUNDS:
        return None
    ipa, word = _SOUNDS[plain]
    if name == "AH0":
        ipa, word = "ə", "about"
    if name == "ER0":
        ipa, word = "ɚ", "letter"
    return Sound(name, ipa, word, stress)


def sound_in_words(name: str) -> str:
    """What hovering over a sound says; '' for what is none."""
    if name == WORD_BOUNDARY:
        return "between two words"
    found = sound(name)
    if found is None:
        return ""
    return f"/{found.ipa}/ as in “{found.word}”" + (f", {found.stress}" if found.stress else "")


def ipa(names: list[str]) -> str:
    """A row of sounds in IPA, each stressed syllable marked before its vowel; what is no sound is left out."""
    marks = {"primary stress": "ˈ", "secondary stress": "ˌ"}
    made = ""
    for name in names:
        found = sound(name)
        if name == WORD_BOUNDARY:
            made += " "
        elif found is not None:
            made += marks.get(found.stress, "") + found.ipa
    return made
