"""`freehold policy`: each command on a configuration as a governance person has it, and each with a wrong input."""

import json
from pathlib import Path
from typing import Any

import pytest

from freehold.config.schema import Ledger
from freehold.ledger.journal import Journal
from freehold.vocabulary.exchange import Attempt, Exchange, Outcome, Refused, Served, Shadow, Usage
from tests.cli.conftest import Run
from tests.ledger.ledger_samples import fill

CONFIG = """\
[providers.rack]
base_url = "http://10.0.0.5:8000/v1"
[providers.cloud]
base_url = "https://models.example.com/v1"
[aliases]
assistant = ["cloud/large", "rack/small"]
[applications.claims]
data_class = "personal"
[catalog]
facts = ["facts.toml"]
[policy]
enforce = ["policy.toml"]
"""
FACTS = """\
[[fact]]
provider = "cloud"
basis = "contract"
source = "contract 17"
read = 2026-11-01
expires = 2027-01-01
who = "Ada"
why = "we signed it"
[fact.values]
inference_region = "US"
retention_days = 30
input_usd_per_mtok = 2.0
output_usd_per_mtok = 8.0
[[fact]]
provider = "rack"
basis = "account setting"
source = "our own machine"
read = 2026-11-01
who = "Ada"
why = "we run it"
[fact.values]
inference_region = "FI"
retention_days = 0
input_usd_per_mtok = 0.5
output_usd_per_mtok = 0.5
"""
POLICY = """\
name = "ours"
about = "What is personal stays in Europe."
[rules.in-europe]
when = "data_class >= personal"
require = "inference_region in EEA"
reason = "Personal data stays in Europe."
severity = "high"
[rules.not-kept-long]
require = "retention_days <= 30"
reason = "Nothing is kept for long."
[[test]]
says = "Personal data does not go to America."
request = { data_class = "personal" }
endpoint = { inference_region = "US", retention_days = 0 }
refused_by = ["in-europe"]
"""


@pytest.fixture
def house(folder: Path) -> Path:
    (folder / "freehold.toml").write_text(CONFIG)
    (folder / "facts.toml").write_text(FACTS)
    (folder / "policy.toml").write_text(POLICY)
    return folder


def told(out: str) -> Any:
    return json.loads(out)


def test_the_policies_that_come_along_are_listed(run: Run) -> None:
    said = run("policy", "list")

    assert said.code == 0
    assert said.out.count("@") == 5


def test_a_good_policy_is_called_good(house: Path, run: Run) -> None:
    said = run("policy", "check")

    assert (said.code, said.err) == (0, "")
    assert said.out.startswith("ours@")
    assert run("policy", "check", "eu-sovereign", "us-federal").code == 0


def test_a_typo_is_named_with_its_line_and_column_and_the_nearest_word(house: Path, run: Run) -> None:
    (house / "policy.toml").write_text(POLICY.replace("inference_region in EEA", "inference_regoin in EEA"))

    said = run("policy", "check")

    assert said.code == 1
    assert "policy.toml:5:12: " in said.err
    assert "inference_region" in said.err


def test_a_case_that_cannot_be_read_is_found_by_check(house: Path, run: Run) -> None:
    (house / "policy.toml").write_text(
        POLICY.replace('refused_by = ["in-europe"]', 'refused_by = ["in-erope"]')
    )

    said = run("policy", "check")

    assert said.code == 1
    assert 'nothing is called "in-erope"' in said.err


def test_cases_are_run_and_one_that_fails_is_shown(house: Path, run: Run) -> None:
    assert run("policy", "test").out.endswith("1 passed, 0 failed\n")

    (house / "policy.toml").write_text(POLICY.replace("retention_days = 0 }", "retention_days = 31 }"))
    said = run("policy", "test")

    assert said.code == 1
    assert "policy.toml:11: Personal data does not go to America." in said.out
    assert "refused by in-europe, not-kept-long, and not by in-europe" in said.out


def test_a_policy_without_cases_has_tried_nothing(house: Path, run: Run) -> None:
    (house / "policy.toml").write_text(POLICY.partition("[[test]]")[0])

    said = run("policy", "test")

    assert said.code == 2
    assert "there are no cases" in said.err


