"""Gemini requests in other dialects, and others' in Gemini's, field by field."""

import base64
import json
from typing import Any

import pytest
from google.genai.types import Content, GenerationConfig, ToolConfig
from google.genai.types import Tool as GeminiTool

from freehold.dialects.gemini.reading import read_request
from freehold.dialects.gemini.words import UNSIGNED
from freehold.dialects.gemini.writing import write_request
from freehold.dialects.seals import holds_mark
from freehold.dialects.translate import translate_answer, translate_request
from freehold.vocabulary.conversation import (
    Cache,
    Choice,
    Conversation,
    File,
    Image,
    Message,
    Part,
    Reasoning,
    Role,
    Schema,
    Settings,
    Text,
    Thinking,
    Tool,
    ToolCall,
    ToolChoice,
    ToolResult,
)
from freehold.vocabulary.endpoint import Dialect
from freehold.vocabulary.errors import BadRequest, CallerError, InvalidJSON, UnsupportedField

CHAT, MESSAGES, GEMINI = Dialect.CHAT, Dialect.MESSAGES, Dialect.GEMINI
NEW, OLD = "gemini-3.6-flash", "gemini-2.5-flash"
Body = dict[str, Any]

ASKED = {"contents": [{"role": "user", "parts": [{"text": "Hi"}]}]}


def read(**fields: Any) -> Conversation:
    return read_request(json.dumps(ASKED | fields).encode())


def parts_of(*contents: Body) -> list[tuple[Part, ...]]:
    return [message.parts for message in read(contents=list(contents)).messages]


def user(*parts: Body) -> Body:
    return {"role": "user", "parts": list(parts)}


def model(*parts: Body) -> Body:
    return {"role": "model", "parts": list(parts)}


def called(name: str, id_: str | None = None, **args: Any) -> Body:
    return {"functionCall": ({"id": id_} if id_ else {}) | {"name": name, "args": args}}


def answered(name: str, response: Body, **more: Any) -> Body:
    return {"functionResponse": {"name": name, "response": response} | more}


def written(conversation: Conversation, to: str = NEW) -> tuple[Body, tuple[str, ...]]:
    """The request, whose parts Google's own library knows, and what could not be said."""
    lost: dict[str, None] = {}
    body = json.loads(write_request(conversation, to, lost))
    for content in body["contents"]:
        Content.model_validate(content)
    for tool in body.get("tools", ()):
        GeminiTool.model_validate(tool)
    ToolConfig.model_validate(body.get("toolConfig", {}))
    GenerationConfig.model_validate(body.get("generationConfig", {}))
    return body, tuple(lost)


def turn(role: Role, *parts: Part) -> Message:
    return Message(role, parts)


def contents_of(*messages: Message, to: str = NEW) -> tuple[list[Body], tuple[str, ...]]:
    body, lost = written(Conversation(messages), to)
    return body["contents"], lost


def said(settings: Settings, to: str = NEW) -> tuple[Body, tuple[str, ...]]:
    body, lost = written(Conversation((turn(Role.USER, Text("Hi")),), settings=settings), to)
    return {name: value for name, value in body.items() if name != "contents"}, lost


# --- reading ---


@pytest.mark.parametrize(
    ("config", "settings"),
    [
        ({"maxOutputTokens": 9}, Settings(max_tokens=9)),
        ({"max_output_tokens": 9}, Settings(max_tokens=9)),
        ({"temperature": 2}, Settings(temperature=2.0)),
        ({"topP": 0.5, "topK": 40.0}, Settings(top_p=0.5, top_k=40)),
        ({"stopSequences": ["a", "b"]}, Settings(stop=("a", "b"))),
        ({"seed": 7, "candidateCount": 1, "responseModalities": ["TEXT"]}, Settings(seed=7)),
        (
            {"presencePenalty": 1, "frequencyPenalty": -1},
            Settings(presence_penalty=1.0, frequency_penalty=-1.0),
        ),
        ({"responseLogprobs": True, "logprobs": 3}, Settings(logprobs=True, top_logprobs=3)),
        ({"responseMimeType": "application/json"}, Settings(json=True)),
        ({"responseMimeType": "text/plain"}, Settings()),
        (
            {"responseMimeType": "application/json", "responseJsonSchema": {"type": "object"}},
            Settings(schema=Schema({"type": "object"})),
        ),
        (
            {"responseMimeType": "application/json", "responseSchema": {"type": "OBJECT"}},
            Settings(schema=Schema({"type": "object"})),
        ),
        ({"thinkingConfig": {"thinkingBudget": 0}}, Settings(reasoning=Reasoning(False))),
        ({"thinkingConfig": {"thinkingBudget": -1}}, Settings(reasoning=Reasoning(True))),
        ({"thinkingConfig": {"thinkingBudget": 99}}, Settings(reasoning=Reasoning(True, None, 99))),
        (
            {"thinking_config": {"thinking_level": "LOW", "include_thoughts": True}},
            Settings(reasoning=Reasoning(effort="low", summary="auto")),
        ),
        ({"thinkingConfig": {"includeThoughts": False}}, Settings(reasoning=Reasoning(summary="none"))),
    ],
)
def test_settings_are_read(config: Body, settings: Settings) -> None:
    conversation = read(generationConfig=config)

    assert (conversation.settings, conversation.lost) == (settings, ())


