"""What each head does, which of them matter, and what carries a difference from one text to another."""

from models.heads.atlas import Atlas, AtlasError, Name
from models.heads.bank import Bank, BankError, Sentence, plain_bank
from models.heads.bank_maps import CasesError
from models.heads.bundled import bundled_bank
from models.heads.cases import Case, Cases, CasesRequest
from models.heads.looks import HeadLook, LooksError, LooksRequest, PairLooks
from models.heads.requests import AtlasRequest
from models.heads.roles import ROLES, Role, RoleScores, role_of
from models.heads.treebank import treebank
