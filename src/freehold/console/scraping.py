"""What a running gateway counts, as its /metrics says. One that does not answer at once is as good as none."""

import http.client
import time
from collections.abc import Mapping
from contextlib import closing
from urllib.parse import urlsplit

from msgspec import Struct
from prometheus_client.parser import text_string_to_metric_families

from freehold.console.later import LATER
from freehold.vocabulary.exchange import PASSED_OVER

TIMEOUT_S = 1.0
EVERY_S = 5.0
BYTES_MAX = 8 << 20


class Counted(Struct, frozen=True):
    """Of one endpoint, since the gateway started."""

    asked: int
    answered: int


def counted(gateway: str | None) -> Mapping[str, Counted] | None:
    """What a gateway counted of each endpoint; None: it has not said."""
    if gateway is None:
        return None
    return LATER.get(("metrics", gateway), time.monotonic() // EVERY_S, lambda: read(gateway))


def read(gateway: str) -> Mapping[str, Counted] | None:
    """What it says now; None where it says nothing that can be used."""
    place = urlsplit(gateway)
    connection = http.client.HTTPConnection(place.hostname or "", place.port, timeout=TIMEOUT_S)
    try:
        with closing(connection):
            connection.request("GET", "/metrics")
            answer = connection.getresponse()
            text = answer.read(BYTES_MAX).decode()
        return _attempts(text) if answer.status == http.client.OK else None
    except (OSError, http.client.HTTPException, ValueError):
        return None


def _attempts(text: str) -> Mapping[str, Counted]:
    """Raises ValueError for what is no exposition."""
    asked: dict[str, list[int]] = {}
    families = (one for one in text_string_to_metric_families(text) if one.name == "freehold_attempts")
    for sample in (sample for family in families for sample in family.samples):
        if sample.name == "freehold_attempts_total" and sample.labels["outcome"] not in PASSED_OVER:
            both = asked.setdefault(sample.labels["endpoint"], [0, 0])
            both[0] += int(sample.value)
            both[1] += int(sample.value) if sample.labels["outcome"] == "ok" else 0
    return {name: Counted(*both) for name, both in asked.items()}
