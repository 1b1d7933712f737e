"""`freehold bench import|inspect`: evaluations of Inspect AI in the same table."""

import http.client
import shlex
import subprocess
import sys
from argparse import Namespace
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import urlsplit

from msgspec.structs import replace

from freehold.bench import results
from freehold.bench.comparing import report
from freehold.bench.importing import ended, lines_of, plan_of
from freehold.bench.inspect_logs import OURS, Log, read_log
from freehold.bench.results import Results, Sample
from freehold.bench.standing import BenchReport
from freehold.cli.bench import told, traits
from freehold.cli.output import CANNOT_SERVE, PROBLEMS, Stop, progress
from freehold.cli.settings import config_and_state, config_of
from freehold.config import clock
from freehold.config.environment import Environment, environment
from freehold.ledger.query import between
from freehold.vocabulary.errors import BadRequest, ConfigError, FreeholdError

KEY_VARIABLE, URL_VARIABLE = (
    "FREEHOLD_API_KEY",
    "FREEHOLD_BASE_URL",
)  # as Inspect's `openai-api/freehold/` reads
HEADERS = '{"x-freehold-provenance": "body"}'
_ID_MS = slice(1, 12)  # of an exchange's id: when it began, in hexadecimal milliseconds


def take_in(args: Namespace) -> int:
    """Read logs, compare them, keep the report and print it."""
    return told(args, _taken_in(args, [Path(log) for log in args.logs], results.new_id()))


def inspect(args: Namespace) -> int:
    """Run a task once for each name, through the gateway, and compare the logs."""
    names = tuple(dict.fromkeys(args.on or ()))
    if not names:
        raise BadRequest("nobody is named to be asked", remedy=f"Add --on, as in `{args.task} --on fast`.")
    python, env = args.python or sys.executable, environment()
    _has_inspect(python)
    config = config_of(args)
    url = (args.url or f"http://{config.server.host}:{config.server.port}").rstrip("/")
    url = url if url.endswith("/v1") else f"{url}/v1"
    _is_up(url)
    name, more = results.new_id(), shlex.split(args.arguments)
    folder = Path(args.logs) / name
    env = {**env, URL_VARIABLE: url, KEY_VARIABLE: env.get(KEY_VARIABLE) or "none"}
    for subject in names:
        _evaluate(python, [args.task, "--model", f"{OURS}{subject}", *more], folder, env)
    return told(args, _taken_in(args, sorted(folder.glob("*.eval")), name))


def _evaluate(python: str, words: Sequence[str], folder: Path, env: Environment) -> None:
    task, *more = words
    fixed = [
        "--extra-headers",
        HEADERS,
        "--log-dir",
        str(folder),
        "--log-format",
        "eval",
        "--display",
        "plain",
    ]
    command = [python, "-m", "inspect_ai", "eval", task, *more, *fixed]
    # Its own words go to stderr: the table is alone on stdout.
    code = subprocess.run(command, env=dict(env), stdout=2, check=False).returncode  # noqa: S603
    if code:
        said = f"`inspect eval` ended with {code}"
        raise Stop(PROBLEMS, FreeholdError(said, remedy="Its own words above say why."))


def _taken_in(args: Namespace, files: Sequence[Path], name: str) -> BenchReport:
    with progress("reading logs"):
        logs = [read_log(file, args.scorer) for file in files]
    config, state = config_and_state(args)
    plan = plan_of(logs, name, clock.now_ms())
    lines = _with_costs(state, lines_of(logs))
    with Results(state, plan) as kept:
        for line in lines:
            kept.add(line)
    known = traits(config, environment(), state)
    found = report(plan, lines, ended(lines), known)
    found = replace(found, notes=(*found.notes, *_origins(logs)))
    results.write_report(state, found)
    return found


def _origins(logs: Sequence[Log]) -> list[str]:
    broken = [log for log in logs if log.status != "success"]
    told = [
        f"{log.file} says that it ended with `{log.status[:40]}`: samples may be missing" for log in broken
    ]
    return told + [f"imported {log.file}, SHA-256 {log.digest}" for log in logs]


def _with_costs(state: Path, samples: Sequence[Sample]) -> list[Sample]:
    """What an exchange on this ledger cost, for samples that name one."""
    moments = [int(one.exchange[_ID_MS], 16) for one in samples if one.exchange]
    if not moments or not (state / "ledger.sqlite").exists():
        return list(samples)
    spent = {one.id: one.cost_usd for one in between(state, min(moments), max(moments) + 1)}
    return [
        replace(one, cost_usd=spent.get(one.exchange)) if one.cost_usd is None else one for one in samples
    ]


def _has_inspect(python: str) -> None:
    try:
        command = [python, "-c", "import inspect_ai"]
        there = subprocess.run(command, capture_output=True, check=False).returncode == 0  # noqa: S603
    except OSError:
        there = False
    if not there:
        remedy = "Install `freehold[inspect]`, or name an interpreter that has it with --python."
        raise ConfigError(f"{python} has no Inspect AI", remedy=remedy)


def _is_up(url: str) -> None:
    where = urlsplit(url)
    kind = http.client.HTTPSConnection if where.scheme == "https" else http.client.HTTPConnection
    try:
        connection = kind(where.hostname or "", where.port, timeout=10)
        connection.request("GET", f"{where.path}/models")
        connection.getresponse().read()
        connection.close()
    except (OSError, http.client.HTTPException, ValueError) as error:
        remedy = "Start it with `freehold up`, or name another with --url."
        raise Stop(
            CANNOT_SERVE, FreeholdError(f"no gateway answers at {url}: {error}", remedy=remedy)
        ) from None
