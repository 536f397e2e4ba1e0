"""Who may open which folder: decided once for the server, and asked at every door."""

import shutil
import time

import pytest
import streamlit as st
from starlette.responses import PlainTextResponse
from streamlit import runtime

from benchmarks.own_loop import run_beside
from pages.shared import local_or_public
from pages.shared.origin_check import Guarded
from tests.hostile.class_server import serving
from tests.hostile.visitor import Visitor, is_refused
from tests.models.test_folders import save

CLOSED = "Folders are closed"
# Settings that tell from where a server is reached, of one person's.
LOCAL = {
    "server.address": "localhost",
    "server.baseUrlPath": "",
    "server.allowedHosts": [],
    "browser.serverAddress": "localhost",
    "server.corsAllowedOrigins": [],
    "server.trustedUserHeaders": {},
    "server.enableCORS": True,
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return save("llama", tmp_path_factory.mktemp("private") / "secret_model")


@pytest.fixture(scope="module")
def local_server(tmp_path_factory):
    with serving(tmp_path_factory.mktemp("local"), address="localhost") as server:
        yield server


def is_open(visitor, folder):
    """Whether anything of the folder's model is shown: its name in the address, or its shape."""
    return "secret_model" in visitor.query or any("2 layers × 4 heads, width 32" in each for each in visitor.shown)


@pytest.mark.parametrize("page", ["", "attention", "tokenizers", "embeddings"])
def test_a_link_opens_no_folder_on_a_class_server(visitor, folder, page):
    seen = visitor().open(page, model=f"folder:{folder}")
    assert not is_open(seen, folder)
    assert [each for each in seen.notes if CLOSED in each]
    assert seen.errors == []


@pytest.mark.quick(1)
@pytest.mark.parametrize("page", ["attention", "embeddings"])
def test_a_stop_while_it_opens_and_a_fragment_that_runs_again_open_nothing(visitor, folder, page):
    """Who stops a page after its link is read and before the model of it is refused, has that model's name; then the
    card of the model, a fragment, asks for it and for nothing else.
    """
    seen = visitor().open(page)
    card, button = seen.find("about_model")
    fragment = seen._fragment_of(card)
    for pause in (0.0, 0.005, 0.01, 0.02, 0.03, 0.05, 0.08, 0.2):
        seen.start(page, model=f"folder:{folder}")
        time.sleep(pause)
        seen.stop().settle()
        seen.widgets = {button.id: {"trigger_value": True}}
        seen.ask(fragment).settle()
        seen.widgets = {}
    told = [text for field, text in seen.ever_shown if "query" not in field]
    assert [text for text in told if "secret_model" in text or "2 layers" in text] == []
    assert any(CLOSED in text for text in told)


def test_the_form_is_not_there_and_a_forged_one_opens_nothing(visitor, folder):
    seen = visitor().open("attention")
    seen.choose("another", bool_value=True)
    seen.choose("another_source", string_array_value={"data": ["Folder"]})
    assert any(CLOSED in each for each in seen.shown)
    seen.widgets[seen.find("model_box")[1].id] = {"string_value": f"folder:{folder}"}
    seen.ask().settle()
    assert not is_open(seen, folder)


@pytest.mark.slow
def test_below_the_named_folders_and_nowhere_else(folder, tmp_path):
    allowed = tmp_path / "allowed"
    shutil.copytree(folder, allowed / "secret_model")
    (allowed / "way_out").symlink_to(folder)
    with serving(tmp_path, environment={"HEADLIGHT_FOLDERS": str(allowed)}) as server:
        assert is_open(Visitor(server).open("attention", model=f"folder:{allowed / 'secret_model'}"), folder)
        sentences = set()
        for path in (
            folder,
            allowed / "way_out",
            allowed / ".." / "allowed/../../" / folder.parent.name / folder.name,
            "/nowhere/at/all",
            "/root",
            "~root",
            "~nobody_of_this_name",
            "/proc/self/environ",
            f"{allowed}/../{'x' * 300}",
        ):
            seen = Visitor(server).open("attention", model=f"folder:{path}")
            assert seen.errors == []
            assert not any("2 layers × 4 heads, width 32" in each for each in seen.shown), path
            sentences.update(each for each in seen.notes)
        # Nothing tells what is there from what is not.
        assert len(sentences) == 1
        assert "not below one" in sentences.pop()


@pytest.mark.slow
def test_one_person_at_their_own_machine_opens_any(local_server, folder):
    seen = Visitor(local_server).open("attention", model=f"folder:{folder}")
    assert is_open(seen, folder)
    assert (seen.errors, seen.notes) == ([], [])


PROXIES = [
    {"X-Forwarded-For": "192.0.2.7"},
    {"X-Forwarded-Host": "class.example"},
    {"Forwarded": "for=192.0.2.7"},
    {"Via": "1.1 proxy"},
    {"X-Real-IP": "192.0.2.7"},
]


@pytest.mark.parametrize(
    "header",
    [PROXIES[0], *(pytest.param(each, marks=pytest.mark.slow) for each in PROXIES[1:])],
    ids=lambda each: next(iter(each)),
)
def test_behind_a_proxy_nobody_is_local(tmp_path, folder, header):
    """Not who comes through it, nor from then on who comes past it and knows the name of what was open."""
    with serving(tmp_path, address="127.0.0.1") as server:
        owner = Visitor(server).open("attention", model=f"folder:{folder}")
        assert is_open(owner, folder)
        for headers in (header, {}):
            seen = Visitor(server, headers=headers).open("attention", model=f"folder:{folder}")
            assert not is_open(seen, folder)
            assert [each for each in seen.notes if CLOSED in each]


@pytest.mark.parametrize("header", [{}, *PROXIES], ids=lambda each: next(iter(each), "none"))
def test_each_header_of_a_proxy_is_remembered(monkeypatch, header):
    """Without a server: what one session showed counts for who comes after it."""
    monkeypatch.setattr(local_or_public, "_beyond", False)
    monkeypatch.setattr(runtime, "exists", lambda: True)
    monkeypatch.setattr(st, "get_option", LOCAL.__getitem__)
    came = []

    async def app(scope, receive, send):
        came.append(scope)

    scope = {"type": "websocket", "path": "/_stcore/stream", "client": ("127.0.0.1", 1), "server": ("127.0.0.1", 8501)}
    for headers in (header, {}):
        said = [(name.lower().encode(), value.encode()) for name, value in headers.items()]
        run_beside(Guarded(app)({**scope, "headers": [(b"host", b"localhost:8501"), *said]}, None, None))
        assert local_or_public.is_local() is not bool(header)
    assert len(came) == 2


@pytest.mark.slow
def test_a_proxy_may_pass_the_name_on_by_which_it_is_known(local_server):
    for headers in ({"X-Forwarded-For": "192.0.2.7"}, {"Via": "1.1 proxy"}):
        seen = Visitor(local_server, host="class.example", headers=headers).open("tokenizers")
        assert seen.errors == []


@pytest.mark.parametrize("host", ["evil.example:8501", "127.0.0.1.evil.example", "localhost.evil.example"])
def test_a_name_that_was_made_to_lead_here_is_refused(class_server, local_server, host):
    """A page of that name in a visitor's browser has the same origin as the session that it asks for."""
    for server in (class_server, local_server):
        assert is_refused(server, host=host)
        status, _, body = server.get("/", {"Host": host})
        assert (status, b"not known by that name" in body) == (403, True)


def test_a_class_server_is_reached_by_its_addresses_and_its_name(class_server):
    import platform

    for name in ("10.1.2.3", "[fd00::1]", platform.node(), f"{platform.node()}.local", "localhost", "classroom"):
        assert not is_refused(class_server, host=f"{name}:{class_server.port}"), name
        assert class_server.get("/", {"Host": name})[0] == 200


def test_a_server_of_one_person_is_not_reached_by_others_names(local_server):
    for name in ("10.1.2.3", "classroom", "[fd00::1]"):
        assert is_refused(local_server, host=name)
    for name in (f"localhost:{local_server.port}", f"127.0.0.1:{local_server.port}", f"[::1]:{local_server.port}"):
        assert not is_refused(local_server, host=name)


@pytest.mark.slow  # a server for one setting; what each of them means is seen below without a server
def test_names_that_the_operator_gave(tmp_path, folder):
    with serving(tmp_path, address="127.0.0.1", arguments=["--server.allowedHosts=class.example"]) as server:
        seen = Visitor(server, host="class.example").open("tokenizers", model=f"folder:{folder}")
        assert [each for each in seen.notes if CLOSED in each]
        assert is_refused(server, host="other.example")


@pytest.mark.parametrize(
    ("settings", "is_local"),
    [
        ({"server.address": "localhost"}, True),
        ({"server.address": "127.0.0.1"}, True),
        ({"server.address": "127.0.0.53"}, True),
        ({"server.address": "::1"}, True),
        ({"server.address": "LOCALHOST"}, True),
        ({"server.address": None}, False),
        ({"server.address": ""}, False),
        ({"server.address": "0.0.0.0"}, False),
        ({"server.address": "::"}, False),
        ({"server.address": "192.0.2.1"}, False),
        ({"server.address": "myhost"}, False),
        ({"server.address": "localhost.example"}, False),
        ({"server.address": "127.0.0.1.example"}, False),
        ({"server.address": "unix:///tmp/x.sock"}, False),
        ({"server.address": "localhost", "server.baseUrlPath": "headlight"}, False),
        ({"server.address": "localhost", "server.allowedHosts": ["localhost"]}, True),
        ({"server.address": "localhost", "server.allowedHosts": ["class.example"]}, False),
        ({"server.address": "localhost", "server.allowedHosts": ["*"]}, False),
        ({"server.address": "localhost", "browser.serverAddress": "class.example"}, False),
        ({"server.address": "localhost", "server.corsAllowedOrigins": ["https://class.example"]}, False),
        ({"server.address": "localhost", "server.enableCORS": False}, False),
    ],
    ids=str,
)
def test_from_where_a_server_is_reached_as_its_settings_say(monkeypatch, settings, is_local):
    monkeypatch.setattr(runtime, "exists", lambda: True)
    monkeypatch.setattr(st, "get_option", (LOCAL | settings).__getitem__)
    assert local_or_public.is_local() is is_local


@pytest.mark.slow  # likewise
def test_a_server_that_was_started_without_an_address_is_a_class_server(tmp_path, folder):
    with serving(tmp_path, address=None) as server:
        seen = Visitor(server).open("attention", model=f"folder:{folder}")
        assert [each for each in seen.notes if CLOSED in each]
        assert server.asked() == []


@pytest.mark.slow  # likewise
def test_an_address_in_the_environment_counts(tmp_path, folder):
    with serving(tmp_path, address=None, environment={"STREAMLIT_SERVER_ADDRESS": "127.0.0.1"}) as server:
        assert is_open(Visitor(server).open("attention", model=f"folder:{folder}"), folder)


@pytest.mark.parametrize(
    ("client", "headers", "status"),
    [
        ("127.0.0.1", (), 200),
        ("::1", (), 200),
        ("10.1.2.3", (), 403),
        ("127.0.0.1", ((b"x-forwarded-for", b"192.0.2.7"),), 403),
    ],
)
@pytest.mark.parametrize("path", ["/_stcore/metrics", "/base/_stcore/metrics"])
def test_metrics_are_told_to_this_machine_only(client, headers, status, path):
    async def app(scope, receive, send):
        await PlainTextResponse("families")(scope, receive, send)

    async def ask():
        scope = {"type": "http", "method": "GET", "path": path, "headers": [(b"host", b"localhost"), *headers]}
        await Guarded(app)({**scope, "client": (client, 1), "server": (client, 8501)}, None, send)

    sent = []

    async def send(message):
        sent.append(message)

    run_beside(ask())
    assert sent[0]["status"] == status
