"""When a gateway takes a drill up and drops it, which requests it draws, and what it breaks off."""

import time
from collections.abc import Iterator
from pathlib import Path
from threading import Thread

import msgspec
import pytest

from freehold.gateway import drill_order
from freehold.gateway.drill_order import LEASE_MS, Mode, Struck
from freehold.gateway.faulty import Strikes
from freehold.vocabulary.errors import Fault
from freehold.vocabulary.exchange import Exchange, Outcome
from tests.gateway.drilled import ask, drilled, hold, noted, order, outcomes, wait_for
from tests.gateway.house import PATIENCE_S, House, Partners, Said, aliases, house, provider


@pytest.fixture(scope="module")
def there(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    with Partners() as partners:
        tables = "".join(provider(name, partners.open(), "chat") for name in ("alpha", "last"))
        pools = aliases(one=["alpha/m", "last/m"], stalls=["alpha/m+stall"])
        with house(tmp_path_factory.mktemp("taken-up"), tables + pools) as up:
            yield up


def test_a_share_is_drawn_by_the_id_so_that_anybody_can_draw_it_again(there: House) -> None:
    with drilled(there.state, Mode.SHARE, Struck("alpha/m", "unreachable"), share=0.5) as drill:
        found = [there.exchange(ask(there, "one", marked=False)) for _ in range(40)]

    drawn = [int(it.id[-8:], 16) < 2**31 for it in found]
    assert [it.drill == drill.id for it in found] == drawn
    assert [it.endpoint == "last/m" for it in found] == drawn


def test_a_copy_meets_the_fault_and_its_caller_does_not(there: House) -> None:
    with drilled(there.state, Mode.SHADOW, Struck("alpha/m", "unreachable")) as drill:
        said = there.exchange(ask(there, "one", marked=False))
        copies: list[Exchange] = []
        until = time.monotonic() + PATIENCE_S
        while not copies and time.monotonic() < until:
            copies = [it for it in there.exchanges() if it.drill == drill.id]

    assert (said.endpoint, said.drill, said.outcome) == ("alpha/m", None, Outcome.ANSWERED)
    assert [(it.endpoint, it.alias, it.outcome) for it in copies] == [("last/m", "one", Outcome.ANSWERED)]


def test_a_stream_under_way_breaks_off_when_its_endpoint_becomes_unreachable(there: House) -> None:
    struck = Struck("alpha/m+stall", "unreachable")
    with drilled(there.state, Mode.MARKED, struck, in_ms=3_000) as drill:
        said = ask(there, "stalls", stream=True)
        found = there.exchange(said)

    assert found.outcome is Outcome.CUT
    assert outcomes(found) == [("alpha/m+stall", Fault.RESET, 200)]
    assert found.at_ms + found.took_us / 1000 >= drill.from_ms


def test_who_waits_for_a_lost_endpoint_is_let_go_when_the_drill_is_over(there: House) -> None:
    answers: list[Said] = []
    thread = Thread(target=lambda: answers.append(ask(there, "one")))
    with drilled(there.state, Mode.MARKED, Struck("alpha/m", "timeout")):
        thread.start()
        thread.join(0.5)
        assert thread.is_alive()  # it waits, for as long as `timeouts.first_byte_s` says
    thread.join(PATIENCE_S)

    assert outcomes(there.exchange(answers[0])) == [
        ("alpha/m", Fault.TIMEOUT_FIRST_BYTE, None),
        ("last/m", "ok", None),
    ]


def test_a_drill_for_another_run_of_the_gateway_is_dropped_and_removed(there: House) -> None:
    stale = order(there.state, "d00000000000000000ff", Mode.SHARE, Struck("alpha/m", "unreachable"))
    drill_order.put(there.state, msgspec.structs.replace(stale, run="1"))

    told = wait_for(there.state, "drill-over", stale.id)

    assert told.about["why"] == "it was meant for an earlier run of the gateway"
    assert not noted(there.state, "drill-in-force", stale.id)
    assert not (there.state / drill_order.FILE).exists()
    assert there.exchange(ask(there, "one", marked=False)).endpoint == "alpha/m"


def test_a_fault_ends_with_the_lease_of_its_command(there: House) -> None:
    abandoned = order(there.state, "d00000000000000000fe", Mode.SHARE, Struck("alpha/m", "unreachable"))
    drill_order.put(there.state, abandoned)
    hold(there.state)
    wait_for(there.state, "drill-in-force", abandoned.id)
    drill_order.renew(there.state)  # for the last time
    until_ms = drill_order.lease_ms(there.state)

    over = wait_for(there.state, "drill-over", abandoned.id)

    assert over.about["why"] == "its command was not heard of any more"
    assert over.at_ms >= until_ms
    assert not (there.state / drill_order.FILE).exists()


@pytest.mark.parametrize("text", ["{", "\x00", '{"x":' * 100_000, "[]"])
def test_a_file_that_is_no_drill_is_none(there: House, text: str) -> None:
    file = there.state / drill_order.FILE
    file.write_text(text)
    try:
        assert drill_order.read(there.state) is None
        assert there.exchange(ask(there, "one", marked=False)).endpoint == "alpha/m"
    finally:
        file.unlink(missing_ok=True)


def test_a_folder_in_the_place_of_a_drill_is_none(tmp_path: Path) -> None:
    (tmp_path / drill_order.FILE).mkdir()

    assert drill_order.read(tmp_path) is None
    assert not drill_order.remove(tmp_path)


def test_a_clock_that_is_set_back_makes_no_fault_last_longer(monkeypatch: pytest.MonkeyPatch) -> None:
    now_ms = time.time_ns() // 1_000_000
    strikes = Strikes({}, (0, 2 * now_ms), now_ms + LEASE_MS)
    held, later_s = strikes.holds(now_ms), time.monotonic() + LEASE_MS / 1000
    monkeypatch.setattr(time, "monotonic", lambda: later_s)

    assert held
    assert not strikes.holds(now_ms - 3_600_000)
