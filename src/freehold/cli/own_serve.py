"""`freehold own serve`: the published models, each behind an engine of its own."""

import socket
import sys
from argparse import Namespace
from pathlib import Path
from urllib.parse import urlsplit

from freehold.catalog.providers import providers
from freehold.cli.as_json import print_json
from freehold.cli.output import CANNOT_SERVE, OK, USAGE, Stop, one_line, table
from freehold.cli.settings import config_of
from freehold.config.environment import is_loopback
from freehold.config.schema import Config
from freehold.console.child import listen
from freehold.own.publish.registry import PROVIDER
from freehold.own.publish.serving import RENAMED_BYTES, Fleet, serve
from freehold.vocabulary.errors import ConfigError


def run(args: Namespace) -> int:
    """Serve until told to stop."""
    config = config_of(args)
    listening = _listening(config)
    url = f"http://127.0.0.1:{listening.getsockname()[1]}/v1"
    fleet = Fleet(Path(config.state_dir), config.own.start_s, _say)

    def ready() -> None:
        if args.json:
            states = {one.entry.endpoint: {"state": one.state, "why": one.why} for one in fleet.all}
            print_json({"url": url, "models": states}, indent=-1)
            return
        rows = [(one.entry.endpoint, one.entry.engine, one.state, one.why) for one in fleet.all]
        models = (
            table(("MODEL", "ENGINE", "STATE", "WHY NOT"), rows) if rows else ("no model is published yet",)
        )
        print(f"listening on {url}", *models, sep="\n", flush=True)

    serve(listening, fleet, config.server.body_bytes_max + RENAMED_BYTES, ready)
    return OK


def _listening(config: Config) -> socket.socket:
    """The socket that [providers.own] leads to; ends the command where that is none of this machine."""
    given = config.providers.get(PROVIDER)
    url = (given.base_url if given else None) or providers()[PROVIDER].base_url
    parts = urlsplit(url)
    if not is_loopback(parts.hostname or "") or parts.port is None:
        said = f"[providers.{PROVIDER}] leads to {url}, and own models are served on 127.0.0.1 alone"
        raise Stop(USAGE, ConfigError(said, remedy='Write base_url = "http://127.0.0.1:4144/v1" there.'))
    try:
        return listen(parts.port)
    except OSError as error:
        remedy = f"End what listens there, or give [providers.{PROVIDER}] another port in its base_url."
        raise Stop(CANNOT_SERVE, ConfigError(str(error.strerror), remedy=remedy)) from None


def _say(text: str) -> None:
    print(f"freehold: {one_line(text)}", file=sys.stderr, flush=True)
