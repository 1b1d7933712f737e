"""Conversations from the gateway's ledger: those whose bodies are kept, and whose answers may be learnt from.

Bodies are opened only of exchanges that pass every gate that can be told without them. A conversation repeats earlier
answers, and who gave those its exchange does not say: each must be known as the answer of an exchange that may be
learnt from, too. Of a conversation that grew, only its longest form is taken.

Leaves out what is more than words: tools, pictures, several answers at once.
"""

import hashlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from operator import attrgetter
from typing import NamedTuple

from freehold.dialects.listener import Listener
from freehold.dialects.said import Said, said
from freehold.dialects.translate import LANGUAGES
from freehold.ledger.bodies import Opened
from freehold.own.corpus.drops import Drops, Reason
from freehold.own.corpus.knobs import Exchanges
from freehold.own.corpus.licences import Terms, counted
from freehold.own.rows import Row, Turn
from freehold.vocabulary.conversation import Message, Role, Text
from freehold.vocabulary.endpoint import Dialect
from freehold.vocabulary.errors import CallerError
from freehold.vocabulary.exchange import Exchange, Finish, Outcome, Part

CUT_SHORT = (Finish.LENGTH, Finish.REFUSAL, Finish.FILTERED, Finish.PAUSED)
_SYSTEM = (Role.SYSTEM, Role.DEVELOPER)
_ASSISTANT = Role.ASSISTANT.value


class Asked(NamedTuple):
    """The exchanges that a plan asks for: those to be opened, and the terms under which all of them were answered."""

    wanted: tuple[Exchange, ...]
    terms: tuple[Terms, ...]

    @property
    def digest(self) -> str:
        """The same for the same exchanges under the same terms."""
        told = [*(one.id for one in self.wanted), *map(repr, self.terms)]
        return hashlib.sha256("\n".join(told).encode()).hexdigest()


def asked(
    exchanges: Iterable[Exchange], knobs: Exchanges, terms: Callable[[str], Terms], drops: Drops
) -> Asked:
    """What can be told without opening a body: whose answers, under which terms, and whether something is wrong."""
    wanted, under = list[Exchange](), list[Terms]()
    for exchange in filter(lambda one: _is_asked_for(one, knobs), exchanges):
        answered = dict.fromkeys(filter(None, (exchange.endpoint, exchange.continued_by)))
        found = [terms(endpoint) for endpoint in answered]
        under += found
        barred = next((one for one in found if one.reason is not None), None)
        wrong = _wrong(exchange)
        if not exchange.bodies:
            drops.add(exchange.id, exchange.id, Reason.NO_BODY)
        elif barred is not None and barred.reason is not None:
            drops.add(exchange.id, exchange.id, barred.reason, barred.sentence)
        elif wrong and not knobs.findings:
            drops.add(exchange.id, exchange.id, Reason.FINDING, wrong)
        else:
            wanted.append(exchange)
    return Asked(tuple(wanted), counted(under))


def _is_asked_for(exchange: Exchange, knobs: Exchanges) -> bool:
    return (
        exchange.outcome is Outcome.ANSWERED
        and exchange.dialect in LANGUAGES
        and exchange.endpoint is not None
        and (not knobs.applications or exchange.application in knobs.applications)
        and (not knobs.aliases or exchange.alias in knobs.aliases)
    )


def _wrong(exchange: Exchange) -> str:
    finish = exchange.served.finish if exchange.served else None
    cut = [f"ended by {finish}"] if finish in CUT_SHORT else []
    return ", ".join([*dict.fromkeys(one.kind for one in exchange.findings), *cut])