@pytest.mark.parametrize(
    ("fields", "settings"),
    [
        ({"serviceTier": "standard"}, Settings(service_tier="default")),
        ({"service_tier": "PRIORITY"}, Settings(service_tier="priority")),
        ({"labels": {"team": "a"}}, Settings(metadata={"team": "a"})),
        ({"model": "models/gemini-3-pro"}, Settings()),
    ],
)
def test_top_level_fields_are_read(fields: Body, settings: Settings) -> None:
    conversation = read(**fields)

    assert (conversation.settings, conversation.lost) == (settings, ())


@pytest.mark.parametrize(
    ("fields", "lost"),
    [
        ({"safetySettings": [{"category": "HARM_CATEGORY_HARASSMENT"}]}, "safetySettings"),
        ({"store": True}, "store"),
        (
            {"generationConfig": {"mediaResolution": "MEDIA_RESOLUTION_LOW"}},
            "generationConfig.mediaResolution",
        ),
        ({"toolConfig": {"retrievalConfig": {}}}, "toolConfig.retrievalConfig"),
        (
            {"toolConfig": {"functionCallingConfig": {"mode": "VALIDATED"}}},
            "toolConfig.functionCallingConfig.mode",
        ),
        ({"contents": [user({"text": "a", "partMetadata": {"k": 1}})]}, "contents[].parts[].partMetadata"),
        (
            {"contents": [user({"text": "a", "thoughtSignature": "c2ln"})]},
            "contents[].parts[].thoughtSignature",
        ),
        (
            {"tools": [{"functionDeclarations": [{"name": "f", "behavior": "BLOCKING"}]}]},
            "tools[].functionDeclarations[].behavior",
        ),
    ],
)
def test_harmless_fields_are_named(fields: Body, lost: str) -> None:
    assert read(**fields).lost == (lost,)


@pytest.mark.parametrize(
    "fields",
    [
        {"cachedContent": "cachedContents/1"},
        {"continuationToken": "t"},
        {"generationConfig": {"candidateCount": 2}},
        {"generationConfig": {"responseModalities": ["TEXT", "IMAGE"]}},
        {"generationConfig": {"speechConfig": {}}},
        {"generationConfig": {"imageConfig": {}}},
        {"generationConfig": {"responseFormat": [{"text": {}}]}},
        {"generationConfig": {"responseMimeType": "text/x.enum", "responseSchema": {"type": "STRING"}}},
        {"tools": [{"googleSearch": {}}]},
        {"tools": [{"code_execution": {}}]},
        {"tools": [{"functionDeclarations": [], "urlContext": {}}]},
        {"contents": [model({"executableCode": {"code": "1", "language": "PYTHON"}})]},
        {"contents": [model({"codeExecutionResult": {"outcome": "OUTCOME_OK"}})]},
        {
            "contents": [
                user({"inlineData": {"mimeType": "video/mp4", "data": "AA"}, "videoMetadata": {"fps": 1}})
            ]
        },
        {
            "contents": [
                user({"fileData": {"fileUri": "https://generativelanguage.googleapis.com/v1beta/files/abc"}})
            ]
        },
        {"contents": [user({"fileData": {"fileUri": "files/abc"}})]},
    ],
)
def test_what_only_gemini_can_do_is_refused(fields: Body) -> None:
    with pytest.raises(UnsupportedField):
        read(**fields)


