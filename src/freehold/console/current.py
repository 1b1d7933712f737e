"""The configuration, the policies and the facts as they are on disk now, read again when a file has changed."""

import logging
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from threading import Lock
from typing import TypeVar

from freehold.catalog.resolve import Resolved, keyless
from freehold.config.environment import environment
from freehold.config.load import Loaded, load_all
from freehold.gateway.rulebook import Rulebook, rulebook, signatures, watched
from freehold.vocabulary.errors import ConfigError

Read = TypeVar("Read")

_log = logging.getLogger("freehold.console")


class Current:
    """What the console shows. A file that cannot be used leaves in force what was read before, and is told once."""

    def __init__(self, loaded: Loaded, path: Path | None) -> None:
        """Raises ConfigError for what cannot be used now."""
        self._path, self._lock = path, Lock()
        self._seen = None if path is None else signatures([path])
        self._resolved = _resolved(loaded)
        self.state = Path(self._resolved.config.state_dir).absolute()
        self._rules = rulebook(self._resolved.config, self.state)

    def resolved(self) -> Resolved:
        """The configuration, without keys and addresses of its accounts."""
        with self._lock:
            if self._path is not None and (seen := signatures([self._path])) != self._seen:
                self._seen = seen
                self._resolved = _tried(lambda: _read(self._path, self.state), self._resolved)
            return self._resolved

    def rules(self) -> Rulebook:
        """The policies, and everything known of endpoints."""
        config = self.resolved().config
        with self._lock:
            seen = signatures(watched(config, self.state))
            if seen != self._rules.seen:
                fresh = _tried(lambda: rulebook(config, self.state), self._rules)
                self._rules = replace(fresh, seen=seen)
            return self._rules


def _tried(read: Callable[[], Read], before: Read) -> Read:
    try:
        return read()
    except ConfigError as error:
        _log.error("%s; the console goes on showing what was read before", error)
        return before


def _read(path: Path | None, state: Path) -> Resolved:
    loaded = None if path is None else load_all(path)
    if not isinstance(loaded, Loaded):
        raise loaded[0] if loaded else ConfigError("there is no configuration file")
    resolved = _resolved(loaded)
    if Path(resolved.config.state_dir).absolute() != state:
        raise ConfigError("state_dir is another one now", remedy="Start `freehold up` again.", file=str(path))
    return resolved


def _resolved(loaded: Loaded) -> Resolved:
    """What there is to decide with. Pages send nothing to providers, and so need none of their keys."""
    found = keyless(loaded.config, environment())
    for alias, pool in found.pools.items():
        if len(pool) < len(found.settings[alias].pool):
            said = f"the pool of `{alias}` names an endpoint of no provider"
            raise loaded.document.problem(("aliases", alias), said, "Run `freehold check`: it tells which.")
    return found
