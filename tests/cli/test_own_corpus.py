"""A corpus is gathered by command, from a gateway's ledger too, where terms allow it; what is unfit is named."""

import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from freehold.bench.results import Plan, Results, Sample, new_id
from freehold.cli.ledger_bodies import OPENED, who
from freehold.ledger import query
from freehold.own import rows
from freehold.own.rows import Row
from freehold.watch.labelling import Answer, Label, keep_label
from freehold.watch.labelling import Said as Scored
from tests.cli.conftest import Run, Said
from tests.gateway.house import House, Partners, aliases, house, provider

DIALECTS = ("chat", "messages", "responses", "gemini")
POOLS = {name: [f"{name}/echo"] for name in ("free", "closed", "silent", "lapsed")}
KEPT = '[applications.local]\nretention = "cases"\n[retention.cases]\ndays = 30\n'
FACT = """
[[fact]]
provider = "{provider}"
basis = "contract"
source = "{source}"
read = 2026-01-01
expires = {expires}
who = "Ada Byron <ada@example.com>"
why = "our agreement"
[fact.values]
distillation_allowed = {allowed}
"""
PLAN = """
name = "support"
recipe = "adapt"
licence = "proprietary"
[corpus]
split = "document"
near = 1.0
[corpus.exchanges]
applications = ["local"]
[train]
checkpoint = "checkpoint"
"""
INVENTED = "nobody knows who said this"


class Asked(NamedTuple):
    """A gateway that has answered, and what is known of it."""

    running: House
    config: Path
    prompts: list[str]  # whose answers may be learnt from
    barred: dict[str, str]  # provider -> its exchange
    refused: str
    repeated: str


@pytest.fixture(scope="module")
def asked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Asked]:
    folder = tmp_path_factory.mktemp("asked")
    terms = (
        ("free", "true", "2099-01-01"),
        ("refuses", "true", "2099-01-01"),
        ("closed", "false", "2099-01-01"),
        ("lapsed", "true", "2026-02-01"),
    )
    (folder / "facts.toml").write_text(
        "".join(
            FACT.format(provider=name, allowed=allowed, expires=end, source=f"terms of {name}")
            for name, allowed, end in terms
        )
    )
    with Partners() as partners:
        partner = partners.open()
        providers = "".join(provider(name, partner, *DIALECTS) for name in POOLS)
        refuses = provider("refuses", partner, "chat", fault="refusal")
        pools = aliases(**POOLS, refuses=["refuses/echo"])
        facts = f'[catalog]\nfacts = ["{folder / "facts.toml"}"]\n'
        with house(folder, providers + refuses + pools + facts + KEPT) as running:
            yield _asked(running, folder / "freehold.toml")


def _asked(running: House, config: Path) -> Asked:
    prompts = []
    for dialect in DIALECTS:
        for stream in (False, True):
            prompts.append(f"How is a {dialect} answer {'streamed' if stream else 'given whole'}?")
            words: dict[str, Any] = {"messages": [{"role": "user", "content": prompts[-1]}]}
            if dialect == "responses":
                words = {"input": prompts[-1]}
            elif dialect == "gemini":
                words = {"contents": [{"role": "user", "parts": [{"text": prompts[-1]}]}]}
            assert running.ask(dialect, "free", stream=stream, **words).status == 200
    prompts += ["And what then?", "Anything else?"]
    for prompt in prompts[-2:]:
        said = _chat(running, "free", [{"role": "user", "content": prompt}])
    thread = [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": prompts[-1]},
        {"role": "assistant", "content": said.text()},
        {"role": "user", "content": "Thank you, and now?"},
    ]
    _chat(running, "free", thread[1:])
    _chat(running, "free", [*thread[:2], {"role": "assistant", "content": said.text()}, thread[3]])
    invented = [*thread[:2], {"role": "assistant", "content": INVENTED}, thread[3]]
    barred = {name: _chat(running, name, thread[:2]) for name in ("closed", "silent", "lapsed")}
    refused, repeated = _chat(running, "refuses", thread[:2]), _chat(running, "free", invented)
    named = {name: said.headers["x-freehold-exchange"] for name, said in barred.items()}
    others = (one.headers["x-freehold-exchange"] for one in (refused, repeated))
    return Asked(running, config, prompts, named, *others)


def _chat(running: House, alias: str, messages: list[dict[str, str]]) -> Any:
    said = running.ask("chat", alias, messages=messages)
    assert said.status == 200, said
    return said


def corpus(run: Run, asked: Asked, folder: Path, plan: str = PLAN, *words: str) -> Said:
    (folder / "own.toml").write_text(plan)
    return run("own", "corpus", str(folder), "--config", str(asked.config), *words)


def kept(folder: Path) -> list[Row]:
    return [row for name in (rows.TRAIN, rows.HELD_OUT) for row in rows.read(folder / "corpus" / name)]


def dropped(folder: Path) -> dict[str, tuple[str, str]]:
    lines = map(json.loads, (folder / "corpus" / "dropped.jsonl").read_text().splitlines())
    return {one["id"]: (one["reason"], one.get("detail", "")) for one in lines}


def opened(asked: Asked) -> int:
    return len(query.events(asked.running.state, OPENED))


