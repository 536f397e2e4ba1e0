"""From where this server can be reached: decided once per process, and asked by everything that differs by it.

A server that is bound to this machine's own addresses, and that no proxy stands before, is one person's: any folder of
the disk may be opened. Every other one is a class server. What the settings say is known before anybody comes; what a
visitor shows (a proxy, another machine) is remembered from then on, for everybody, until the process ends.
"""

import ipaddress
import logging
import platform
import urllib.parse
from collections.abc import Iterable

import streamlit as st
from streamlit import runtime

from models.loading import allowed_folders

log = logging.getLogger(__name__)

# A browser's script can set none of these in the handshake of a session: who sends one is a proxy, or a program.
_FORWARDED = ("forwarded", "via", "x-real-ip", "x-client-ip", "true-client-ip", "cf-connecting-ip")
_LOCAL_NAMES = ("localhost", "localhost.localdomain")
_PORTS = {"http": 80, "https": 443, "ws": 80, "wss": 443}
_beyond = False
_served = False


def serve() -> None:
    """Remember that a server answers from this process: from now on strangers may be among those who ask."""
    global _served  # noqa: PLW0603 - of the whole process, and it goes one way
    _served = True


def may_know(*, is_open: bool) -> bool:
    """Whether a folder may be named that lies below none that the operator named; one that is open here, or is not.

    What was opened may have been before others could reach the server, so it is asked of that as well.
    """
    return is_local() or (is_open and not _served)


def is_local() -> bool:
    """Whether only this machine reaches the server: then its person may open any folder of the disk."""
    if not runtime.exists():
        # A program of somebody's own: nobody reaches it.
        return True
    return not _beyond and is_bound_here() and not _proxies()


def is_bound_here() -> bool:
    """Whether the server listens to this machine's own addresses only, as far as its settings say."""
    return is_this_machine(str(st.get_option("server.address") or ""))


def _proxies() -> list[str]:
    """What the settings say of something that stands before the server, or of other names for it."""
    named = allowed_hosts()
    named += [_name_in(str(each)) for each in st.get_option("server.corsAllowedOrigins") or ()]
    named += [str(st.get_option("browser.serverAddress") or "localhost")]
    found = [each for each in named if not is_this_machine(each)]
    found += [each for each in ("server.baseUrlPath", "server.trustedUserHeaders") if st.get_option(each)]
    return found + ["server.enableCORS"] * (not st.get_option("server.enableCORS"))


def allowed_hosts() -> list[str]:
    """The names that the operator gave the server; empty where it has those that it would have."""
    return [str(each).strip() for each in st.get_option("server.allowedHosts") or ()]


def notice(headers: Iterable[tuple[str, str]], ends: Iterable[str]) -> None:
    """Remember it where a session that begins shows that others reach this server.

    headers: of its handshake, names in lower case. ends: the addresses of both ends of its connection.
    """
    global _beyond  # noqa: PLW0603 - of the whole process, and it goes one way
    if not _beyond and (is_forwarded(headers) or not all(map(is_this_machine, ends))):
        _beyond = True
        if is_bound_here():
            log.warning("Somebody came through a proxy or from another machine: folders are closed from now on")


def is_forwarded(headers: Iterable[tuple[str, str]]) -> bool:
    """Whether a request says that a proxy passed it on."""
    return any(name in _FORWARDED or name.startswith("x-forwarded") for name, _ in headers)


def is_this_machine(name: str) -> bool:
    """Whether this is a name or an address that a machine has for itself alone; nothing is looked up."""
    name = name.strip().lower().removeprefix("[").removesuffix("]").rstrip(".")
    if name in _LOCAL_NAMES:
        return True
    address = _address(name)
    return address is not None and (getattr(address, "ipv4_mapped", None) or address).is_loopback


def is_known_name(host: str) -> bool:
    """Whether a visitor may call the server so, who came directly and not through a proxy.

    A page from elsewhere whose name was made to lead here would call it by that name (DNS rebinding). So a server of
    one person has the names of this machine alone; a class server its addresses, its own name, and names without a
    dot, which nobody elsewhere can have. Where the operator named some with server.allowedHosts, it is those.
    """
    name = _host_name(host)
    if not name:
        return False
    allowed = [each.lower().rstrip(".") for each in allowed_hosts()]
    if allowed:
        return any(each in ("*", name) or (each.startswith("*.") and name.endswith(each[1:])) for each in allowed)
    if is_bound_here():
        return is_this_machine(name)
    own = {platform.node().lower(), str(st.get_option("browser.serverAddress") or "").lower()}
    return "." not in name or _address(name) is not None or name in own | {f"{each}.local" for each in own}


def is_same_site(origin: str, host: str, *, is_loose: bool = False) -> bool:
    """Whether a page of this origin is one of this server's own, which the visitor calls `host`.

    is_loose: whether the port may differ, which a proxy may leave out. Origins that the operator added with
    server.corsAllowedOrigins are taken as well.
    """
    try:
        parsed = urllib.parse.urlsplit(origin)
        theirs = (parsed.hostname, parsed.port or _PORTS.get(parsed.scheme))
        ours = urllib.parse.urlsplit(f"//{host}")
        mine = (ours.hostname, ours.port or _PORTS.get(parsed.scheme))
    except ValueError:
        return False
    if (
        parsed.scheme not in ("http", "https")
        or not parsed.hostname
        or "@" in parsed.netloc
        or parsed.path not in ("", "/")
    ):
        return False
    added = [str(each).strip().rstrip("/").lower() for each in st.get_option("server.corsAllowedOrigins") or ()]
    if not st.get_option("server.enableCORS") or origin.lower().rstrip("/") in added:
        return True
    is_here = all(is_this_machine(str(name)) for name, _ in (theirs, mine))
    return (theirs[0] == mine[0] or is_here) and (theirs[1] == mine[1] or is_loose)


def _host_name(host: str) -> str:
    """The name in a Host header, in lower case; "" for what is none."""
    try:
        parsed = urllib.parse.urlsplit(f"//{host}")
        _ = parsed.port
    except ValueError:
        return ""
    if parsed.netloc != host or "@" in host or any(each <= " " for each in host):
        return ""
    return (parsed.hostname or "").lower().rstrip(".")


def _name_in(origin: str) -> str:
    try:
        return urllib.parse.urlsplit(origin).hostname or origin
    except ValueError:
        return origin


def _address(name: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(name.partition("%")[0])
    except ValueError:
        return None


# What opens a folder without saying who asks is answered alike.
allowed_folders.may_look_anywhere = is_local
