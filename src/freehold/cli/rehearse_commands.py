"""The arguments of `freehold drill rehearse` and `freehold drill stop`."""

from freehold.cli.commands import CONFIG, JSON, Command, argument

REHEARSE = Command(
    "rehearse",
    "rehearse:run",
    "lose it for real, on the gateway that is running, for a while",
    "freehold drill rehearse us-apis-gone --alias fast --requests 200 --for 60s",
    (
        argument("scenario", metavar="SCENARIO", help="a name that `freehold drill list` shows, or a file"),
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
STOP = Command(
    "stop",
    "rehearse:stop",
    "end the rehearsal that is under way, whoever began it",
    "freehold drill stop",
    (CONFIG,),
)
