"""Where a request can go: one model at one provider, on one or more API surfaces."""

from dataclasses import dataclass
from enum import StrEnum


class Dialect(StrEnum):
    """An API's request and answer format, named after its route."""

    CHAT = "chat"  # OpenAI chat completions
    MESSAGES = "messages"  # Anthropic messages
    EMBEDDINGS = "embeddings"  # OpenAI embeddings


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One model at one provider under one account setting; what facts attach to.

    `dialects` are the formats it speaks, the preferred one first.
    """

    id: str  # "provider/model", as written in a pool
    provider: str  # the name of the provider's table in the configuration
    model: str  # the name the provider knows the model by
    dialects: tuple[Dialect, ...]

    def spoken(self, asked: Dialect) -> Dialect | None:
        """The dialect to use for a caller that speaks `asked`; None when there is no way to answer.

        Embeddings translate to nothing else; chat and messages translate to each other.
        """
        if asked in self.dialects:
            return asked
        if asked is Dialect.EMBEDDINGS:
            return None
        return next((spoken for spoken in self.dialects if spoken is not Dialect.EMBEDDINGS), None)
