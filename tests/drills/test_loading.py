"""A scenario's file: what is right comes back as it was, and what is wrong is told with its place."""

from datetime import date
from math import inf
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from freehold.drills.loading import load_scenario, parsed, scenarios, written
from freehold.drills.scenario import Change, Loss, Scenario, Way, Words
from freehold.vocabulary.errors import ConfigError

HEAD = 'title = "t"\nwhy = "w"\n'

_some_text = st.lists(
    st.text(min_size=1).filter(lambda text: not text.startswith("@")), min_size=1, max_size=3
)
_numbers = st.lists(
    st.one_of(st.integers(0, 999).map(str), st.just("inf"), st.just("0.5")), min_size=1, max_size=2
)
_words = st.fixed_dictionaries(
    {"endpoint": _some_text},
    optional={
        "parent": _some_text,
        "hosted_by": st.just(["@most-used"]),
        "jurisdiction": st.lists(st.sampled_from(["US", "EU", "EEA", "*"]), min_size=1),
        "own": st.sampled_from([["true"], ["false"]]),
        "retention_days": _numbers,
        "retires_within_days": st.sampled_from([["0"], ["90"], ["inf"]]),
        "deprecated_on": st.lists(st.dates().map(str), min_size=1, max_size=2),
    },
)
WORDS = _words.map(lambda found: tuple(sorted((name, tuple(texts)) for name, texts in found.items())))
_factor = st.one_of(st.none(), st.floats(min_value=0.001, max_value=1e20))
CHANGES = st.builds(
    Change,
    WORDS,
    price=st.floats(min_value=0.001, max_value=1e20),
    latency=_factor,
    limits=_factor,
    retention_days=st.sampled_from([None, 0.0, 30.0, inf]),
    deprecated_on=st.none() | st.dates(),
    replaced_by=st.none() | st.just("@cheapest") | st.text(min_size=1).filter(lambda text: text[0] != "@"),
    refuses=st.none() | st.text(min_size=1),
    refuses_share=st.none() | st.floats(min_value=0.01, max_value=1.0),
)
SCENARIOS = st.builds(
    Scenario,
    st.just("s"),
    st.text(min_size=1),
    st.text(min_size=1),
    lost=st.lists(st.builds(Loss, WORDS, st.sampled_from(Way)), min_size=1, max_size=3).map(tuple),
    changed=st.lists(CHANGES, max_size=3).map(tuple),
    begins=st.none() | st.dates(),
    days=st.none() | st.floats(min_value=0.001, max_value=1e6),
    retest_days=st.integers(1, 9999),
)


@given(SCENARIOS)
def test_what_is_written_reads_as_the_same_scenario(scenario: Scenario) -> None:
    assert replace(parsed(written(scenario), "s.toml"), source="") == scenario


def test_everything_that_a_file_can_say() -> None:
    text = f"""{HEAD}
begins = 2026-12-01
days = 13
retest_days = 180
[[lost]]
parent = ["OpenAI Foundation", "@most-used"]
own = false
way = "forbidden"
[[lost]]
where = {{ retention_days = 0 }}
[[changed]]
provider = "x"
where = {{ retention_days = [0, 0.5], deprecated_on = 2027-01-01 }}
price = 3
retention_days = inf
deprecated_on = 2026-12-02
"""
    openai: Words = (("own", ("false",)), ("parent", ("OpenAI Foundation", "@most-used")))
    kept: Words = (("deprecated_on", ("2027-01-01",)), ("provider", ("x",)), ("retention_days", ("0", "0.5")))

    assert parsed(text, "a/b/off.toml") == Scenario(
        "off",
        "t",
        "w",
        (Loss(openai, Way.FORBIDDEN), Loss((("retention_days", ("0",)),))),
        (Change(kept, price=3.0, retention_days=inf, deprecated_on=date(2026, 12, 2)),),
        date(2026, 12, 1),
        13.0,
        180,
        text,
    )


