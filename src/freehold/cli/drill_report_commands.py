"""The arguments of `freehold drill report` and `freehold drill verify`."""

from freehold.cli.commands import CONFIG, JSON, Argument, Command, argument

_BODIES: tuple[Argument, ...] = (
    argument("--ledger", metavar="DIR", help="the ledger there (default: the configuration's)"),
    argument(
        "--bodies", action="store_true", help="look at sealed bodies too, for what does not move elsewhere"
    ),
    argument("--reason", metavar="TEXT", help="with --bodies: why they are opened; it goes on the ledger"),
)

REPORT = Command(
    "report",
    "drill_report:run",
    "what a drill found, as a page to read or print, and as JSON",
    "freehold drill report us-apis-gone --out exit-plan",
    (
        argument("drill", metavar="ID|SCENARIO", help="a drill's id, or a scenario: its last drill"),
        argument("--out", metavar="DIR", help="where the two files go (default: the drill's own folder)"),
        *_BODIES,
        CONFIG,
        JSON,
    ),
)
VERIFY = Command(
    "verify",
    "drill_report:run_verify",
    "work every number of a report out again from the ledger",
    "freehold drill verify exit-plan/report.json --ledger copy-of-the-state-directory",
    (
        argument("report", metavar="REPORT", help="a report.json; a page beside it is checked too"),
        argument(
            "--vkey",
            action="append",
            default=[],
            metavar="KEY",
            help="a log's key as you know it; repeatable",
        ),
        *_BODIES,
        CONFIG,
        JSON,
    ),
)