@pytest.mark.parametrize(
    "fields",
    [
        {"contents": "Hi"},
        {"contents": [{"role": "assistant", "parts": []}]},
        {"contents": [user(answered("f", {}))]},
        {"contents": [user({"functionCall": None}), user({"inlineData": {"data": "AA"}})]},
        {"generationConfig": {"topK": 1.5}},
        {"generationConfig": {"maxOutputTokens": "many"}},
        {"toolConfig": {"functionCallingConfig": {"mode": "SOMETIMES"}}},
        {"labels": {"a": 1}},
    ],
)
def test_wrong_fields_are_the_callers_error(fields: Body) -> None:
    with pytest.raises(BadRequest):
        read(**fields)


def test_a_body_that_is_no_json_is_the_callers_error() -> None:
    with pytest.raises(InvalidJSON):
        read_request(b"{")


def test_a_schema_nested_without_end_is_the_callers_error() -> None:
    schema = '{"items":' * 480 + "{}" + "}" * 480
    body = f'{{"tools":[{{"functionDeclarations":[{{"name":"f","parameters":{schema}}}]}}]}}'

    with pytest.raises(CallerError):
        read_request(body.encode())


def test_parts_are_read() -> None:
    assert parts_of(
        user(
            {"text": "a"},
            {"inlineData": {"mimeType": "image/png", "data": "AAAA"}},
            {"inline_data": {"mime_type": "application/pdf", "data": "BBBB", "display_name": "b.pdf"}},
            {"inlineData": {"mimeType": "audio/wav", "data": "CCCC"}},
            {"fileData": {"mimeType": "image/gif", "fileUri": "https://e.org/a"}},
            {"fileData": {"mimeType": "application/pdf", "fileUri": "gs://b/a.pdf"}},
            {"fileData": {"fileUri": "https://www.youtube.com/watch?v=1"}},
        )
    ) == [
        (
            Text("a"),
            Image(media_type="image/png", data="AAAA"),
            File(media_type="application/pdf", data="BBBB", name="b.pdf"),
            File(media_type="audio/wav", data="CCCC"),
            Image(url="https://e.org/a", media_type="image/gif"),
            File(url="gs://b/a.pdf", media_type="application/pdf"),
            File(url="https://www.youtube.com/watch?v=1"),
        )
    ]


def test_instructions_come_first_and_a_content_without_role_is_the_users() -> None:
    conversation = read(
        systemInstruction={"parts": [{"text": "Be brief."}]}, contents=[{"parts": [{"text": "a"}]}]
    )

    assert conversation.messages == (turn(Role.SYSTEM, Text("Be brief.")), turn(Role.USER, Text("a")))


def test_calls_without_ids_get_some_and_results_find_the_earliest_open_call_of_their_name() -> None:
    assert parts_of(
        user({"text": "a"}),
        model(called("f", x=1), called("g"), called("f", x=2), called("h", "own")),
        user(
            answered("g", {"output": "G"}),
            answered("f", {"output": "F1"}),
            answered("f", {"error": "F2"}),
            answered("h", {"n": 1.5}, id="own"),
        ),
        model(called("f", x=3)),
        user(answered("f", {"result": "F3"})),
    )[1:] == [
        (
            ToolCall("call_1", "f", '{"x":1}'),
            ToolCall("call_2", "g", "{}"),
            ToolCall("call_3", "f", '{"x":2}'),
            ToolCall("own", "h", "{}"),
        ),
        (
            ToolResult("call_2", (Text("G"),)),
            ToolResult("call_1", (Text("F1"),)),
            ToolResult("call_3", (Text("F2"),), is_error=True),
            ToolResult("own", (Text('{"n":1.5}'),), structured=True),
        ),
        (ToolCall("call_5", "f", '{"x":3}'),),
        (ToolResult("call_5", (Text('{"result":"F3"}'),), structured=True),),
    ]


def test_media_in_a_result_are_parts_of_it() -> None:
    medium = {"inlineData": {"mimeType": "image/png", "data": "AAAA"}}

    assert parts_of(model(called("f")), user(answered("f", {"output": "a"}, parts=[medium])))[1] == (
        ToolResult("call_1", (Text("a"), Image(media_type="image/png", data="AAAA"))),
    )


