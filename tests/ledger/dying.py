"""A process that records, as a gateway does, until it dies at a fault point: STATE MODE COUNT.

Prints an id after `append` returned, and "durable ID" after it was told that a power cut would not take it.
What it prints is what others rely on.
"""

import asyncio
import os
import sys
from pathlib import Path

from msgspec.structs import replace

from freehold.config import schema
from freehold.config.schema import Durability
from freehold.ledger import Ledger
from freehold.ledger.bodies import Body
from freehold.vocabulary.exchange import Part
from tests.ledger.ledger_samples import exchange

SETTINGS = schema.Ledger(
    segment_bytes=3_000, commit_s=0.002, durability=Durability(sys.argv[2]), checkpoint_s=0.01
)


async def record(state: Path, count: int) -> None:
    ledger = Ledger.open(state, "node-0", SETTINGS)
    for number in range(count):
        one = exchange(number, "x")
        body = Body(Part.REQUEST, one.id.encode())
        one = replace(one, retention="cases", bodies=ledger.bodies.keep(one.id, one.at_ms, "cases", (body,)))
        ledger.append(one)
        os.write(1, b"%b\n" % one.id.encode())
        if ledger.strict:
            await ledger.durable()
            os.write(1, b"durable %b\n" % one.id.encode())
        if number % 50 == 49:
            ledger.sync()
    ledger.close()


asyncio.run(record(Path(sys.argv[1]), int(sys.argv[3])))
