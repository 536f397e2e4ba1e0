"""Train the bundled model: English spelling in, sounds out. `python -m training.spelling_to_sound --help`.

A small T5 (Raffel et al. 2020), transformers' own class, from random weights on the CMU Pronouncing Dictionary. Its
matrices are trained with Muon (Jordan 2024, `torch.optim.Muon`), which reaches AdamW's loss here in about half the
steps, all else with AdamW. A run can be interrupted at any time and goes on where its last checkpoint stood, on the
same curve.
"""

import argparse
import csv
import json
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor
from transformers import GenerationConfig, T5Config, T5ForConditionalGeneration
from transformers.models.t5.modeling_t5 import T5Attention

from training.alphabet import END, PAD, UNKNOWN, VOCABULARY, build_target_tokenizer, build_tokenizer
from training.pronunciations import Example, Split, phrases, read_dictionary, split
from training.scoring import Errors, score

BUNDLED = Path(__file__).resolve().parents[1] / "models" / "bundled" / "spelling_to_sound" / "final"
RUN_FOLDER = Path(__file__).resolve().parents[1] / ".headlight" / "training" / "spelling_to_sound"
_IGNORED = -100
_LOGGED_EVERY = 25
_LONGEST_OUTPUT = 96


@dataclass(frozen=True)
class Recipe:
    """Everything that decides how a run goes, besides the data.

    tokens: of a batch, padding and both sides counted. decay: the share of the steps, at the end, over which the
    learning rate falls to 0. phrases: as a share of the words, in the early and, from epoch `late` on, in the late
    epochs: single words are learnt first. unread: the share of letters replaced by `<unk>`, so that a character that
    the model cannot read is not one that it never saw. snapshots: steps whose weights are kept.
    bfloat16: whether matrices are multiplied in it (on processors that can, half the time).
    """

    steps: int = 10_000
    tokens: int = 4_352
    learning_rate: float = 4e-3
    warm_up: int = 50
    decay: float = 0.7
    dropout: float = 0.1
    label_smoothing: float = 0.1
    weight_decay: float = 0.01
    phrases: tuple[float, float] = (1 / 16, 1 / 8)
    late: int = 6
    unread: float = 0.004
    seed: int = 0
    width: int = 160
    feed_forward: int = 512
    heads: int = 4
    encoder_layers: int = 4
    decoder_layers: int = 3
    bfloat16: bool = True
    snapshots: tuple[int, ...] = (0, 100, 200, 400, 800, 1_600, 3_200, 6_400)


@dataclass
class Place:
    """Where a run is: steps taken, and the batch of the epoch that comes next."""

    step: int = 0
    epoch: int = 0
    batch: int = 0
    seconds: float = 0.0
    losses: list[float] = field(default_factory=list)


Batch = tuple[Tensor, Tensor, Tensor]


class SharedDropout(torch.nn.Module):
    """Dropout with one mask for all positions of a row (Gal & Ghahramani 2016).

    Drawing a number for each position takes a third of a step on a CPU; this takes almost nothing.
    """

    def __init__(self, share: float) -> None:
        super().__init__()
        self.share = share

    def forward(self, hidden: Tensor) -> Tensor:
        """hidden: [row, token, width]; the same while not training."""
        if not self.training or not self.share:
            return hidden
        mask = hidden.new_empty((hidden.shape[0], 1, hidden.shape[-1])).bernoulli_(1 - self.share)
        return hidden * mask.div_(1 - self.share)


