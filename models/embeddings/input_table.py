"""The input embedding matrix: what it is, one row of it, and the rows nearest to a sum of rows."""

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import torch
from jaxtyping import Float, Int64
from torch import Tensor

from models.embeddings.largest_values import best_first, rank_of
from models.embeddings.position_kinds import Positions, positions_of
from models.embeddings.similarity import anisotropy
from models.engine import Engine
from models.errors import HeadlightError
from models.forward.recorded_run import to_numpy
from models.loaded import LoadedModel

Measure = Literal["cosine", "dot"]

# Of float32 products of a thousand numbers, relative to the lengths: what is nearer together is told apart exactly.
_NEAR = 1e-5
_ROWS_AT_ONCE = 4096
_SAMPLE = 2_000


class TableError(HeadlightError):
    """An id that is not in the table, or a sum of rows that has no direction."""


@dataclass(frozen=True, eq=False)
class TableFacts:
    """The input embedding matrix of a model, and how the model knows positions.

    dtype: of a number, as torch calls it; nbytes: of the whole matrix.
    output: how the matrix that makes the logits relates to it: "the same matrix", "an equal copy", "another matrix", or
        "none" where the model makes no logits.
    anisotropy: the mean cosine of random pairs among _SAMPLE of its rows.
    """

    rows: int
    width: int
    dtype: str
    nbytes: int
    output: str
    positions: Positions
    anisotropy: float


@dataclass(frozen=True)
class TableFactsRequest:
    """Of a model by its name."""

    model: str

    def answer(self, engine: Engine) -> TableFacts:
        """Raises what `load_model` raises."""
        return table_facts(engine.model(self.model))


@dataclass(frozen=True)
class NormsRequest:
    """The length of every row, computed once per model: float32 [vocabulary]."""

    model: str

    def answer(self, engine: Engine) -> Float[np.ndarray, " vocabulary"]:
        """Raises what `load_model` raises."""
        loaded = engine.model(self.model)
        with engine.forward(loaded), torch.inference_mode():
            return row_norms(matrix_of(loaded))


@dataclass(frozen=True, eq=False)
class Neighbours:
    """The rows nearest to a sum of rows, nearest first; of equally near ones the smaller id first.

    values: the cosine or the dot product with the sum. norms: the length of each row; norm: of the sum.
    pieces: as shown.
    """

    ids: Int64[np.ndarray, " neighbour"]
    pieces: tuple[str, ...]
    values: Float[np.ndarray, " neighbour"]
    norms: Float[np.ndarray, " neighbour"]
    norm: float | int


@dataclass(frozen=True)
class NearestRequest:
    """The nearest of all rows to a weighted sum of rows: of one row its neighbours, of a - b + c an analogy.

    ids, weights: the rows of the sum, as they are in the matrix. leave_out: ids that are not among the answers;
    analogies leave out what they are made of, which would nearly always come first.
    """

    model: str
    ids: tuple[int, ...]
    weights: tuple[float | int, ...]
    measure: Measure = "cosine"
    count: int = 20
    leave_out: tuple[int, ...] = ()

    def answer(self, engine: Engine) -> Neighbours:
        """Raises what `load_model` raises; TableError for ids that are not in the table, as many ids as weights not
        being given, or by cosine a sum of length 0.
        """
        loaded = engine.model(self.model)
        matrix = matrix_of(loaded)
        if not self.ids or len(self.ids) != len(self.weights):
            raise TableError("A sum needs at least one row and a weight for each: choose a token.")
        for number in (*self.ids, *self.leave_out):
            _check_id(matrix, number)
        norms = engine.run(NormsRequest(self.model))
        with engine.forward(loaded), torch.inference_mode():
            rows = _rows(matrix, np.array(self.ids, dtype=np.int64))
            target = np.asarray(self.weights, dtype=np.float64) @ rows
            length = float(np.linalg.norm(target))
            # What is left when equal rows are taken away from each other, but for rounding.
            if self.measure == "cosine" and length <= 1e-9 * float(np.abs(self.weights) @ np.linalg.norm(rows, axis=1)):
                raise TableError("These rows add up to nothing, which points nowhere; choose other tokens or weights.")
            ids, values = nearest_rows(matrix, norms, target, self.measure, self.count, self.leave_out)
        pieces = tuple(piece.text for piece in loaded.pieces(ids.tolist()))
        return Neighbours(ids, pieces, values, norms[ids], length)


@dataclass(frozen=True, eq=False)
class TableRow:
    """One row of the matrix. rank: how many rows are longer (or as long, with a smaller id). mean_norm: of all rows."""

    id: int
    piece: str
    vector: Float[np.ndarray, " width"]
    norm: float | int
    mean_norm: float | int
    rank: int
    rows: int


@dataclass(frozen=True)
class RowRequest:
    """One row of the matrix."""

    model: str
    id: int

    def answer(self, engine: Engine) -> TableRow:
        """Raises what `load_model` raises, and TableError for an id that is not in the table."""
        loaded = engine.model(self.model)
        matrix = matrix_of(loaded)
        _check_id(matrix, self.id)
        norms = engine.run(NormsRequest(self.model))
        return TableRow(
            id=self.id,
            piece=loaded.pieces([self.id])[0].text,
            vector=to_numpy(matrix[self.id]).copy(),
            norm=float(norms[self.id]),
            mean_norm=float(norms.mean(dtype=np.float64)),
            rank=rank_of(norms, self.id),
            rows=len(norms),
        )


