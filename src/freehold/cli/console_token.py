"""`freehold console token`: the tokens to sign in to the console with. Imports nothing of its pages."""

from argparse import Namespace

from freehold.cli.as_json import print_json
from freehold.cli.output import OK, table
from freehold.cli.settings import state_dir
from freehold.console.tokens import Tokens


def token(args: Namespace) -> int:
    """Make a token, end one, or list them. Only its text goes to stdout."""
    tokens = Tokens(state_dir(args))
    if args.list:
        rows = [(one.name, one.role) for one in tokens.listed().values()]
        if args.json:
            print_json([{"name": name, "role": role} for name, role in rows])
        else:
            print(*table(("NAME", "ROLE"), rows), sep="\n")
    elif args.end:
        ended = tokens.end(args.name)
        print(f"ended the token of {ended.name} ({ended.role}); whoever signed in with it is signed out")
    else:
        text = tokens.make(args.name, args.role)
        print_json({"name": args.name, "role": args.role, "token": text}) if args.json else print(text)
    return OK
