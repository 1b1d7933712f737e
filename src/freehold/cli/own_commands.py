"""The arguments of `freehold own`."""

from freehold.cli.commands import CONFIG, JSON, Command, argument

_RUN = argument("run", metavar="RUN", help="the run's folder, with its plan in own.toml")
_OF_RUN = (_RUN, CONFIG, JSON)


def _stage(name: str, help_: str) -> Command:
    return Command(name, f"own:{name}", help_, f"freehold own {name} runs/assistant", _OF_RUN)


OWN = Command(
    "own",
    "",
    "from internal data to an own model: corpus, train, evaluate, publish, promote",
    "freehold own corpus runs/assistant",
    (),
    (
        _stage("corpus", "gather, clean and split what the model learns from, and write its data card"),
        _stage("train", "train it; goes on where it was ended"),
    ),
)
