"""Vectors: the rows of the table, what each layer makes of them, and what a head reads in them."""

from models.embeddings.anatomy import NoHiddenStatesError, final_norm
from models.embeddings.layer_maps import LayersMap, LayersMapRequest, MapPoint
from models.embeddings.lens import (
    MOST_POSITIONS,
    Lens,
    LensError,
    LensRequest,
    LensTable,
    LensTableRequest,
    Top,
    TopRequest,
    can_read_out,
    normed,
    read_out,
)
from models.embeddings.maps import MapError, NearVectors, Projection, Trust, aligned, nearest, project
from models.embeddings.pieces import FoundPiece, NoSuchPieceError, PieceRequest, find_piece
from models.embeddings.positions import Agreement, SwapError, Swapped, SwappedRequest, swap_words
from models.embeddings.precision import Precision, PrecisionError, precisions
from models.embeddings.progress import HowFar
from models.embeddings.senses import Senses, SensesError, SensesRequest, Separation, separation
from models.embeddings.sentences import (
    SentencesError,
    SentencesMapRequest,
    SentencesPrecisionRequest,
    SentencesRequest,
    SentenceVectors,
)
from models.embeddings.similarity import (
    SimilarityError,
    TokenCosines,
    TokenCosinesRequest,
    anisotropy,
    centred,
    cosines,
    sentence_vector,
)
from models.embeddings.table import (
    NearestRequest,
    Neighbours,
    NormsRequest,
    PositionTable,
    Rotary,
    Row,
    RowRequest,
    TableError,
    TableFacts,
    TableFactsRequest,
    nearest_rows,
    row_norms,
    table_facts,
)
from models.embeddings.vectors import Embedding, EmbedRequest, embed