THOUGHT = {"text": "Hm.", "thought": True}


@pytest.mark.parametrize(
    ("parts", "read_as"),
    [
        ([THOUGHT, {"text": "a"}], [Thinking("Hm."), Text("a")]),
        (
            [THOUGHT, {"text": "a", "thoughtSignature": "c2ln"}],
            [Thinking("Hm.", "c2ln", origin=GEMINI), Text("a")],
        ),
        (
            [{"text": "a"}, {"text": "b", "thought_signature": "c2ln"}],
            [Text("a"), Thinking("", "c2ln", origin=GEMINI), Text("b")],
        ),
        (
            [called("f") | {"thoughtSignature": "c2ln"}, called("g")],
            [
                Thinking("", "c2ln", origin=GEMINI),
                ToolCall("call_1", "f", "{}"),
                ToolCall("call_2", "g", "{}"),
            ],
        ),
        # As the events of a stream leave it.
        (
            [THOUGHT, THOUGHT, {"text": "a"}, {"text": "b"}, {"text": "", "thoughtSignature": "c2ln"}],
            [Thinking("Hm.Hm."), Text("ab"), Thinking("", "c2ln", origin=GEMINI)],
        ),
        (
            [THOUGHT, {"text": "", "thought": True, "thoughtSignature": "c2ln"}, {"text": "a"}],
            [Thinking("Hm.", "c2ln", origin=GEMINI), Text("a")],
        ),
        ([{"thoughtSignature": "c2ln"}], [Thinking("", "c2ln", origin=GEMINI)]),
        ([{"text": ""}], [Text("")]),
        ([called("f") | {"thoughtSignature": UNSIGNED}], [ToolCall("call_1", "f", "{}")]),
    ],
)
def test_a_signature_belongs_to_the_thought_before_it(parts: list[Body], read_as: list[Part]) -> None:
    assert parts_of(model(*parts)) == [tuple(read_as)]
    assert parts_of(*(model(part) for part in parts)) == [tuple(read_as)]


@pytest.mark.parametrize("alphabet", [base64.b64encode, base64.urlsafe_b64encode])
def test_a_thought_of_another_maker_comes_back_as_its_own(alphabet: Any) -> None:
    foreign = alphabet(b"freehold.messages.sig?>~/+==").decode()
    sealed = alphabet(b"freehold.responses.redacted.seal").decode()
    body = json.dumps({"contents": [model(THOUGHT | {"thoughtSignature": foreign}, {"text": "a"})]}).encode()

    assert holds_mark(body)
    assert read_request(body).messages[0].parts[0] == Thinking("Hm.", "sig?>~/+==", origin=MESSAGES)
    assert parts_of(model({"text": "", "thought": True, "thoughtSignature": sealed})) == [
        (Thinking(redacted="seal", origin=Dialect.RESPONSES),)
    ]


def test_a_signature_that_only_begins_like_a_mark_is_geminis_own() -> None:
    odd = "ZnJlZWhvbGQu" + "_w"  # not base64, and not text

    assert parts_of(model({"text": "a", "thoughtSignature": odd}))[0][0] == Thinking("", odd, origin=GEMINI)


@pytest.mark.parametrize(
    ("schema", "lowered"),
    [
        ({"type": "STRING", "nullable": True}, {"type": ["string", "null"]}),
        ({"type": "TYPE_UNSPECIFIED"}, {}),
        (
            {"type": "STRING", "enum": ["a"], "nullable": True},
            {"type": ["string", "null"], "enum": ["a", None]},
        ),
        (
            {"any_of": [{"type": "INTEGER"}, {"type": "STRING"}], "nullable": True},
            {"anyOf": [{"type": "integer"}, {"type": "string"}, {"type": "null"}]},
        ),
        (
            {"type": "ARRAY", "minItems": "1", "max_items": 3, "items": {"type": "NUMBER", "example": 1}},
            {"type": "array", "minItems": 1, "maxItems": 3, "items": {"type": "number", "examples": [1]}},
        ),
        (
            {
                "type": "OBJECT",
                "properties": {"any_of": {"type": "STRING"}, "b": {"type": "BOOLEAN", "description": "B"}},
                "propertyOrdering": ["b", "any_of", "c"],
                "required": ["b"],
            },
            {
                "type": "object",
                "properties": {"b": {"type": "boolean", "description": "B"}, "any_of": {"type": "string"}},
                "required": ["b"],
            },
        ),
    ],
)
def test_a_schema_in_geminis_words_becomes_json_schema(schema: Body, lowered: Body) -> None:
    (tool,) = read(tools=[{"functionDeclarations": [{"name": "f", "parameters": schema}]}]).tools
    wanted = read(generationConfig={"responseMimeType": "application/json", "responseSchema": schema})

    assert json.dumps(tool.schema) == json.dumps(lowered or {"type": "object", "properties": {}})
    assert wanted.settings == (Settings(schema=Schema(lowered)) if lowered else Settings(json=True))