def new_model(recipe: Recipe) -> Any:
    """Random weights in the shape of the recipe. Draws from torch's own state."""
    ids = {name: VOCABULARY.index(name) for name in (PAD, END)}
    config = T5Config(
        vocab_size=len(VOCABULARY),
        d_model=recipe.width,
        d_kv=recipe.width // recipe.heads,
        d_ff=recipe.feed_forward,
        num_heads=recipe.heads,
        num_layers=recipe.encoder_layers,
        num_decoder_layers=recipe.decoder_layers,
        relative_attention_num_buckets=32,
        relative_attention_max_distance=64,
        dropout_rate=recipe.dropout,
        feed_forward_proj="relu",
        pad_token_id=ids[PAD],
        eos_token_id=ids[END],
        decoder_start_token_id=ids[PAD],  # ty: ignore[unknown-argument] - a token that every seq2seq config takes
    )
    model = T5ForConditionalGeneration._from_config(config, attn_implementation="eager")
    for module in list(model.modules()):
        for name, child in list(module.named_children()):
            if isinstance(child, torch.nn.Dropout):
                setattr(module, name, SharedDropout(recipe.dropout))
        if isinstance(module, T5Attention):
            module.dropout = 0.0
    model.generation_config = GenerationConfig(
        max_new_tokens=_LONGEST_OUTPUT,
        pad_token_id=ids[PAD],
        eos_token_id=ids[END],
        decoder_start_token_id=ids[PAD],
    )
    return model


def batches(examples: Sequence[Example], recipe: Recipe, epoch: int) -> list[list[tuple[str, tuple[str, ...]]]]:
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
    labels = _padded([[*(ids[sound] for sound in sounds), end] for _, sounds in rows], _IGNORED)
    mask = spelt != ids[PAD]
    lost = np.random.default_rng(seed).random(spelt.shape) < unread
    spelt = np.where(lost & mask & (spelt != end), ids[UNKNOWN], spelt)
    return torch.from_numpy(spelt), torch.from_numpy(mask.astype(np.int64)), torch.from_numpy(labels)


def _padded(rows: Sequence[Sequence[int]], filler: int) -> np.ndarray:
    made = np.full((len(rows), max(map(len, rows))), filler, dtype=np.int64)
    for row, numbers in zip(made, rows, strict=True):
        row[: len(numbers)] = numbers
    return made


def new_optimizers(model: Any, recipe: Recipe) -> tuple[torch.optim.Optimizer, ...]:
    """Muon for the layers' matrices, AdamW for the embeddings, norms and position biases."""
    named = list(model.named_parameters())
    matrices = [each for name, each in named if each.ndim == 2 and ".block." in name and "relative" not in name]
    chosen = {id(each) for each in matrices}
    others = [each for _, each in named if id(each) not in chosen]
    return (
        torch.optim.Muon(
            matrices,
            lr=recipe.learning_rate,
            weight_decay=recipe.weight_decay,
            momentum=0.95,
            adjust_lr_fn="match_rms_adamw",
        ),
        torch.optim.AdamW(others, lr=recipe.learning_rate, betas=(0.9, 0.98), weight_decay=0.0, fused=True),
    )


def learning_rate(recipe: Recipe, step: int) -> float:
    """Up over the first steps, level, then down to 0 in a straight line."""
    rise = min(1.0, (step + 1) / recipe.warm_up)
    fall = min(1.0, (recipe.steps - step) / max(1.0, recipe.decay * recipe.steps))
    return recipe.learning_rate * rise * fall


