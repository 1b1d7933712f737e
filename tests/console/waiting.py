"""Pages that are not ready at once: what is worked out beside the request is waited for."""

import time

from tests.console.site import PATIENCE_S, Page, Visitor

WORKING = "Look again"


def ready(visitor: Visitor, path: str) -> Page:
    """A page once nothing on it is being worked out any more."""
    end = time.monotonic() + PATIENCE_S
    while True:
        page = visitor.get(path)
        if WORKING not in page.text:
            return page
        assert time.monotonic() < end, page.text
