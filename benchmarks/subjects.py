"""What is measured: each subject is a row that says how it is started, reached and set.

In a row, `$port` is the port to listen on, `$metrics` one more, `$upstream` the provider's, `$dir` a fresh
folder, `$key` what `key_argv` printed last, `$peers` the folder of installed peers.
"""

import sys
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from benchmarks import governed
from benchmarks.speech.words import UPSTREAM_MODEL

BIN = Path(sys.executable).parent
PEERS_DIR = Path(__file__).parent / ".peers"
BEARER = {"authorization": "Bearer sk-bench"}


@dataclass(frozen=True, slots=True)
class Subject:
    """One way to the upstream."""

    name: str
    settings: str  # what was set, for the reader of the report
    argv: tuple[str, ...] = ()  # empty: no process between the generator and the upstream
    path: str = "/v1/chat/completions"
    model: str = UPSTREAM_MODEL
    headers: Mapping[str, str] = field(default_factory=lambda: BEARER)
    files: Mapping[str, str] = field(default_factory=dict)  # written into `$dir` before the start
    environment: Mapping[str, str] = field(default_factory=dict)
    key_argv: tuple[str, ...] = ()
    version_argv: tuple[str, ...] = ()
    import_argv: tuple[str, ...] = ()  # a Python that imports the command line, and nothing else
    announces_port: bool = False  # takes a port of its own and writes it to `$dir/port`


def words(line: str) -> tuple[str, ...]:
    """A command, written as one types it."""
    return tuple(line.split())


DIRECT = Subject(name="direct", settings="no gateway: the generator asks the upstream itself")

FLOOR = Subject(
    name="floor",
    settings="uvicorn (uvloop, httptools) and a raw pool; parse, patch, forward, parse; nothing else",
    argv=(sys.executable, "-m", "benchmarks.floor", "$port", "$upstream"),
)

FREEHOLD = Subject(
    name="freehold",
    settings="one process; key checked, breaker, journal (durability: journal) and metrics on",
    argv=(f"{BIN}/freehold", "up", "--config", "$dir/freehold.toml", "--console-port", "0"),
    model="bench",
    headers={"authorization": "Bearer $key"},
    files={
        "freehold.toml": """
state_dir = "state"
[server]
port = $port
[providers.up]
base_url = "http://127.0.0.1:$upstream/v1"
dialects = ["chat", "messages"]
[aliases]
"bench" = ["up/bench-model"]
"""
    },
    key_argv=(f"{BIN}/freehold", "keys", "create", "bench", "--config", "$dir/freehold.toml"),
    version_argv=(f"{BIN}/freehold", "--version"),
    import_argv=(sys.executable, "-c", "import freehold.cli.main"),
)

# The two that show what governance costs, both of them on a pool of two endpoints.
PLAIN = replace(
    FREEHOLD,
    name="freehold-plain",
    settings="the same without a tree; no policy either, and a second endpoint in the pool",
    files={"freehold.toml": f"{governed.BARE}[ledger]\ntree = false\n"},
)

GOVERNED = replace(
    FREEHOLD,
    name="freehold-governed",
    settings="the tree; 30 rules, a share, two budgets and prices enforced, two rules in shadow; two endpoints",
    files=governed.FILES,
)

NGINX = Subject(
    name="nginx",
    settings="reverse proxy, one worker; upstream keep-alive, buffering and access log off, tcp_nodelay on",
    argv=("nginx", "-p", "$dir", "-c", "$dir/nginx.conf", "-e", "stderr"),
    files={
        "nginx.conf": """
daemon off;
pid nginx.pid;
error_log stderr warn;
worker_processes 1;
worker_rlimit_nofile 16384;
events { worker_connections 8192; }
http {
  access_log off;
  client_body_temp_path body;
  proxy_temp_path proxy;
  fastcgi_temp_path fastcgi;
  uwsgi_temp_path uwsgi;
  scgi_temp_path scgi;
  keepalive_requests 1000000;
  tcp_nodelay on;
  upstream provider {
    server 127.0.0.1:$upstream;
    keepalive 1024;
    keepalive_requests 1000000;
  }
  server {
    listen 127.0.0.1:$port backlog=4096;
    location / {
      proxy_pass http://provider;
      proxy_http_version 1.1;
      proxy_set_header Connection "";
      proxy_buffering off;
    }
  }
}
"""
    },
    version_argv=("nginx", "-v"),
)

OWN = (DIRECT, FLOOR, FREEHOLD, PLAIN, GOVERNED, NGINX)
