"""The arguments of `freehold own`."""

from freehold.cli.commands import CONFIG, JSON, Command, argument

RUN = argument("run", metavar="RUN", help="the run's folder, with its plan in own.toml")
OF_RUN = (RUN, CONFIG, JSON)

OWN = Command(
    "own",
    "",
    "from internal data to an own model: corpus, train, evaluate, publish, promote",
    "freehold own corpus runs/assistant",
)
