"""The arguments of `freehold drill` and of `freehold independence`."""

from freehold.cli.commands import CONFIG, JSON, Command, argument

_SCENARIO = argument(
    "scenario", metavar="SCENARIO", help="a name that `freehold drill list` shows, or a file"
)
_SINCE = argument(
    "--from", dest="since", metavar="DAY", help="with the traffic from this day on, UTC (default: 30 days)"
)
_LEDGER = argument("--ledger", metavar="DIR", help="the ledger there (default: the configuration's)")
_BODIES = (
    _LEDGER,
    argument(
        "--bodies", action="store_true", help="look at sealed bodies too, for what does not move elsewhere"
    ),
    argument("--reason", metavar="TEXT", help="with --bodies: why they are opened; it goes on the ledger"),
    CONFIG,
    JSON,
)

_LIST = Command(
    "list",
    "scenarios:listing",
    "the scenarios that come along and your own, and when each was drilled last",
    "freehold drill list",
    (CONFIG, JSON),
)
_SHOW = Command(
    "show",
    "scenarios:show",
    "what a scenario hits in this configuration, and who is left for each alias",
    "freehold drill show us-apis-gone",
    (_SCENARIO, _SINCE, CONFIG, JSON),
)
_DUE = Command(
    "due",
    "scenarios:due",
    "the scenarios that were never drilled, or too long ago; exit code 1 where there is one",
    "freehold drill due",
    (CONFIG, JSON),
)
_TRAFFIC = Command(
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
_SIMULATE = Command(
    "simulate",
    "drill_simulate:run",
    "what a period would have been without them: the recorded traffic, decided again",
    "freehold drill simulate biggest-parent-and-its-cloud --from 2026-11-01 --save",
    (
        _SCENARIO,
        argument("--from", dest="since", metavar="DAY", help="from this day on, UTC (default: all)"),
        argument("--to", dest="until", metavar="DAY", help="up to and with this day (default: now)"),
        _LEDGER,
        argument("--save", action="store_true", help="keep it for `freehold drill report`"),
        CONFIG,
        JSON,
    ),
)
_REHEARSE = Command(
    "rehearse",
    "rehearse:run",
    "lose it for real, on the gateway that is running, for a while",
    "freehold drill rehearse us-apis-gone --alias fast --requests 200 --for 60s",
    (
        _SCENARIO,
        argument("--share", type=float, metavar="SHARE", help="of all requests, 0 to 1, for real"),
        argument(
            "--shadow",
            type=float,
            metavar="SHARE",
            help="of all requests, copied once their callers have their answers",
        ),
        argument("--requests", type=int, metavar="N", help="test requests of its own, and no others"),
        argument("--tasks", metavar="FILE", help="test requests with known answers, as for `freehold bench`"),
        argument("--alias", metavar="NAME", help="what test requests ask for"),
        argument("--key-env", metavar="NAME", help="the variable with the key that test requests show"),
        argument("--before", default="10s", metavar="TIME", help="without the fault (default: 10s)"),
        argument(
            "--for", dest="lasts", default="60s", metavar="TIME", help="with it, at most (default: 60s)"
        ),
        argument("--after", default="20s", metavar="TIME", help="and without it again (default: 20s)"),
        argument("--abort-failed", metavar="5%", help="break off when more than this share fails"),
        argument("--abort-p95-ms", type=float, metavar="MS", help="or 95 of 100 answers take longer"),
        argument("--abort-usd", type=float, metavar="USD", help="or it has cost more"),
        argument("--yes", action="store_true", help="more than half of all requests may be in it"),
        CONFIG,
        JSON,
    ),
)
_STOP = Command(
    "stop",
    "rehearse:stop",
    "end the rehearsal that is under way, whoever began it",
    "freehold drill stop",
    (CONFIG,),
)
_REPORT = Command(
    "report",
    "drill_report:run",
    "what a drill found, as a page to read or print, and as JSON",
    "freehold drill report us-apis-gone --out exit-plan",
    (
        argument("drill", metavar="ID|SCENARIO", help="a drill's id, or a scenario: its last drill"),
        argument("--out", metavar="DIR", help="where the two files go (default: the drill's own folder)"),
        *_BODIES,
    ),
)
_VERIFY = Command(
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
    ),
)

DRILL = Command(
    "drill",
    "",
    "what if: lose a provider, a country or a licence on purpose",
    "freehold drill rehearse us-apis-gone --alias fast --requests 100",
    commands=(_LIST, _SHOW, _DUE, _TRAFFIC, _SIMULATE, _REHEARSE, _STOP, _REPORT, _VERIFY),
)
INDEPENDENCE = Command(
    "independence",
    "independence:run",
    "on how many independent parents, clouds, countries and models each alias stands, and what a loss leaves",
    "freehold independence --from 2026-11-01",
    (_SINCE, CONFIG, JSON),
)
