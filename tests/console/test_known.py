"""What the pages look at: one moment of configuration, facts and policies, kept for as long as it is true."""

import os

import pytest

from freehold.console.known import ENFORCED, known
from freehold.vocabulary.errors import NotFound
from tests.console.site import Site


def test_it_is_the_same_until_a_file_changes(reported: Site) -> None:
    before = known(reported.there)
    assert known(reported.there) is before

    file = reported.folder / "house.toml"
    moved = file.stat().st_mtime_ns + 1_000_000_000
    os.utime(file, ns=(moved, moved))
    after = known(reported.there)
    assert after is not before and after.rules.label == before.rules.label


def test_policies_in_force_and_those_that_come_along_can_be_looked_at_and_files_cannot(
    reported: Site,
) -> None:
    view = known(reported.there)

    assert [one.name for one in view.policies_called(ENFORCED)] == ["eu-sovereign", "house"]
    assert [one.name for one in view.policies_called("us-federal")] == ["us-federal"]
    with pytest.raises(NotFound, match="no policy is called"):
        view.policies_called(str(reported.folder / "house.toml"))


def test_facts_are_known_without_a_policy_too(bare: Site, reported: Site) -> None:
    assert known(bare.there).rules.enforced == ()
    assert len(known(bare.there).rules.knowledge.records) > 100


def test_an_endpoint_that_is_in_no_pool_has_the_facts_of_its_provider(reported: Site) -> None:
    view = known(reported.there)

    found = view.facts_called("own/other")
    assert found is not None and found.facts["inference_region"].value == "DE"
    assert view.facts_called("nobody/other") is None and view.facts_called("own") is None
