"""A console over a folder in which audits and benches have run, policies are in force, and traffic has passed."""

import asyncio
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from msgspec.structs import replace

from freehold.audits.fleet import fleet_protocol, fleet_report
from freehold.audits.folder import Folder
from freehold.audits.judging import step
from freehold.audits.kinds import same
from freehold.bench.results import Plan, Results, new_id, write_report
from freehold.config.schema import Ledger as Settings
from freehold.ledger.ledger import Ledger
from freehold.vocabulary.exchange import Attempt, Exchange, Finding, Outcome, Refused, Served, Shadow, Usage
from tests.audits.house import audited
from tests.audits.test_running import PROMPTS, SETTINGS, folder_of, told_apart
from tests.bench.test_comparing import drawn, lines, made
from tests.console.site import Site, site
from tests.ledger.ledger_samples import fill

CONFIG = """
state_dir = "state"
[policy]
enforce = ["eu-sovereign", "house.toml"]
shadow = ["zero-retention"]
[catalog]
facts = ["facts.toml"]
[providers.openai]
key_env = "PATH"
[providers.mistral]
key_env = "PATH"
[providers.own]
base_url = "http://127.0.0.1:9/v1"
[applications.claims]
data_class = "personal"
[aliases]
assistant = ["openai/gpt-5", "mistral/mistral-large-latest", "own/llama"]
small = ["openai/gpt-5-mini"]
"any-*" = ["mistral/*"]
"""
POLICY = """
name = "house"
about = "What this house wants beside."
[rules.no-trade-secrets]
deny = "not own and data_class == 'special'"
reason = "<b>our</b> secrets stay here"
[limits.day]
budget_usd_per_day = 20.0
reason = "the month must be enough"
"""
FACT = """
[[fact]]
provider = ["{provider}"]
basis = "contract"
source = "{source}"
read = 2026-10-01
{expires}who = "ana"
why = "<i>signed</i>"
[fact.values]
{values}
"""
FACTS = (
    FACT.format(
        provider="mistral", source="annex B", expires="expires = 2026-11-01\n", values="retention_days = 0"
    )
    + FACT.format(
        provider="own",
        source="https://wiki.example.org/llama",
        expires="",
        values='retention_days = 0\ntrains_on_inputs = false\nparent = "us"\nentity_jurisdiction = "DE"\n'
        'inference_region = "DE"\nstorage_region = "DE"',
    )
    + FACT.format(provider="own", source="another page", expires="", values='parent = "our holding"')
)
AN_HOUR_AGO_MS = time.time_ns() // 1_000_000 - 3_600_000
SHADOW = Shadow("zero-retention@12345678", "own/llama", (Refused("openai/gpt-5", "nothing-is-kept"),))


def exchange(number: int) -> Exchange:
    """One that failed over each fourth time, and was refused once."""
    at_ms = AN_HOUR_AGO_MS + 1_000 * number
    tried = (Attempt("mistral/mistral-large-latest", "status", 503),) if number % 4 == 0 else ()
    return Exchange(
        f"x{at_ms:011x}{number:08x}",
        at_ms,
        "claims",
        "chat",
        "assistant",
        Outcome.ANSWERED,
        200,
        endpoint="openai/gpt-5",
        attempts=(*tried, Attempt("openai/gpt-5", "ok", 200, took_us=1_000 * (number + 1))),
        served=Served("gpt-5", usage=Usage(100, 10)),
        findings=(Finding("refusal", "it said sorry"),) if number == 7 else (),
        data_class="personal",
        cost_usd=0.001,
        shadow=(SHADOW,),
    )


async def _audits(folder: Path) -> None:
    """One that ended with a verdict, one that stopped after its third prompt, and a fleet's with the first."""
    async with audited(folder) as there:
        await there.run(folder_of(there.state, told_apart()))
        ended = Folder(there.state / "audits" / "a0000")
        open_ = folder_of(there.state, same("a/one", "a/two", PROMPTS[:8], SETTINGS, 0.15))
        answers = {(one["unit"], one["arm"]): one for one in ended.samples()}
        with open_.appending() as samples:
            for unit in range(3):
                taken = step(open_.protocol, unit)
                for arm in taken.arms:
                    asked = {"prompt_id": taken.prompt["id"], "prompt": taken.prompt["text"]}
                    first = next(one for (at, _), one in answers.items() if at == unit)
                    samples.add({**first, **asked, "unit": unit, "arm": arm})
    report = ended.report()
    assert report is not None
    whole = Folder.create(folder / "state", fleet_protocol("a0002", {ended.id: ended.protocol}, 0.05))
    whole.write_report(fleet_report(whole.protocol, whole.digest, [report], []))


def _benches(state: Path) -> None:
    found = lines(drawn(1, {"us1": 0.8, "cn": 0.4}, 60), cost_usd=0.002)
    for ended in (True, False):
        plan = Plan(new_id(), AN_HOUR_AGO_MS, "ours.jsonl", "d" * 64, ("us1", "cn"), 60)
        with Results(state, plan) as results:
            for line in found:
                results.add(line)
        if ended:
            told = replace(made(found, *plan.subjects), id=plan.id, at_ms=AN_HOUR_AGO_MS, tasks=plan.tasks)
            write_report(state, told)


def _traffic(state: Path) -> None:
    fill(Ledger.open(state, "node-1", Settings()), *(exchange(number) for number in range(20)))


@pytest.fixture(scope="session")
def reported(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A console with something on every page."""
    folder = tmp_path_factory.mktemp("reported")
    asyncio.run(_audits(folder))
    _benches(folder / "state")
    _traffic(folder / "state")
    (folder / "house.toml").write_text(POLICY)
    (folder / "facts.toml").write_text(FACTS)
    with site(folder, CONFIG) as found:
        yield found


@pytest.fixture(scope="session")
def bare(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A console over a gateway that nothing has happened to."""
    with site(tmp_path_factory.mktemp("bare")) as found:
        yield found
