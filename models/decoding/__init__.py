"""How a model writes: one token after the other, or several continuations kept side by side (beams)."""

from models.decoding.batch import (
    MOST_ROWS,
    BatchProgress,
    BatchRequest,
    BatchText,
    BatchTexts,
    CommonNumbers,
    CommonNumbersRequest,
    SettingTexts,
    SweepRequest,
)
from models.decoding.beam_tree import Candidate, Outcome
from models.decoding.beams import MOST_BEAMS, Beam, BeamSearch, beam_search
from models.decoding.draws import DrawnToken, Draws, DrawsRequest
from models.decoding.figures import TextFigures
from models.decoding.loop import decode, decode_batch
from models.decoding.masked import (
    CannotFillError,
    MaskedToken,
    MaskedTokenRequest,
    has_masked_head,
    masked_logits,
    masked_stages,
)
from models.decoding.precision import Fp8Comparison, Fp8Request
from models.decoding.preparation import CannotWriteError
from models.decoding.prompt_pieces import PromptPieces
from models.decoding.prompting import PromptAnswer, Prompts, PromptsRequest, PromptToken, PromptVariant, prompt_variants
from models.decoding.requests import BeamSearchRequest, BranchPoint, PromptRequest, WriteRequest
from models.decoding.sampling import Stage
from models.decoding.scores import SCORE_STAGES, ScoresRequest, end_in_score_stages
from models.decoding.settings import DecodingSettings, SettingsError
from models.decoding.stages import (
    NextToken,
    NextTokenRequest,
    SamplingStages,
    SamplingStagesRequest,
    StageSummary,
    TokenTrajectory,
    VocabularyStages,
    VocabularyStagesRequest,
    sampling_stages,
)
from models.decoding.steps import GenerationStep
from models.decoding.timing import CacheTiming, CacheTimingRequest, TimedStep, cache_timing
from models.decoding.words import OwnKnobsRequest, WordError, WordsRequest, WordTokens
