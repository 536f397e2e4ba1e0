"""Tiny models asked for effects."""

from functools import cache

from models.attention import TraceRequest
from models.heads.measured_quantity import Quantity
from tests.in_each_run import only
from tests.models import architectures
from tests.models.architectures import ARCHITECTURES, IDS, NAMES, SEQ2SEQ
from tests.models.test_query_key import own_engine

# Of each of these the others say nothing new: one of each family is tried in every run, all of them in the slow ones.
REPRESENTATIVES = ("bert", "llama", "t5")
EACH = only(REPRESENTATIVES, NAMES)
OTHER_IDS = (40, 9, 33, 21, 50, 17, 8)
BANK = ((12, 45, 7), (33, 21, 60, 8, 19), (5, 5, 41, 30))
WRITTEN = (33, 14, 51, 20, 44, 3)

QUANTITIES = {
    "encoder": Quantity("vector", position=2),
    "decoder": Quantity("next token"),
    "seq2seq": Quantity("output"),
}


def quantity_of(name):
    return QUANTITIES[ARCHITECTURES[name].family]


@cache
def engine_of(name):
    return own_engine(name, architectures.loaded(name))


def trace_of(name, ids=IDS):
    return TraceRequest(name, ids, WRITTEN if name in SEQ2SEQ else None)


def target_of(name):
    return (2, *WRITTEN[:-1]) if name in SEQ2SEQ else None
