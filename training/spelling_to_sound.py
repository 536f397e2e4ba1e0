"""Train the bundled model: English spelling in, sounds out. `python -m training.spelling_to_sound --help`.

A small T5 (Raffel et al. 2020), transformers' own class, from random weights on the CMU Pronouncing Dictionary. Its
matrices are trained with Muon (Jordan 2024, `torch.optim.Muon`), which reaches AdamW's loss here in about half the
steps, all else with AdamW. A run can be interrupted at any time and goes on where its last checkpoint stood, on the
same curve.
"""

import argparse
import csv
import json
import shutil
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor
from transformers import T5ForConditionalGeneration

from models.catalog import EARLIER, MODELS
from models.loading.packs import prepared_folder
from models.training_curve import FILE
from training.alphabet import END, VOCABULARY
from training.batches import IGNORED, Rows, as_tensors, batches
from training.pronunciations import Spelling, WordSplit, phrases, read_dictionary, split
from training.recipe import LONGEST_OUTPUT, Recipe, SharedDropout, export, new_model
from training.scoring import Errors, score

RUN_FOLDER = Path(__file__).resolve().parents[1] / ".headlight" / "training" / "spelling_to_sound"
_LOGGED_EVERY = 25


@dataclass
class TrainingPlace:
    """Where a run is: steps taken, and the batch of the epoch that comes next."""

    step: int = 0
    epoch: int = 0
    batch: int = 0
    seconds: float = 0.0
    losses: list[float] = field(default_factory=list)


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
    """Up over the first steps, level, then down in a straight line; once more so while the run is polished."""
    if step >= recipe.polish_from:
        return recipe.polish_rate * (recipe.steps - step) / max(1, recipe.steps - recipe.polish_from)
    rise = min(1.0, (step + 1) / recipe.warm_up)
    fall = min(1.0, (recipe.planned - step) / max(1.0, recipe.decay * recipe.planned))
    return recipe.learning_rate * rise * fall


def train(recipe: Recipe, data: WordSplit, folder: Path, *, until: int | None = None, every: int = 500) -> Any:
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


def _from(place: TrainingPlace, examples: Sequence[Spelling], recipe: Recipe) -> Iterator[Rows]:
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


def _step(model: Any, optimizers: Sequence[Any], rows: Rows, recipe: Recipe, step: int) -> float:
    _seed(recipe, step + 1)
    rate = learning_rate(recipe, step)
    for optimizer in optimizers:
        for group in optimizer.param_groups:
            group["lr"] = rate
    is_polished = step >= recipe.polish_from
    for module in model.modules():
        if isinstance(module, SharedDropout):
            module.share = 0.0 if is_polished else recipe.dropout
    ids, mask, labels = as_tensors(rows, recipe.unread, [recipe.seed, step, 2])
    with torch.autocast("cpu", dtype=torch.bfloat16, enabled=recipe.bfloat16):
        logits = model(input_ids=ids, attention_mask=mask, labels=labels, use_cache=False).logits
    loss = torch.nn.functional.cross_entropy(
        logits.float().flatten(0, 1),
        labels.flatten(),
        ignore_index=IGNORED,
        label_smoothing=0.0 if is_polished else recipe.label_smoothing,
    )
    loss.backward()
    torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    for optimizer in optimizers:
        optimizer.step()
        optimizer.zero_grad()
    return loss.item()


def _log(folder: Path, place: TrainingPlace, recipe: Recipe) -> None:
    mean = sum(place.losses) / len(place.losses)
    place.losses.clear()
    line = [place.step, place.epoch, round(mean, 5), round(learning_rate(recipe, place.step), 7), round(place.seconds)]
    with (folder / FILE).open("a", newline="") as file:
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


def _checkpoint(folder: Path, model: Any, optimizers: Sequence[Any], place: TrainingPlace, recipe: Recipe) -> None:
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


