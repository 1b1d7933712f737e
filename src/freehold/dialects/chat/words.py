"""What chat completions call things: finish reasons and token counts."""

from msgspec import Struct

from freehold.dialects.fields import Count
from freehold.vocabulary.exchange import Finish, Usage

FINISH = {
    "stop": Finish.STOP,
    "length": Finish.LENGTH,
    "tool_calls": Finish.TOOL_CALLS,
    "function_call": Finish.TOOL_CALLS,
    "content_filter": Finish.FILTERED,
}

# A refusal is told in `message.refusal`, beside an ordinary "stop"; a pause has no word.
WORD = {
    Finish.STOP: "stop",
    Finish.LENGTH: "length",
    Finish.TOOL_CALLS: "tool_calls",
    Finish.REFUSAL: "stop",
    Finish.FILTERED: "content_filter",
    Finish.PAUSED: "stop",
    Finish.OTHER: "stop",
}


class InputDetails(Struct, omit_defaults=True):
    """Parts of the prompt's tokens."""

    cached_tokens: Count | None = None
    cache_write_tokens: Count | None = None


class OutputDetails(Struct, omit_defaults=True):
    """Parts of the answer's tokens."""

    reasoning_tokens: Count | None = None


class TokenCount(Struct, omit_defaults=True):
    """The `usage` object. Its prompt tokens include the cached ones."""

    prompt_tokens: Count | None = None
    completion_tokens: Count | None = None
    total_tokens: Count | None = None
    prompt_tokens_details: InputDetails | None = None
    completion_tokens_details: OutputDetails | None = None
    prompt_cache_hit_tokens: Count | None = None  # DeepSeek's word for cached tokens

    def usage(self) -> Usage:
        """The counts in the project's words."""
        read, written = self.prompt_tokens_details, self.completion_tokens_details
        cached = read.cached_tokens if read else None
        return Usage(
            self.prompt_tokens,
            self.completion_tokens,
            self.prompt_cache_hit_tokens if cached is None else cached,
            read.cache_write_tokens if read else None,
            written.reasoning_tokens if written else None,
        )


def token_count(usage: Usage) -> TokenCount:
    """A usage as chat tells it. Unknown counts that the format requires are told as 0."""
    read, written = usage.input_tokens or 0, usage.output_tokens or 0
    parts = InputDetails(usage.cached_tokens, usage.cache_write_tokens)
    reasoning = OutputDetails(usage.reasoning_tokens)
    return TokenCount(
        read,
        written,
        read + written,
        parts if parts != InputDetails() else None,
        reasoning if reasoning != OutputDetails() else None,
    )