def test_tools_are_read() -> None:
    schema = {"type": "object", "properties": {"type": {"type": "string"}}}
    declared = [{"name": "f", "description": "F", "parametersJsonSchema": schema}, {"name": "g"}]

    assert read(
        tools=[{"functionDeclarations": declared}, {"function_declarations": [{"name": "h"}]}]
    ).tools == (
        Tool("f", "F", schema),
        Tool("g", None, {"type": "object", "properties": {}}),
        Tool("h", None, {"type": "object", "properties": {}}),
    )


CHOICES = [
    ({"mode": "AUTO"}, ToolChoice(Choice.AUTO)),
    ({"mode": "NONE"}, ToolChoice(Choice.NONE)),
    ({"mode": "ANY"}, ToolChoice(Choice.REQUIRED)),
    ({"mode": "ANY", "allowedFunctionNames": ["f"]}, ToolChoice(Choice.NAMED, "f")),
    ({"mode": "ANY", "allowedFunctionNames": ["f", "g"]}, ToolChoice(Choice.REQUIRED, allowed=("f", "g"))),
    ({"mode": "VALIDATED", "allowedFunctionNames": ["f"]}, ToolChoice(Choice.AUTO, allowed=("f",))),
]


@pytest.mark.parametrize(("config", "choice"), CHOICES)
def test_the_choice_of_tools_is_read_and_written(config: Body, choice: ToolChoice) -> None:
    assert read(toolConfig={"functionCallingConfig": config}).tool_choice == choice
    body, _ = written(Conversation((), tool_choice=choice))
    assert body["toolConfig"] == {"functionCallingConfig": config}


def test_no_choice_is_none() -> None:
    assert read(toolConfig={"functionCallingConfig": {}}).tool_choice is None


# --- writing ---


@pytest.mark.parametrize(
    ("settings", "config", "lost"),
    [
        (Settings(max_tokens=9, seed=1, top_k=3), {"maxOutputTokens": 9, "topK": 3, "seed": 1}, ()),
        (Settings(temperature=2.5), {"temperature": 2.0}, ("temperature",)),
        (Settings(json=True), {"responseMimeType": "application/json"}, ()),
        (
            Settings(schema=Schema({"type": "object"}, "n", "D", True)),
            {
                "responseMimeType": "application/json",
                "responseJsonSchema": {"description": "D", "type": "object"},
            },
            (),
        ),
        (Settings(logprobs=True, top_logprobs=2), {"responseLogprobs": True, "logprobs": 2}, ()),
    ],
)
def test_settings_are_written(settings: Settings, config: Body, lost: tuple[str, ...]) -> None:
    assert said(settings) == ({"generationConfig": config}, lost)


@pytest.mark.parametrize(
    ("settings", "body", "lost"),
    [
        (Settings(service_tier="flex"), {"serviceTier": "flex"}, ()),
        (Settings(service_tier="default"), {"serviceTier": "standard"}, ()),
        (Settings(service_tier="scale"), {}, ("service_tier",)),
        (Settings(metadata={"team": "a-1"}), {"labels": {"team": "a-1"}}, ()),
        (Settings(metadata={"Team": "A"}), {}, ("metadata",)),
        (Settings(verbosity="low", user="u", cache_key="k"), {}, ("verbosity", "user", "cache_key")),
        (Settings(parallel_tools=False), {}, ("parallel_tools",)),
        (Settings(parallel_tools=True, stream=True), {}, ()),
    ],
)
def test_other_settings_are_written_or_named(settings: Settings, body: Body, lost: tuple[str, ...]) -> None:
    assert said(settings) == (body, lost)


