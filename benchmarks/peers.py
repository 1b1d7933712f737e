"""The peers: each a row with its install commands, pinned, and how it is started.

    python -m benchmarks.peers install [NAME ...]

Each goes into a folder of its own under `benchmarks/.peers/`, which git ignores; nginx into the system.
"""

import argparse
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from string import Template

from benchmarks.subjects import BEARER, NGINX, PEERS_DIR, Subject, words


@dataclass(frozen=True, slots=True)
class Peer:
    """A subject that others wrote."""

    subject: Subject
    install: tuple[tuple[str, ...], ...]
    version: str = ""


def from_pypi(folder: str, requirement: str) -> tuple[tuple[str, ...], ...]:
    """A virtual environment of its own."""
    venv = f"$peers/{folder}"
    pip = (f"{venv}/bin/pip", "install", "-q", "--disable-pip-version-check", requirement)
    return ((sys.executable, "-m", "venv", "--clear", venv), pip)


def from_npm(folder: str, package: str, overrides: str = "{}") -> tuple[tuple[str, ...], ...]:
    """A folder of its own; `overrides` pins what the package itself leaves open."""
    manifest = f'{{"private": true, "overrides": {overrides}}}'
    start = f"mkdir -p $peers/{folder} && cd $peers/{folder} && printf '%s' '{manifest}' > package.json"
    return (("sh", "-c", f"{start} && npm install --no-audit --no-fund --loglevel=error {package}"),)


LITELLM = Peer(
    Subject(
        name="litellm",
        settings="one uvicorn worker, master key, LITELLM_LOG=ERROR, LITELLM_MODE=PRODUCTION, no database",
        argv=words(
            "$peers/litellm/bin/litellm --config $dir/config.yaml --host 127.0.0.1 --port $port "
            "--num_workers 1"
        ),
        model="bench",
        files={
            "config.yaml": """
model_list:
  - model_name: bench
    litellm_params:
      model: openai/bench-model
      api_base: http://127.0.0.1:$upstream/v1
      api_key: sk-bench
litellm_settings:
  set_verbose: false
  request_timeout: 600
general_settings:
  master_key: sk-bench
"""
        },
        environment={
            "LITELLM_MODE": "PRODUCTION",
            "LITELLM_LOG": "ERROR",
            "LITELLM_LOCAL_MODEL_COST_MAP": "True",  # the price list in the package, not one from the network
            "DISABLE_ADMIN_UI": "True",
        },
        import_argv=("$peers/litellm/bin/python", "-c", "import litellm.proxy.proxy_cli"),
    ),
    from_pypi("litellm", "litellm[proxy]==1.103.7"),
    "1.103.7",
)

PORTKEY = Peer(
    Subject(
        name="portkey",
        settings="node, --headless; provider and host by header; no keys, no log",
        argv=words(
            "node $peers/portkey/node_modules/@portkey-ai/gateway/build/start-server.js --headless "
            "--port=$port"
        ),
        headers=BEARER
        | {"x-portkey-provider": "openai", "x-portkey-custom-host": "http://127.0.0.1:$upstream/v1"},
        environment={"NODE_ENV": "production", "TRUSTED_CUSTOM_HOSTS": "127.0.0.1"},
    ),
    # The newest server it allows forbids to change an answer's headers, so that every stream is a 500.
    from_npm("portkey", "@portkey-ai/gateway@1.15.2", '{"@hono/node-server": "1.14.0"}'),
    "1.15.2",
)

VLLM_ROUTER = Peer(
    Subject(
        name="vllm-router",
        settings="round_robin, --log-level error; retries and breaker on (defaults), a thread for each core",
        argv=words(
            "$peers/vllm-router/bin/vllm-router --host 127.0.0.1 --port $port --prometheus-port $metrics "
            "--worker-urls http://127.0.0.1:$upstream --policy round_robin --log-level error"
        ),
    ),
    from_pypi("vllm-router", "vllm-router==0.1.17"),
    "0.1.17",
)