def test_a_policy_that_is_not_there_is_named_with_the_nearest(house: Path, run: Run) -> None:
    said = run("policy", "matrix", "--policy", "eu-soverein")

    assert said.code == 2
    assert 'no policy is called "eu-soverein"' in said.err
    assert 'Write "eu-sovereign"' in said.err


def test_without_a_policy_it_says_what_to_name(folder: Path, run: Run) -> None:
    said = run("policy", "check")

    assert said.code == 2
    assert "no policy is named" in said.err


def test_explain_names_rule_fact_source_age_and_what_would_have_to_change(house: Path, run: Run) -> None:
    said = run("policy", "explain", "assistant", "--application", "claims", "--at", "2026-11-21")

    assert said.code == 0
    cloud, rack = said.out.split("\nrack/small: ")
    assert "data class personal" in cloud
    assert "cloud/large: refused" in cloud
    assert "in-europe (high): Personal data stays in Europe." in cloud
    assert (
        "inference_region: US  [contract, contract 17, read 2026-11-01, 20 days ago, holds until 2027-01-01]"
        in cloud
    )
    assert "inference_region would have to be in EEA (it is US)" in cloud
    assert rack.startswith("allowed")


def test_explain_on_another_day_knows_that_a_fact_has_expired(house: Path, run: Run) -> None:
    said = run("policy", "explain", "assistant", "--data-class", "public", "--at", "2027-02-01")

    assert "retention_days: unknown: 30 expired on 2027-01-01" in said.out


def test_explain_takes_a_request_from_the_ledger(house: Path, run: Run) -> None:
    recorded(house, "x0000000000000000000000000001")

    said = run("policy", "explain", "--exchange", "x0000000000000000000000000001", "--json")

    assert said.code == 0
    assert told(said.out)["policies"][0]["request"]["data_class"] == "personal"
    assert "the policy is ours@" in said.err
    assert "was old@00000000 then" in said.err


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("explain",), "explain takes an alias or --exchange ID"),
        (("explain", "assistnt"), "no alias is called `assistnt`"),
        (("explain", "assistant", "--data-class", "persnal"), 'no data class is called "persnal"'),
        (("explain", "assistant", "--user-region", "Germany"), "is not a country's code"),
        (("explain", "assistant", "--at", "yesterday"), '"yesterday" is no date'),
        (("explain", "--exchange", "xffff"), "no exchange has an id that begins with xffff"),
        (("diff",), "there are no two things to compare"),
        (("compare", "--from", "lately"), '"lately" is no date'),
    ],
)
def test_wrong_input_is_named_with_a_remedy(
    house: Path, run: Run, words: tuple[str, ...], message: str
) -> None:
    said = run("policy", *words)

    assert said.code in (1, 2)
    assert message in said.err
    assert "remedy: " in said.err


def test_the_matrix_has_a_cell_for_each_data_class_and_endpoint(house: Path, run: Run) -> None:
    cells = told(run("policy", "matrix", "--json").out)

    found = {(cell["data_class"], cell["endpoint"]): cell["refused_by"] for cell in cells}
    assert len(found) == 6 * 2
    assert found["public", "cloud/large"] is None
    assert found["special", "cloud/large"] == "in-europe"
    assert found[None, "cloud/large"] == "in-europe"
    assert {refused for (_, endpoint), refused in found.items() if endpoint == "rack/small"} == {None}


def test_the_matrix_reads_well_in_text(house: Path, run: Run) -> None:
    said = run("policy", "matrix")

    assert "application (any other)" in said.out
    assert "cloud/large  yes     yes       yes           in-europe  in-europe  in-europe" in said.out


def test_diff_of_two_policies_says_what_becomes_denied_and_who_is_left_alone(house: Path, run: Run) -> None:
    (house / "stricter.toml").write_text(POLICY.replace("personal", "internal").replace("ours", "stricter"))

    said = run("policy", "diff", "policy.toml", "stricter.toml")

    assert said.code == 1
    assert "cloud/large becomes denied for data class internal; data class confidential" in said.out
    assert "refused by stricter/in-europe (deny)" in said.out