@pytest.mark.parametrize(
    ("reasoning", "to", "config", "lost"),
    [
        (Reasoning(effort="minimal"), NEW, {"thinkingLevel": "MINIMAL"}, ()),
        (Reasoning(effort="high"), "google/gemini-3-pro", {"thinkingLevel": "HIGH"}, ()),
        (Reasoning(effort="xhigh"), NEW, {"thinkingLevel": "HIGH"}, ("reasoning.effort",)),
        (Reasoning(effort="odd"), NEW, {}, ("reasoning.effort",)),
        (Reasoning(True, "low", 500), NEW, {"thinkingLevel": "LOW"}, ("thinking.budget_tokens",)),
        (Reasoning(True, None, 500), NEW, {"thinkingBudget": 500}, ()),
        (Reasoning(True), NEW, {"thinkingBudget": -1}, ()),
        (Reasoning(False), NEW, {"thinkingLevel": "LOW"}, ("thinking",)),
        (Reasoning(False), OLD, {"thinkingBudget": 0}, ()),
        (Reasoning(effort="minimal"), OLD, {"thinkingBudget": 512}, ()),
        (Reasoning(effort="low"), OLD, {"thinkingBudget": 1024}, ()),
        (Reasoning(effort="medium"), "models/gemini-2.5-pro", {"thinkingBudget": 8192}, ()),
        (Reasoning(effort="max"), OLD, {"thinkingBudget": 24576}, ("reasoning.effort",)),
        (Reasoning(True, "high", 500), OLD, {"thinkingBudget": 500}, ()),
        (Reasoning(summary="none"), NEW, {"includeThoughts": False}, ()),
        (Reasoning(summary="detailed"), NEW, {"includeThoughts": True}, ("reasoning.summary",)),
    ],
)
def test_thinking_is_written_as_the_model_knows_it(
    reasoning: Reasoning, to: str, config: Body, lost: tuple[str, ...]
) -> None:
    body, named = said(Settings(reasoning=reasoning), to)

    assert body.get("generationConfig", {}).get("thinkingConfig", {}) == config
    assert named == lost


def test_media_are_written() -> None:
    contents, lost = contents_of(
        turn(
            Role.USER,
            Image(url="https://e.org/a.png?x=1", detail="high", cache=Cache()),
            Image(url="https://e.org/a"),
            Image(url="https://e.org/a", media_type="image/webp"),
            File(url="https://e.org/a.MP3"),
            File(url="https://e.org/a"),
            File(media_type="application/pdf", data="AAAA", name="a.pdf"),
        )
    )

    assert contents[0]["parts"] == [
        {"fileData": {"mimeType": "image/png", "fileUri": "https://e.org/a.png?x=1"}},
        {"fileData": {"mimeType": "image/jpeg", "fileUri": "https://e.org/a"}},
        {"fileData": {"mimeType": "image/webp", "fileUri": "https://e.org/a"}},
        {"fileData": {"mimeType": "audio/mpeg", "fileUri": "https://e.org/a.MP3"}},
        {"fileData": {"mimeType": "application/pdf", "fileUri": "https://e.org/a"}},
        {"inlineData": {"mimeType": "application/pdf", "data": "AAAA"}},
    ]
    assert lost == ("cache_control", "detail", "filename")


def test_instructions_have_one_place() -> None:
    body, lost = written(
        Conversation(
            (
                turn(Role.SYSTEM, Text("a", Cache())),
                turn(Role.DEVELOPER, Text("b")),
                turn(Role.USER, Text("c")),
                turn(Role.SYSTEM, Text("d")),
                turn(Role.USER, Text("")),
            )
        )
    )

    assert body == {
        "systemInstruction": {"parts": [{"text": "a"}, {"text": "b"}, {"text": "d"}]},
        "contents": [user({"text": "c"})],
    }
    assert lost == ("cache_control", "system position")
    with pytest.raises(UnsupportedField):
        written(Conversation((turn(Role.SYSTEM, Image(url="https://e.org/a")),)))


