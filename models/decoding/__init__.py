"""How a model writes: one token after the other, or several continuations kept side by side (beams)."""

from models.decoding.batch import (
    BatchProgress,
    BatchRequest,
    BatchText,
    BatchTexts,
    CommonNumbers,
    CommonNumbersRequest,
    SweepRequest,
)
from models.decoding.beam_tree import Candidate
from models.decoding.beams import BeamSearch, beam_search
from models.decoding.cache_speed_up import CacheTimingRequest, TimedStep, cache_timing
from models.decoding.draws import DrawnToken, Draws, DrawsRequest
from models.decoding.fp8_comparison import Fp8Comparison, Fp8Request
from models.decoding.generation_step import GenerationStep
from models.decoding.loop import decode, decode_batch
from models.decoding.prepared_generation import CannotWriteError
from models.decoding.prompting import PromptAnswer, PromptsRequest, PromptToken
from models.decoding.repetition_and_diversity import TextFigures
from models.decoding.requests import BeamSearchRequest, BranchPoint, PromptPieces, PromptRequest, WriteRequest
from models.decoding.scores_for_browser import SCORE_STAGES, ScoresRequest, end_in_score_stages
from models.decoding.settings import DecodingSettings, SettingsError
from models.decoding.stages import (
    NextTokenRequest,
    SamplingStages,
    SamplingStagesRequest,
    TokenTrajectory,
    VocabularyStages,
    VocabularyStagesRequest,
    sampling_stages,
)
from models.decoding.typed_words import BiasedToken, BiasRequest, OwnKnobsRequest, WordError, WordsRequest
