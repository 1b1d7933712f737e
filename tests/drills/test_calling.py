"""Test requests of a rehearsal: each is made when its time comes, whoever else still waits."""

import asyncio
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Barrier, BrokenBarrierError, Thread

import pytest

from freehold.drills.calling import Calling
from freehold.vocabulary.probe import Reply, ask

AT_ONCE, PATIENCE_S = 40, 60.0


class Together(BaseHTTPRequestHandler):
    """Answers nobody until everybody is there."""

    everybody = Barrier(AT_ONCE)

    def do_POST(self) -> None:
        try:
            self.everybody.wait(PATIENCE_S)
        except BrokenBarrierError:
            return
        body = b'{"choices":[{"message":{"content":"Yes."},"finish_reason":"stop"}]}'
        self.rfile.read(int(self.headers["content-length"]))
        self.send_response(200)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *said: object) -> None:
        """Say nothing."""


class Server(ThreadingHTTPServer):
    request_queue_size = AT_ONCE
    daemon_threads = True


@pytest.fixture
def url() -> Iterator[str]:
    with Server(("127.0.0.1", 0), Together) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def test_however_many_wait_the_next_is_asked(url: str) -> None:
    async def all_of_them() -> list[Reply]:
        return await asyncio.gather(*(Calling(url, "token")("fast", ask("Hello?")) for _ in range(AT_ONCE)))

    assert {(one.text, one.error) for one in asyncio.run(all_of_them())} == {("Yes.", None)}
