"""`freehold own`: the stages of a run, each a function of its plan."""

from argparse import Namespace


def corpus(args: Namespace) -> int:
    raise NotImplementedError


def train(args: Namespace) -> int:
    raise NotImplementedError
