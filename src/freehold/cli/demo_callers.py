"""The demo's applications: the official SDKs where they are installed, plain HTTP otherwise."""

import http.client
import json
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, suppress
from dataclasses import dataclass
from importlib import import_module
from typing import Any, Protocol
from urllib.parse import urlsplit

TIMEOUT_S = 10.0
TOKENS_MAX = 200

Heard = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Said:
    """What came of one request, as the application saw it."""

    text: str
    model: str = ""  # who says it answered
    headers: Mapping[str, str] | None = None
    error: str = ""  # what the application was told went wrong
    code: str = ""  # the error's stable code, if it was told in the dialect

    def proof(self, name: str) -> str:
        """One of the headers that the gateway adds; "" if it is missing."""
        return (self.headers or {}).get(f"x-freehold-{name}", "")


class Caller(Protocol):
    """An application that asks one alias. Whatever goes wrong is in what it returns; it raises nothing."""

    name: str

    def shown(self, prompt: str, *, stream: bool = False) -> str:
        """The request, as a newcomer would write it."""

    def ask(self, prompt: str) -> Said:
        """Wait for the whole answer."""

    def listen(self, prompt: str, heard: Heard) -> Said:
        """Have the answer streamed; `heard` is told each piece as it comes."""


def import_ahead() -> None:
    """Begin to import the SDKs, which takes seconds, while processes start."""
    threading.Thread(target=_import_all, daemon=True).start()


def _import_all() -> None:
    for name in ("openai", "anthropic"):
        with suppress(ImportError):
            import_module(name)


def chat_caller(url: str, key: str, alias: str) -> Caller:
    """An application that speaks OpenAI's dialect."""
    try:
        return OpenAICaller(url, key, alias)
    except ImportError:
        headers = {"authorization": f"Bearer {key}"}
        return PlainCaller(url, "/v1/chat/completions", headers, {"model": alias})


def messages_caller(url: str, key: str, alias: str) -> Caller:
    """An application that speaks Anthropic's dialect."""
    try:
        return AnthropicCaller(url, key, alias)
    except ImportError:
        headers = {"x-api-key": key, "anthropic-version": "2023-06-01"}
        return PlainCaller(url, "/v1/messages", headers, {"model": alias, "max_tokens": TOKENS_MAX})


class OpenAICaller:
    """The official SDK. It must not try again by itself, or nobody could tell who did."""

    def __init__(self, url: str, key: str, alias: str) -> None:
        import openai  # noqa: PLC0415 - an extra, and slow to import

        self._alias = alias
        self._client = openai.OpenAI(
            base_url=f"{url}/v1",
            api_key=key,
            max_retries=0,
            timeout=TIMEOUT_S,
            http_client=openai.DefaultHttpxClient(mounts={url: None}),  # past any proxy
        )
        self.name = f"OpenAI SDK {openai.__version__}"

    def shown(self, prompt: str, *, stream: bool = False) -> str:
        more = ", stream=True" if stream else ""
        return f'chat.completions.create(model="{self._alias}", messages=[... "{prompt}"]{more})'

    def ask(self, prompt: str) -> Said:
        try:
            answer = self._client.chat.completions.with_raw_response.create(
                model=self._alias, messages=[{"role": "user", "content": prompt}]
            )
            read = answer.parse()
        except Exception as error:  # whatever an application would be told
            return _failed("", error)
        message = read.choices[0].message
        return Said(message.content or message.refusal or "", read.model, answer.headers)

    def listen(self, prompt: str, heard: Heard) -> Said:
        pieces: list[str] = []
        headers: Mapping[str, str] = {}
        model = ""
        try:
            answer = self._client.chat.completions.with_raw_response.create(
                model=self._alias, messages=[{"role": "user", "content": prompt}], stream=True
            )
            headers = answer.headers
            for chunk in answer.parse():
                model = chunk.model
                for choice in chunk.choices:
                    if choice.delta.content:
                        pieces.append(choice.delta.content)
                        heard(choice.delta.content)
        except Exception as error:  # whatever an application would be told
            return _failed("".join(pieces), error, headers)
        return Said("".join(pieces), model, headers)


