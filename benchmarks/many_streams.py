"""A thousand slow streams at once through one process: is each complete and in order, and what does it hold?

    python -m benchmarks.many_streams [--subject freehold] [--streams 1000]

Twenty numbered pieces over about five seconds each. Ends with 1 when a stream was not what it should be.
"""

import argparse
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path

from benchmarks import processes
from benchmarks.launch import SubjectFailed, start
from benchmarks.measure import STREAMS, Bench
from benchmarks.report import MIB, told
from benchmarks.run import SUBJECTS

WARM_UP_S = 0.5


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.many_streams")
    subjects = {subject.name: subject for subject in SUBJECTS}
    parser.add_argument("--subject", default="freehold", choices=subjects)
    parser.add_argument("--streams", type=int, default=STREAMS)
    arguments = parser.parse_args()
    processes.allow_many_files()
    with ExitStack() as stack:
        bench = Bench(WARM_UP_S)
        stack.callback(bench.close)
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="freehold-bench-")))
        try:
            running = start(subjects[arguments.subject], bench.upstream.port, folder)
        except SubjectFailed as failure:
            print(failure, file=sys.stderr)
            return 1
        stack.callback(running.stop)
        found = bench.streams(running, arguments.streams)
    print(
        f"{arguments.subject}: {found.complete:,} of {arguments.streams:,} complete and in order, "
        f"{found.at_once:,} at once, in {found.elapsed_s:.1f} s; errors: {told(found.errors)}\n"
        f"resident {found.rss_before_bytes / MIB:.0f} MB before, {found.rss_during_bytes / MIB:.0f} MB during: "
        f"{found.rss_per_stream_bytes / 1024:.1f} kB a stream; first byte p99 {found.first_p99_us / 1e3:.0f} ms"
    )
    return 0 if found.complete == arguments.streams == found.at_once else 1


if __name__ == "__main__":
    sys.exit(main())
