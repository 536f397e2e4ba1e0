"""A visitor without a browser: a websocket session that says what a browser says, or what none would say.

with Visitor(server) as visitor:
    visitor.open("tokenizers", text="a cat")
    assert visitor.errors == []
    visitor.put("Text", string_value="a dog")
    visitor.press("Look")
"""

import socket
import time
import urllib.parse
import uuid
from collections.abc import Iterator

from google.protobuf.message import Message
from streamlit.proto.Alert_pb2 import Alert
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect
from websockets.typing import Subprotocol

# What is under way is shown anew more often; whether a folder was saved again is looked at as long as a page is open.
LOOKS = 2.0
PATIENCE = 90.0
_SAME = "same"


class Visitor:
    """One session. What it is shown now is in `elements`, by place; `heard` has every message there ever was."""

    def __init__(self, server, *, origin=_SAME, host=None, headers=(), subprotocols=("streamlit",)):
        """origin: of the handshake; the server's own unless given, None for none. host: what it calls the server."""
        self.server = server
        host = host or server.host
        headers = list(dict(headers).items())
        if origin is not None:
            headers.append(("Origin", f"http://{host}" if origin == _SAME else origin))
        # As browsers do: messages of any size, no pings, and no proxy.
        self.socket = connect(
            f"ws://{host}/_stcore/stream",
            sock=socket.create_connection(("127.0.0.1", server.port), 30),
            subprotocols=[Subprotocol(each) for each in subprotocols],
            additional_headers=headers,
            max_size=None,
            ping_interval=None,
            open_timeout=30,
            close_timeout=1,
            proxy=None,
            legacy=True,
        )
        self.host = host
        self.id = None
        self.page, self.query, self.script = "", "", ""
        self.elements, self.heard, self.repeats = {}, [], {}
        self.widgets = {}
        self.is_running = False

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    # ----- What it does

    def open(self, page="", query=None, patience=PATIENCE, **choices):
        """Open a page with this query string (or these choices), and stay until all is there."""
        self.start(page, query, **choices)
        return self.settle(patience)

    def start(self, page="", query=None, **choices):
        """Open a page, and wait for nothing."""
        self.page = page
        self.query = urllib.parse.urlencode(choices, quote_via=urllib.parse.quote) if query is None else query
        self.script = ""
        self.ask()
        return self

    def ask(self, fragment="", is_auto=False):
        """Have the page run, or one fragment of it."""
        message = BackMsg()
        state = message.rerun_script
        state.query_string, state.page_name, state.page_script_hash = self.query, self.page, self.script
        state.context_info.url = f"http://{self.host}/{self.page}" + (f"?{self.query}" if self.query else "")
        state.fragment_id, state.is_auto_rerun = fragment, is_auto
        for widget, value in self.widgets.items():
            state.widget_states.widgets.add(id=widget, **value)
        self.send(message)
        self._is_fragment, self.is_running = bool(fragment), True
        return self

    def send(self, message):
        """A message of a browser, as it is or (bytes) as none is."""
        self.socket.send(message if isinstance(message, bytes) else message.SerializeToString())

    def stop(self):
        """As the browser's Stop button."""
        self.send(BackMsg(stop_script=True))
        return self

    def press(self, label, patience=PATIENCE):
        """Press a button, by its label or key, and stay until all is there."""
        self.tap(label)
        return self.settle(patience)

    def tap(self, label):
        """Press a button, and wait for nothing."""
        place, button = self.find(label)
        self.widgets[button.id] = {"trigger_value": True}
        self.ask(self._fragment_of(place))
        del self.widgets[button.id]
        return self

    def put(self, label, **value):
        """Set a widget (`string_value=...`; see WidgetState): the page hears of it with the next run."""
        self.widgets[self.find(label)[1].id] = value
        return self

    def choose(self, label, patience=PATIENCE, **value):
        """Set a widget, and have run what depends on it."""
        place, _ = self.find(label)
        self.put(label, **value).ask(self._fragment_of(place))
        return self.settle(patience)

    def upload(self, label, name, data, patience=PATIENCE):
        """Hand a file to an uploader, and have run what depends on it. Returns the status of the upload itself."""
        place, widget = self.find(label)
        status, given = self.send_file(name, data)
        if status < 300:
            uploaded = {"name": name, "size": len(data), "file_id": given.file_id, "file_urls": given}
            self.widgets[widget.id] = {"file_uploader_state_value": {"uploaded_file_info": [uploaded]}}
            self.ask(self._fragment_of(place))
            self.settle(patience)
        return status

    def send_file(self, name, data):
        """The upload alone: (status, where it was to go)."""
        request = uuid.uuid4().hex
        message = BackMsg()
        message.file_urls_request.request_id = request
        message.file_urls_request.file_names.append(name)
        message.file_urls_request.session_id = self.id or ""
        self.send(message)
        self._read_until(lambda: any(each.file_urls_response.response_id == request for each in self.heard), PATIENCE)
        [answer] = [each for each in self.heard if each.file_urls_response.response_id == request]
        given = answer.file_urls_response.file_urls[0]
        boundary, quoted = uuid.uuid4().hex, name.replace("\\", "\\\\").replace('"', '\\"')
        head = f'--{boundary}\r\nContent-Disposition: form-data; name="f"; filename="{quoted}"\r\n'
        body = (
            f"{head}Content-Type: application/octet-stream\r\n\r\n".encode() + data + f"\r\n--{boundary}--\r\n".encode()
        )
        headers = {"Content-Type": f"multipart/form-data; boundary={boundary}", "Origin": f"http://{self.host}"}
        _, seen, _ = self.server.get("/_stcore/health")
        if cookie := seen.get("Set-Cookie", "").partition(";")[0]:
            headers |= {"Cookie": cookie, "X-Xsrftoken": cookie.partition("=")[2]}
        status, _, _ = self.server.get(given.upload_url, headers, "PUT", body)
        return status, given

    # ----- What it hears

    def settle(self, patience=PATIENCE):
        """Read until the page has run and nothing repeats any more."""
        end = time.monotonic() + patience
        while True:
            self._read_until(lambda: not self.is_running, end - time.monotonic())
            if not self.repeats:
                return self
            fragment, pause = next(iter(self.repeats.items()))
            self._read_until(lambda: False, pause, is_error=False)
            if not self.is_running:
                self.ask(fragment, is_auto=True)

    def until(self, condition, patience=PATIENCE):
        """Read, and repeat what repeats, until `condition()`."""
        end = time.monotonic() + patience
        while not condition():
            self._read_until(lambda: condition() or not self.is_running, end - time.monotonic())
            if not condition() and self.repeats and not self.is_running:
                fragment, pause = next(iter(self.repeats.items()))
                self._read_until(condition, pause, is_error=False)
                self.ask(fragment, is_auto=True)
        return self

    def _read_until(self, condition, patience, *, is_error=True):
        end = time.monotonic() + patience
        while not condition():
            try:
                data = self.socket.recv(timeout=max(0.0, end - time.monotonic()))
            except TimeoutError:
                if is_error:
                    raise TimeoutError(f"the page did not get so far; it has {self.labels}, {self.errors}") from None
                return
            self._take(ForwardMsg.FromString(data))

    def _take(self, message):
        self.heard.append(message)
        kind = message.WhichOneof("type")
        if kind == "new_session":
            self.id = message.new_session.initialize.session_id
            self.is_running = True
            if not self._is_fragment:
                self.elements.clear()
                self.repeats.clear()
            self._is_fragment = False
        elif kind == "navigation":
            self.script = message.navigation.page_script_hash
        elif kind == "page_info_changed":
            self.query = message.page_info_changed.query_string
        elif kind == "auto_rerun":
            if message.auto_rerun.interval < LOOKS:
                self.repeats[message.auto_rerun.fragment_id] = message.auto_rerun.interval
        elif kind == "stop_auto_rerun":
            self.repeats.clear()
        elif kind == "delta":
            self.elements[tuple(message.metadata.delta_path)] = message.delta
        elif kind == "script_finished":
            if message.script_finished == ForwardMsg.FINISHED_EARLY_FOR_RERUN:
                self.repeats.clear()
                self._is_fragment = False
            else:
                self.is_running = False

    # ----- What it is shown

    def find(self, label):
        """(place, widget) by its label or key; raises LookupError."""
        for place, own, widget in self._widgets():
            if getattr(own, "label", None) == label or widget.id.endswith(f"-{label}"):
                return place, widget
        raise LookupError(f"no widget {label!r} here; there are {self.labels}")

    def _widgets(self):
        """Place, what has the label, and what has the id: of a block (an expander, a tab) they are two."""
        for place, delta in self.elements.items():
            whole = delta.add_block if delta.HasField("add_block") else delta.new_element
            if kind := whole.WhichOneof("type"):
                own = getattr(whole, kind)
                holder = whole if delta.HasField("add_block") else own
                if getattr(holder, "id", ""):
                    yield place, own, holder

    def _fragment_of(self, place):
        return self.elements[place].fragment_id

    @property
    def labels(self):
        """Of all widgets."""
        return [own.label for _, own, _ in self._widgets() if getattr(own, "label", "")]

    @property
    def errors(self):
        """The sentences in boxes of errors, and what Streamlit shows of an exception."""
        return self._alerts(Alert.ERROR) + [
            each.new_element.exception.message
            for each in self.elements.values()
            if each.new_element.HasField("exception")
        ]

    @property
    def notes(self):
        """The sentences of what was not taken as it was said, for instance in a link."""
        return self._alerts(Alert.INFO)

    def _alerts(self, kind):
        found = [each.new_element.alert for each in self.elements.values() if each.new_element.HasField("alert")]
        return [each.body for each in found if each.format == kind]

    @property
    def components(self):
        """Names of the browser components, without "headlight."."""
        named = [each.new_element.bidi_component.component_name for each in self.elements.values()]
        return [each.removeprefix("headlight.") for each in named if each]

    @property
    def shown(self):
        """Every string of every element that is shown, in order."""
        return [text for delta in self.elements.values() for _, text in strings(delta)]

    @property
    def ever_shown(self):
        """Every string of every message there ever was, as (field, text)."""
        return [each for message in self.heard for each in strings(message)]


def strings(message, path="") -> Iterator[tuple[str, str]]:
    """(field, text) of every string in a protobuf message; bytes are read as UTF-8."""
    for field, value in message.ListFields():
        name = f"{path}.{field.name}" if path else field.name
        if field.message_type is not None and field.message_type.GetOptions().map_entry:
            values = list(value.values())
        else:
            values = list(value) if field.is_repeated else [value]
        for each in values:
            if isinstance(each, Message):
                yield from strings(each, name)
            elif isinstance(each, str):
                yield name, each
            elif isinstance(each, bytes):
                yield name, each.decode("utf-8", "replace")


def is_refused(server, **handshake):
    """Whether a handshake is turned away."""
    try:
        with Visitor(server, **handshake) as visitor:
            visitor.start()
            visitor._read_until(lambda: visitor.id, 30)
    except (ConnectionClosed, OSError):
        return True
    except Exception as error:
        if type(error).__module__.startswith("websockets"):
            return True
        raise
    return False
