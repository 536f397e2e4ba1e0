"""Rooms: a class follows its teacher. What a room is, who may change it, and where rooms are kept."""

from models.cluster.setting import cluster_address
from models.rooms.codes import grouped, read_code
from models.rooms.memory_store import MemoryStore
from models.rooms.room import Asked, LessonPlace, NotTheTeacherError, Room, RoomError
from models.rooms.rooms import CLOSED, Crowd, Rooms
from models.rooms.shared_store import SharedStore
from models.rooms.store import Presence, Store
from models.rooms.tally import Tally, tally

# Those of this process; with a cluster those of all web processes.
rooms = Rooms(MemoryStore() if cluster_address() is None else SharedStore())
