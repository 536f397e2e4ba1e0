"""What each head does, which of them matter, and what carries a difference from one text to another."""

from models.heads.atlas import Atlas, AtlasError, Name
from models.heads.bank import Bank, BankError, Sentence, plain_bank
from models.heads.bundled import bundled_bank
from models.heads.cases import Case, Cases, CasesRequest
from models.heads.looks import HeadLook, LooksRequest, PairLooks
from models.heads.requests import AtlasRequest
from models.heads.roles import ROLES, Role, RoleScores
from models.heads.treebank import treebank
