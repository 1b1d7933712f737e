"""Pass a stream on, event by event, and hold its last event back until the exchange is recorded.

Only whole events are passed on, so that whatever happens the caller can still be told in its dialect. A
stream that stops without its closing event is never passed on as if it had ended well.
"""

from typing import NamedTuple

from freehold.dialects.glance import NotAnAnswer
from freehold.gateway.attempt import EVENT_BYTES_MAX, Stream
from freehold.gateway.client import Client
from freehold.gateway.draft import Draft
from freehold.vocabulary.errors import Fault, UpstreamFailed
from freehold.vocabulary.exchange import Served
from freehold.wire.sse import whole_until


class End(NamedTuple):
    """How a stream ended. `last` is what remains to be sent; `failure` says why it is no good ending."""

    last: bytes
    served: Served
    failure: UpstreamFailed | None


async def pass_on(stream: Stream, client: Client, draft: Draft) -> End:
    """Send all but the end of the stream. The caller of this function records, then sends `End.last`."""
    glance, translator, incoming = stream.glance, stream.translator, stream.incoming
    ready, held = stream.first, stream.rest
    failure: UpstreamFailed | None = None
    try:
        while not (glance.ended or glance.failed):
            passed = ready if translator is None else translator.feed(ready)
            if passed:
                draft.answer_bytes += len(passed)
                await client.write(passed)
            ready = b""
            piece = await incoming.piece()
            if not piece:
                break
            ready, held = _whole_events(held, piece)
            glance.feed(ready)
    except UpstreamFailed as broken:
        failure = broken
    except NotAnAnswer as garbage:
        failure = _unreadable(garbage)
    end = _end(stream, ready, failure)
    draft.answer_bytes += len(end.last)
    return end


def _end(stream: Stream, ready: bytes, failure: UpstreamFailed | None) -> End:
    """What the last bytes are; `ready` has been received and not yet passed on."""
    glance, translator, served = stream.glance, stream.translator, stream.glance.served()
    if glance.failed:
        failure = UpstreamFailed(Fault.ERROR_EVENT, "the provider told of an error in its stream")
    elif failure is None and not (glance.ended or served.finish):
        failure = UpstreamFailed(Fault.RESET, "the stream ended without its closing event")
    if failure is None:
        try:
            last = ready if translator is None else translator.feed(ready) + translator.finish()
            return End(last, served, None)
        except NotAnAnswer as garbage:
            failure = _unreadable(garbage)
    own_words = glance.failed and translator is None  # the provider's error event is already in the dialect
    return End(ready if own_words else b"", served, failure)


def _unreadable(garbage: NotAnAnswer) -> UpstreamFailed:
    return UpstreamFailed(Fault.GARBAGE, f"an event cannot be read: {garbage}")


def _whole_events(held: bytes, piece: bytes) -> tuple[bytes, bytes]:
    """What can be passed on, and the beginning of an event that must wait for its end."""
    data = held + piece if held else piece
    until = whole_until(data)
    if until == len(data):
        return data, b""
    if len(data) - until > EVENT_BYTES_MAX:
        raise UpstreamFailed(Fault.GARBAGE, f"an event is over {EVENT_BYTES_MAX} bytes")
    return data[:until], data[until:]