def matrix_of(loaded: LoadedModel) -> Float[Tensor, "vocabulary width"]:
    """The input embedding matrix itself, on the model's device; never change it."""
    table: Any = loaded.model.get_input_embeddings()
    return table.weight.detach()


def row_norms(matrix: Float[Tensor, "vocabulary width"]) -> Float[np.ndarray, " vocabulary"]:
    """The length of each row, float32."""
    return to_numpy(torch.linalg.vector_norm(matrix, dim=1, dtype=torch.float32))


def nearest_rows(
    matrix: Float[Tensor, "vocabulary width"],
    norms: Float[np.ndarray, " vocabulary"],
    target: Float[np.ndarray, " width"],
    measure: Measure,
    count: int,
    leave_out: tuple[int, ...] = (),
) -> tuple[Int64[np.ndarray, " best"], Float[np.ndarray, " best"]]:
    """The ids of the nearest rows and their values (cosine or dot product), float64, nearest first, smaller id first.

    One product of the whole matrix with the vector, and a second look in float64 at the rows that may be among the
    answers: in float32 equal rows need not come out equal, as it depends on their place how their products are added
    up. A row of length 0 has cosine 0. No copy of the matrix is made.
    """
    values = _products(matrix, target)
    length = float(np.linalg.norm(target))
    if measure == "cosine":
        values = np.divide(values, norms * np.float32(length), out=np.zeros_like(values), where=norms > 0)
    values[list(leave_out)] = -np.inf
    count = min(count, len(values) - len(set(leave_out)))
    if count < 1:
        return np.empty(0, dtype=np.int64), np.empty(0, dtype=np.float64)
    near = _NEAR * (1 if measure == "cosine" else length * float(norms.max()))
    among = np.flatnonzero(values >= np.partition(values, len(values) - count)[len(values) - count] - near)
    exact = np.empty(len(among), dtype=np.float64)
    for start in range(0, len(among), _ROWS_AT_ONCE):
        place = slice(start, start + _ROWS_AT_ONCE)
        rows = _rows(matrix, among[place])
        # Row by row in the same order, whatever the row's place; a product of matrices does not promise that.
        dots = (rows * target).sum(axis=1)
        if measure == "cosine":
            lengths = np.sqrt((rows * rows).sum(axis=1)) * length
            dots = np.divide(dots, lengths, out=np.zeros_like(dots), where=lengths > 0)
        exact[place] = dots
    best = best_first(exact, count)
    return among[best].astype(np.int64), exact[best]


def _products(
    matrix: Float[Tensor, "vocabulary width"], target: Float[np.ndarray, " width"]
) -> Float[np.ndarray, " vocabulary"]:
    single = target.astype(np.float32)
    if matrix.dtype == torch.float32 and matrix.device.type == "cpu":
        # The same memory; torch's product with a vector runs on one core and takes twice as long.
        return matrix.numpy() @ single
    vector = torch.from_numpy(single).to(matrix.device)
    if matrix.dtype == torch.float32:
        return to_numpy(matrix @ vector)
    # Half precision loses the order of neighbours, and the whole matrix in float32 would be a second one.
    return np.concatenate([to_numpy(rows.float() @ vector) for rows in matrix.split(_ROWS_AT_ONCE)])


def _rows(matrix: Float[Tensor, "vocabulary width"], ids: Int64[np.ndarray, " id"]) -> Float[np.ndarray, "id width"]:
    """These rows in float64."""
    if matrix.dtype == torch.float32 and matrix.device.type == "cpu":
        # torch would wake its threads for a few rows, and on a busy machine wait for them.
        return matrix.numpy()[ids].astype(np.float64)
    return to_numpy(matrix[torch.from_numpy(ids).to(matrix.device)]).astype(np.float64)


def _check_id(matrix: Float[Tensor, "vocabulary width"], number: int) -> None:
    if not 0 <= number < len(matrix):
        raise TableError(f"There is no token with the id {number}: the ids go from 0 to {len(matrix) - 1:,}.")


def table_facts(loaded: LoadedModel) -> TableFacts:
    """What the input embedding matrix is, and how the model knows where a token stands."""
    matrix = matrix_of(loaded)
    return TableFacts(
        rows=matrix.shape[0],
        width=matrix.shape[1],
        dtype=str(matrix.dtype).removeprefix("torch."),
        nbytes=matrix.nbytes,
        output=_output(loaded, matrix),
        positions=positions_of(loaded, matrix),
        anisotropy=_anisotropy(matrix),
    )


def _anisotropy(matrix: Float[Tensor, "vocabulary width"]) -> float:
    count = len(matrix)
    chosen = np.random.default_rng(0).choice(count, min(count, _SAMPLE), replace=False)
    return anisotropy(_rows(matrix, np.sort(chosen)).astype(np.float32))


def _output(loaded: LoadedModel, matrix: Tensor) -> str:
    head: Any = loaded.model.get_output_embeddings()
    weight = getattr(head, "weight", None)
    if not isinstance(weight, Tensor):
        return "none"
    if weight.data_ptr() == matrix.data_ptr() and weight.shape == matrix.shape:
        return "the same matrix"
    return "an equal copy" if torch.equal(weight, matrix) else "another matrix"
