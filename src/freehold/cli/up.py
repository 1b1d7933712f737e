"""`freehold up`: serve a configuration, or whatever can be served here."""

from argparse import Namespace
from collections.abc import Callable
from pathlib import Path

import msgspec

from freehold.catalog.resolve import Resolved
from freehold.cli.init import found_or_stop, summary
from freehold.cli.output import OK, USAGE, Stop, table, tell
from freehold.cli.scaffold import scaffold
from freehold.cli.settings import configured, resolution
from freehold.config.environment import Environment, environment, is_loopback
from freehold.config.load import Loaded, load_all, load_text
from freehold.config.schema import Server
from freehold.vocabulary.errors import ConfigError


def run(args: Namespace) -> int:
    """Serve until told to stop; the exit code is the server's."""
    resolved = _resolved(args, environment())
    state = Path(resolved.config.state_dir)
    asks_for_keys = _asks_for_keys(resolved.config.server, state)
    from freehold.gateway.server import serve

    return serve(resolved, state=state, on_ready=_announcement(resolved, asks_for_keys))


def _resolved(args: Namespace, env: Environment) -> Resolved:
    path = configured(args, env)
    if path is not None:
        loaded = load_all(path)
    else:
        found = found_or_stop(env)
        print(
            "no freehold.toml; serving what is here (`freehold init` writes it down):",
            *summary(found),
            sep="\n",
        )
        loaded = load_text(scaffold(found), "what was found here")
    result = resolution(_overridden(loaded, args), env)
    tell(OK, *result.warnings, word="warning")
    if result.resolved is None:
        raise Stop(USAGE, *result.errors)
    return result.resolved


def _overridden(loaded: Loaded | list[ConfigError], args: Namespace) -> Loaded | list[ConfigError]:
    """What the command line says wins over the file, within the same bounds."""
    given = {
        name: getattr(args, name) for name in ("host", "port", "workers") if getattr(args, name) is not None
    }
    if not given or not isinstance(loaded, Loaded):
        return loaded
    try:
        server = msgspec.convert(msgspec.structs.asdict(loaded.config.server) | given, Server)
    except msgspec.ValidationError as error:
        said = str(error).replace("`$.", "`--")
        return [ConfigError(f"the command line: {said}", remedy="See `freehold up --help`.")]
    return Loaded(msgspec.structs.replace(loaded.config, server=server), loaded.document)


def _asks_for_keys(server: Server, state: Path) -> bool:
    """Whether applications need a key; ends the command where strangers could come in without one."""
    from freehold.gateway.keys import KeyStore

    exists = bool(KeyStore(state).list())
    if server.keys is True or server.keys is None:
        if exists:
            return True
        if not is_loopback(server.host) or server.keys:
            raise Stop(
                USAGE,
                ConfigError(
                    f"{server.host} asks for keys, and there is none yet",
                    remedy="Run `freehold keys create NAME`, or listen on 127.0.0.1 without `keys = true`.",
                ),
            )
    return False


def _announcement(resolved: Resolved, asks_for_keys: bool) -> Callable[[str], None]:
    def announce(url: str) -> None:
        rows = [
            (name, " > ".join(entry.id for entry in pool))
            for name, pool in (
                *resolved.aliases.items(),
                *((f"{prefix}*", pool) for prefix, pool in resolved.globs),
            )
        ]
        print(*table(("ALIAS", "ANSWERED BY"), rows), sep="\n")
        keys = "asks for a key" if asks_for_keys else "asks for no key"
        print(f"\nlistening on {url} ({keys}); base URL for OpenAI clients {url}/v1", flush=True)

    return announce
