"""Own models in shadow, canary and default on a running gateway, and how they are taken back."""

import signal
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from freehold.gateway import promotion_order
from freehold.gateway.keys import KeyStore
from freehold.gateway.promotion_order import IN_FORCE, TAKEN_BACK, Stage
from freehold.ledger import query
from freehold.sparring.server import Sparring
from freehold.vocabulary.exchange import Exchange, Outcome
from tests.gateway.house import House, Partners, Said, house, path, provider, question
from tests.gateway.promoted import OWN, copies, noted, promote, put, wait_taken_back
from tests.gateway.ruled import fact, until, written

ALIASES = (
    "behind",
    "canary",
    "apps",
    "ruled",
    "shadowed",
    "acting",
    "failing",
    "odd",
    "late",
    "away",
    "kept",
)
DIALECTS = ("chat", "messages", "responses", "gemini")
POOL = ["old/first", "old/second"]
POLICY = """\
name = "ours"
[rules.stays]
when = "data_class >= personal"
require = "inference_region == 'FI'"
reason = "Personal data stays in Finland."
"""


class There(NamedTuple):
    """A gateway with incumbents, and an own model in no pool."""

    house: House
    partners: Partners
    own: Sparring
    keys: dict[str, str]  # by application

    def ask(self, alias: str, words: str = "Which way?", *, application: str = "desk", **more: Any) -> Said:
        """Ask a question, which begins a conversation, or goes on with the one that began with these words."""
        headers = {**self.key(application), "x-freehold-data-class": more.pop("data_class", "public")}
        turns = [{"role": "user", "content": words}, *more.pop("turns", ())]
        body = question("chat", alias, messages=turns, **more)
        return self.house.post(path("chat", alias), body, headers)

    def key(self, application: str) -> dict[str, str]:
        return {"authorization": f"Bearer {self.keys[application]}"}

    def asked(self, alias: str, *words: str, **more: Any) -> list[Exchange]:
        """The exchanges of questions that were all answered."""
        said = [self.ask(alias, one, **more) for one in words]
        assert [one.status for one in said] == [200] * len(said)
        return [self.house.exchange(one) for one in said]


@pytest.fixture(scope="module")
def there(tmp_path_factory: pytest.TempPathFactory, partners: Partners) -> Iterator[There]:
    folder, made = tmp_path_factory.mktemp("promoting"), dict[str, str]()
    own, old = partners.open(seed=3), partners.open(seed=4)
    facts = fact("old", inference_region="FI") + fact("own", inference_region="SE")
    pools = "".join(f"{one} = {POOL}\n" for one in ALIASES if one not in ("ruled", "kept"))
    config = "breaker = { failures = 1_000 }\n" + written(folder, policy=POLICY, facts=facts)
    config += provider("own", own, *DIALECTS)
    config += (
        provider("old", old, *DIALECTS) + f"[aliases]\n{pools}kept = {{ pool = {POOL}, cache_s = 600 }}\n"
    )
    config += f'ruled = {{ pool = {POOL}, strategy = "weighted", weights = [0.000001, 1.0] }}\n'

    def keys(store: KeyStore) -> None:
        made.update({name: store.create(name)[1] for name in ("desk", "lab")})

    with house(folder, config, keys=keys) as up:
        yield There(up, partners, own, made)


@pytest.fixture(autouse=True)
def well(request: pytest.FixtureRequest) -> Iterator[None]:
    """After each test the own model is well again."""
    yield
    if "there" in request.fixturenames:
        there: There = request.getfixturevalue("there")
        there.partners.tell(there.own, "ok")


def endpoints(found: Sequence[Exchange]) -> list[str | None]:
    return [one.endpoint for one in found]


def test_the_default_is_asked_first_and_the_pool_stands_behind_it(there: There) -> None:
    assert endpoints(there.asked("behind", "before")) == ["old/first"]
    promote(there.house.state, "behind", Stage.DEFAULT, errors_max=1.0)

    assert endpoints(there.asked("behind", "after")) == [OWN]
    there.partners.tell(there.own, "500")
    (found,) = there.asked("behind", "while it is ill")
    assert [(one.endpoint, one.outcome) for one in found.attempts] == [(OWN, "status"), ("old/first", "ok")]


def test_every_dialect_reaches_it_whole_and_streamed(there: There) -> None:
    promote(there.house.state, "behind", Stage.DEFAULT, errors_max=1.0)
    headers = {**there.key("desk"), "x-freehold-data-class": "public"}
    ways = [(dialect, stream) for dialect in DIALECTS for stream in (False, True)]

    said = [
        there.house.post(path(dialect, "behind", stream), question(dialect, "behind", stream=stream), headers)
        for dialect, stream in ways
    ]

    assert {one.headers["x-freehold-endpoint"] for one in said} == {OWN}


