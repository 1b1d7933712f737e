"""`freehold catalog bom`: the bill of materials of the endpoints in use."""

from argparse import Namespace
from datetime import UTC, datetime
from pathlib import Path

from freehold import __version__
from freehold.catalog.bom import bom
from freehold.cli.as_json import as_json
from freehold.cli.governed import house, policies
from freehold.cli.output import OK, USAGE, Stop
from freehold.gateway.bill import used
from freehold.vocabulary.errors import ConfigError


def run(args: Namespace) -> int:
    """Print it, or write it to a file."""
    there, now = house(args), datetime.now(UTC)
    if not there.pools:
        raise Stop(USAGE, ConfigError("no endpoint is in use", remedy="Name a configuration with --config."))
    enforced = there.config.policy.enforce
    found = used(
        there.config,
        there.subjects,
        there.pools,
        there.facts(),
        policies(enforced, there) if enforced else (),
        now,
    )
    made = bom(found, now, freehold=__version__, digest=there.known.digest, version=args.spec)
    text = as_json(made)
    if args.output is None:
        print(text)
    else:
        Path(args.output).write_text(text + "\n", encoding="utf-8")
    return OK