def train(recipe: Recipe, data: Split, folder: Path, *, until: int | None = None, every: int = 500) -> Any:
    """Take the run in `folder` to its end, or to step `until`, from its last checkpoint or from the start.

    every: steps between checkpoints. Writes `loss.csv`, checkpoints and snapshots into `folder`. Returns the model.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with torch.random.fork_rng(devices=[]):
        _seed(recipe, 0)
        model = new_model(recipe)
        optimizers = new_optimizers(model, recipe)
        place = _resume(folder, model, optimizers)
        last = recipe.steps if until is None else min(until, recipe.steps)
        began = time.monotonic() - place.seconds
        model.train()
        for rows in _from(place, data.train, recipe):
            if place.step in recipe.snapshots:
                export(model, folder / f"step-{place.step}")
            if place.step >= last:
                break
            place.losses.append(_step(model, optimizers, rows, recipe, place.step))
            place.step += 1
            place.seconds = time.monotonic() - began
            if place.step % _LOGGED_EVERY == 0:
                _log(folder, place, recipe)
            if place.step % every == 0 or place.step == last:
                _checkpoint(folder, model, optimizers, place, recipe)
            if place.step % (4 * every) == 0:
                print("  validation:", _in_words(evaluate(model, data.validation)), flush=True)
    return model


def _from(place: Place, examples: Sequence[Example], recipe: Recipe) -> Iterator[list[tuple[str, tuple[str, ...]]]]:
    """Batches without end, from where the run is."""
    while True:
        epoch = batches(examples, recipe, place.epoch)
        for rows in epoch[place.batch :]:
            place.batch += 1
            yield rows
        place.epoch, place.batch = place.epoch + 1, 0


def _seed(recipe: Recipe, step: int) -> None:
    # Dropout draws from the one global state; this process does nothing else, and seeding each step makes a resumed
    # run draw what the uninterrupted one would have drawn.
    torch.manual_seed(recipe.seed * 1_000_003 + step)  # noqa: TID251


def _step(model: Any, optimizers: Sequence[Any], rows: Any, recipe: Recipe, step: int) -> float:
    _seed(recipe, step + 1)
    rate = learning_rate(recipe, step)
    for optimizer in optimizers:
        for group in optimizer.param_groups:
            group["lr"] = rate
    ids, mask, labels = as_tensors(rows, recipe.unread, [recipe.seed, step, 2])
    with torch.autocast("cpu", dtype=torch.bfloat16, enabled=recipe.bfloat16):
        logits = model(input_ids=ids, attention_mask=mask, labels=labels, use_cache=False).logits
    loss = torch.nn.functional.cross_entropy(
        logits.float().flatten(0, 1),
        labels.flatten(),
        ignore_index=_IGNORED,
        label_smoothing=recipe.label_smoothing,
    )
    loss.backward()
    torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    for optimizer in optimizers:
        optimizer.step()
        optimizer.zero_grad()
    return loss.item()


def _log(folder: Path, place: Place, recipe: Recipe) -> None:
    mean = sum(place.losses) / len(place.losses)
    place.losses.clear()
    line = [place.step, place.epoch, round(mean, 5), round(learning_rate(recipe, place.step), 7), round(place.seconds)]
    with (folder / "loss.csv").open("a", newline="") as file:
        writer = csv.writer(file)
        if file.tell() == 0:
            writer.writerow(["step", "epoch", "loss", "learning_rate", "seconds"])
        writer.writerow(line)
    left = place.seconds / place.step * (recipe.steps - place.step) / 60
    print(
        f"step {place.step:,} of {recipe.steps:,}, epoch {place.epoch}: loss {mean:.3f}, "
        f"{place.seconds / 60:.0f} min, {left:.0f} min to go",
        flush=True,
    )


def _checkpoint(folder: Path, model: Any, optimizers: Sequence[Any], place: Place, recipe: Recipe) -> None:
    tensors = {f"model.{name}": each.detach() for name, each in model.named_parameters()}
    for number, optimizer in enumerate(optimizers):
        for index, state in optimizer.state_dict()["state"].items():
            for name, value in state.items():
                tensors[f"optimizer.{number}.{index}.{name}"] = value
    # Numbers and progress in one file, so that they cannot part when the power goes.
    written = folder / "checkpoint.new"
    progress = json.dumps({"place": asdict(place), "recipe": asdict(recipe)})
    save_file({name: each.contiguous() for name, each in tensors.items()}, written, {"progress": progress})
    written.replace(folder / "checkpoint.safetensors")


def _resume(folder: Path, model: Any, optimizers: Sequence[Any]) -> Place:
    path = folder / "checkpoint.safetensors"
    if not path.is_file():
        (folder / "loss.csv").unlink(missing_ok=True)
        return Place()
    tensors = load_file(path)
    weights = {name.removeprefix("model."): each for name, each in tensors.items() if name.startswith("model.")}
    model.load_state_dict(weights, strict=False)
    for number, optimizer in enumerate(optimizers):
        state: dict[int, dict[str, Tensor]] = {}
        for name, value in tensors.items():
            if name.startswith(f"optimizer.{number}."):
                _, _, index, key = name.split(".", 3)
                state.setdefault(int(index), {})[key] = value
        optimizer.load_state_dict({"state": state, "param_groups": optimizer.state_dict()["param_groups"]})
    place = Place(**json.loads(_metadata(path)["progress"])["place"])
    _keep_curve_until(folder / "loss.csv", place.step)
    return place


def _metadata(path: Path) -> dict[str, str]:
    from safetensors import safe_open

    with safe_open(path, "pt") as file:
        return file.metadata()


def _keep_curve_until(path: Path, step: int) -> None:
    """What was logged after the checkpoint is computed again."""
    lines = path.read_text().splitlines(keepends=True) if path.is_file() else []
    kept = [line for line in lines if not line[0].isdigit() or int(line.split(",")[0]) <= step]
    path.write_text("".join(kept))


def export(model: Any, folder: Path) -> None:
    """Write config, tokenizer and fp16 weights as `from_pretrained` reads them."""
    shape = model.config
    copy = T5ForConditionalGeneration._from_config(shape)
    copy.load_state_dict(model.state_dict())
    copy.generation_config = model.generation_config
    copy.half().save_pretrained(folder)
    build_tokenizer().save_pretrained(folder)
    build_target_tokenizer().save(str(folder / "target_tokenizer.json"))


def say(model: Any, spellings: Sequence[str], rows: int = 256) -> list[tuple[str, ...]]:
    """What the model says for each spelling, greedily: phonemes without special pieces."""
    said: dict[str, tuple[str, ...]] = {}
    ordered = sorted(set(spellings), key=len)
    was_training = model.training
    model.eval()
    for start in range(0, len(ordered), rows):
        some = ordered[start : start + rows]
        ids, mask, _ = as_tensors([(spelling, ()) for spelling in some], 0.0, [0])
        with torch.inference_mode():
            written = model.generate(
                input_ids=ids, attention_mask=mask, do_sample=False, num_beams=1, max_new_tokens=_LONGEST_OUTPUT
            )
        for spelling, row in zip(some, written[:, 1:].tolist(), strict=True):
            pieces = [VOCABULARY[number] for number in row]
            said[spelling] = tuple(pieces[: pieces.index(END)] if END in pieces else pieces)
    model.train(was_training)
    return [said[spelling] for spelling in spellings]


def evaluate(model: Any, examples: Sequence[Example]) -> Errors:
    """The errors of greedy decoding on these examples."""
    return score(zip(examples, say(model, [example.spelling for example in examples]), strict=True))


def _in_words(errors: Errors) -> str:
    return (
        f"{errors.count:,} spellings; word errors {errors.word:.1%} ({errors.word_with_stress:.1%} with stress marks), "
        f"phoneme errors {errors.phoneme:.1%}"
    )


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m training.spelling_to_sound", description=__doc__)
    parser.add_argument("--evaluate", action="store_true", help="print the errors of the bundled weights and stop")
    parser.add_argument("--weights", type=Path, default=BUNDLED, help="what --evaluate reads")
    parser.add_argument("--folder", type=Path, default=RUN_FOLDER, help="where the run keeps its checkpoints")
    parser.add_argument("--steps", type=int, default=Recipe.steps)
    parser.add_argument("--threads", type=int, default=0, help="0: as many as torch takes")
    given = parser.parse_args()
    if given.threads:
        torch.set_num_threads(given.threads)
    data = split(read_dictionary())
    if given.evaluate:
        model = T5ForConditionalGeneration.from_pretrained(given.weights, dtype=torch.float32)
    else:
        model = train(Recipe(steps=given.steps), data, given.folder)
        export(model, given.folder / "final")
    together = tuple(phrases(data.held_out, 1_000, [Recipe.seed, 0, 3]))
    print("Held-out words:  ", _in_words(evaluate(model, data.held_out)))
    print("Held-out phrases:", _in_words(evaluate(model, together)))


if __name__ == "__main__":
    main()
