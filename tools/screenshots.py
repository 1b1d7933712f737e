"""Pictures of the console's main pages for the documentation: `python -m tools.screenshots [--into docs/images]`.

The pages show two places: the demo, with everything that goes wrong in it, and a company that does not exist, whose
traffic `freehold drill traffic` invents, for what needs more than three providers. Needs Chromium and the extra `demo`.
"""

import argparse
import io
import json
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Literal, NamedTuple

from playwright.sync_api import Browser, expect
from tests.console.browser import browser, indexed, visiting

from freehold.cli.demo_page import Page
from freehold.cli.demo_stage import Stage
from freehold.cli.demo_story import Story
from freehold.cli.settings import state_dir
from freehold.config.environment import environment
from freehold.console.tokens import Tokens
from freehold.ledger.query import tail
from freehold.vocabulary.exchange import Outcome, asked
from tools.small_png import small

BYTES_MAX = 150_000
EXCHANGES = 20_000
KEYS = (
    "OPENAI_API_KEY",
    "ANTHROPIC_API_KEY",
    "MISTRAL_API_KEY",
    "DEEPSEEK_API_KEY",
    "AZURE_OPENAI_API_KEY",
    "AWS_BEARER_TOKEN_BEDROCK",
)
AWAY = "/cutoff?lost=parent:OpenAI+Foundation&lost=parent:Mistral+AI"


class Shot(NamedTuple):
    """One picture."""

    name: str
    path: str
    scheme: Literal["light", "dark"] = "light"
    size: tuple[int, int] = (1280, 860)  # of the window


TALL = (1280, 1180)
OF_DEMO = (Shot("now", "/"), Shot("exchange", "/exchanges/{exchange}"), Shot("audits", "/audits/{audit}"))
OF_COMPANY = (
    Shot("endpoints", "/endpoints"),
    Shot("policy", "/policy"),
    Shot("cutoff", AWAY, size=TALL),
    Shot("cutoff-dark", AWAY, "dark", TALL),
)


def main() -> None:
    """Play the demo, invent a company, and look at both."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--into", type=Path, default=Path("docs/images"))
    into: Path = parser.parse_args().into
    into.mkdir(parents=True, exist_ok=True)
    with Stage() as stage, TemporaryDirectory() as folder:
        Story(stage, Page.on(io.StringIO())).tell()
        company = Path(folder) / "company"
        said("drill", "traffic", "--into", str(company), "--exchanges", str(EXCHANGES), "--days", "7")
        with browser() as opened:
            taken(opened, stage.config, OF_DEMO, into)
            taken(opened, company / "freehold.toml", OF_COMPANY, into)


def taken(opened: Browser, config: Path, shots: Sequence[Shot], into: Path) -> None:
    """Each picture of one place."""
    state = state_dir(argparse.Namespace(config=str(config)))
    with console(config) as url:
        indexed(state)
        gone_over = (
            it.id
            for it in reversed(tail(state, 1_000))
            if it.outcome == Outcome.ANSWERED and it.drill is None and asked(it.attempts) > 1
        )
        audits = (folder.name for folder in sorted((state / "audits").glob("a*")))
        seen = {"exchange": next(gone_over, ""), "audit": next(audits, "")}
        for shot in shots:
            with visiting(opened, url, scheme=shot.scheme) as visit:
                visit.page.set_viewport_size({"width": shot.size[0], "height": shot.size[1]})
                visit.sign_in(Tokens(state).make("screenshots", "admin"))
                page = visit.open(shot.path.format(**seen))
                expect(page.get_by_text("Look again")).to_have_count(0)  # what is being worked out is there
                file = into / f"console-{shot.name}.png"
                size = file.write_bytes(small(page.screenshot(animations="disabled")))
                print(f"{file}: {size} bytes" + (" IS TOO LARGE" if size > BYTES_MAX else ""))


@contextmanager
def console(config: Path) -> Iterator[str]:
    """A console of its own over a configuration; its URL."""
    command = [sys.executable, "-m", "freehold", "console", "--config", str(config), "--port", "0", "--json"]
    env = {**environment(), **dict.fromkeys(KEYS, "none")}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=env) as running:  # noqa: S603 - our own
        try:
            assert running.stdout is not None  # noqa: S101 - it is a pipe
            yield str(json.loads(running.stdout.readline())["url"])
        finally:
            running.terminate()


def said(*words: str) -> None:
    """Run a command of ours that must end well."""
    subprocess.run([sys.executable, "-m", "freehold", *words], check=True)  # noqa: S603 - our own command


if __name__ == "__main__":
    main()
