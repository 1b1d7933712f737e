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

OWN = Command(
    "own",
    "",
    "from internal data to an own model: corpus, train, evaluate, publish, promote",
    "freehold own corpus runs/assistant",
    commands=(_INIT,),
)
