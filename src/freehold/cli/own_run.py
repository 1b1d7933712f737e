"""`freehold own run`: a run's stages in a row, up to its publication; what is done from the same is not done again."""

from argparse import Namespace
from importlib import import_module

from freehold.cli.output import OK

STAGES = ("corpus", "train", "evaluate", "publish")


def run(args: Namespace) -> int:
    """Work through the stages; the first that does not end well ends it."""
    for stage in STAGES:
        print(f"{stage}:", flush=True)
        code = int(import_module(f"freehold.cli.own_{stage}").run(Namespace(**vars(args), json=False)))
        if code != OK:
            return code
    print(f"published; `freehold own promote {args.run}` takes it to its alias, where the evidence allows it")
    return OK
