"""Vectors: the rows of the table, what each layer makes of them, and what a head reads in them."""

from models.embeddings.hidden_states import NoHiddenStatesError, final_norm
from models.embeddings.input_table import (
    NearestRequest,
    Neighbours,
    NormsRequest,
    RowRequest,
    TableError,
    TableFacts,
    TableFactsRequest,
    TableRow,
    nearest_rows,
    row_norms,
    table_facts,
)
from models.embeddings.logit_lens import Lens, LensError, LensRequest, LensTableRequest, TopRequest, normed, read_out
from models.embeddings.piece_lookup import NoSuchPieceError, PieceRequest, find_piece
from models.embeddings.precision import PrecisionError, precisions
from models.embeddings.projections import MapError, NearVectors, aligned_layers, nearest, project
from models.embeddings.senses import SensesError, SensesRequest, Separation, separation
from models.embeddings.sentence_vectors import SentencesError, SentencesRequest, SentenceVectors
from models.embeddings.similarity import SimilarityError, TokenCosinesRequest, anisotropy, centred, cosines
from models.embeddings.swapped_words import SwapError, SwappedRequest
from models.embeddings.token_vectors import Embedding, EmbedRequest, embed
from models.embeddings.vector_maps import VectorMaps, VectorMapsRequest