class AnthropicCaller:
    """The official SDK, which tries again no more than the other."""

    def __init__(self, url: str, key: str, alias: str) -> None:
        import anthropic  # noqa: PLC0415 - an extra, and slow to import

        self._alias = alias
        self._client = anthropic.Anthropic(
            base_url=url,
            api_key=key,
            max_retries=0,
            timeout=TIMEOUT_S,
            http_client=anthropic.DefaultHttpxClient(mounts={url: None}),
        )
        self.name = f"Anthropic SDK {anthropic.__version__}"

    def shown(self, prompt: str, *, stream: bool = False) -> str:
        verb = "stream" if stream else "create"
        return f'messages.{verb}(model="{self._alias}", messages=[... "{prompt}"], max_tokens={TOKENS_MAX})'

    def ask(self, prompt: str) -> Said:
        try:
            answer = self._client.messages.with_raw_response.create(
                model=self._alias, max_tokens=TOKENS_MAX, messages=[{"role": "user", "content": prompt}]
            )
            read = answer.parse()
        except Exception as error:  # whatever an application would be told
            return _failed("", error)
        text = "".join(block.text for block in read.content if block.type == "text")
        return Said(text, read.model, answer.headers)

    def listen(self, prompt: str, heard: Heard) -> Said:
        pieces: list[str] = []
        headers: Mapping[str, str] = {}
        try:
            with self._client.messages.stream(
                model=self._alias, max_tokens=TOKENS_MAX, messages=[{"role": "user", "content": prompt}]
            ) as stream:
                headers = stream.response.headers
                for piece in stream.text_stream:
                    pieces.append(piece)
                    heard(piece)
                model = stream.get_final_message().model
        except Exception as error:  # whatever an application would be told
            return _failed("".join(pieces), error, headers)
        return Said("".join(pieces), model, headers)


class PlainCaller:
    """Plain HTTP, in either dialect."""

    name = "plain HTTP"

    def __init__(self, url: str, path: str, headers: Mapping[str, str], fields: Mapping[str, object]) -> None:
        self._address = urlsplit(url).netloc
        self._path = path
        self._headers = {"content-type": "application/json", **headers}
        self._fields = fields

    def shown(self, prompt: str, *, stream: bool = False) -> str:
        fields = json.dumps({**self._fields, **({"stream": True} if stream else {})})
        return f'POST {self._path} {fields[:-1]}, "messages": [... "{prompt}"]}}'

    def ask(self, prompt: str) -> Said:
        try:
            with closing(self._connection()) as connection:
                answer = self._answer(connection, prompt, stream=False)
                said = json.loads(answer.read())
        except (OSError, http.client.HTTPException, ValueError) as error:
            return _failed("", error)
        return _understood(_words(said), said, _headers(answer))

    def listen(self, prompt: str, heard: Heard) -> Said:
        pieces: list[str] = []
        headers: Mapping[str, str] = {}
        last: dict[str, Any] = {}
        try:
            with closing(self._connection()) as connection:
                answer = self._answer(connection, prompt, stream=True)
                headers = _headers(answer)
                for event in _events(answer) if answer.status == 200 else [json.loads(answer.read())]:
                    last |= event
                    if piece := _words(event):
                        pieces.append(piece)
                        heard(piece)
        except (OSError, http.client.HTTPException, ValueError) as error:
            return _failed("".join(pieces), error, headers)
        return _understood("".join(pieces), last, headers)

    def _connection(self) -> http.client.HTTPConnection:
        return http.client.HTTPConnection(self._address, timeout=TIMEOUT_S)

    def _answer(
        self, connection: http.client.HTTPConnection, prompt: str, *, stream: bool
    ) -> http.client.HTTPResponse:
        message = {"role": "user", "content": prompt}
        body = json.dumps({**self._fields, "messages": [message], "stream": stream})
        connection.request("POST", self._path, body, self._headers)
        return connection.getresponse()


def _headers(answer: http.client.HTTPResponse) -> dict[str, str]:
    return {name.lower(): value for name, value in answer.getheaders()}


def _events(answer: http.client.HTTPResponse) -> Iterator[dict[str, Any]]:
    """What the events of a stream carry; the gateway writes each on one line."""
    for line in answer:
        data = line.removeprefix(b"data: ").strip()
        if data != line.strip() and data != b"[DONE]":
            yield json.loads(data)


def _words(said: dict[str, Any]) -> str:
    """The text in an answer or in a piece of one, in either dialect."""
    parts = [choice.get("message") or choice.get("delta") or {} for choice in said.get("choices", ())]
    words = [part.get("content") or part.get("refusal") or "" for part in parts]
    words += [block.get("text", "") for block in said.get("content", ())]
    return "".join(words) + str(said.get("delta", {}).get("text", ""))


def _understood(text: str, said: Mapping[str, Any], headers: Mapping[str, str]) -> Said:
    error = said.get("error") or {}
    told = f"{error.get('type')}: {error.get('message')}" if error else ""
    model = said.get("model") or said.get("message", {}).get("model", "")
    return Said(text, model, headers, told, error.get("code", ""))


def _failed(text: str, error: Exception, headers: Mapping[str, str] | None = None) -> Said:
    """What the SDK raised. Both keep the body of an error; only one of them unwraps it."""
    body = getattr(error, "body", None)
    fields = body.get("error", body) if isinstance(body, dict) else {}
    response = getattr(error, "response", None)
    code = fields.get("code") or "" if isinstance(fields, dict) else ""
    told = fields.get("message") if isinstance(fields, dict) else None
    return Said(
        text,
        "",
        headers or getattr(response, "headers", None),
        f"{type(error).__name__}: {told or error}",
        code,
    )
