"""A small server with the routes of the hub, for tests: it serves what it is given, and fails as it is told."""

import hashlib
import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import unquote, urlsplit

COMMIT = "1234567890abcdef1234567890abcdef12345678"


@dataclass
class Faults:
    """What goes wrong.

    status, code: what every request is answered with, for a path that contains `at`; 0 for nothing.
    cut_after: after how many bytes of a file a transfer breaks off, at most `cuts` times. short, long: how many bytes a
    file lacks, or has more than the list says. flipped: whether the weights arrive changed. silent: whether
    nothing is answered until `wake` is set, from `silent_after` bytes of a file on. pause: seconds between two pieces.
    """

    status: int = 0
    code: str = ""
    at: str = ""
    cut_after: int | None = None
    cuts: int = 1_000
    short: int = 0
    long: int = 0
    flipped: bool = False
    silent: bool = False
    silent_after: int = 0
    pause: float = 0.0
    ranges: bool = True
    wake: threading.Event = field(default_factory=threading.Event)


@dataclass
class Hub:
    """models: files by model id. requests: what was asked for: method, path and the range that was asked for."""

    address: str
    models: dict[str, dict[str, bytes]] = field(default_factory=dict)
    gated: set[str] = field(default_factory=set)
    says_sizes: bool = True
    more: dict[str, object] = field(default_factory=dict)
    faults: Faults = field(default_factory=Faults)
    requests: list[tuple[str, str, str]] = field(default_factory=list)

    def asked(self, name: str) -> list[str]:
        """The ranges with which a file was asked for."""
        return [where for method, path, where in self.requests if method == "GET" and path.endswith(f"/{name}")]


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    hub: Hub

    def log_message(self, format, *args):  # noqa: A002 - as the class has it
        pass

    def do_HEAD(self):
        self._answer(has_body=False)

    def do_GET(self):
        self._answer(has_body=True)

    def _answer(self, *, has_body):
        path = unquote(urlsplit(self.path).path)
        faults = self.hub.faults
        self.hub.requests.append((self.command, path, self.headers.get("Range", "")))
        if faults.status and faults.at in path:
            self._send(faults.status, b"{}", {"X-Error-Code": faults.code} if faults.code else {})
        elif faults.silent and not faults.silent_after:
            faults.wake.wait(20)
            self.close_connection = True
        elif path.startswith("/api/models/"):
            self._list(*path.removeprefix("/api/models/").partition("/revision/")[::2])
        else:
            model, _, rest = path.removeprefix("/").partition("/resolve/")
            self._file(model, rest.removeprefix(f"{COMMIT}/"), has_body=has_body)

    def _list(self, model, revision):
        if model not in self.hub.models:
            self._send(404, b"{}", {"X-Error-Code": "RepoNotFound"})
            return
        if revision not in ("", "main", "v1", COMMIT):
            self._send(404, b"{}", {"X-Error-Code": "RevisionNotFound"})
            return
        siblings: list[dict[str, object]] = [{"rfilename": name} for name in self.hub.models[model]]
        if self.hub.says_sizes:
            for each in siblings:
                data = self.hub.models[model][str(each["rfilename"])]
                each["size"] = len(data)
                if str(each["rfilename"]).endswith(".safetensors"):
                    digest = hashlib.sha256(data).hexdigest()
                    each["lfs"] = {"size": len(data), "sha256": digest, "pointerSize": 1}
        said = {"id": model, "sha": COMMIT, "siblings": siblings, "gated": "auto" if model in self.hub.gated else False}
        self._send(200, json.dumps(said | self.hub.more).encode(), {"Content-Type": "application/json"})

    def _file(self, model, name, *, has_body):
        faults = self.hub.faults
        if model in self.hub.gated and "Authorization" not in self.headers:
            self._send(401, b"{}", {"X-Error-Code": "GatedRepo"})
            return
        data = self.hub.models.get(model, {}).get(name)
        if data is None:
            self._send(404, b"{}", {"X-Error-Code": "EntryNotFound"})
            return
        is_large = name.endswith((".safetensors", ".gguf"))
        if is_large:
            data = data[: len(data) - faults.short] + b"x" * faults.long
            data = data[:-1] + bytes([data[-1] ^ 1]) if faults.flipped else data
        start = 0
        if faults.ranges and (asked := self.headers.get("Range", "")):
            start = int(asked.removeprefix("bytes=").removesuffix("-"))
            if start >= len(data):
                self._send(416, b"")
                return
        self.send_response(206 if start else 200)
        self.send_header("Content-Length", str(len(data) - start))
        self.send_header("ETag", f'"{hashlib.sha256(data).hexdigest()}"')
        self.send_header("X-Repo-Commit", COMMIT)
        if start:
            self.send_header("Content-Range", f"bytes {start}-{len(data) - 1}/{len(data)}")
        self.end_headers()
        if has_body:
            self._body(data, start, is_large=is_large)

    def _body(self, data, start, *, is_large):
        faults, size = self.hub.faults, 4_096
        for place in range(start, len(data), size):
            if is_large and faults.cut_after is not None and faults.cuts and place >= start + faults.cut_after:
                faults.cuts -= 1
                self.close_connection = True
                return
            if is_large and faults.silent and place >= faults.silent_after:
                faults.wake.wait(20)
                self.close_connection = True
                return
            try:
                self.wfile.write(data[place : place + size])
            except OSError:
                self.close_connection = True
                return
            if is_large:
                time.sleep(faults.pause)

    def _send(self, status, body, headers=None):
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.send_header("X-Repo-Commit", COMMIT)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False


@contextmanager
def hub_server() -> Iterator[Hub]:
    """Serve on a free port of this machine until the block ends."""
    handler = type("Handler", (_Handler,), {})
    server = _Server(("127.0.0.1", 0), handler)
    handler.hub = Hub(f"http://127.0.0.1:{server.server_address[1]}")
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield handler.hub
    finally:
        handler.hub.faults.wake.set()
        server.shutdown()
        server.server_close()
        thread.join()
