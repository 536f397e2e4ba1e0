"""What each head does, which of them matter, and what carries a difference from one text to another."""

from models.heads.atlas import Atlas, AtlasRequest
from models.heads.bank import Bank, BankError, Sentence, bundled_bank, plain_bank, treebank
from models.heads.cases import Case, Cases, CasesRequest
from models.heads.looks import HeadLook, LooksRequest, PairLooks
from models.heads.roles import Role, RoleScores