def test_a_canary_answers_a_share_of_conversations_and_stays_with_each(there: There) -> None:
    promote(there.house.state, "canary", Stage.CANARY, share=0.5)
    words = [f"question {n}" for n in range(24)]
    turns = [{"role": "assistant", "content": "That way."}, {"role": "user", "content": "And then?"}]

    first, second = there.asked("canary", *words), there.asked("canary", *words, turns=turns)

    assert endpoints(first) == endpoints(second)
    assert set(endpoints(first)) == {OWN, "old/first"}


def test_a_canary_may_be_for_one_application(there: There) -> None:
    promote(there.house.state, "apps", Stage.CANARY, share=1.0, applications=("lab",))

    found = [*there.asked("apps", "one"), *there.asked("apps", "one", application="lab")]

    assert endpoints(found) == ["old/first", OWN]


def test_policy_decides_for_it_as_for_anybody(there: There) -> None:
    promote(there.house.state, "ruled", Stage.DEFAULT)

    (open_,) = there.asked("ruled", "one", data_class="public")
    strict = there.asked("ruled", *map(str, range(8)), data_class="personal")

    assert open_.endpoint == OWN
    assert set(endpoints(strict)) == {
        "old/second"
    }  # the alias's own strategy chooses among those that are left
    assert [(one.endpoint, one.rule) for one in strict[0].refused] == [(OWN, "stays")]


def test_a_copy_in_shadow_is_an_exchange_that_can_be_paired_with_the_incumbents(there: There) -> None:
    order = promote(there.house.state, "shadowed", Stage.SHADOW)

    (found,) = there.asked("shadowed", "What is seen?")
    ((event, copy),) = until(lambda: copies(there.house.state, found.id))

    assert (found.endpoint, copy.endpoint) == ("old/first", OWN)
    assert event.about["peers"] == (OWN,)
    assert event.about["promotion"] == order.id
    assert (copy.application, copy.alias, copy.key, copy.outcome) == (
        found.application,
        found.alias,
        found.key,
        Outcome.ANSWERED,
    )
    assert event.at_ms <= copy.at_ms + copy.took_us // 1000


def test_copies_of_turns_of_one_conversation_are_known_as_such(there: There) -> None:
    promote(there.house.state, "shadowed", Stage.SHADOW)
    turns = [{"role": "assistant", "content": "That way."}, {"role": "user", "content": "And then?"}]

    def told(one: Exchange) -> object:
        ((event, _),) = until(lambda: copies(there.house.state, one.id))
        return event.about["conversation"]

    asked = [
        *there.asked("shadowed", "Which way?", "How far?"),
        *there.asked("shadowed", "Which way?", turns=turns),
    ]
    first, other, later = map(told, asked)

    assert first == later != other and len(str(first)) == 16


def test_a_copy_goes_nowhere_that_policy_does_not_allow(there: There) -> None:
    promote(there.house.state, "shadowed", Stage.SHADOW)
    before = len(there.own.requests)

    (found,) = there.asked("shadowed", "Whose is it?", data_class="personal")
    ((_, copy),) = until(lambda: copies(there.house.state, found.id))

    assert (copy.outcome, copy.endpoint, copy.code) == (Outcome.REJECTED, None, "no_eligible_endpoint")
    assert len(there.own.requests) == before


def test_what_a_provider_may_act_upon_is_not_copied(there: There) -> None:
    promote(there.house.state, "acting", Stage.SHADOW)

    acts, plain = there.asked("acting", "Keep it.", store=True), there.asked("acting", "Say it.")

    until(lambda: copies(there.house.state, plain[0].id))
    assert copies(there.house.state, acts[0].id) == []


