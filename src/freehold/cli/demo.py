"""`freehold demo`: the main job on real requests, told so that a newcomer can follow, and checked as it is told."""

import json
import shlex
import signal
import sys
import time
from argparse import Namespace
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from urllib.parse import urlsplit

from freehold.cli.demo_callers import import_ahead
from freehold.cli.demo_page import BOLD, RED, Page
from freehold.cli.demo_scenery import ALIAS, PROVIDERS
from freehold.cli.demo_stage import CONSOLE, ENDINGS, GATEWAY, Stage
from freehold.cli.demo_story import NotShown, Story
from freehold.cli.output import OK, PROBLEMS
from freehold.vocabulary.endpoint import Dialect

WATCH_S = 0.3
OPENING = (
    "Running here: a gateway, and three sparring providers, whose words are made up. Everything else is real."
)
NEXT = (
    ("next", "freehold demo --stay                  the same, and then it is yours to try"),
    ("", "freehold init, then freehold up       serve the keys and model servers that are here"),
)


def run(args: Namespace, stage_type: type[Stage] = Stage) -> int:
    """Tell the story; 1 if a scene does not hold. With --stay, keep everything running until interrupted."""
    began = time.monotonic()
    import_ahead()
    page = Page.on(sys.stdout)
    with _ended_by_signals(), stage_type() as stage:
        code = _perform(page, stage, began)
        staying = args.stay and code == OK
        if staying:
            code = _stay(page, stage)
        elif code == OK:
            page.facts(NEXT)
    if staying:
        page.line("\nended; nothing is left behind")
    return code


def _perform(page: Page, stage: Stage, began: float) -> int:
    _open(page, stage)
    story = Story(stage, page)
    try:
        story.tell()
    except NotShown as missed:
        page.line(f"\nNOT SHOWN: {missed}", RED)
        page.line(stage.log(GATEWAY))
        return PROBLEMS
    took_s = time.monotonic() - began
    page.line(f"\n{story.summary()}, {took_s:.1f} seconds. Every scene was checked.", BOLD)
    return OK


def _open(page: Page, stage: Stage) -> None:
    page.paragraph(OPENING)
    speaks = {Dialect.CHAT: "OpenAI's dialect", Dialect.MESSAGES: "Anthropic's dialect"}
    rows = [
        (one.name, stage.address(one), f"offers {one.model}, speaks {speaks[one.dialect]}")
        for one in PROVIDERS
    ]
    pool = ", then ".join(one.endpoint for one in PROVIDERS)
    page.rows([*rows, (GATEWAY, urlsplit(stage.url).netloc, f"`{ALIAS}` is {pool}")])


def _stay(page: Page, stage: Stage) -> int:
    url, token = stage.open_console()
    page.line("\nEverything keeps running, for you to try:", BOLD)
    page.facts([("console", f"{url} shows all of it on web pages; sign in with {token}"), *_to_try(stage)])
    try:
        while stage.running():
            time.sleep(WATCH_S)
    except KeyboardInterrupt:
        return OK
    page.line(f"the gateway ended by itself: {stage.log(GATEWAY)}", RED)
    return PROBLEMS


def _to_try(stage: Stage) -> Iterator[tuple[str, str]]:
    north, messages = PROVIDERS[0], [{"role": "user", "content": "Hello"}]
    body, fault = json.dumps({"model": ALIAS, "messages": messages}), json.dumps({"fault": "refusal"})
    headers = ("-H", f"authorization: Bearer {stage.key}", "-H", "content-type: application/json")
    pids = ", ".join(
        f"{name} {stage.pid(name)}" for name in (GATEWAY, CONSOLE, *(one.name for one in PROVIDERS))
    )
    asked = f'model="{ALIAS}", messages={json.dumps(messages)}'
    yield "curl", shlex.join(("curl", "-i", f"{stage.url}/v1/chat/completions", *headers, "-d", body))
    yield "OpenAI", f'client = openai.OpenAI(base_url="{stage.url}/v1", api_key="{stage.key}")'
    yield "", f"client.chat.completions.create({asked})"
    yield "Anthropic", f'client = anthropic.Anthropic(base_url="{stage.url}", api_key="{stage.key}")'
    yield "", f"client.messages.create({asked}, max_tokens=200)"
    yield "fault", shlex.join(("curl", f"http://{stage.address(north)}/sparring", "-d", fault))
    yield "", 'the other faults: freehold sparring --list; "ok" ends them'
    yield "kill", f"kill -9 {stage.pid(north.name)}"
    yield "ledger", shlex.join(("freehold", "ledger", "tail", "--follow", "--config", str(stage.config)))
    yield "stop", f"Ctrl-C ends everything (processes: {pids})"


@contextmanager
def _ended_by_signals() -> Iterator[None]:
    """Any signal that would end us is an interrupt, so that everything is put away first."""

    def interrupt(number: int, _: FrameType | None) -> None:
        raise KeyboardInterrupt

    heeded = [number for number in ENDINGS if signal.getsignal(number) is not signal.SIG_IGN]
    before = {number: signal.signal(number, interrupt) for number in heeded}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
