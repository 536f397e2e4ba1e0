"""`python -m models.cluster.machine`: a whole cluster on this machine, to see it and to test it.

A head, two workers, two web processes, and a proxy before them that keeps each visitor on one: nginx where it is. It
ends with Ctrl-C, and takes along what it started.
"""

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack, suppress
from pathlib import Path

import models

_ROOT = Path(models.__path__[0]).parent
_WORKERS, _WEB = 2, 2
_HEAD_PORT = 6379
_STARTS_SECONDS, _ENDS_SECONDS = 60.0, 10.0

# Whoever comes first is given a cookie, and stays where it sends them: behind one address there may be a whole class.
_NGINX = """
worker_processes 1;
pid {folder}/nginx.pid;
error_log stderr warn;
daemon off;
events {{ worker_connections 4096; }}
http {{
  access_log off;
  client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy; fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
  client_max_body_size 200m;
  map $cookie_headlight_server $visitor {{ default $cookie_headlight_server; "" $request_id; }}
  map $cookie_headlight_server $given {{
    default ""; "" "headlight_server=$visitor; Path=/; HttpOnly; SameSite=Lax";
  }}
  upstream headlight {{ hash $visitor consistent; {servers} }}
  server {{
    listen {address}:{port};
    location / {{
      proxy_pass http://headlight;
      proxy_http_version 1.1;
      proxy_set_header Upgrade $http_upgrade;
      proxy_set_header Connection "upgrade";
      proxy_set_header Host $http_host;
      proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
      proxy_set_header X-Forwarded-Proto $scheme;
      proxy_read_timeout 1d;
      proxy_buffering off;
      add_header Set-Cookie $given;
    }}
  }}
}}
"""


def main(port: int, address: str) -> None:
    """Start everything, print the address, and wait. Raises SystemExit with a sentence."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    head = f"127.0.0.1:{_free(_HEAD_PORT)}"
    with ExitStack() as ends:
        folder = ends.enter_context(tempfile.TemporaryDirectory(prefix="hl", dir="/tmp", ignore_cleanup_errors=True))
        _start(ends, *_ray_start(head, folder))
        _wait(int(head.rpartition(":")[2]), "The head of the cluster did not start")
        print(f"The head of the cluster is at {head}; its workers start.", flush=True)
        with_workers = _environment() | {"HEADLIGHT_CLUSTER": head, "HEADLIGHT_WORKERS": str(_WORKERS)}
        if subprocess.run(
            [sys.executable, "-m", "models.cluster"], env=with_workers, cwd=_ROOT, check=False
        ).returncode:
            raise SystemExit("The workers did not start.")
        ports = [_free(port + 1 + each) for each in range(_WEB)]
        for each in ports:
            asks = _environment() | {"HEADLIGHT_CLUSTER": head, "STREAMLIT_SERVER_HEADLESS": "true"}
            where = [f"--server.port={each}", "--server.address=127.0.0.1", f"--browser.serverPort={port}"]
            _start(ends, asks, "-m", "streamlit", "run", "app.py", *where)
        for each in ports:
            _wait(each, "A web process did not start")
        said = f"http://{'localhost' if address in ('localhost', '127.0.0.1') else address}:{port}"
        if nginx := shutil.which("nginx"):
            servers = " ".join(f"server 127.0.0.1:{each};" for each in ports)
            config = Path(folder) / "nginx.conf"
            listens = "127.0.0.1" if address == "localhost" else address
            config.write_text(_NGINX.format(folder=folder, servers=servers, address=listens, port=port))
            _run(ends, [nginx, "-e", "stderr", "-c", str(config)], _environment())
            _wait(port, "nginx did not start")
            print(f"Headlight is at {said}", flush=True)
        else:
            print(f"There is no nginx here. The web processes are at http://localhost:{ports[0]} and :{ports[1]};")
            print("docs/class_server.md says what a proxy before them has to do.", flush=True)
        signal.pause()


def _environment() -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if name not in ("HEADLIGHT_CLUSTER", "RAY_ADDRESS")}
    return kept | {"PYTHONPATH": str(_ROOT), "RAY_USAGE_STATS_ENABLED": "0"}


def _ray_start(head: str, folder: str) -> tuple[dict[str, str], *tuple[str, ...]]:
    # The workers share the processors, in whole numbers of which Ray counts: each computes on its part.
    threads = max(1, (os.cpu_count() or 1) // _WORKERS)
    where = ["--head", f"--port={head.rpartition(':')[2]}", "--node-ip-address=127.0.0.1", f"--temp-dir={folder}"]
    bounds = [f"--num-cpus={_WORKERS}", "--include-dashboard=false", "--disable-usage-stats", "--block"]
    return (
        _environment() | {"OMP_NUM_THREADS": os.environ.get("OMP_NUM_THREADS", str(threads))},
        *("-m", "ray.scripts.scripts", "start"),
        *where,
        *bounds,
    )


def _start(ends: ExitStack, environment: dict[str, str], *arguments: str) -> None:
    _run(ends, [sys.executable, *arguments], environment)


def _run(ends: ExitStack, command: list[str], environment: dict[str, str]) -> None:
    quiet = subprocess.DEVNULL if "ray.scripts.scripts" in command else None
    process = subprocess.Popen(command, cwd=_ROOT, env=environment, start_new_session=True, stdout=quiet)
    ends.callback(_end, process)


def _end(process: "subprocess.Popen[bytes]") -> None:
    for how in (signal.SIGTERM, signal.SIGKILL):
        with suppress(OSError):
            os.killpg(process.pid, how)
        with suppress(subprocess.TimeoutExpired):
            process.wait(_ENDS_SECONDS)


def _free(port: int) -> int:
    while True:
        with suppress(OSError), socket.create_server(("127.0.0.1", port)):
            return port
        port += 1


def _wait(port: int, otherwise: str) -> None:
    late = time.monotonic() + _STARTS_SECONDS
    while time.monotonic() < late:
        with suppress(OSError):
            socket.create_connection(("127.0.0.1", port), 1).close()
            return
        time.sleep(0.1)
    raise SystemExit(f"{otherwise} within {_STARTS_SECONDS:.0f} seconds.")


if __name__ == "__main__":
    with suppress(KeyboardInterrupt):
        main(int(os.environ.get("PORT", "8501")), os.environ.get("ADDRESS", "localhost"))
