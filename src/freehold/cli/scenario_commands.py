"""The arguments of `freehold drill list|show|due` and of `freehold independence`."""

from freehold.cli.commands import CONFIG, JSON, Command, argument

_SINCE = argument(
    "--from", dest="since", metavar="DAY", help="with the traffic from this day on, UTC (default: 30 days)"
)
LIST = Command(
    "list",
    "scenarios:listing",
    "the scenarios that come along and your own, and when each was drilled last",
    "freehold drill list",
    (CONFIG, JSON),
)
SHOW = Command(
    "show",
    "scenarios:show",
    "what a scenario hits in this configuration, and who is left for each alias",
    "freehold drill show us-apis-gone",
    (
        argument("scenario", metavar="SCENARIO", help="a name that `freehold drill list` shows, or a file"),
        _SINCE,
        CONFIG,
        JSON,
    ),
)
DUE = Command(
    "due",
    "scenarios:due",
    "the scenarios that were never drilled, or too long ago; exit code 1 where there is one",
    "freehold drill due",
    (CONFIG, JSON),
)
INDEPENDENCE = Command(
    "independence",
    "independence:run",
    "on how many independent parents, clouds, countries and models each alias stands, and what a loss leaves",
    "freehold independence --from 2026-11-01",
    (_SINCE, CONFIG, JSON),
)
