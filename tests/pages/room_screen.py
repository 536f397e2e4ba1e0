"""A teacher and followers as AppTest plays them; nobody is woken there, so each runs the page to go along."""

from models.rooms import rooms
from pages.shared.registry import ROOM
from tests.pages.lesson_screen import Lesson
from tests.viz.wire import header_of

BAR, QUESTION = "room", "room_asked"


class InRoom(Lesson):
    """A session that opened the room page, or a link to a room."""

    PAGE = ROOM.script

    @property
    def bar(self):
        """What the foot of the page says; None outside of a room."""
        sent = self.component(BAR)
        return None if sent is None else header_of(sent)

    @property
    def question(self):
        """What stands beside the page."""
        sent = self.component(QUESTION)
        return None if sent is None else header_of(sent)

    def command(self, name):
        return self.tell(BAR, "command", name)

    def hello(self, secret="", member=""):
        return self.tell(BAR, "hello", {"secret": secret, "member": member})

    def class_guess(self, guess):
        return self.tell(QUESTION, "guess", {"number": self.question["number"], "guess": guess})

    @property
    def room(self):
        return rooms.look(self.bar["room"])


def opened():
    """A teacher who has just opened a room, and whose browser has said so."""
    teacher = InRoom().press("open_room")
    secret = teacher.bar["secret"]
    return teacher.hello(secret=secret)


def follower(teacher):
    """Somebody who opened the link of the teacher's room, for the first time."""
    return InRoom(code=teacher.bar["room"]).hello()
