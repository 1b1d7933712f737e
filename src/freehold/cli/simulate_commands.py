"""The arguments of `freehold drill simulate` and `freehold drill traffic`."""

from freehold.cli.commands import CONFIG, JSON, Command, argument

_LEDGER = argument("--ledger", metavar="DIR", help="the ledger there (default: the configuration's)")

SIMULATE = Command(
    "simulate",
    "drill_simulate:run",
    "what a period would have been without them: the recorded traffic, decided again",
    "freehold drill simulate biggest-parent-and-its-cloud --from 2026-11-01 --save",
    (
        argument("scenario", metavar="SCENARIO", help="a name that `freehold drill list` shows, or a file"),
        argument("--from", dest="since", metavar="DAY", help="from this day on, UTC (default: all)"),
        argument("--to", dest="until", metavar="DAY", help="up to and with this day (default: now)"),
        _LEDGER,
        argument("--save", action="store_true", help="keep it for `freehold drill report`"),
        CONFIG,
        JSON,
    ),
)
TRAFFIC = Command(
    "traffic",
    "drill_traffic:run",
    "invent traffic on a ledger of its own, for who has none yet",
    "freehold drill traffic --into example --exchanges 100000 --days 30",
    (
        argument("--into", required=True, metavar="DIR", help="where the ledger is written; a new folder"),
        argument("--exchanges", type=int, default=100_000, metavar="N", help="how many (default: 100000)"),
        argument("--days", type=int, default=30, metavar="D", help="in how many days (default: 30)"),
        argument("--seed", type=int, default=0, metavar="S", help="of all that is drawn (default: 0)"),
        argument(
            "--config",
            metavar="FILE",
            help="whose aliases and applications (default: as elsewhere; without one, an invented company)",
        ),
    ),
)
