"""Which configuration a command works with, and where its state lies."""

from argparse import Namespace
from dataclasses import replace
from importlib import import_module
from pathlib import Path

from freehold.catalog.resolve import Resolution, resolve_all
from freehold.cli.output import USAGE, Stop
from freehold.config.environment import Environment, config_path, environment
from freehold.config.load import Loaded, load_all
from freehold.config.schema import Config
from freehold.console.settings import lacking
from freehold.console.settings import problems as console_problems
from freehold.vocabulary.errors import ConfigError


def configured(args: Namespace, env: Environment) -> Path | None:
    """The configuration file to use, if there is one."""
    return Path(args.config) if args.config else config_path(env)


def resolution(loaded: Loaded | list[ConfigError], env: Environment) -> Resolution:
    """What a configuration comes to; its problems if it cannot even be read."""
    if not isinstance(loaded, Loaded):
        return Resolution(None, tuple(loaded), ())
    found = resolve_all(loaded.config, env, loaded.document)
    console = loaded.config.console
    if problems := tuple(console_problems(console, loaded.document)):
        return Resolution(None, (*found.errors, *problems), found.warnings)
    if console.oidc is not None and (warning := lacking(console.oidc, env, loaded.document)):
        found = replace(found, warnings=(*found.warnings, warning))
    if loaded.config.ledger.witnesses:  # only then is their cryptography worth its loading
        asking = import_module("freehold.ledger.asking")
        if problems := tuple(asking.witness_problems(loaded.config.ledger, loaded.document)):
            return Resolution(None, (*found.errors, *problems), found.warnings)
    return found


def config_of(args: Namespace) -> Config:
    """The configuration; what holds without one where there is none."""
    path = configured(args, environment())
    if path is None:
        return Config()
    return read_or_stop(load_all(path)).config


def read_or_stop(loaded: Loaded | list[ConfigError]) -> Loaded:
    """A configuration that was read; ends the command, with every problem, where it could not be."""
    if isinstance(loaded, Loaded):
        return loaded
    raise Stop(USAGE, *loaded)


def state_dir(args: Namespace) -> Path:
    """Where keys and ledger lie; without a configuration, where `freehold up` puts them when it has none."""
    return config_and_state(args)[1]


def config_and_state(args: Namespace) -> tuple[Config, Path]:
    """The configuration, and where keys and ledger lie."""
    config = config_of(args)
    return config, Path(config.state_dir).absolute()