def test_diff_of_two_dates_says_what_expires(house: Path, run: Run) -> None:
    said = run("policy", "diff", "--at", "2026-12-01", "--then", "2027-02-01", "--json")

    found = told(said.out)
    assert said.code == 1
    assert {change["endpoint"] for change in found["changes"]} == {"cloud/large"}
    assert not any(change["allowed"] for change in found["changes"])


def test_diff_of_other_facts_says_what_becomes_allowed(house: Path, run: Run) -> None:
    (house / "moved.toml").write_text(FACTS.replace('"US"', '"IE"'))

    said = run("policy", "diff", "--facts", "moved.toml")

    assert said.code == 1
    assert "cloud/large becomes allowed for data class personal" in said.out
    assert (
        run("policy", "diff", "--facts", "facts.toml", "--then", "2026-12-01", "--at", "2026-11-30").code == 0
    )


def test_compare_tells_shares_rules_and_cost(house: Path, run: Run) -> None:
    recorded(house, "x0000000000000000000000000001")

    said = run("policy", "compare", "--from", "1970-01-01")

    assert said.code == 0
    assert "strict@11111111  (all)        1" in said.out
    assert "in-europe 1" in said.out
    assert "0.0100 USD paid, 0.0010 USD otherwise (-0.0090)" in said.out


def test_compare_without_shadows_says_so(house: Path, run: Run) -> None:
    assert "has a shadow policy" in run("policy", "compare").out


def recorded(house: Path, name: str) -> None:
    """An exchange on the ledger as a gateway records it."""
    fill(
        Journal.open(house / ".freehold" / "journal", "node-0", Ledger()),
        Exchange(
            name,
            0,
            "claims",
            "chat",
            "assistant",
            Outcome.ANSWERED,
            200,
            endpoint="cloud/large",
            attempts=(Attempt("cloud/large", "ok"),),
            served=Served(usage=Usage(1_000, 1_000)),
            data_class="personal",
            policy="old@00000000",
            shadow=(Shadow("strict@11111111", "rack/small", (Refused("cloud/large", "in-europe"),)),),
            cost_usd=0.01,
        ),
    )


def test_exposure_tells_what_is_held_and_what_would_be(house: Path, run: Run) -> None:
    recorded(house, "x0000000000000000000000000001")

    said = run("exposure", "--at", "1970-01-11", "--assume", "3")

    assert said.code == 0
    before, after = said.out.split("if the facts were those:")
    assert (
        "cloud     1     0     1     0              0        2,000   personal 1    1970-01-31 (0 in 7 days, 1 in 30)"
        in before
    )
    assert "cloud: 1 prompts fewer would still be there" in after


def test_exposure_takes_other_facts_and_json(house: Path, run: Run) -> None:
    recorded(house, "x0000000000000000000000000001")
    (house / "other.toml").write_text(FACTS.replace("retention_days = 30", "retention_days = inf"))

    found = told(run("exposure", "--facts", "other.toml", "--json").out)

    assert [one["gone"] for one in found["held"]] == [1]
    assert [one["without_limit"] for one in found["otherwise"]] == [1]
    assert "is no number of days" in run("exposure", "--assume", "long").err
    assert "Did you mean cloud?" in run("exposure", "--assume", "3", "--provider", "clowd").err
    assert "--assume DAYS" in run("exposure", "--provider", "cloud").err


def test_the_bill_of_materials_names_the_data_classes_that_the_enforced_policy_allows(
    house: Path, run: Run
) -> None:
    assert run("catalog", "bom", "-o", "bom.json", "--spec", "1.6").code == 0

    bill = told((house / "bom.json").read_text())
    cloud, rack = bill["services"]
    assert bill["specVersion"] == "1.6"
    assert [one["classification"] for one in cloud["data"]] == ["public", "internal", "confidential"]
    assert len(rack["data"]) == 5
    assert run("catalog", "bom", "--config", "no.toml").code == 2
