"""A flood: many clients at once that send what a class server should bear.

python -m tests.hostile.flood --seconds 120 --clients 60

Uploads with a widget and by hand, trainings that are refused, texts of megabytes, links with absurd values to every
page, floods of reruns, browsers that do not read, connections that ask for nothing.
"""

import argparse
import asyncio
import json
import random  # noqa: TID251 - one for each client
import tempfile
import threading
import time
import urllib.parse
import uuid
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from websockets.asyncio.client import connect
from websockets.exceptions import WebSocketException
from websockets.typing import Subprotocol

from pages.shared import registry
from tests.hostile.class_server import serving
from tests.hostile.visitor import Visitor

MIB = 1024**2
PAGES = ("", *(each.address for each in registry.PAGES))
_ABSURD = (
    "-1",
    "0",
    "999999999",
    "1e308",
    "nan",
    "💥" * 200,
    "../" * 300,
    "a" * 60_000,
    ",".join(["9" * 9] * 2_000),
    "\0",
)
_NAMES = [
    "model",
    "text",
    "token",
    "layer",
    "head",
    "view",
    "sink",
    "heads",
    "least",
    "target",
    "length",
    "step",
    "other",
    "kind",
    "show",
    "depth",
    "map",
    "axes",
    "word",
    "senses",
    "piece",
    "minus",
    "plus",
    "tokens",
    "drawn",
    "cache",
    "cell",
    "rows",
    "beams",
    "beam_tokens",
    "beam_penalty",
    "prompts",
    "follow",
    "seed",
    "off",
    "order",
    "stage",
    "temperature",
    "top_k",
    "top_p",
    "written",
    "branch",
    "branches",
    "tokenizers",
    "stretch",
    "from",
    "specials",
    "tokenizer",
    "max_new_tokens",
]
_LONG = "word " * 680_000


class Client:
    """One session of a hostile browser, as raw as it needs to be."""

    def __init__(self, server, luck):
        self.server, self.luck = server, luck
        self.id, self.widgets, self.cookie = "", {}, ""

    async def attend(self, page="", query="", seconds=10.0):
        """Open a page and read until it has run; then it is `socket` that goes on."""
        self.page, self.query = page, query
        await self.ask()
        return await self.read(seconds)

    async def ask(self, values=(), pressed=""):
        """A rerun with these widgets set to texts, and this button pressed."""
        said = BackMsg()
        said.rerun_script.page_name, said.rerun_script.query_string = self.page, self.query
        for widget, value in dict(values).items():
            said.rerun_script.widget_states.widgets.add(id=widget, string_value=value)
        if pressed:
            said.rerun_script.widget_states.widgets.add(id=pressed, trigger_value=True)
        await self.socket.send(said.SerializeToString())

    async def read(self, seconds):
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                while True:
                    heard = ForwardMsg.FromString(await self.socket.recv(decode=False))
                    self.id = heard.new_session.initialize.session_id or self.id
                    element = heard.delta.new_element
                    if kind := element.WhichOneof("type"):
                        own = getattr(element, kind)
                        if getattr(own, "id", "") and getattr(own, "label", ""):
                            self.widgets[own.label] = own.id
                    if heard.HasField("script_finished"):
                        return True
        return False

    async def __aenter__(self):
        self._connection = connect(
            f"ws://{self.server.host}/_stcore/stream",
            subprotocols=[Subprotocol("streamlit")],
            max_size=None,
            ping_interval=None,
            open_timeout=20,
            close_timeout=1,
            proxy=None,
        )
        self.socket = await self._connection.__aenter__()
        return self

    async def __aexit__(self, *_):
        self.socket.transport.abort()

    async def put(self, size):
        """A file by hand: the status."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.server.port)
        try:
            if not self.cookie:
                _, headers, _ = await asyncio.to_thread(self.server.get, "/_stcore/health")
                self.cookie = (headers.get("Set-Cookie") or "").partition(";")[0]
            bound = uuid.uuid4().hex
            body = (
                f'--{bound}\r\nContent-Disposition: form-data; name="f"; filename="f.txt"\r\n\r\n'.encode()
                + b"x" * size
                + f"\r\n--{bound}--\r\n".encode()
            )
            writer.write(
                f"PUT /_stcore/upload_file/{self.id}/{uuid.uuid4()} HTTP/1.1\r\nHost: {self.server.host}\r\n"
                f"Content-Type: multipart/form-data; boundary={bound}\r\nContent-Length: {len(body)}\r\n"
                f"Cookie: {self.cookie}\r\nX-Xsrftoken: {self.cookie.partition('=')[2]}\r\n\r\n".encode()
                + body
            )
            async with asyncio.timeout(30):
                return (await reader.readline()).decode()
        finally:
            writer.transport.abort()


async def uploads(client):
    """Files of five megabytes, as many as come through."""
    await client.attend("tokenizers")
    for _ in range(20):
        await client.put(5 * MIB - 2_000)


async def uploads_with_a_widget(client):
    """The browser's own way, again and again, without taking any file away."""
    await client.attend(client.luck.choice(PAGES[1:]))
    for _ in range(20):
        ask = BackMsg()
        ask.file_urls_request.request_id = uuid.uuid4().hex
        ask.file_urls_request.file_names.extend(["f.txt"] * 10)
        await client.socket.send(ask.SerializeToString())
        await client.put(2 * MIB)
        await client.ask()
        await client.read(1)