@pytest.mark.parametrize(
    ("body", "line", "column", "said"),
    [
        ('[[lost]]\nparant = "x"', 4, 1, "Write `parent`."),
        ("[[lost]]\nparent = 3", 4, 1, "a string or an array of strings"),
        ("[[lost]]\nparent = []", 4, 1, "not empty"),
        ('[[lost]]\nparent = "x"\nway = "forbiden"', 5, 1, '"forbidden"'),
        ("[[lost]]\nown = 1", 4, 1, "true or false"),
        ('[[lost]]\nentity_jurisdiction = "DEE"', 4, 1, 'cannot be "DEE"'),
        ('[[lost]]\njurisdiction = "UK"', 4, 1, "like GB"),
        ('[[lost]]\nparent = ""', 4, 1, "not empty"),
        ("[[lost]]\nretires_within_days = -1", 4, 1, "at least 0"),
        ('[[lost]]\nendpoint = "@x"', 4, 1, "Known are @most-used"),
        ('[[lost]]\nfedramp = "hihg"', 4, 1, 'Write "high".'),
        ('[[lost]]\nendpoint = "@most-use"', 4, 1, 'Write "@most-used".'),
        ('[[lost]]\nway = "gone"', 3, 1, "does not say whom it hits"),
        ('[[lost]]\nparent = "x"\nwhere = { parent = "y" }', 5, 11, "stands twice"),
        ('[[lost]]\nparent = "x"\nprice = 2.0', 5, 1, "[[lost]] cannot say `price`"),
        ('[[changed]]\nparent = "x"\nway = "gone"', 5, 1, "Say it in a [[lost]] of its own."),
        ('[lost]\nparent = "x"', 3, 2, "Write [[lost]]."),
        ('[[changed]]\nprovider = "x"', 3, 1, "does not say what changes"),
        ("[[changed]]\nprice = 2", 3, 1, "does not say whom it hits"),
        ('[[changed]]\nprovider = "x"\nprice = 0', 5, 1, "above 0"),
        ('[[changed]]\nprovider = "x"\nwhere = { retention_days = nan }\nprice = 2', 5, 11, "not a number"),
        ('[[changed]]\nprovider = "x"\ndeprecated_on = "soon"\n', 5, 1, "a date"),
        ('[[changed]]\nprovider = "x"\nrefuses_share = 1.5\n', 5, 1, "at most 1"),
        ('[[changed]]\nprovider = "x"\nreplaced_by = "@worst"\n', 5, 1, 'Write "@cheapest"'),
        ('[[lose]]\nprovider = "x"', 3, 3, "Write `lost`."),
        ("days = -1", 3, 1, "above 0"),
        ('begins = "tomorrow"', 3, 1, "a date"),
        ("lost = []", 3, 1, "not empty"),
        ("lost = 3", 3, 1, "an array"),
        ("retest_days = 0", 3, 1, "at least 1"),
        ("days = 13", 0, 0, "nothing is lost and nothing changes"),
        ("[[lost]", 3, 7, "not TOML"),
    ],
)
def test_what_is_wrong_is_told_with_place_and_remedy(body: str, line: int, column: int, said: str) -> None:
    with pytest.raises(ConfigError) as caught:
        parsed(HEAD + body, "wrong.toml")

    assert (caught.value.line, caught.value.column) == (line, column)
    assert said in f"{caught.value} {caught.value.remedy}"


def test_a_file_without_a_title_is_no_scenario() -> None:
    with pytest.raises(ConfigError, match="the file lacks `title`"):
        parsed('why = "w"\n[[lost]]\nendpoint = "*"', "untitled.toml")


def test_a_name_is_one_of_ones_own_first_then_one_that_comes_along(tmp_path: Path) -> None:
    own = tmp_path / "prices-tripled.toml"
    own.write_text(HEAD + '[[lost]]\nendpoint = "*"')

    assert load_scenario("prices-tripled", tmp_path).title == "t"
    assert load_scenario("prices-tripled").title != "t"
    assert load_scenario(str(own)).title == "t"
    assert [one.name for one in scenarios(tmp_path)] == ["prices-tripled"]
    assert scenarios(tmp_path / "none") == ()


def test_a_file_that_is_not_there_is_told_without_talk_of_configurations(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no such file") as caught:
        load_scenario(str(tmp_path / "away.toml"))

    assert "freehold drill list" in caught.value.remedy


def test_a_name_that_nobody_knows_is_told_the_nearest() -> None:
    with pytest.raises(ConfigError) as caught:
        load_scenario("prices-trippled")

    assert 'Write "prices-tripled"' in caught.value.remedy