def test_conversations_of_every_dialect_streamed_or_not_become_turns(
    asked: Asked, run: Run, tmp_path: Path
) -> None:
    said = corpus(run, asked, tmp_path, PLAN, "--reason", "approved on Monday")

    assert said.code == 0, said
    found = {row.turns[-2].text: row.turns for row in kept(tmp_path)}
    for prompt in asked.prompts[:-1]:
        assert [turn.role for turn in found[prompt]] == ["user", "assistant"]
        assert json.loads(found[prompt][1].text)["asked"]["turns"] == [{"role": "user", "text": prompt}]
    assert (tmp_path / "corpus").stat().st_mode & 0o77 == 0
    event = query.events(asked.running.state, OPENED)[-1]
    assert (event.about["by"], event.about["reason"]) == (who(), "approved on Monday")
    assert set(asked.barred.values()).isdisjoint(event.about["exchanges"])  # type: ignore[arg-type]


def test_of_a_conversation_that_grew_the_longest_form_is_taken(
    asked: Asked, run: Run, tmp_path: Path
) -> None:
    corpus(run, asked, tmp_path, PLAN, "--reason", "approved")

    begins = [
        row.turns for row in kept(tmp_path) if asked.prompts[-1] in (row.turns[0].text, row.turns[1].text)
    ]
    assert sorted([turn.role for turn in turns] for turns in begins) == [
        ["system", "user", "assistant", "user", "assistant"],
        ["user", "assistant", "user", "assistant"],
    ]
    assert Counter(reason for reason, _ in dropped(tmp_path).values())["exact duplicate"] == 1


def test_a_provider_whose_terms_forbid_training_is_left_out_counted_and_named(
    asked: Asked, run: Run, tmp_path: Path
) -> None:
    said = corpus(run, asked, tmp_path, PLAN, "--reason", "approved")

    lines = (
        "1 answers of closed/echo (provider closed) must not be learnt from: terms of closed, read 2026-01-01",
        "provider silent) are left out, as nobody knows whether they may be learnt from: the catalog has no fact",
        "provider lapsed) are left out, as nobody knows whether they may be learnt from: the fact has expired",
    )
    page = (tmp_path / "corpus" / "card.md").read_text()
    assert all(line in said.out and line in page for line in lines), said.out
    found = dropped(tmp_path)
    assert {name: found[id][0] for name, id in asked.barred.items()} == {
        "closed": "terms forbid training",
        "silent": "terms unknown",
        "lapsed": "terms unknown",
    }
    assert "closed/echo" in found[asked.barred["closed"]][1]
    assert found[asked.refused] == ("answer with a finding", "refusal")
    assert found[asked.repeated] == ("terms unknown", "it repeats an answer of unknown origin")
    assert INVENTED not in "".join(turn.text for row in kept(tmp_path) for turn in row.turns)


def test_nothing_is_opened_without_a_reason_nor_twice_for_the_same(
    asked: Asked, run: Run, tmp_path: Path
) -> None:
    before = opened(asked)

    refused = corpus(run, asked, tmp_path)
    assert (refused.code, "says why" in refused.err, opened(asked)) == (2, True, before)
    assert corpus(run, asked, tmp_path, PLAN, "--reason", "approved").code == 0
    again = corpus(run, asked, tmp_path)

    assert (again.code, "from the same before" in again.out, opened(asked)) == (0, True, before + 1)


def test_exchanges_are_chosen_by_application_alias_and_finding(
    asked: Asked, run: Run, tmp_path: Path
) -> None:
    others = PLAN.replace('"local"', '"other"')
    with_findings = PLAN.replace('["local"]', '["local"]\naliases = ["refuses"]\nfindings = true')

    nobody = corpus(run, asked, tmp_path, others, "--reason", "x")
    refusal = corpus(run, asked, tmp_path, with_findings, "--reason", "x")
    assert "too small: 0 conversations" in nobody.err
    assert dropped(tmp_path)[asked.refused][0] == "unreadable", refusal  # a refusal is more than words


def test_an_answer_that_nobody_scored_or_that_scored_too_low_is_left_out(
    asked: Asked, run: Run, tmp_path: Path
) -> None:
    corpus(run, asked, tmp_path, PLAN, "--reason", "approved")
    found = kept(tmp_path)
    answers = [row.turns[-1].text for row in found]
    bench = Plan(new_id(), 0, "tasks.jsonl", "d", ("free/echo",), 1)
    with Results(asked.running.state, bench) as graded:
        graded.add(Sample("north", "north", "free/echo", 0, 0.75, exchange=found[3].id))
    for answer, says in zip(answers, (Scored.ANSWERS, Scored.DECLINES, Scored.UNSURE), strict=False):
        digest = Answer(answer, "", 0.0).digest
        keep_label(asked.running.state, Label(digest, says, 0.5, "free/echo", True, "none"))
    scored = PLAN.replace('["local"]', '["local"]\nscore_min = 0.5')

    said = corpus(run, asked, tmp_path, scored, "--reason", "approved")

    assert "the corpus is too small" in said.err
    assert found[3].id not in dropped(tmp_path)
    details = Counter(detail for reason, detail in dropped(tmp_path).values() if reason.startswith("score"))
    assert details == {"0, below 0.5": 1, "nobody scored it": 10}