@pytest.mark.parametrize(
    ("alias", "fault", "limits", "words"),
    [
        ("failing", "503", {"errors_max": 0.1}, "failed"),
        ("odd", "refusal-words", {"findings_max": 0.1}, "had a finding"),
        ("late", "slow-first-byte=60ms", {"p95_ms_max": 25.0, "min_answers": 40}, "took longer than 25 ms"),
    ],
)
def test_what_breaks_its_limits_is_taken_back_and_its_callers_are_answered(
    there: There, alias: str, fault: str, limits: dict[str, Any], words: str
) -> None:
    there.partners.tell(there.own, fault)
    order = promote(there.house.state, alias, Stage.DEFAULT, **{"min_answers": 20, **limits})

    found = there.asked(alias, *map(str, range(6)))
    told = wait_taken_back(there.house.state, order)

    tried = [bool(one.attempts) and one.attempts[0].endpoint == OWN for one in found]
    assert tried == [True, True, True, False, False, False]
    assert {one.outcome for one in found} == {Outcome.ANSWERED}
    assert words in str(told.about["why"])
    assert (told.about["alias"], told.about["endpoint"], told.about["who"]) == (alias, OWN, "anna")
    stages = until(lambda: said if len(said := noted(there.house.state, IN_FORCE, order)) == 2 else None)
    assert [one.about["stage"] for one in stages] == ["default", "off"]


def test_what_it_said_is_not_given_from_memory_once_it_is_taken_away(there: There) -> None:
    order = promote(there.house.state, "kept", Stage.DEFAULT)
    first = there.asked("kept", "the same", "the same")
    promotion_order.put(there.house.state, promotion_order.Promotion("off", "kept", OWN, Stage.OFF))
    until(lambda: len(noted(there.house.state, IN_FORCE, order)) == 1 and not in_force(there, "kept"))

    (after,) = there.asked("kept", "the same")

    assert [one.cached for one in first] == [False, True]
    assert (after.endpoint, after.cached) == ("old/first", False)


def in_force(there: There, alias: str) -> bool:
    """Whether the last that the ledger says of an alias is that somebody is in force there."""
    said = [one for one in query.events(there.house.state, IN_FORCE) if one.about["alias"] == alias]
    return said[-1].about["stage"] != "off"


def test_a_file_that_nobody_can_read_or_that_is_gone_promotes_nobody(there: There) -> None:
    file = there.house.state / promotion_order.FILE
    for spoil in (lambda: file.write_bytes(b"{"), file.unlink):
        promote(there.house.state, "away", Stage.DEFAULT)
        assert endpoints(there.asked("away", "one")) == [OWN]
        right = file.read_bytes()
        spoil()
        until(lambda: not in_force(there, "away"))
        assert endpoints(there.asked("away", "one")) == ["old/first"]
        warned = there.house.get("/readyz").json().get("warnings", [])
        assert any(promotion_order.FILE in one for one in warned) is file.exists()
        file.write_bytes(right)


def test_whom_the_configuration_does_not_know_is_told_and_nobody_suffers(there: There) -> None:
    put(there.house.state, "away", Stage.DEFAULT, endpoint="mine/small")

    until(lambda: "[providers.mine]" in str(there.house.get("/readyz").json().get("warnings")))
    assert endpoints(there.asked("away", "one"))[0] in (OWN, "old/first")


def running(partners: Partners, workers: int) -> str:
    own, old = provider("own", partners.open("503"), "chat"), provider("old", partners.open(), "chat")
    tables = f'{own}{old}[aliases]\nchat = ["old/m"]\n'
    return f"[server]\nworkers = {workers}\n{tables}"


def test_after_a_kill_and_a_start_it_is_in_force_from_the_first_request(
    tmp_path: Path, partners: Partners
) -> None:
    with suppress(AssertionError), house(tmp_path, running(partners, 1)) as up:
        order = promote(up.state, "chat", Stage.CANARY, errors_max=1.0)
        up.process.send_signal(signal.SIGKILL)
        up.process.wait(60)
    with house(tmp_path, running(partners, 1)) as up:
        found = up.exchange(up.ask("chat", "chat"))

        assert [one.endpoint for one in found.attempts] == [OWN, "old/m"]
        assert len(noted(up.state, IN_FORCE, order)) == 2


def test_several_workers_take_it_up_and_one_takes_it_back_for_all(tmp_path: Path, partners: Partners) -> None:
    with house(tmp_path, running(partners, 2)) as up:
        order = promote(up.state, "chat", Stage.DEFAULT, workers=2, min_answers=20, errors_max=0.1)

        def over() -> bool:
            assert up.ask("chat", "chat").status == 200
            return bool(noted(up.state, TAKEN_BACK, order))

        until(over)
        until(lambda: len(noted(up.state, IN_FORCE, order)) == 4)
        assert {one.node for one in noted(up.state, IN_FORCE, order)} == {"node-0", "node-1"}
        assert len(noted(up.state, TAKEN_BACK, order)) == 1
        assert up.exchange(up.ask("chat", "chat")).attempts[0].endpoint == "old/m"