def read(
    opened: Iterable[tuple[Exchange, Sequence[Opened]]],
    score: Callable[[str, str], float | None],
    score_min: float | None,
    drops: Drops,
) -> list[Row]:
    """The conversations of opened exchanges. `score`: of an exchange's id and its answer, 0 to 1; None: unknown."""
    rows, answers = list[Row](), set[str]()
    for exchange, bodies in opened:
        found = conversation(exchange, bodies)
        if isinstance(found, str):
            drops.add(exchange.id, exchange.id, Reason.UNREADABLE, found)
            continue
        answers.add(found[-1].text)
        scored = score(exchange.id, found[-1].text) if score_min is not None else None
        if score_min is not None and (scored is None or scored < score_min):
            detail = "nobody scored it" if scored is None else f"{scored:g}, below {score_min:g}"
            drops.add(exchange.id, exchange.id, Reason.SCORE, detail)
            continue
        licence = f"terms of {exchange.endpoint}"
        rows.append(Row(exchange.id, turns=found, at_ms=exchange.at_ms, origin=exchange.id, licence=licence))
    return sorted(_longest(_known(rows, answers, drops), drops), key=attrgetter("id"))


def _known(rows: Iterable[Row], answers: set[str], drops: Drops) -> Iterator[Row]:
    """Without conversations that repeat an answer of which nobody knows whose it was."""
    for row in rows:
        earlier = [turn.text for turn in row.turns[:-1] if turn.role == _ASSISTANT]
        if answers.issuperset(earlier):
            yield row
        else:
            drops.add(row.id, row.origin, Reason.TERMS_UNKNOWN, "it repeats an answer of unknown origin")


def _longest(rows: Iterable[Row], drops: Drops) -> Iterator[Row]:
    """Without conversations that another one goes on with."""
    beginnings = dict[tuple[Turn, ...], str]()
    for row in sorted(rows, key=lambda one: (-len(one.turns), one.id)):
        if row.turns in beginnings:
            drops.add(row.id, row.origin, Reason.EXACT, f"{beginnings[row.turns]} goes on with it")
            continue
        yield row
        for end, turn in enumerate(row.turns[:-1], 1):
            if turn.role == _ASSISTANT:
                beginnings.setdefault(row.turns[:end], row.id)


def conversation(exchange: Exchange, bodies: Sequence[Opened]) -> tuple[Turn, ...] | str:
    """What was said, turn by turn, or why it cannot be told."""
    by_part = {one.reference.part: one for one in bodies}
    request, answer = by_part.get(Part.REQUEST), by_part.get(Part.ANSWER)
    if request is None or answer is None:
        return "a body was not kept"
    for one in (request, answer):
        if one.trouble or one.reference.cut:
            return f"its {one.reference.part}: {one.trouble or 'only its beginning was kept'}"
    dialect = Dialect(exchange.dialect)
    turns, heard = _turns(dialect, request.data), _heard(exchange.stream, dialect, answer.data)
    if isinstance(turns, str):
        return turns
    if heard is None or heard.whole is None or heard.calls or heard.other or heard.several:
        return "its answer is more than words"
    return (*turns, Turn(_ASSISTANT, heard.whole)) if heard.whole.strip() else "its answer is empty"


def _turns(dialect: Dialect, body: bytes) -> tuple[Turn, ...] | str:
    try:
        found = LANGUAGES[dialect].read_request(body)
    except CallerError as error:
        return f"its request cannot be read: {error.code}"  # the message may quote it
    if found.tools or not all(isinstance(part, Text) for one in found.messages for part in one.parts):
        return "its request is more than words"
    system = "\n\n".join(_words(one) for one in found.messages if one.role in _SYSTEM)
    turns = [Turn(one.role.value, _words(one)) for one in found.messages if one.role not in _SYSTEM]
    return tuple([Turn(Role.SYSTEM.value, system), *turns] if system else turns)


def _words(message: Message) -> str:
    return "".join(part.text for part in message.parts if isinstance(part, Text))


def _heard(stream: bool, dialect: Dialect, body: bytes) -> Said | None:
    if not stream:
        return said(dialect, body)
    listener = Listener(dialect, keep_whole=True)
    listener.feed(body)
    return listener.said()
