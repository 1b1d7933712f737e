"""On how many legs an alias stands: what is known counts, for the request that has the fewest."""

from pathlib import Path

import pytest

from freehold.drills.legs import Legs, legs
from freehold.drills.loading import parsed, shipped
from freehold.drills.traffic import Group, Kind, Traffic
from freehold.drills.world import World
from tests.drills.typical import typical

POLICY = """\
name = "p"
[rules.at-home]
when = "data_class == personal"
require = "own"
reason = "Personal data stays here."
"""


def asked(*requests: tuple[str, str | None]) -> Traffic:
    kinds = [
        Kind("app", alias, "chat", data_class, None, None, None, None, "answered")
        for alias, data_class in requests
    ]
    return Traffic(0, 60_000, {kind: Group(exchanges=1) for kind in kinds}, {kind: {0: 1} for kind in kinds})


def of(world: World, scenario: str, *requests: tuple[str, str | None]) -> Legs:
    traffic = asked(*requests)
    (found,) = legs(world, world.under(parsed(scenario, "s.toml"), traffic), traffic)
    return found


LOST = 'title = "t"\nwhy = "w"\n[[lost]]\nprovider = ["openai", "azure"]\n'


def test_endpoints_and_companies_are_counted_before_and_after(tmp_path: Path) -> None:
    found = of(typical(tmp_path), LOST, ("chat", None))

    assert (found.endpoints_before, found.endpoints_after) == (4, 2)
    assert (found.before["parent"], found.after["parent"]) == (4, 2)  # own machines are one
    assert found.firm


def test_the_request_with_the_fewest_counts(tmp_path: Path) -> None:
    policy = tmp_path / "p.toml"
    policy.write_text(POLICY)
    world = typical(tmp_path, f'[policy]\nenforce = ["{policy}"]\n')

    found = of(world, LOST, ("chat", "public"), ("chat", "personal"))

    assert (found.endpoints_before, found.endpoints_after) == (1, 1)
    assert not found.firm


def test_an_alias_that_nobody_may_serve_is_no_finding_of_a_scenario(tmp_path: Path) -> None:
    world, traffic = typical(tmp_path), asked(("no-such-alias", None))

    assert legs(world, world, traffic) == ()


@pytest.mark.parametrize("scenario", [one.name for one in shipped() if one.lost])
def test_a_loss_leaves_no_alias_with_more(tmp_path: Path, scenario: str) -> None:
    world, traffic = typical(tmp_path), asked(("chat", None), ("code", None), ("cheap", None))
    (lost,) = (one for one in shipped() if one.name == scenario)

    for one in legs(world, world.under(lost, traffic), traffic):
        assert one.endpoints_after <= one.endpoints_before
        assert all(one.after[name] <= one.before[name] for name in one.before)
        assert all(count <= one.endpoints_after for count in one.after.values())
