"""The arguments of `freehold own`."""

from freehold.cli.commands import CONFIG, JSON, Command, argument

RUN = argument("run", metavar="RUN", help="the run's folder, with its plan in own.toml")
OF_RUN = (RUN, CONFIG, JSON)

_INIT = Command(
    "init",
    "own_init:run",
    "make a run's folder, with a plan that explains itself",
    "freehold own init runs/assistant --recipe text",
    (
        RUN,
        argument(
            "--recipe",
            required=True,
            choices=("text", "adapt", "genome", "predict"),
            help="what kind of model it becomes",
        ),
        argument("--name", metavar="NAME", help="the model becomes own/NAME (default: the folder's name)"),
        argument(
            "--licence",
            default="proprietary",
            metavar="SPDX",
            help="of the weights (default: proprietary)",
        ),
        JSON,
    ),
)
_CORPUS = Command(
    "corpus",
    "own_corpus:run",
    "gather what a run's model is to learn from: cleaned, tested, split and told in a card",
    "freehold own corpus runs/assistant --reason 'the support assistant, approved on Monday'",
    (
        RUN,
        argument(
            "--reason", metavar="TEXT", help="with exchanges: why they are opened; it goes on the ledger"
        ),
        CONFIG,
        JSON,
    ),
)
_TRAIN = Command(
    "train",
    "own_train:run",
    "train a run's model on its corpus, or go on where that was ended",
    "freehold own train runs/assistant   # many GPUs: torchrun --nproc-per-node 8 -m freehold own train RUN",
    (RUN, JSON),
)
_EVALUATE = Command(
    "evaluate",
    "own_evaluate:run",
    "measure a run's model on what was held out, beside its baselines and who it would replace",
    "freehold own evaluate runs/assistant",
    OF_RUN,
)
_SEQUENCES = argument("sequences", metavar="FASTA", help="the sequences, also gzipped")
_BASES = Command(
    "bases",
    "own_genome:bases",
    "with a model of DNA: write the bits of every base of some sequences to a file",
    "freehold own bases runs/coli plasmid.fa --to bases.tsv.gz",
    (
        RUN,
        _SEQUENCES,
        argument("--to", required=True, metavar="FILE", help="by its name a .tsv, .tsv.gz or .npz"),
        JSON,
    ),
)
_SUBSTITUTIONS = Command(
    "substitutions",
    "own_genome:substitutions",
    "with a model of DNA: how much less likely a substitution makes what lies around it",
    "freehold own substitutions runs/coli plasmid.fa changes.tsv",
    (
        RUN,
        _SEQUENCES,
        argument(
            "substitutions",
            metavar="FILE",
            help="one a line: the sequence's name, a tab and 123A>T; or 123A>T",
        ),
        JSON,
    ),
)
_PUBLISH = Command(
    "publish",
    "own_publish:run",
    "pack a run's model for its engine, sign it, put its digests on the ledger and register it",
    "freehold own publish runs/assistant",
    OF_RUN,
)
_VERIFY = Command(
    "verify",
    "own_publish:verify",
    "see that a published model is what was signed, no file changed, missing or added",
    "freehold own verify runs/assistant/publish --key publisher.pub",
    (
        argument("folder", metavar="FOLDER", help="RUN/publish, or a copy of it"),
        argument("--key", metavar="FILE", help="the publisher's public key (default: the one in the state)"),
        CONFIG,
        JSON,
    ),
)
_SERVE = Command(
    "serve",
    "own_serve:run",
    "serve the published models on this machine, each behind an engine of its own that is watched",
    "freehold own serve",
    (CONFIG, JSON),
)
_RUN = Command(
    "run",
    "own_run:run",
    "all of a run's stages in a row: corpus, train, evaluate, publish; each is skipped where it is done",
    "freehold own run runs/assistant",
    (
        RUN,
        argument(
            "--reason", metavar="TEXT", help="with exchanges: why they are opened; it goes on the ledger"
        ),
        CONFIG,
    ),
)
_PROMOTE = Command(
    "promote",
    "own_promote:run",
    "take a published model one step on at its alias, where the evidence allows it, or back",
    "freehold own promote runs/assistant --reason 'agreed on Monday'",
    (
        RUN,
        argument(
            "--to",
            default="",
            choices=("off", "shadow", "canary", "default"),
            help="a stage (default: the next one); back is always possible, and no step on is skipped",
        ),
        argument("--reason", metavar="WHY", help="kept on the ledger beside who ran this"),
        CONFIG,
        JSON,
    ),
)
_STATUS = Command(
    "status",
    "own_promote:status",
    "where each own model stands, and what evidence its next step lacks",
    "freehold own status",
    (
        argument("model", nargs="?", metavar="NAME", help="one of them, with its evidence (default: all)"),
        CONFIG,
        JSON,
    ),
)

OWN = Command(
    "own",
    "",
    "from internal data to an own model: corpus, train, evaluate, publish, promote",
    "freehold own corpus runs/assistant",
    commands=(
        _INIT,
        _RUN,
        _CORPUS,
        _TRAIN,
        _EVALUATE,
        _BASES,
        _SUBSTITUTIONS,
        _PUBLISH,
        _VERIFY,
        _SERVE,
        _PROMOTE,
        _STATUS,
    ),
)
