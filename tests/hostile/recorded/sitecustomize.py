"""Read by Python before the server: writes down whom it asks, and lets nothing leave this machine.

In the file that ASKED_FILE names stands a line for each name that is looked up and each address that is connected to,
as far as they are not this machine's own. They fail as in a room without a network.
"""

import faulthandler
import os
import signal
import socket

_file = os.environ.get("ASKED_FILE")
_OWN = {None, "", "localhost", "0.0.0.0", "::", socket.gethostname()}


def _is_here(host):
    host = host.decode() if isinstance(host, bytes) else host
    return host in _OWN or host.startswith("127.") or host in ("::1", "::ffff:127.0.0.1")


def _write(what):
    with open(_file, "a") as asked:  # noqa: PTH123
        asked.write(f"{what}\n")


def _look_up(name, right):
    def recorded(host, *args, **kwargs):
        if not _is_here(host):
            _write(f"{name} {host!r}")
            raise socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution")
        return right(host, *args, **kwargs)

    return recorded


class _Socket(socket.socket):
    def connect(self, address):
        self._check("connect", address)
        return super().connect(address)

    def connect_ex(self, address):
        self._check("connect_ex", address)
        return super().connect_ex(address)

    def sendto(self, data, *more):
        self._check("sendto", more[-1])
        return super().sendto(data, *more)

    def _check(self, name, address):
        if self.family in (socket.AF_INET, socket.AF_INET6) and not _is_here(address[0]):
            _write(f"{name} {address!r}")
            raise OSError(101, "Network is unreachable")


if _file:
    # Where every thread is goes to the log with this signal.
    faulthandler.register(signal.SIGUSR1)
    for _name in ("getaddrinfo", "gethostbyname", "gethostbyname_ex", "gethostbyaddr", "getfqdn"):
        setattr(socket, _name, _look_up(_name, getattr(socket, _name)))
    setattr(socket, "socket", _Socket)  # noqa: B010 - a plain assignment is one of another type