def test_results_are_one_turn_and_name_their_functions() -> None:
    contents, lost = contents_of(
        turn(Role.ASSISTANT, ToolCall("a", "f", '{"x": 1.50}'), ToolCall("call_2", "g", "")),
        turn(Role.USER, ToolResult("call_2", (Text("x"), Text("y")), is_error=True)),
        turn(Role.USER, Text("Go on."), ToolResult("a", (Text('{"n": 1.0}'),), structured=True)),
        to=OLD,
    )

    assert contents == [
        model(called("f", "a", x=1.5), called("g")),
        user(
            answered("g", {"error": "x\ny"}),
            {"functionResponse": {"id": "a", "name": "f", "response": {"n": 1.0}}},
            {"text": "Go on."},
        ),
    ]
    assert lost == ()


def test_arguments_keep_the_models_spelling() -> None:
    conversation = Conversation((turn(Role.ASSISTANT, ToolCall("a", "f", '{"x": 1.50}')),))

    assert b'"args":{"x": 1.50}' in write_request(conversation, OLD, {})


def test_an_object_that_is_none_any_more_is_words() -> None:
    contents, _ = contents_of(
        turn(Role.ASSISTANT, ToolCall("a", "f", "{}")),
        turn(Role.USER, ToolResult("a", (Text("[hidden]"),), structured=True)),
    )

    assert contents[1]["parts"][0]["functionResponse"]["response"] == {"output": "[hidden]"}


@pytest.mark.parametrize("to", [NEW, OLD])
def test_media_in_a_result_stay_with_it_where_they_can(to: str) -> None:
    image, far = Image(media_type="image/png", data="AAAA"), Image(url="https://e.org/a")
    contents, _ = contents_of(
        turn(Role.ASSISTANT, ToolCall("a", "f", "{}")),
        turn(Role.USER, ToolResult("a", (Text("x"), image, far)), Text("And?")),
        to=to,
    )
    held = {"inlineData": {"mimeType": "image/png", "data": "AAAA"}}
    within, beside = ([held], []) if to == NEW else ([], [held])

    result: Body = {"id": "a", "name": "f", "response": {"output": "x"}} | (
        {"parts": within} if within else {}
    )
    assert contents[1]["parts"] == [
        {"functionResponse": result},
        {"text": "From the result of f:"},
        *beside,
        {"fileData": {"mimeType": "image/jpeg", "fileUri": "https://e.org/a"}},
        {"text": "And?"},
    ]


@pytest.mark.parametrize(
    "messages",
    [
        [turn(Role.USER, ToolResult("a", (Text("x"),)))],
        [turn(Role.ASSISTANT, ToolCall("a", "f", "[1]"))],
        [turn(Role.ASSISTANT, ToolResult("a", (Text("x"),)))],
    ],
)
def test_turns_that_gemini_cannot_hold_are_the_callers_error(messages: list[Message]) -> None:
    with pytest.raises(BadRequest):
        contents_of(*messages)


EMPTY = {"text": "", "thoughtSignature": "c2ln"}
SIGNED = Thinking("Hm.", "c2ln", origin=GEMINI)
BARE = Thinking("", "c2ln", origin=GEMINI)
CALL = ToolCall("a", "f", "{}")


@pytest.mark.parametrize(
    ("parts", "to", "contents"),
    [
        ([SIGNED, Text("a")], NEW, [THOUGHT, {"text": "a", "thoughtSignature": "c2ln"}]),
        ([Text("a"), BARE], NEW, [{"text": "a"}, {"text": "", "thoughtSignature": "c2ln"}]),
        ([BARE, CALL, CALL], NEW, [called("f", "a") | {"thoughtSignature": "c2ln"}, called("f", "a")]),
        # Chat completions and messages put thoughts first: newer models want the signature on the call.
        ([BARE, Text("a"), CALL], NEW, [{"text": "a"}, called("f", "a") | {"thoughtSignature": "c2ln"}]),
        ([BARE, Text("a"), CALL], OLD, [{"text": "a", "thoughtSignature": "c2ln"}, called("f", "a")]),
        ([BARE, Text(""), CALL], OLD, [called("f", "a") | {"thoughtSignature": "c2ln"}]),
        ([CALL], OLD, [called("f", "a")]),
        ([CALL, CALL], NEW, [called("f", "a") | {"thoughtSignature": UNSIGNED}, called("f", "a")]),
        ([SIGNED, BARE], NEW, [THOUGHT, EMPTY, EMPTY]),
    ],
)  # fmt: skip
def test_a_signature_goes_on_the_part_after_its_thought(
    parts: list[Part], to: str, contents: list[Body]
) -> None:
    assert contents_of(turn(Role.ASSISTANT, *parts), to=to) == ([model(*contents)], ())


