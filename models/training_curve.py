"""How a bundled model's training went, as its script wrote it down."""

import csv
from dataclasses import dataclass

from models.catalog import ModelCard
from models.loading.packs import PackError, prepared_folder

FILE = "loss.csv"


@dataclass(frozen=True)
class TrainingCurve:
    """The mean training loss (nats per phoneme, label smoothing included) over the steps up to each of `steps`."""

    steps: tuple[int, ...]
    losses: tuple[float, ...]


def training_curve(card: ModelCard) -> TrainingCurve:
    """The curve of the training of which this card's weights are a state. Raises PackError where it is missing."""
    path = prepared_folder(card).parent / FILE
    try:
        with path.open(newline="") as file:
            rows = [(int(row["step"]), float(row["loss"])) for row in csv.DictReader(file)]
    except (OSError, ValueError, KeyError) as error:
        raise PackError(
            f"The curve of the training could not be read from {path}. Check the project out again."
        ) from error
    return TrainingCurve(tuple(step for step, _ in rows), tuple(loss for _, loss in rows))
