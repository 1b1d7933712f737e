"""A gateway for the official SDKs: the same names behind endpoints of either dialect, good and bad."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import anthropic
import openai
from google import genai
from google.genai import types

from freehold.gateway.keys import KeyStore
from freehold.ledger import query
from freehold.sparring.server import Sparring
from freehold.vocabulary.exchange import Exchange
from tests.gateway.house import House, Partners, aliases, house, post, provider, question
from tests.gateway.street import FINDINGS, FINDINGS_IN_DIALECT

SPOKEN = ("chat", "responses", "messages", "gemini", "converse")  # by the endpoint; the SDK is the caller
BESIDE = {"chat": ("embeddings",), "messages": ("count-tokens",), "gemini": ("gemini-embeddings",)}
FAULTS = ("ok", "400", "400-policy", "401", "404", "429=60", "500", "503", "529", "reset", "silent", "refusal",
          "filtered", "length", "cut+slow-drip=20ms", "error-event+slow-drip=20ms", "stall", "wrong-type")  # fmt: skip
WEATHER = {
    "type": "object",
    "properties": {"city": {"type": "string"}, "days": {"type": "integer"}},
    "required": ["city"],
}
TIME = {"type": "object", "properties": {"zone": {"enum": ["UTC", "CET"]}}, "required": ["zone"]}
PIXEL = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
PROMPT = "Which way is north?"


class Desk(NamedTuple):
    """A gateway and the partner behind it. The alias "FAULT DIALECT" misbehaves in that dialect."""

    house: House
    partner: Sparring
    secret: str  # of a key for everything
    narrow: str  # of a key for nothing that is there
    google: genai.Client  # it takes longer to make than to use

    def chat(self, key: str | None = None) -> openai.OpenAI:
        http = openai.DefaultHttpxClient(verify=False)  # to read certificates takes as long as a test
        return openai.OpenAI(
            base_url=f"{self.house.url}/v1", api_key=key or self.secret, max_retries=0, http_client=http
        )

    def chat_async(self) -> openai.AsyncOpenAI:
        http = openai.DefaultAsyncHttpxClient(verify=False)
        return openai.AsyncOpenAI(
            base_url=f"{self.house.url}/v1", api_key=self.secret, max_retries=0, http_client=http
        )

    def messages(self, key: str | None = None) -> anthropic.Anthropic:
        http = anthropic.DefaultHttpxClient(verify=False)
        return anthropic.Anthropic(
            base_url=self.house.url, api_key=key or self.secret, max_retries=0, http_client=http
        )

    def messages_async(self) -> anthropic.AsyncAnthropic:
        http = anthropic.DefaultAsyncHttpxClient(verify=False)
        return anthropic.AsyncAnthropic(
            base_url=self.house.url, api_key=self.secret, max_retries=0, http_client=http
        )

    def gemini(self, key: str | None = None) -> genai.Client:
        """One of the caller's own: for another key, or for an event loop."""
        return gemini_client(self.house.url, key or self.secret)

    def words(self) -> str:
        """The partner's answer to the plain question, without a gateway."""
        return post(f"{self.partner.base_url}/chat/completions", question("chat", "north")).text()

    def last(self) -> Exchange:
        """The last exchange on the ledger."""
        return query.tail(self.house.state, 1)[0]

    def tried(self) -> Sequence[tuple[str, str, str]]:
        """Of the last exchange on the ledger: the outcome, who answered, and how the last attempt went."""
        last = self.last()
        return [(last.outcome, attempt.endpoint, attempt.outcome) for attempt in last.attempts]


@contextmanager
def desk(folder: Path, partners: Partners, *, first_byte_s: float = 30, idle_s: float = 30) -> Iterator[Desk]:
    """Open one, whose gateway waits so long for a first byte, and between two."""
    partner = partners.open(seed=7)
    config = f"timeouts = {{ first_byte_s = {first_byte_s}, idle_s = {idle_s} }}\n"
    config += "breaker = { failures = 1_000, wait_s_max = 0.05 }\n"
    pools = {}
    for dialect in SPOKEN:
        for fault in FAULTS:
            surfaces = BESIDE.get(dialect, ())
            config += provider(f"{fault} {dialect}", partner, dialect, *surfaces, fault=fault)
            pools[f"{fault} {dialect}"] = [f"{fault} {dialect}/north"]
        pools[f"echo {dialect}"] = [f"ok {dialect}/echo"]
        pools[f"any {dialect}/*"] = [f"ok {dialect}/*"]
    secrets: list[str] = []

    def make(store: KeyStore) -> None:
        secrets.extend(store.create(name, globs)[1] for name, globs in (("all", ()), ("narrow", ("other",))))

    with (
        house(folder, config + aliases(**pools), keys=make) as running,
        gemini_client(running.url, secrets[0]) as google,
    ):
        yield Desk(running, partner, secrets[0], secrets[1], google)


def gemini_client(url: str, key: str) -> genai.Client:
    lax: Any = {"verify": False}
    options = types.HttpOptions(base_url=url, client_args=lax, async_client_args=lax)
    return genai.Client(api_key=key, http_options=options)


def named(spoken: str) -> str:
    """What an answer calls the model: Converse does not say, and nobody makes it up."""
    return "" if spoken == "converse" else "north"


def found(fault: str, spoken: str) -> str | None:
    """What is found in an answer with that fault."""
    return FINDINGS_IN_DIALECT.get((fault, spoken)) or FINDINGS.get(fault)


def kin(spoken: str) -> str:
    """Who signs the thoughts of an endpoint."""
    return "messages" if spoken == "converse" else spoken


def thinker(spoken: str) -> str:
    """An alias for a model that thinks; of Amazon's, only those of one maker are known to."""
    return f"any {spoken}/{'anthropic.claude' if spoken == 'converse' else 'north'}"


def openai_tools() -> Any:
    return [
        {"type": "function", "function": {"name": name, "description": name, "parameters": schema}}
        for name, schema in (("weather", WEATHER), ("time", TIME))
    ]


def anthropic_tools() -> Any:
    return [
        {"name": name, "description": name, "input_schema": schema}
        for name, schema in (("weather", WEATHER), ("time", TIME))
    ]