@pytest.mark.parametrize(
    "thought", [Thinking("Hm.", "sig", origin=MESSAGES), Thinking(redacted="seal", origin=MESSAGES)]
)
def test_a_thought_of_another_maker_is_left_out(thought: Thinking) -> None:
    assert contents_of(turn(Role.ASSISTANT, thought, Text("a"))) == ([model({"text": "a"})], ("thinking",))
    assert contents_of(turn(Role.USER, Text("a")), turn(Role.ASSISTANT, thought)) == (
        [user({"text": "a"})],
        ("thinking",),
    )


# --- across ---

TOOLS = {
    "functionDeclarations": [{"name": "f", "description": "F", "parametersJsonSchema": {"type": "object"}}]
}
GEMINI_REQUEST = {
    "systemInstruction": {"parts": [{"text": "Be brief."}]},
    "contents": [
        user({"text": "Look"}, {"inlineData": {"mimeType": "image/png", "data": "AAAA"}}),
        model({"text": "Well"}, called("f", "a", x=1), called("f", "b", x=2)),
        user(answered("f", {"output": "A"}, id="a"), answered("f", {"output": "B"}, id="b"), {"text": "So?"}),
        model({"text": "Sunny."}),
        user({"text": "Thanks"}),
    ],
    "tools": [TOOLS],
    "toolConfig": {"functionCallingConfig": {"mode": "ANY", "allowedFunctionNames": ["f"]}},
    "generationConfig": {
        "maxOutputTokens": 19,
        "temperature": 0.5,
        "topP": 0.5,
        "stopSequences": ["x"],
        "responseMimeType": "application/json",
        "responseJsonSchema": {"type": "object"},
        "thinkingConfig": {"thinkingLevel": "HIGH"},
    },
}


@pytest.mark.parametrize("to", [CHAT, MESSAGES, Dialect.RESPONSES])
def test_a_gemini_request_goes_there_and_comes_back(to: Dialect) -> None:
    request = json.loads(json.dumps(GEMINI_REQUEST))
    if to is Dialect.RESPONSES:  # which refuse them
        del request["generationConfig"]["stopSequences"]

    there = translate_request(json.dumps(request).encode(), GEMINI, to, "m", stream=True)
    back = translate_request(there.body, to, GEMINI, NEW)

    assert json.loads(there.body)["stream"] is True
    assert (there.lost, back.lost) == ((), ())
    assert json.loads(back.body) == unsigned(request)


def unsigned(request: Body) -> Body:
    """As a newer model takes it that has not made the calls itself."""
    request["contents"][1]["parts"][1]["thoughtSignature"] = UNSIGNED
    return request


@pytest.mark.parametrize("to", [CHAT, MESSAGES])
def test_a_thought_of_geminis_survives_a_stay_elsewhere(to: Dialect) -> None:
    """An application of another dialect hands back what a Gemini model thought."""
    parts: list[Body] = [
        {"text": "Hm.", "thought": True},
        {"text": "Well"},
        called("f", "a") | {"thoughtSignature": "c2ln"},
    ]
    answer = {"candidates": [{"content": model(*parts), "finishReason": "STOP"}], "responseId": "r"}
    told = json.loads(translate_answer(json.dumps(answer).encode(), GEMINI, to).body)
    history: list[Body] = [{"role": "user", "content": "Hi"}]
    if to is CHAT:
        history += [told["choices"][0]["message"], {"role": "tool", "tool_call_id": "a", "content": "A"}]
    else:
        result = {"type": "tool_result", "tool_use_id": "a", "content": "A"}
        history += [{"role": "assistant", "content": told["content"]}, {"role": "user", "content": [result]}]
    request = {"model": "m", "max_tokens": 9, "messages": history}

    body = json.loads(translate_request(json.dumps(request).encode(), to, GEMINI, NEW).body)

    assert called("f", "a") | {"thoughtSignature": "c2ln"} in body["contents"][1]["parts"]
