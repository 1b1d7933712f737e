"""What a command says of an exchange afterwards is what was decided."""

import json
from collections.abc import Iterator

import pytest

from freehold.cli.main import main
from freehold.gateway.promotion_order import Stage
from freehold.vocabulary.exchange import Exchange
from tests.gateway.house import House, Partners, aliases, house, path, provider, question
from tests.gateway.promoted import promote, put
from tests.gateway.ruled import UNION, fact, written

PARENTS = '[limits.two]\nmin_independent_parents = 2\nreason = "Two."\nwhen = "data_class != public"\n'
OTHER = """\
name = "other"
[rules.not-one]
deny = "provider == 'one'"
reason = "Not there."
[rules.new-only-at-home]
deny = "model == 'new' and provider == 'three'"
reason = "Not yet."
[limits.pocket-money]
budget_usd_per_day = 0.01
when = "purpose == 'novel'"
reason = "A cent a day."
"""


@pytest.fixture(scope="module")
def ruled(partners: Partners, tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    folder = tmp_path_factory.mktemp("explained")
    places = {"one": "DE", "two": "US", "three": "FI", "four": "FR"}
    facts = [
        fact(name, inference_region=place, parent=name, input_usd_per_mtok=1.0, output_usd_per_mtok=9.0)
        for name, place in places.items()
    ]
    config = written(folder, policy=UNION + PARENTS, facts="".join(facts))
    (folder / "other.toml").write_text(OTHER, encoding="utf-8")
    config = config.replace('["policy.toml"]', '["policy.toml", "other.toml"]')
    for name in places:
        spoken = ("chat", "embeddings") if name in ("one", "three") else ("chat",)
        config += provider(name, partners.open(), *spoken)
    pools = {"m": [f"{name}/m" for name in places], "w-*": [f"{name}/*" for name in places]}
    with house(folder, config + aliases(few=["one/m", "two/m", "three/m"], **pools)) as running:
        yield running


def explained(running: House, exchange: Exchange, capsys: pytest.CaptureFixture[str]) -> dict[str, set[str]]:
    """The endpoints that it says were refused, each with the rules and limits."""
    config = str(running.state.parent / "freehold.toml")
    assert main(["policy", "explain", "--exchange", exchange.id, "--json", "--config", config]) == 0
    said = json.loads(capsys.readouterr().out)
    found: dict[str, set[str]] = {}
    for policy in said["policies"]:
        for one in policy["endpoints"]:
            against = [objection["refusal"] for objection in one["objections"]]
            against += policy["limits"].get(one["endpoint"], ())
            rules = {f"{refusal['policy']}/{refusal['rule']}" for refusal in against}
            found.setdefault(one["endpoint"], set()).update(rules)
    for late in said["at_attempts"]:
        found[late["endpoint"]].add(late["why"].partition(":")[0])
    return found


def test_the_ledger_shows_whose_rule_it_was(ruled: House, capsys: pytest.CaptureFixture[str]) -> None:
    said = ruled.post(path("chat", "few"), question("chat", "few"), {"x-freehold-data-class": "personal"})
    config = str(ruled.state.parent / "freehold.toml")

    assert main(["ledger", "show", said.headers["x-freehold-exchange"], "--config", config]) == 0
    shown = capsys.readouterr().out
    assert "one/m by other/not-one, two/m by union/stays-in-the-union, three/m by union/two" in shown
    metrics = ruled.get("/metrics").body.decode()
    assert 'freehold_refused_total{endpoint="three/m",rule="union/two"}' in metrics


@pytest.mark.parametrize("alias", ["m", "few", "w-old", "w-new"])
@pytest.mark.parametrize("dialect", ["chat", "embeddings"])
@pytest.mark.parametrize("data_class", ["public", "personal"])
@pytest.mark.parametrize("purpose", ["letter", "novel"])
def test_it_names_the_endpoints_and_the_rules_that_the_ledger_has(
    ruled: House, capsys: pytest.CaptureFixture[str], alias: str, dialect: str, data_class: str, purpose: str
) -> None:
    headers = {"x-freehold-data-class": data_class, "x-freehold-purpose": purpose}
    exchange = ruled.exchange(ruled.post(path(dialect, alias), question(dialect, alias), headers))

    found = explained(ruled, exchange, capsys)
    assert {name for name, rules in found.items() if rules} == {one.endpoint for one in exchange.refused}
    assert all(one.by in found[one.endpoint] for one in exchange.refused)
    assert (exchange.endpoint is None) == all(found.values())
    assert exchange.endpoint is None or not found[exchange.endpoint]


@pytest.mark.parametrize(("own", "against"), [("four/own", set()), ("two/own", {"union/stays-in-the-union"})])
def test_an_own_model_that_is_in_no_pool_is_explained_too(
    ruled: House, capsys: pytest.CaptureFixture[str], own: str, against: set[str]
) -> None:
    promote(ruled.state, "few", Stage.DEFAULT, endpoint=own)
    headers = {"x-freehold-data-class": "personal", "x-freehold-purpose": "work"}
    said = ruled.post(path("chat", "few"), question("chat", "few"), headers)
    put(ruled.state, "few", Stage.OFF, endpoint=own)
    found = ruled.exchange(said)

    assert (found.endpoint == own) is (not against)
    assert explained(ruled, found, capsys)[own] == against
    assert {one.by for one in found.refused if one.endpoint == own} == against