def _resume(folder: Path, model: Any, optimizers: Sequence[Any]) -> TrainingPlace:
    path = folder / "checkpoint.safetensors"
    if not path.is_file():
        (folder / FILE).unlink(missing_ok=True)
        return TrainingPlace()
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
    place = TrainingPlace(**json.loads(_metadata(path)["progress"])["place"])
    _keep_curve_until(folder / FILE, place.step)
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


def say(model: Any, spellings: Sequence[str], rows: int = 256) -> list[tuple[str, ...]]:
    """What the model says for each spelling, greedily: phonemes without special pieces."""
    card = MODELS["spelling_to_sound"]
    said: dict[str, tuple[str, ...]] = {}
    ordered = sorted(set(spellings), key=len)
    was_training = model.training
    model.eval()
    for start in range(0, len(ordered), rows):
        some = ordered[start : start + rows]
        ids, mask, _ = as_tensors([(spelling, ()) for spelling in some], 0.0, [0])
        with torch.inference_mode():
            written = model.generate(
                input_ids=ids, attention_mask=mask, do_sample=False, num_beams=1, max_new_tokens=LONGEST_OUTPUT
            )
        for spelling, row in zip(some, written[:, 1:].tolist(), strict=True):
            most = card.most_tokens(spelling, LONGEST_OUTPUT)
            pieces = [VOCABULARY[number] for number in row][:most]
            said[spelling] = tuple(pieces[: pieces.index(END)] if END in pieces else pieces)
    model.train(was_training)
    return [said[spelling] for spelling in spellings]


def evaluate(model: Any, examples: Sequence[Spelling]) -> Errors:
    """The errors of greedy decoding on these examples."""
    return score(zip(examples, say(model, [example.spelling for example in examples]), strict=True))


def _in_words(errors: Errors) -> str:
    return (
        f"{errors.count:,} spellings; word errors {errors.word:.1%} ({errors.word_with_stress:.1%} with stress marks), "
        f"phoneme errors {errors.phoneme:.1%}"
    )


def bundle(folder: Path) -> None:
    """Put the weights of a finished run, its earlier states and its curve where Headlight loads them from."""
    card = MODELS["spelling_to_sound"]
    shutil.copytree(folder / "final", prepared_folder(card), dirs_exist_ok=True)
    for state in EARLIER[card.name]:
        shutil.copytree(folder / f"step-{state.steps}", prepared_folder(state), dirs_exist_ok=True)
    shutil.copy(folder / FILE, prepared_folder(card).parent / FILE)


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m training.spelling_to_sound", description=__doc__)
    parser.add_argument("--evaluate", action="store_true", help="print the errors of the bundled weights and stop")
    parser.add_argument("--bundle", action="store_true", help="put the finished run where Headlight loads it from")
    parser.add_argument(
        "--weights", type=Path, default=prepared_folder(MODELS["spelling_to_sound"]), help="what --evaluate reads"
    )
    parser.add_argument("--folder", type=Path, default=RUN_FOLDER, help="where the run keeps its checkpoints")
    parser.add_argument("--steps", type=int, default=Recipe.steps)
    parser.add_argument("--threads", type=int, default=0, help="0: as many as torch takes")
    given = parser.parse_args()
    if given.threads:
        torch.set_num_threads(given.threads)
    if given.bundle:
        bundle(given.folder)
    data = split(read_dictionary())
    if given.evaluate or given.bundle:
        model = T5ForConditionalGeneration.from_pretrained(given.weights, dtype=torch.float32)
    else:
        model = train(Recipe(steps=given.steps), data, given.folder)
        export(model, given.folder / "final")
    together = tuple(phrases(data.held_out, 1_000, [Recipe.seed, 0, 3]))
    print("Held-out words:  ", _in_words(evaluate(model, data.held_out)))
    print("Held-out phrases:", _in_words(evaluate(model, together)))


if __name__ == "__main__":
    main()
