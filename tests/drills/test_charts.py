"""Charts of a report: nothing is cut off at the edge."""

import re

from freehold.drills.charts import FILLS, LETTER, WIDTH, stacks


def test_a_legend_of_everything_that_can_become_of_requests_fits() -> None:
    drawn = stacks("What becomes of requests", [("all", dict.fromkeys(FILLS, 1 / len(FILLS)))])

    words = re.findall(r'<text x="([0-9.]+)" y="11.0" text-anchor="start" font-size="9">([^<]+)<', drawn)

    assert [word for _, word in words] == list(FILLS)
    assert all(0 <= float(x) <= WIDTH - len(word) * LETTER * 0.8 for x, word in words)
