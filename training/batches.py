"""The dictionary as batches of equal lengths."""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from training.alphabet import END, PAD, UNKNOWN, VOCABULARY
from training.pronunciations import Spelling, phrases
from training.recipe import Recipe

IGNORED = -100
Batch = tuple[Tensor, Tensor, Tensor]
Rows = list[tuple[str, tuple[str, ...]]]


def batches(examples: Sequence[Spelling], recipe: Recipe, epoch: int) -> list[Rows]:
    """One epoch's spellings with the pronunciation to learn, in batches of equal lengths, in the order of this epoch.

    Where a word has several pronunciations the first is drawn three times in five, else one of the others.
    """
    draw = np.random.default_rng([recipe.seed, epoch])
    said = list(examples)
    share = recipe.phrases[epoch >= recipe.late]
    said += phrases(examples, round(share * len(examples)), [recipe.seed, epoch, 1])
    rows = []
    for example, chance in zip(said, draw.random(len(said)).tolist(), strict=True):
        others = len(example.pronunciations) - 1
        which = 0 if not others or chance < 0.6 else 1 + int((chance - 0.6) / 0.4 * others)
        rows.append((example.spelling, example.pronunciations[which]))
    places = draw.permutation(len(rows)).tolist()
    places.sort(key=lambda place: (len(rows[place][0]), len(rows[place][1])))
    made, current, widest = [], [], 0
    for place in places:
        length = len(rows[place][0]) + len(rows[place][1]) + 2
        if current and (len(current) + 1) * max(widest, length) > recipe.tokens:
            made.append(current)
            current, widest = [], 0
        current.append(rows[place])
        widest = max(widest, length)
    made.append(current)
    return [made[place] for place in draw.permutation(len(made)).tolist()]


def as_tensors(rows: Sequence[tuple[str, Sequence[str]]], unread: float, seed: Sequence[int]) -> Batch:
    """Ids [row, letter], their mask, and labels [row, phoneme] with -100 where there is nothing to learn."""
    ids: dict[str, int] = {piece: number for number, piece in enumerate(VOCABULARY)}
    end = ids[END]
    spelt = _padded([[*(ids[letter] for letter in spelling), end] for spelling, _ in rows], ids[PAD])
    labels = _padded([[*(ids[sound] for sound in sounds), end] for _, sounds in rows], IGNORED)
    mask = spelt != ids[PAD]
    lost = np.random.default_rng(seed).random(spelt.shape) < unread
    spelt = np.where(lost & mask & (spelt != end), ids[UNKNOWN], spelt)
    return torch.from_numpy(spelt), torch.from_numpy(mask.astype(np.int64)), torch.from_numpy(labels)


def _padded(rows: Sequence[Sequence[int]], filler: int) -> np.ndarray:
    made = np.full((len(rows), max(map(len, rows))), filler, dtype=np.int64)
    for row, numbers in zip(made, rows, strict=True):
        row[: len(numbers)] = numbers
    return made
