"""Gemini requests and whole answers into the middle. The model's name and the wish for a stream are in the path."""

from collections.abc import Iterator

from freehold.dialects.asked import leave_out
from freehold.dialects.fields import Fields, read_json
from freehold.dialects.gemini.contents import Said, Spelled, Turns, joined
from freehold.dialects.gemini.schemas import lowered
from freehold.dialects.gemini.words import (
    TIERS,
    Candidate,
    Response,
    TokenCount,
    created_at,
    finish_of,
    lost_of,
    response,
)
from freehold.dialects.gemini.words import Part as Piece
from freehold.dialects.looks import NULL, UNREADABLE, NotAnAnswer, decoded
from freehold.vocabulary.conversation import (
    Answer,
    Choice,
    Conversation,
    Reasoning,
    Schema,
    Settings,
    Text,
    Thinking,
    Tool,
    ToolCall,
    ToolChoice,
)
from freehold.vocabulary.errors import BadRequest

_ONLY_GEMINI = "only Gemini can say this"
# Fields that change what is answered, with the values that ask for nothing.
_CONFIG_ONLY_HERE: dict[str, tuple[object, ...]] = {
    "candidateCount": (1,),
    "responseModalities": ([], ["TEXT"], ["text"]),
    "responseFormat": ([],),
    "speechConfig": (),
    "imageConfig": (),
    "translationConfig": (),
    "audioTranscriptionConfig": (),
}
_CHOICES = {"AUTO": Choice.AUTO, "ANY": Choice.REQUIRED, "NONE": Choice.NONE, "VALIDATED": Choice.AUTO}


def read_request(body: bytes) -> Conversation:
    """Raises InvalidJSON, BadRequest or UnsupportedField."""
    lost: dict[str, None] = {}
    request = Spelled(read_json(body), "", lost)
    request.take("model", str)  # Google's own libraries may repeat it here
    for name in ("cachedContent", "continuationToken"):
        if not request.is_one_of(name, ("",)):
            raise request.refuse(name, _ONLY_GEMINI)
    turns = Turns()
    instructions = request.object("systemInstruction")
    system = turns.system(instructions) if instructions else ()
    messages = system + turns.messages(request.objects("contents"))
    try:
        choice = _tool_choice(request)
        tools = _tools(request, choice)
        settings = _settings(request)
    except RecursionError:
        raise BadRequest("a schema is nested too deeply") from None
    request.close()
    return Conversation(messages, tools, choice, settings, tuple(lost))


def _tools(request: Fields, choice: ToolChoice | None) -> tuple[Tool, ...]:
    own, theirs = list[Tool](), list[tuple[Fields, str]]()
    for group in request.objects("tools"):
        own += map(_tool, group.objects("functionDeclarations"))
        theirs += ((group, name) for name in group.unread())
    leave_out(theirs, own, choice)
    return tuple(own)


def _tool(tool: Fields) -> Tool:
    schema = _either_schema(tool, "parametersJsonSchema", "parameters")
    read = Tool(
        tool.need("name", str), tool.take("description", str), schema or {"type": "object", "properties": {}}
    )
    tool.close()
    return read


def _either_schema(holder: Fields, name: str, older: str) -> dict[str, object] | None:
    schema = holder.take(name, dict)
    return schema if schema is not None else lowered(holder.take(older, dict) or {}) or None


def _tool_choice(request: Fields) -> ToolChoice | None:
    config = request.object("toolConfig")
    given = config.object("functionCallingConfig") if config else None
    if config:
        config.close()
    if given is None:
        return None
    mode = (given.take("mode", str) or "MODE_UNSPECIFIED").upper()
    allowed = given.strings("allowedFunctionNames")
    given.close()
    if mode == "MODE_UNSPECIFIED":
        return None
    if mode not in _CHOICES:
        raise BadRequest(f"`{given.at('mode')}`: expected AUTO, ANY, NONE or VALIDATED")
    if mode == "VALIDATED":
        given.lose("mode")  # calls are free here too, but held to their schema
    if mode == "ANY" and len(allowed) == 1:
        return ToolChoice(Choice.NAMED, allowed[0])
    return ToolChoice(_CHOICES[mode], allowed=allowed)


