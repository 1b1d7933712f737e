"""`freehold own bases`, `freehold own substitutions`: what a trained model of DNA says of sequences in a file."""

from argparse import Namespace
from pathlib import Path

from freehold.cli.as_json import print_json
from freehold.cli.output import OK, table
from freehold.own.artefact import MODEL
from freehold.own.corpus.sequences import records
from freehold.own.genome import Genome
from freehold.own.genome_tables import effects, read_substitutions, write_bases


def bases(args: Namespace) -> int:
    """Write the bits of each base, given what precedes it, to a file."""
    genome = _genome(args)
    written = write_bases(Path(args.to), genome, records(Path(args.sequences)))
    if args.json:
        print_json({"bases": written, "file": args.to})
    else:
        print(f"wrote {args.to}: {written:,} bases")
    return OK


def substitutions(args: Namespace) -> int:
    """Print how much likelier, or less likely, each substitution makes what lies around it."""
    rows = list(records(Path(args.sequences)))
    wanted = read_substitutions(Path(args.substitutions), rows)
    found = [(name, str(one), ratio) for name, one, ratio in effects(_genome(args), rows, wanted)]
    if args.json:
        keys = ("sequence", "substitution", "log2_likelihood_ratio")
        print_json([dict(zip(keys, one, strict=True)) for one in found])
    else:
        head = ("sequence", "substitution", "log2 likelihood ratio")
        print("\n".join(table(head, [(name, one, f"{ratio:+.3f}") for name, one, ratio in found])))
    return OK


def _genome(args: Namespace) -> Genome:
    return Genome.load(Path(args.run) / "train" / MODEL)
