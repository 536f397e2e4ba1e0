"""Text to pieces: ids, what is shown for each, its bytes and where it stands in the text; and back, as tokens come."""

from models.tokenization.file_recognition import PATTERNS, fault_of_tokenizer_json
from models.tokenization.loaded_tokenizer import LoadedTokenizer, cut_by_text_alone
from models.tokenization.loading import load_tokenizer, prepared_tokenizer
from models.tokenization.own_tokenizers import LARGEST_TOKENIZER_FILE, keep_own, new_own_name, open_tokenizer_file
from models.tokenization.piece_counts import Counts
from models.tokenization.piece_origins import NoOriginError, ShownMerge, ShownOrigin
from models.tokenization.pieces import (
    Piece,
    TextError,
    Tokenization,
    encode,
    pieces_of_ids,
    readable_bytes,
    readable_text,
)
from models.tokenization.pipeline_stages import Stages
from models.tokenization.requests import ComparisonRequest, CountsRequest, FactsRequest, OriginsRequest, StagesRequest
from models.tokenization.text_stream import TextStream
from models.tokenization.text_window import WINDOW, Column, Comparison
from models.tokenization.tokenize import tokenize
from models.tokenization.tokenizer_facts import TokenizerFacts
from models.tokenization.training_job import (
    ALGORITHMS,
    SHORTEST_TEXT,
    TrainingError,
    TrainTokenizerRequest,
    smallest_vocabulary,
)
from models.tokenization.unigram_lattice import Lattice
from models.tokenization.vocabulary_conversion import TokenizerFileError
from models.tokenization.wordpiece_match import LongestMatch
