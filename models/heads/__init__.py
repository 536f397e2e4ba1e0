"""What each head does, which of them matter, and what carries a difference from one text to another."""

from models.heads.activation_patching import StreamMap, Transfer, TransferRequest
from models.heads.aligned_maps import AlignedMaps, AlignedMapsRequest
from models.heads.atlas import Atlas, AtlasError, Name
from models.heads.atlas_request import AtlasRequest
from models.heads.attributions import (
    WAYS,
    Agreements,
    AgreementsRequest,
    Attribution,
    Attributions,
    AttributionsRequest,
)
from models.heads.bank_maps import CasesError
from models.heads.bundled_bank import bundled_bank
from models.heads.control_effects import Controls, ControlsRequest
from models.heads.effects import EffectMap, Effects, EffectsRequest
from models.heads.effects_of_parts import EffectsOfParts, EffectsOfPartsRequest
from models.heads.estimated_effects import Agreement, EstimateRequest, agreement
from models.heads.faithfulness import Faithfulness, FaithfulnessRequest
from models.heads.looking_from_to import HeadLook, LooksError, LooksRequest, PairLooks
from models.heads.matching_head import Match, MatchError, Matches, MatchRequest, Side
from models.heads.measured_quantity import MeasuredQuantity, MeasuredRequest, QuantitiesRequest, Quantity, QuantityError
from models.heads.parts_of_model import EffectsError, Part, PartsRequest, Place
from models.heads.role_cases import Case, Cases, CasesRequest
from models.heads.roles import ROLES, Role, RoleScores, role_of
from models.heads.sentence_bank import Bank, BankError, Sentence, plain_bank
from models.heads.switched_off_values import Off, OffError
from models.heads.token_alignment import Alignment
from models.heads.treebank import treebank
