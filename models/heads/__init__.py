"""What each head does: roles with the scores that earn them, over a bank of sentences with their grammar."""

from models.heads.atlas import Atlas, AtlasRequest
from models.heads.bank import Bank, BankError, Sentence, bundled_bank, plain_bank, treebank
from models.heads.cases import Case, Cases, CasesRequest
from models.heads.looks import HeadLook, LooksRequest, PairLooks
from models.heads.roles import Role, RoleScores
