"""The middle into Gemini requests and whole answers. The model's name and the wish for a stream are in the path."""

import re
from collections.abc import Sequence
from itertools import groupby

import msgspec

from freehold.dialects.asking import lose_settings, model_arguments, temperature
from freehold.dialects.fields import present
from freehold.dialects.gemini.turns import Object, Turns, model_parts
from freehold.dialects.gemini.words import (
    TIERS,
    TokenCount,
    create_time,
    finish_message,
    finish_word,
    older,
    token_count,
)
from freehold.vocabulary.conversation import (
    Answer,
    Choice,
    Conversation,
    Message,
    Reasoning,
    Refusal,
    Role,
    Schema,
    Settings,
    Text,
    Token,
    Tool,
    ToolChoice,
)
from freehold.vocabulary.errors import UnsupportedField
from freehold.vocabulary.exchange import Usage

TEMPERATURE_MAX = 2.0
_LABEL = re.compile(r"[a-z][a-z0-9_-]{0,62}=[a-z0-9_-]{0,63}")
_MODES = {Choice.AUTO: "AUTO", Choice.REQUIRED: "ANY", Choice.NONE: "NONE", Choice.NAMED: "ANY"}
_BUDGETS = {"minimal": 512, "low": 1_024, "medium": 8_192, "high": 24_576}
_WORDS = {tier: word for word, tier in TIERS.items()}


def write_request(conversation: Conversation, model: str, lost: dict[str, None]) -> bytes:
    """Names in `lost` what Gemini cannot say. Raises BadRequest or UnsupportedField."""
    request: Object = {}
    system = _system(conversation.messages, lost)
    if system:
        request["systemInstruction"] = {"parts": system}
    turns = Turns(older(model), lost)
    said = (message for message in conversation.messages if message.role in (Role.USER, Role.ASSISTANT))
    contents = [
        turns.turn(role, [part for message in group for part in message.parts])
        for role, group in groupby(said, key=lambda message: message.role)
    ]
    request["contents"] = [content for content in contents if content["parts"]]
    if conversation.tools:
        request["tools"] = [{"functionDeclarations": [_tool(tool, lost) for tool in conversation.tools]}]
    if conversation.tool_choice:
        config = _tool_choice(conversation.tool_choice)
        request["toolConfig"] = {"functionCallingConfig": config}
    return msgspec.json.encode(request | _settings(conversation.settings, model, lost))


def _system(messages: tuple[Message, ...], lost: dict[str, None]) -> list[Object]:
    """All instructions: they have one place here, before the first turn."""
    said, spoken = list[Object](), False
    for message in messages:
        if message.role in (Role.USER, Role.ASSISTANT):
            spoken = True
            continue
        if spoken and message.parts:
            lost["system position"] = None
        for part in message.parts:
            if not isinstance(part, Text):
                raise UnsupportedField("instructions to Gemini hold text only")
            if part.cache:
                lost["cache_control"] = None
            if part.text:
                said.append({"text": part.text})
    return said


def _tool(tool: Tool, lost: dict[str, None]) -> Object:
    if tool.cache:
        lost["cache_control"] = None
    if tool.strict:
        lost["strict"] = None
    said: Object = {"name": tool.name, "parametersJsonSchema": tool.schema}
    return said if tool.description is None else said | {"description": tool.description}


def _tool_choice(choice: ToolChoice) -> Object:
    allowed = list(choice.allowed) if choice.name is None else [choice.name]
    if choice.choice is Choice.AUTO and allowed:
        return {"mode": "VALIDATED", "allowedFunctionNames": allowed}  # names go with this and with ANY only
    said: Object = {"mode": _MODES[choice.choice]}
    return said | ({"allowedFunctionNames": allowed} if allowed and choice.choice is not Choice.NONE else {})


def _settings(settings: Settings, model: str, lost: dict[str, None]) -> Object:
    lose_settings(settings, ("verbosity", "user", "cache_key"), lost)
    if settings.parallel_tools is False:
        lost["parallel_tools"] = None
    config = _config(settings, model, lost)
    said: Object = {"generationConfig": config} if config else {}
    labels, tier = settings.metadata, settings.service_tier
    if labels and all(_LABEL.fullmatch(f"{name}={label}") for name, label in labels.items()):
        said["labels"] = labels
    elif labels:
        lost["metadata"] = None
    if tier in _WORDS:
        said["serviceTier"] = _WORDS[tier]
    elif tier is not None:
        lost["service_tier"] = None
    return said


