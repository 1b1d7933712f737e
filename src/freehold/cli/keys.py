"""`freehold keys`: make, list and end the keys that applications show to this gateway."""

import sys
from argparse import Namespace

import msgspec

from freehold.cli.as_json import print_json, print_result
from freehold.cli.output import OK, table
from freehold.cli.settings import config_of, state_dir
from freehold.config import clock
from freehold.gateway.key_terms import ending_ms, known_class
from freehold.gateway.keys import Key, KeyStore

_HEAD = ("ID", "APPLICATION", "ALIASES", "DATA CLASS", "CREATED (UTC)", "ENDS (UTC)", "STATE")


def create(args: Namespace) -> int:
    """Make a key. Only its text goes to stdout, so that a script can take it; it is never shown again."""
    now_ms = clock.now_ms()
    expires_ms = ending_ms(args.expires, now_ms) if args.expires else None
    data_class = known_class(args.data_class, config_of(args).data_classes)
    store = KeyStore(state_dir(args))
    key, secret = store.create(args.name, tuple(args.alias or ()), expires_ms, data_class)
    if args.json:
        print_json(msgspec.to_builtins(key) | {"key": secret})
        return OK
    print(*table(_HEAD, [_row(key, now_ms)]), sep="\n", file=sys.stderr)
    print("\nthe key itself, which is not stored and cannot be shown again:", file=sys.stderr)
    print(secret)
    return OK


def listing(args: Namespace) -> int:
    """List all keys, also those that have ended; their text is not stored."""
    keys, now_ms = KeyStore(state_dir(args)).list(), clock.now_ms()
    print_result(args, keys, table(_HEAD, [_row(key, now_ms) for key in keys]))
    return OK


def revoke(args: Namespace) -> int:
    """End a key, or all keys of an application; a running gateway notices within seconds."""
    ended = KeyStore(state_dir(args)).revoke(args.id)
    for key in ended:
        print(f"revoked {key.id} of {key.name}")
    if not ended:
        print(f"{args.id} was revoked before")
    return OK


def _row(key: Key, now_ms: int) -> tuple[str, ...]:
    aliases = ", ".join(key.aliases) or "all"
    ends = "never" if key.expires_ms is None else _moment(key.expires_ms)
    data_class = key.data_class or "-"
    return key.id, key.name, aliases, data_class, _moment(key.created_ms), ends, key.state(now_ms)


def _moment(at_ms: int) -> str:
    return clock.utc(at_ms).strftime("%Y-%m-%d %H:%M")
