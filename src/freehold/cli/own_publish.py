"""`freehold own publish|verify`: a model as its users get it, and whether it is still what was published."""

from argparse import Namespace
from collections.abc import Mapping
from pathlib import Path

from freehold.cli.as_json import print_result
from freehold.cli.ledger_bodies import who
from freehold.cli.output import OK, progress
from freehold.cli.settings import config_and_state
from freehold.ledger.ledger import event, noted
from freehold.own.plan import load_plan
from freehold.own.promote.steps import withdraw
from freehold.own.publish import manifest, signing
from freehold.own.publish.publishing import Published, publish
from freehold.own.publish.registry import PROVIDER
from freehold.vocabulary.exchange import Plain


def run(args: Namespace) -> int:
    """Pack, sign and register a run's model."""
    config, state = config_and_state(args)
    folder = Path(args.run)

    def note(kind: str, about: Mapping[str, Plain]) -> None:
        noted(state, config.ledger, event(kind, about))

    with progress("publishing"):
        done = publish(folder, load_plan(folder), state, who(), note)
        withdraw(state, done.entry, who(), note)
    lines = _lines(done)
    if PROVIDER not in config.providers:
        lines.append(
            f"nobody can ask for it yet: write an empty table [providers.{PROVIDER}] into the configuration"
        )
    print_result(args, {"anew": done.anew, "entry": done.entry, "manifest": done.manifest}, lines)
    return OK


def verify(args: Namespace) -> int:
    """See that a published folder is what its publisher signed."""
    folder = Path(args.folder)
    if not (folder / manifest.FILE).exists() and (folder / "publish" / manifest.FILE).exists():
        folder = folder / "publish"
    told = manifest.read(folder)
    public = Path(args.key) if args.key else config_and_state(args)[1] / PROVIDER / signing.PUBLIC
    signing.verify(folder, public)
    key = signing.fingerprint(public)
    print_result(
        args,
        {"model": f"{PROVIDER}/{told.name}", "digest": told.digest, "key": key},
        (
            f"{PROVIDER}/{told.name} is what was signed, no file more or less",
            f"digest: {told.digest}",
            f"key:    {key}",
        ),
    )
    return OK


def _lines(done: Published) -> list[str]:
    told = done.manifest
    size = sum(file.bytes for file in told.files.values())
    lines = [
        f"{done.entry.endpoint}: {len(told.files)} files, {size:,} bytes, served by {done.entry.engine}"
        + ("" if done.anew else "; published before from the same"),
        f"digest: {told.digest}",
    ]
    if told.gguf:
        lines.append(f"GGUF:   {told.gguf}, {told.quantisation}")
    elif told.kind == "language":
        lines.append(f"no GGUF: {told.no_gguf}")
    return [
        *lines,
        f"signed: {done.folder}; `freehold own verify {done.folder}` sees that nothing has changed",
    ]
