"""Pages that are in a room are run again when it changes: one thread looks for all sessions of this process.

No browser asks whether something has changed, and no page is run to find out: while nothing happens a follower costs
a look at a number. Pages are woken a few at a time, since all of them at once would hold each other up.
"""

import asyncio
import logging
import threading
import time
from collections.abc import Iterable

from streamlit import runtime
from streamlit.proto.ClientState_pb2 import ClientState

from models.errors import HeadlightError
from pages.shared.room_seat import Seat, sight

log = logging.getLogger(__name__)

_LOOK_SECONDS, _BUSY_SECONDS = 0.2, 0.02
# A page that was woken and has not come by then is woken again.
_AGAIN_SECONDS = 5.0
# How many are counted afresh: a bar that counts is not drawn more often.
_COUNT_SECONDS = 0.5
_TOUCH_SECONDS = 5.0
_SWEEP_SECONDS = 60.0
# After so long those who keep the rooms are asked again, who did not answer.
_AWAY_SECONDS = 2.0
# Pages that are run at once, and how long one is waited for.
_AT_ONCE, _LATE_SECONDS = 4, 2.0


class Watch:
    """Of all rooms in which sessions of this process are."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._seats: dict[str, Seat] = {}
        self._thread: threading.Thread | None = None
        self._now = threading.Event()
        self._touched_at = self._swept_at = 0.0
        self._loop: asyncio.AbstractEventLoop | None = None
        self._is_away = False

    def serve(self, loop: asyncio.AbstractEventLoop) -> None:
        """The loop in which Streamlit's sessions live."""
        self._loop = loop

    def add(self, seat: Seat) -> None:
        """Watch for this session from now on."""
        with self._lock:
            self._seats[seat.session] = seat
            if self._thread is None and self._loop is not None and runtime.exists():
                self._thread = threading.Thread(target=self._watch, name="headlight-rooms", daemon=True)
                self._thread.start()

    def remove(self, seat: Seat) -> None:
        """Watch for it no more."""
        with self._lock:
            if self._seats.get(seat.session) is seat:
                del self._seats[seat.session]

    def look_now(self) -> None:
        """Something has just been changed here: nobody waits for the next look."""
        self._now.set()

    def _watch(self) -> None:
        while True:
            with self._lock:
                seats = tuple(self._seats.values())
                if not seats:
                    self._thread = None
                    return
            is_busy = self._look_if_there(seats)
            if self._now.wait(_BUSY_SECONDS if is_busy else _LOOK_SECONDS):
                self._now.clear()

    def _look_if_there(self, seats: Iterable[Seat]) -> bool:
        """As `_look`; where it fails it is tried again, after a while if those who keep the rooms are away."""
        try:
            is_busy = self._look(seats)
        except HeadlightError as error:
            if not self._is_away:
                log.warning("The rooms cannot be looked at: %s", error)
            self._is_away = True
            time.sleep(_AWAY_SECONDS)
            return False
        except Exception:
            log.exception("Watching the rooms failed")
            return False
        if self._is_away:
            log.warning("The rooms can be looked at again")
        self._is_away = False
        return is_busy

    def _look(self, seats: Iterable[Seat]) -> bool:
        """Wake those whose room looks another way than they show; whether some are to be woken yet."""
        from models.rooms import rooms

        now = time.monotonic()
        if now - self._touched_at > _TOUCH_SECONDS:
            self._touched_at = now
            self._touch(seats)
        if now - self._swept_at > _SWEEP_SECONDS:
            self._swept_at = now
            rooms.sweep()
        by_code: dict[str, list[Seat]] = {}
        for seat in seats:
            by_code.setdefault(seat.code, []).append(seat)
        free = _AT_ONCE - sum(seat.is_coming and now - seat.asked_at < _LATE_SECONDS for seat in seats)
        is_busy = False
        for code, there in by_code.items():
            room, crowd = rooms.look(code), rooms.crowd(code)
            answered = 0 if room is None else rooms.answered(room)
            for seat in there:
                seen = () if room is None else sight(seat, room, crowd, answered)
                is_behind = room is None or seat.is_behind(room)
                if seat.run is None or (seat.shown == seen and not is_behind):
                    continue
                wanted = (*seen, None if room is None else room.place_version)
                since = now - seat.asked_at
                if since < (_AGAIN_SECONDS if seat.asked == wanted else _COUNT_SECONDS if seat.is_teacher else 0.0):
                    continue
                is_busy = True
                if is_behind and free <= 0:
                    continue
                free -= is_behind
                is_again = seat.asked == wanted
                seat.asked, seat.asked_at = wanted, now
                seat.is_coming = is_behind
                is_near = room is not None and seat.is_near(room) and seat.exploring
                if room is None or not seat.bar or (is_behind and not is_near):
                    self._wake(seat, "", is_again=is_again)
                    continue
                if is_behind:
                    self._wake(seat, seat.exploring, is_again=is_again)
                if seat.shown != seen:
                    self._wake(seat, seat.bar, is_again=is_again)
        return is_busy

    def _touch(self, seats: Iterable[Seat]) -> None:
        """Those whose browsers are connected are here."""
        from models.rooms import rooms
        from models.rooms.room import RoomError

        for seat in seats:
            if not runtime.get_instance().is_active_session(seat.session):
                if runtime.get_instance()._session_mgr.get_session_info(seat.session) is None:
                    self.remove(seat)
                continue
            if not seat.is_teacher:
                if seat.member:
                    rooms.touch(seat.code, seat.member, is_following=seat.is_following)
                continue
            try:
                rooms.touch_teacher(seat.code, seat.secret)
            except RoomError:
                log.debug("A room has ended")

    def _wake(self, seat: Seat, fragment: str, *, is_again: bool) -> None:
        """Have a fragment of this session's page run again; "" for all of it. is_again: it was asked for before, and
        goes on as long as it runs.
        """
        if self._loop is None or seat.run is None:
            return
        state = ClientState()
        state.CopyFrom(seat.run)
        state.fragment_id = fragment
        self._loop.call_soon_threadsafe(_ask, seat.session, state, is_again)


def _ask(session: str, state: ClientState, is_again: bool) -> None:
    """In the server's loop: what a browser does that asks for a run."""
    if not runtime.exists():
        return
    found = runtime.get_instance().get_app_session(session)
    if found is not None and not (is_again and getattr(found, "_scriptrunner", None) is not None):
        found.request_rerun(state)


watch = Watch()
