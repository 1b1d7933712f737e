"""Test requests of a rehearsal: each is made when its time comes, whoever else still waits."""

import asyncio
from threading import Barrier, BrokenBarrierError

from freehold.drills.calling import Calling
from freehold.vocabulary.probe import Reply, ask
from tests.answering import Answering, answering

AT_ONCE, PATIENCE_S = 40, 60.0


class Together(Answering):
    """Answers nobody until everybody is there."""

    everybody = Barrier(AT_ONCE)

    def answer(self) -> None:
        try:
            self.everybody.wait(PATIENCE_S)
        except BrokenBarrierError:
            return
        self.sent()
        self.tell(200, {"choices": [{"message": {"content": "Yes."}, "finish_reason": "stop"}]})


def test_however_many_wait_the_next_is_asked() -> None:
    async def all_of_them(url: str) -> list[Reply]:
        return await asyncio.gather(*(Calling(url, "token")("fast", ask("Hello?")) for _ in range(AT_ONCE)))

    with answering(Together) as url:
        assert {(one.text, one.error) for one in asyncio.run(all_of_them(url))} == {("Yes.", None)}
