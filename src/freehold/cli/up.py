"""`freehold up`: serve a configuration, or whatever can be served here."""

from argparse import Namespace
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar

import msgspec

from freehold.catalog.resolve import Resolved
from freehold.cli.as_json import print_json
from freehold.cli.beside import console_lines, console_told, shown
from freehold.cli.given import Given, given
from freehold.cli.output import OK, USAGE, Stop, progress, table, tell
from freehold.cli.settings import resolution
from freehold.config.document import Document
from freehold.config.environment import Environment, environment, is_loopback
from freehold.config.load import Loaded
from freehold.config.schema import Console, Server
from freehold.console.child import Child, listen
from freehold.console.tokens import Tokens
from freehold.gateway.keys import KeyStore
from freehold.gateway.reach import reach
from freehold.gateway.rulebook import Rulebook, rulebook, rulebook_problems
from freehold.gateway.server import serve
from freehold.gateway.snapshot import Snapshot
from freehold.vocabulary.errors import ConfigError, FreeholdError

Settings = TypeVar("Settings", Server, Console)


def run(args: Namespace) -> int:
    """Serve until told to stop; the exit code is the server's."""
    found = given(args, environment())
    resolved, document = _resolved(found.loaded, args, environment())
    state = Path(resolved.config.state_dir)
    rules = _rules(resolved, state, document)
    asks_for_keys = _asks_for_keys(resolved.config.server, state)
    with ExitStack() as waiting, ExitStack() as beside:
        if resolved.config.server.workers == 1:  # more are forked, which a ticking thread must not see
            waiting.enter_context(progress("starting; taking in what was not yet recorded"))

        def ready(url: str) -> None:
            waiting.close()
            child = _console(found, resolved.config.console.port, url)
            said = None if child is None else console_told(child.url, Tokens(state).first())
            announce = _announce_as_json if args.json else _announce
            announce(url, resolved, rules, asks_for_keys=asks_for_keys, console=said)
            if child is not None:
                beside.callback(child.stop)

        return serve(resolved, rules, state=state, on_ready=ready)


def _console(found: Given, port: int, gateway: str) -> Child | None:
    """The console beside the gateway; where it cannot be, a warning, and the gateway serves without it."""
    if port == 0:
        return None
    try:
        return Child(listen(port), shown(found, gateway))
    except OSError as error:
        remedy = "Give it another port with --console-port, or 0 for none."
        tell(OK, FreeholdError(f"there is no console: {error.strerror}", remedy=remedy), word="warning")
        return None


def _rules(resolved: Resolved, state: Path, document: Document) -> Rulebook:
    """The policies and facts that the configuration names; ends the command where they cannot be used."""
    if found := list(rulebook_problems(resolved.config, state, document)):
        raise Stop(USAGE, *found)
    return rulebook(resolved.config, state)


def _resolved(loaded: Loaded, args: Namespace, env: Environment) -> tuple[Resolved, Document]:
    loaded = _overridden(loaded, args)
    result = resolution(loaded, env)
    tell(OK, *result.warnings, word="warning")
    if result.resolved is None:
        raise Stop(USAGE, *result.errors)
    return result.resolved, loaded.document


def _overridden(loaded: Loaded, args: Namespace) -> Loaded:
    """What the command line says wins over the file, within the same bounds."""
    server, console = loaded.config.server, loaded.config.console
    try:
        server = _with(server, {name: getattr(args, name) for name in ("host", "port", "workers")})
        console = _with(console, {"port": args.console_port}, "console-")
    except ConfigError as error:
        raise Stop(USAGE, error) from None
    return Loaded(msgspec.structs.replace(loaded.config, server=server, console=console), loaded.document)


def _with(settings: Settings, said: Mapping[str, object], prefix: str = "") -> Settings:
    given = {name: value for name, value in said.items() if value is not None}
    try:
        return msgspec.convert(msgspec.structs.asdict(settings) | given, type(settings), from_attributes=True)
    except msgspec.ValidationError as error:
        words = str(error).replace("`$.", f"`--{prefix}")
        raise ConfigError(f"the command line: {words}", remedy="See `freehold up --help`.") from None


def _asks_for_keys(server: Server, state: Path) -> bool:
    """Whether applications need a key; ends the command where strangers could come in without one."""
    if server.keys is False:  # which only a loopback address may have; resolving has seen to that
        return False
    if KeyStore(state).list():
        return True
    if server.keys is None and is_loopback(server.host):
        return False
    why = "server.keys is true" if server.keys else f"{server.host} can be reached from other machines"
    raise Stop(
        USAGE,
        ConfigError(
            f"{why}, and there is no key yet",
            remedy="Run `freehold keys create NAME` first, or listen on 127.0.0.1 without `keys = true`.",
        ),
    )


def _announce_as_json(
    url: str,
    resolved: Resolved,
    rules: Rulebook,
    *,
    asks_for_keys: bool,
    console: Mapping[str, object] | None,
) -> None:
    """One line, so that whoever started the gateway can read when it is ready, and where."""
    print_json(
        {
            "url": url,
            "asks_for_keys": asks_for_keys,
            "aliases": {name: [endpoint.id for endpoint in pool] for name, pool in resolved.pools.items()},
            "policy": rules.label,
            "shadow": [policy.label for policy in rules.shadow],
            "facts": rules.knowledge.digest,
            "allowed": _reach(resolved, rules) if rules.enforced else None,
            "console": console,
        },
        indent=-1,
    )


def _announce(
    url: str,
    resolved: Resolved,
    rules: Rulebook,
    *,
    asks_for_keys: bool,
    console: Mapping[str, object] | None,
) -> None:
    rows = [(name, ", then ".join(endpoint.id for endpoint in pool)) for name, pool in resolved.pools.items()]
    print(*table(("ALIAS", "ANSWERED BY"), rows), "", *_governed(resolved, rules), sep="\n")
    keys = "asks for a key" if asks_for_keys else "asks for no key"
    said = [
        f"\nlistening on {url} ({keys})",
        f"base URL for OpenAI clients {url}/v1, for Anthropic's {url}",
        *([] if console is None else console_lines(console)),
    ]
    print(*said, sep="\n", flush=True)


def _governed(resolved: Resolved, rules: Rulebook) -> Iterator[str]:
    """What is in force, and what it leaves."""
    for policy in rules.shadow:
        yield f"in shadow, deciding nothing: {policy.label}"
    if not rules.enforced:
        yield "no policy is enforced: every application may send anything to every endpoint of its aliases"
        return
    for policy in rules.enforced:
        yield f"enforced: {policy.label}" + (f", {policy.about}" if policy.about else "")
    yield "how many endpoints may be asked, by data class:"
    pools = resolved.pools
    counts = _reach(resolved, rules)
    words = list(next(iter(counts.values()), {}))
    rows = [
        (name, *(f"{of_class[word]} of {len(pools[name])}" for word in words))
        for name, of_class in counts.items()
    ]
    yield from table(("ALIAS", *((word or "none said").upper() for word in words)), rows)


def _reach(resolved: Resolved, rules: Rulebook) -> Mapping[str, Mapping[str, int]]:
    return reach(Snapshot(rules, resolved, datetime.now(UTC)), resolved)
