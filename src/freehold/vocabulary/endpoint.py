"""Where a request can go: one model at one provider, on one or more API surfaces."""

from dataclasses import dataclass
from enum import StrEnum


class Dialect(StrEnum):
    """An API's request and answer format, named after its route."""

    CHAT = "chat"  # OpenAI chat completions
    RESPONSES = "responses"  # OpenAI responses
    MESSAGES = "messages"  # Anthropic messages
    GEMINI = "gemini"  # Gemini generateContent and streamGenerateContent
    CONVERSE = "converse"  # Amazon Bedrock Converse; only providers speak it
    EMBEDDINGS = "embeddings"  # OpenAI embeddings
    GEMINI_EMBEDDINGS = "gemini-embeddings"  # Gemini embedContent and batchEmbedContents
    COUNT_TOKENS = "count-tokens"  # Anthropic messages/count_tokens
    PREDICT = "predict"  # our own: what predictors answer
    EMBED = "embed"  # our own: vectors of what a model reads, which need not be text


EMBEDS = (
    Dialect.EMBEDDINGS,
    Dialect.GEMINI_EMBEDDINGS,
    Dialect.EMBED,
)  # vectors of one model are of no use to another

# A request in one dialect can be translated into the others of its family.
FAMILIES = (
    frozenset({Dialect.CHAT, Dialect.RESPONSES, Dialect.MESSAGES, Dialect.GEMINI, Dialect.CONVERSE}),
    frozenset({Dialect.EMBEDDINGS, Dialect.GEMINI_EMBEDDINGS}),
    frozenset({Dialect.COUNT_TOKENS}),
    frozenset({Dialect.PREDICT}),
    frozenset({Dialect.EMBED}),
)
FAMILY = {dialect: family for family in FAMILIES for dialect in family}


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One model at one provider under one account setting; what facts attach to.

    `dialects` are the formats it speaks, the preferred one first.
    """

    id: str  # "provider/model", as written in a pool
    provider: str  # the name of the provider's table in the configuration
    model: str  # the name the provider knows the model by
    dialects: tuple[Dialect, ...]

    def ways(self, asked: Dialect) -> tuple[Dialect, ...]:
        """The dialects in which a caller that speaks `asked` can be served: its own if possible, or by preference.

        Empty when there is no way to answer.
        """
        if asked in self.dialects:
            return (asked,)
        return tuple(spoken for spoken in self.dialects if spoken in FAMILY[asked])
