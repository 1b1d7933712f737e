"""What the demo's company has written down: configuration, facts, policies, tasks of its own, and a scenario."""

import json
from collections.abc import Mapping
from typing import NamedTuple

from freehold.vocabulary.endpoint import Dialect

ALIAS = "assistant"
CONFIG, TASKS, SCENARIO = "freehold.toml", "tasks.jsonl", "north-gone"
CASES = 16

# Few words, slowly, so that a reader sees them come.
_PACE = '{ x-sparring-chunks = "12", x-sparring-gap-ms = "50" }'
_PROVIDER = '[providers.{name}]\nbase_url = "{url}"\ndialects = ["{dialect}"]\nheaders = {pace}\n'
# Who failed is asked again soon, or a reader would wait for it.
_GOVERNED = """
[breaker]
open_s = 0.3
open_s_max = 0.3
[policy]
enforce = ["policy.toml"]
shadow = ["shadow.toml"]
default_class = "public"
[catalog]
facts = ["facts.toml"]
"""
_POLICY = """
name = "at-home"
about = "Personal data stays in Europe."
[rules.in-europe]
when = "data_class >= personal"
require = "inference_region in EEA"
reason = "Personal data stays in Europe."
severity = "high"
[limits.a-day]
budget_usd_per_day = 5.0
reason = "No application spends more than five dollars a day."
"""
_SHADOW = """
name = "nothing-kept"
about = "What if nobody might keep a prompt?"
[rules.nothing-kept]
require = "retention_days == 0"
reason = "Prompts are kept nowhere."
severity = "high"
"""
_FACTS = """
[[fact]]
provider = ["{name}"]
basis = "contract"
source = "the demo"
read = 2026-11-23
who = "the demo"
why = "so that there is something to decide"
[fact.values]
{values}
"""
_SCENARIO = """
title = "Provider north is gone"
why = "It is the first to be asked, and answers most."
retest_days = 180
[[lost]]
provider = "north"
"""


Facts = dict[str, str | float | bool]


class Provider(NamedTuple):
    """Who takes part, and the one model it offers."""

    name: str
    model: str
    dialect: Dialect
    facts: Facts

    @property
    def endpoint(self) -> str:
        """Its model as a pool names it."""
        return f"{self.name}/{self.model}"


def _known(parent: str, cloud: str, country: str, days: int, prices: tuple[float, float]) -> Facts:
    """What is known of a provider: who owns it, where it is, what it keeps, and what it costs."""
    places = ("entity_jurisdiction", "parent_jurisdiction", "storage_region", "inference_region")
    return {
        **dict.fromkeys(places, country),
        "own": False,  # or what listens on this machine would be taken for one's own
        "parent": parent,
        "cloud": cloud,
        "retention_days": days,
        "input_usd_per_mtok": prices[0],
        "output_usd_per_mtok": prices[1],
    }


_ATLAS: Facts = {"weights_family": "atlas", "weights_origin": "US", "open_weights": True}
_MERIDIAN: Facts = {"weights_family": "meridian", "weights_origin": "FR", "open_weights": False}

NORTH = Provider(
    "north", "atlas-2", Dialect.CHAT, _ATLAS | _known("North Group", "Polar Cloud", "US", 30, (2.5, 10.0))
)
SOUTH = Provider(
    "south", "atlas-2", Dialect.CHAT, _ATLAS | _known("South Inc", "Polar Cloud", "US", 0, (3.0, 12.0))
)
WEST = Provider(
    "west", "meridian-1", Dialect.MESSAGES, _MERIDIAN | _known("West Oy", "West Cloud", "FI", 0, (4.0, 16.0))
)
PROVIDERS = (NORTH, SOUTH, WEST)


def files(urls: Mapping[str, str]) -> Mapping[str, str]:
    """The texts by the name of their files; `urls` tells where each provider listens."""
    tables = [
        _PROVIDER.format(name=one.name, url=urls[one.name], dialect=one.dialect, pace=_PACE)
        for one in PROVIDERS
    ]
    pool = json.dumps([one.endpoint for one in PROVIDERS])
    return {
        CONFIG: "\n".join([*tables, f"[aliases]\n{ALIAS} = {pool}\n", _GOVERNED]),
        "policy.toml": _POLICY,
        "shadow.toml": _SHADOW,
        "facts.toml": "".join(map(_facts, PROVIDERS)),
        TASKS: "".join(map(_case, range(CASES))),
        f"{SCENARIO}.toml": _SCENARIO,
    }


def _facts(one: Provider) -> str:
    values = "\n".join(f"{name} = {json.dumps(value)}" for name, value in one.facts.items())
    return _FACTS.format(name=one.name, values=values)


def _case(number: int) -> str:
    """One task: a rule that made-up words can keep or break, too."""
    asked = f"Describe harbour {number}, without emoji."
    return (
        json.dumps({"id": f"plain-{number}", "prompt": asked, "checks": [{"regex": "^[^\U0001f642]*$"}]})
        + "\n"
    )
