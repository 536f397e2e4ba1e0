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
from models.decoding.draws import DrawnToken, Draws, DrawsRequest
from models.decoding.fp8_comparison import Fp8Comparison, Fp8Request
from models.decoding.loop import decode, decode_batch
from models.decoding.preparation import CannotWriteError
from models.decoding.prompting import PromptAnswer, PromptsRequest, PromptToken
from models.decoding.repetition_and_diversity import TextFigures
from models.decoding.requests import BeamSearchRequest, BranchPoint, PromptPieces, PromptRequest, WriteRequest
from models.decoding.scores import SCORE_STAGES, ScoresRequest, end_in_score_stages
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
from models.decoding.steps import GenerationStep
from models.decoding.timing import CacheTimingRequest, TimedStep, cache_timing
from models.decoding.words import BiasedToken, BiasRequest, OwnKnobsRequest, WordError, WordsRequest
