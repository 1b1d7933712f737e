"""A process that appends to a ledger until it is killed, or so many times: STATE NODE PREFIX [COUNT].

An id is printed only after `append` returned: whoever reads it may rely on the record.
"""

import os
import sys
from itertools import count
from pathlib import Path

from freehold.config import schema
from freehold.ledger import Ledger
from tests.ledger.ledger_samples import exchange

state, node, prefix = Path(sys.argv[1]), sys.argv[2], sys.argv[3]
numbers = range(int(sys.argv[4])) if len(sys.argv) > 4 else count()
ledger = Ledger.open(state, node, schema.Ledger(segment_bytes=200_000, commit_s=0.005))
for number in numbers:
    record = exchange(number, prefix)
    ledger.append(record)
    os.write(1, record.id.encode() + b"\n")
ledger.close()
