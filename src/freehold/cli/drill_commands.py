"""The arguments of `freehold drill`."""

from freehold.cli.commands import Command
from freehold.cli.rehearse_commands import REHEARSE, STOP
from freehold.cli.simulate_commands import SIMULATE, TRAFFIC

DRILL = Command(
    "drill",
    "",
    "what if: lose a provider, a country or a licence on purpose",
    "freehold drill rehearse one-provider --alias fast --requests 100",
    commands=(TRAFFIC, SIMULATE, REHEARSE, STOP),
)