async def refused_jobs(client):
    """Megabytes typed wherever something can be typed, and every button pressed."""
    await client.attend("tokenizers")
    text = "".join(chr(0x4E00 + place) for place in range(3_000)) * 300
    learnt = {id_: text for label, id_ in client.widgets.items() if "learn" in label.lower()}
    for label, id_ in list(client.widgets.items()):
        if label in ("Train", "Look", "Embed them"):
            await client.ask(learnt, id_)
            await client.read(2)


async def long_texts(client):
    """Texts over every bound, and one that takes a device a minute."""
    model, text = client.luck.choice([("minilm", _LONG), ("smollm2", " word" * 7_900), ("smollm2", _LONG)])
    await client.attend(client.luck.choice(PAGES[1:]), f"model={model}")
    box = {id_: text for label, id_ in client.widgets.items() if label == "Text"}
    await client.ask(box, client.widgets.get("Look", ""))
    await client.read(8)


async def links(client):
    """Every page with values that no page writes."""
    chosen = {name: client.luck.choice(_ABSURD) for name in client.luck.sample(_NAMES, 12)}
    await client.attend(client.luck.choice(PAGES), urllib.parse.urlencode(chosen), 5)


async def reruns(client):
    """A thousand reruns a second."""
    await client.attend(client.luck.choice(PAGES))
    with suppress(TimeoutError):
        async with asyncio.timeout(8):
            while True:
                await client.ask()
                await asyncio.sleep(0.001)


async def slow(client):
    """A browser that has a page written again and again, and reads nothing of it."""
    client.socket.transport.pause_reading()
    client.page, client.query = client.luck.choice(PAGES), "model=smollm2"
    with suppress(TimeoutError):
        async with asyncio.timeout(15):
            for _ in range(300):
                await client.ask()
                await asyncio.sleep(0.05)


async def half_open(client):
    """Connections that ask for nothing whole."""
    writers = []
    for sent in (
        b"",
        b"GET / HT",
        b"PUT /_stcore/upload_file/a/b HTTP/1.1\r\nHost: x\r\nContent-Length: 4000000\r\n\r\nab",
    ):
        _, writer = await asyncio.open_connection("127.0.0.1", client.server.port)
        writer.write(sent)
        writers.append(writer)
    await asyncio.sleep(client.luck.uniform(2, 30))
    for each in writers:
        each.transport.abort()


KINDS = (uploads, uploads_with_a_widget, refused_jobs, long_texts, links, reruns, slow, half_open)


async def _flood(server, clients, seconds, done):
    end = time.monotonic() + seconds

    async def one(number):
        luck = random.Random(number)
        kind = KINDS[number % len(KINDS)]
        while time.monotonic() < end:
            with suppress(OSError, WebSocketException, TimeoutError):
                async with asyncio.timeout(max(0.1, end - time.monotonic())), Client(server, luck) as client:
                    await kind(client)
            done[kind.__name__] = done.get(kind.__name__, 0) + 1
            await asyncio.sleep(0.05)

    await asyncio.gather(*(one(number) for number in range(clients)))


@dataclass(frozen=True)
class Taken:
    """What the server takes of its machine."""

    rss: int
    descriptors: int
    threads: int

    @classmethod
    def of(cls, server):
        return cls(server.rss, server.descriptors, server.threads)


def next_visitor(server, text, patience=120.0):
    """Seconds until somebody who opens the attention page has its picture; None where it did not come."""
    began = time.monotonic()
    try:
        with Visitor(server) as visitor:
            visitor.start("attention", text=text)
            visitor.until(lambda: "attention_view" in visitor.components, patience)
            return time.monotonic() - began
    except (OSError, TimeoutError, WebSocketException):
        return None


def flood(server, *, clients, seconds, rest):
    """Warm the server, flood it, look at the next visitor while and after, and at memory after `rest` seconds."""
    for page in PAGES:
        for model in ("minilm", "smollm2"):
            with Visitor(server) as visitor:
                visitor.start(page, model=model)
                visitor._read_until(lambda visitor=visitor: not visitor.is_running, 120)
    time.sleep(6)
    before, done, during = Taken.of(server), {}, []
    flooding = threading.Thread(target=lambda: asyncio.run(_flood(server, clients, seconds, done)))
    flooding.start()
    most = before.rss
    while flooding.is_alive():
        if seconds > 20:
            during.append(next_visitor(server, f"a visitor in the flood {len(during)}", 30))
        most = max(most, server.rss)
        flooding.join(min(5.0, seconds / 4))
    after = next_visitor(server, "the next visitor")
    at_once = Taken.of(server)
    time.sleep(rest)
    return {
        "clients": clients,
        "seconds": seconds,
        "sessions": done,
        "during": during,
        "after": after,
        "before": asdict(before),
        "most_rss": most,
        "at_once": asdict(at_once),
        "rested": asdict(Taken.of(server)),
        "growth": server.rss / before.rss - 1,
        "is_well": server.is_well(),
        "traces": [each[-500:] for each in server.traces()[:5]],
    }


def main():
    arguments = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    arguments.add_argument("--seconds", type=float, default=120)
    arguments.add_argument("--clients", type=int, default=60)
    arguments.add_argument("--rest", type=float, default=120)
    given = arguments.parse_args()
    with tempfile.TemporaryDirectory() as folder, serving(Path(folder)) as server:
        found = flood(server, clients=given.clients, seconds=given.seconds, rest=given.rest)
    print(json.dumps(found, indent=1))


if __name__ == "__main__":
    main()
