"""The table of the commands of the console."""

import argparse

from freehold.cli.commands import CONFIG, JSON, Command, argument

CONSOLE = Command(
    "console",
    "console:run",
    "see all of it on web pages, also while no gateway runs",
    "freehold console   # `freehold up` serves the same pages beside the gateway",
    (
        argument("--port", type=int, metavar="N", help="on 127.0.0.1; 0: a free one (default: console.port)"),
        argument("--beside", type=int, help=argparse.SUPPRESS),  # for `up`: the socket that it listens on
        CONFIG,
        JSON,
    ),
    (
        Command(
            "token",
            "console_token:token",
            "make a token to sign in with, and show it once",
            "freehold console token --name ana --role viewer",
            (
                argument("--name", default="admin", help="who holds it; an earlier one of this name ends"),
                argument(
                    "--role",
                    choices=("viewer", "operator", "admin"),
                    default="admin",
                    help="what they may do: look; also run drills; also make and end keys (default: admin)",
                ),
                argument("--end", action="store_true", help="end the token of that name"),
                argument("--list", action="store_true", help="list the tokens"),
                CONFIG,
                JSON,
            ),
        ),
    ),
)
