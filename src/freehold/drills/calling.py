"""Asks a running gateway over HTTP, as an application would: a `Call` whose requests are marked for a drill."""

import asyncio
import http.client
import time
from concurrent.futures import Future
from threading import Thread
from typing import NamedTuple
from urllib.parse import urlsplit

import msgspec

from freehold.config import clock
from freehold.gateway.drill_order import TOKEN_HEADER
from freehold.gateway.inside import body_of, said_by
from freehold.vocabulary.probe import Question, Reply

TIMEOUT_S = 120.0


class Calling(NamedTuple):
    """A gateway, and what its requests show."""

    url: str
    token: str
    key: str | None = None

    async def __call__(self, name: str, question: Question, /) -> Reply:
        """Ask an alias, in a thread of its own: however many wait, the next is asked when its time comes."""
        reply = Future[Reply]()
        reply.set_running_or_notify_cancel()
        Thread(target=self._into, args=(reply, name, question), daemon=True).start()
        return await asyncio.wrap_future(reply)

    def _into(self, reply: Future[Reply], name: str, question: Question) -> None:
        try:
            reply.set_result(self._ask(name, question))
        except Exception as error:
            reply.set_exception(error)

    def _ask(self, name: str, question: Question) -> Reply:
        at_ms, began = clock.now_ms(), time.monotonic()
        try:
            status, exchange, body = self._sent(msgspec.json.encode(body_of(name, question, "max_tokens")))
        except (OSError, http.client.HTTPException) as error:
            return Reply("", at_ms, _since_us(began), 0, error=f"unreachable: {error}")
        text, told = said_by(status, body)
        return Reply(text, at_ms, _since_us(began), status, exchange, error=told)

    def _sent(self, body: bytes) -> tuple[int, str, bytes]:
        where = urlsplit(self.url)
        connection = http.client.HTTPConnection(where.hostname or "", where.port, timeout=TIMEOUT_S)
        headers = {"content-type": "application/json", TOKEN_HEADER: self.token}
        if self.key is not None:
            headers["authorization"] = f"Bearer {self.key}"
        try:
            connection.request("POST", "/v1/chat/completions", body, headers)
            answer = connection.getresponse()
            return answer.status, answer.getheader("x-freehold-exchange", ""), answer.read()
        finally:
            connection.close()


def _since_us(began: float) -> int:
    return int((time.monotonic() - began) * 1e6)