def _settings(request: Fields) -> Settings:
    tier, labels = request.take("serviceTier", str), request.take("labels", dict)
    if any(type(label) is not str for label in (labels or {}).values()):
        raise BadRequest("`labels`: expected strings")
    tier = None if tier is None else TIERS.get(tier.lower(), tier.lower())
    config = request.object("generationConfig")
    if config is None:
        return Settings(service_tier=tier, metadata=labels)
    for name, harmless in _CONFIG_ONLY_HERE.items():
        if not config.is_one_of(name, harmless):
            raise config.refuse(name, _ONLY_GEMINI)
    schema, json = _format(config)
    settings = Settings(
        max_tokens=config.take("maxOutputTokens", int),
        temperature=config.take("temperature", float),
        top_p=config.take("topP", float),
        top_k=_whole(config, "topK"),
        frequency_penalty=config.take("frequencyPenalty", float),
        presence_penalty=config.take("presencePenalty", float),
        seed=config.take("seed", int),
        stop=config.strings("stopSequences"),
        reasoning=_reasoning(config),
        schema=schema,
        json=json,
        logprobs=config.take("responseLogprobs", bool),
        top_logprobs=config.take("logprobs", int),
        service_tier=tier,
        metadata=labels,
    )
    config.close()
    return settings


def _whole(config: Fields, name: str) -> int | None:
    """A count that is declared as a float."""
    value = config.take(name, float)
    if value is not None and not value.is_integer():
        raise BadRequest(f"`{config.at(name)}`: expected a whole number")
    return None if value is None else int(value)


def _format(config: Fields) -> tuple[Schema | None, bool]:
    """The shape of the answer, and whether it is JSON of no given shape."""
    kind = config.take("responseMimeType", str) or "text/plain"
    schema = _either_schema(config, "responseJsonSchema", "responseSchema")
    if kind == "application/json" or (schema is not None and kind == "text/plain"):
        return (Schema(schema), False) if schema is not None else (None, True)
    if kind != "text/plain":
        raise config.refuse("responseMimeType", f"{kind} cannot be carried")
    return None, False


def _reasoning(config: Fields) -> Reasoning:
    thinking = config.object("thinkingConfig")
    if thinking is None:
        return Reasoning()
    shown = thinking.take("includeThoughts", bool)
    budget = thinking.take("thinkingBudget", int)
    level = (thinking.take("thinkingLevel", str) or "THINKING_LEVEL_UNSPECIFIED").lower()
    thinking.close()
    return Reasoning(
        None if budget is None else budget != 0,
        None if level == "thinking_level_unspecified" else level,
        budget if budget is not None and budget > 0 else None,
        None if shown is None else "auto" if shown else "none",
    )


def read_answer(body: bytes) -> Answer:
    """Raises NotAnAnswer."""
    answer = read_response(body)
    candidate = (answer.candidates or [Candidate()])[0]
    word = finish_word_of(answer)
    if word is None and not answer.candidates:
        raise NotAnAnswer("no candidates")
    said = joined(_said(answer, candidate))
    parts = tuple(part for part in said if part != Text(""))
    return Answer(
        answer.response_id or "",
        answer.model_version or "",
        parts,
        finish_of(
            word, called=any(isinstance(part, ToolCall) for part in parts), blocked=not answer.candidates
        ),
        word,
        usage=(answer.usage_metadata or TokenCount()).usage(),
        created=created_at(answer.create_time),
        logprobs=candidate.logprobs_result.tokens() if candidate.logprobs_result else (),
        lost=tuple(dict.fromkeys(lost_of(answer.candidates or []))),
    )


def read_response(data: bytes) -> Response:
    """An answer, or one event of a stream. Raises NotAnAnswer."""
    try:
        read = decoded(response, data, count="usageMetadata")
    except UNREADABLE as error:
        raise NotAnAnswer(str(error)) from None
    if bytes(read.error) != b"null":
        raise NotAnAnswer("an error in place of an answer")
    return read


def _said(answer: Response, candidate: Candidate) -> Iterator[Said]:
    called = 0
    for piece in (candidate.content.parts or ()) if candidate.content else ():
        if piece.function_call is not None:
            called += 1
            id_ = call_id(piece, called, answer.response_id)
            call = ToolCall(id_, piece.function_call.name, arguments_of(piece).decode())
            yield call, piece.thought_signature or None
        else:
            text = piece.text or ""
            yield Thinking(text) if piece.thought else Text(text), piece.thought_signature or None


def call_id(piece: Piece, number: int, response_id: str | None) -> str:
    """The call's own id; or one that no other call in the conversation has, where the answer has an id."""
    own = piece.function_call.id if piece.function_call else None
    return own or "_".join(["call", str(number), *([response_id] if response_id else [])])


def arguments_of(piece: Piece) -> bytes:
    """A call's arguments, in the model's own spelling."""
    arguments = bytes(piece.function_call.args if piece.function_call else NULL)
    return b"{}" if arguments == b"null" else arguments


def finish_word_of(answer: Response) -> str | None:
    """Why the model stopped, in Gemini's word; or why it was not asked at all."""
    for candidate in answer.candidates or ():
        return candidate.finish_reason
    return answer.prompt_feedback.block_reason if answer.prompt_feedback else None
