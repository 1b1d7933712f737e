"""The arguments of `freehold drill`."""

from freehold.cli.commands import Command
from freehold.cli.drill_report_commands import REPORT, VERIFY
from freehold.cli.rehearse_commands import REHEARSE, STOP
from freehold.cli.scenario_commands import DUE, LIST, SHOW
from freehold.cli.simulate_commands import SIMULATE, TRAFFIC

DRILL = Command(
    "drill",
    "",
    "what if: lose a provider, a country or a licence on purpose",
    "freehold drill rehearse us-apis-gone --alias fast --requests 100",
    commands=(LIST, SHOW, DUE, TRAFFIC, SIMULATE, REHEARSE, STOP, REPORT, VERIFY),
)