def _config(settings: Settings, model: str, lost: dict[str, None]) -> Object:
    schema = settings.schema
    said: Object = {
        "maxOutputTokens": settings.max_tokens,
        "temperature": temperature(settings, TEMPERATURE_MAX, lost),
        "topP": settings.top_p,
        "topK": settings.top_k,
        "frequencyPenalty": settings.frequency_penalty,
        "presencePenalty": settings.presence_penalty,
        "seed": settings.seed,
        "stopSequences": list(settings.stop) or None,
        "responseLogprobs": settings.logprobs,
        "logprobs": settings.top_logprobs,
        "responseMimeType": "application/json" if schema or settings.json else None,
        "responseJsonSchema": _schema(schema) if schema else None,
        "thinkingConfig": _thinking(settings.reasoning, older(model), lost) or None,
    }
    return present(**said)


def _schema(schema: Schema) -> Object:
    described = {} if schema.description is None else {"description": schema.description}
    return described | dict(schema.schema)


def _thinking(reasoning: Reasoning, older: bool, lost: dict[str, None]) -> Object:
    """How much may be thought, and whether it is shown."""
    shown: Object = {}
    if reasoning.summary is not None:
        shown = {"includeThoughts": reasoning.summary != "none"}
        if reasoning.summary not in ("none", "auto"):
            lost["reasoning.summary"] = None
    effort = _effort(reasoning.effort, lost)
    if not older and reasoning.enabled is False:
        lost["thinking"] = None  # it cannot be turned off; this is the least that all of them know
        effort = "low"
    if not older and effort is not None:
        if reasoning.budget_tokens is not None:
            lost["thinking.budget_tokens"] = None  # both at once are turned down
        return shown | {"thinkingLevel": effort.upper()}
    budget = _budget(reasoning, effort)
    return shown if budget is None else shown | {"thinkingBudget": budget}


def _effort(effort: str | None, lost: dict[str, None]) -> str | None:
    """The nearest of the levels."""
    if effort is None or effort in _BUDGETS:
        return effort
    lost["reasoning.effort"] = None
    return "high" if effort in ("xhigh", "max") else None


def _budget(reasoning: Reasoning, effort: str | None) -> int | None:
    if reasoning.enabled is False:
        return 0
    if reasoning.budget_tokens is not None:
        return reasoning.budget_tokens
    if effort is not None:
        return _BUDGETS[effort]
    return -1 if reasoning.enabled else None  # -1: as much as the model finds right


def write_answer(answer: Answer, asked: bytes = b"") -> bytes:
    """A whole answer."""
    refusal = "".join(part.text for part in answer.parts if isinstance(part, Refusal))
    candidate = candidate_of(
        model_parts(answer.parts, model_arguments, calls_first=True),
        answer.logprobs,
        finish_word(answer.finish, answer.finish_word),
        finish_message(answer.finish, answer.finish_word, refusal),
    )
    said = response_of(candidate, answer.id, answer.model, answer.created)
    return msgspec.json.encode(said | counted(answer.usage))


def response_of(candidate: Object, id_: str, model: str, created: int | None) -> Object:
    """A whole answer or one event of a stream, but for the counts."""
    said: Object = {"candidates": [candidate], "modelVersion": model, "responseId": id_}
    time = None if created is None else create_time(created)
    return said if time is None else said | {"createTime": time}


def candidate_of(
    parts: list[Object], tokens: Sequence[Token] = (), word: str | None = None, message: str | None = None
) -> Object:
    """What was said, and why no more was."""
    said: Object = {"content": {"role": "model"} | ({"parts": parts} if parts else {})}
    said |= present(finishReason=word, finishMessage=message)
    if tokens:
        said["logprobsResult"] = _logprobs(tokens)
    return said | {"index": 0}


def counted(usage: Usage | None) -> Object:
    """The counts; unknown ones are left out."""
    count = token_count(usage or Usage())
    return {} if count == TokenCount() else {"usageMetadata": count}


def _logprobs(tokens: Sequence[Token]) -> Object:
    said: Object = {"chosenCandidates": [_guess(token) for token in tokens]}
    if any(token.alternatives for token in tokens):
        said["topCandidates"] = [{"candidates": [_guess(t) for t in token.alternatives]} for token in tokens]
    return said


def _guess(token: Token) -> Object:
    return {"token": token.text, "logProbability": token.logprob}
