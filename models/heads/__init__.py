"""What each head does, which of them matter, and what carries a difference from one text to another."""

from models.heads.aligned_maps import AlignedMaps, AlignedMapsRequest
from models.heads.alignment import Alignment
from models.heads.atlas import Atlas, AtlasError, Name
from models.heads.attributions import (
    WAYS,
    Agreements,
    AgreementsRequest,
    Attribution,
    Attributions,
    AttributionsRequest,
)
from models.heads.bank import Bank, BankError, Sentence, plain_bank
from models.heads.bank_maps import CasesError
from models.heads.bundled import bundled_bank
from models.heads.cases import Case, Cases, CasesRequest
from models.heads.controls import Controls, ControlsRequest
from models.heads.effects import EffectMap, Effects, EffectsRequest
from models.heads.effects_of_parts import EffectsOfParts, EffectsOfPartsRequest
from models.heads.estimate import Agreement, EstimateRequest, agreement
from models.heads.faithfulness import Faithfulness, FaithfulnessRequest
from models.heads.looks import HeadLook, LooksError, LooksRequest, PairLooks
from models.heads.matching import Match, MatchError, Matches, MatchRequest, Side
from models.heads.off import Off, OffError
from models.heads.places import EffectsError, Part, PartsRequest, Place
from models.heads.quantity import Measured, MeasuredRequest, QuantitiesRequest, Quantity, QuantityError
from models.heads.requests import AtlasRequest
from models.heads.roles import ROLES, Role, RoleScores, role_of
from models.heads.transfer import StreamMap, Transfer, TransferRequest
from models.heads.treebank import treebank