SGLANG_ROUTER = Peer(
    Subject(
        name="sglang-router",
        settings="round_robin, --log-level error; retries and breaker on (defaults), a thread for each core",
        argv=words(
            "$peers/sglang-router/bin/python -m sglang_router.launch_router --host 127.0.0.1 --port $port "
            "--prometheus-port $metrics --worker-urls http://127.0.0.1:$upstream --policy round_robin "
            "--log-level error"
        ),
    ),
    from_pypi("sglang-router", "sglang-router==0.3.2"),
    "0.3.2",
)

# The wheel carries the whole gateway for in-process use; its own helper for SDKs serves it over HTTP.
SERVE_TENSORZERO = """
import pathlib, signal, sys, tensorzero
gateway = tensorzero.tensorzero._start_http_gateway(
    config_file=sys.argv[1], clickhouse_url=None, postgres_url=None, valkey_url=None, async_setup=False)
pathlib.Path(sys.argv[2]).write_text(gateway.base_url.split(":")[2].split("/")[0])
signal.sigwait([signal.SIGTERM])
"""

TENSORZERO = Peer(
    Subject(
        name="tensorzero",
        settings="the gateway in the Python wheel, served by its own helper; observability off, no keys",
        argv=words("$peers/tensorzero/bin/python $dir/serve.py $dir/tensorzero.toml $dir/port"),
        path="/openai/v1/chat/completions",
        model="tensorzero::model_name::bench",
        files={
            "serve.py": SERVE_TENSORZERO,
            "tensorzero.toml": """
[gateway]
observability.enabled = false
[models.bench]
routing = ["up"]
[models.bench.providers.up]
type = "openai"
model_name = "bench-model"
api_base = "http://127.0.0.1:$upstream/v1/"
api_key_location = "none"
""",
        },
        environment={"RUST_LOG": "error"},
        announces_port=True,
    ),
    from_pypi("tensorzero", "tensorzero==2026.6.0"),
    "2026.6.0",
)

BIFROST = Peer(
    Subject(
        name="bifrost",
        settings="as started by its npm launcher",
        argv=words("node $peers/bifrost/node_modules/@maximhq/bifrost/bin.js -host 127.0.0.1 -port $port"),
    ),
    from_npm("bifrost", "@maximhq/bifrost@1.6.3"),
    "1.6.3",
)

PEERS = (VLLM_ROUTER, SGLANG_ROUTER, TENSORZERO, PORTKEY, LITELLM, BIFROST)
INSTALLED = (
    Peer(NGINX, (("apt-get", "install", "-y", "-q", "nginx-light"),)),
    *PEERS,
)


def install(names: Sequence[str]) -> int:
    """Install the named peers, or all; returns how many could not be."""
    PEERS_DIR.mkdir(exist_ok=True)
    failed = 0
    for peer in INSTALLED:
        if not names or peer.subject.name in names:
            problem = _installed(peer)
            failed += bool(problem)
            print(f"{peer.subject.name} {peer.version}: {problem or 'installed'}", flush=True)
    return failed


def _installed(peer: Peer) -> str:
    for command in peer.install:
        words = [Template(word).substitute(peers=str(PEERS_DIR)) for word in command]
        if not shutil.which(words[0]):
            return f"needs {words[0]}, which is not here"
        done = subprocess.run(words, capture_output=True, text=True, check=False)
        if done.returncode:
            return f"`{' '.join(words[:3])} ...` failed: {done.stderr.strip().splitlines()[-1:]}"
    return ""


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.peers")
    actions = parser.add_subparsers(required=True)
    names = [peer.subject.name for peer in INSTALLED]
    action = actions.add_parser("install", help="install the named peers, or all")
    action.add_argument("names", nargs="*", metavar="NAME", help=", ".join(names))
    arguments = parser.parse_args()
    if unknown := set(arguments.names) - set(names):
        parser.error(f"unknown: {', '.join(sorted(unknown))}; known: {', '.join(names)}")
    return 1 if install(arguments.names) else 0


if __name__ == "__main__":
    sys.exit(main())
