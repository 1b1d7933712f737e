"""A gateway for the official SDKs: the same names behind endpoints of either dialect, good and bad."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import anthropic
import openai

from freehold.gateway.keys import KeyStore
from freehold.sparring.server import Sparring
from tests.gateway.house import House, Partners, aliases, house, post, provider, question

SPOKEN = ("chat", "messages")  # by the endpoint; the SDK decides what the caller speaks
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

    def chat(self, key: str | None = None) -> openai.OpenAI:
        return openai.OpenAI(base_url=f"{self.house.url}/v1", api_key=key or self.secret, max_retries=0)

    def chat_async(self) -> openai.AsyncOpenAI:
        return openai.AsyncOpenAI(base_url=f"{self.house.url}/v1", api_key=self.secret, max_retries=0)

    def messages(self, key: str | None = None) -> anthropic.Anthropic:
        return anthropic.Anthropic(base_url=self.house.url, api_key=key or self.secret, max_retries=0)

    def messages_async(self) -> anthropic.AsyncAnthropic:
        return anthropic.AsyncAnthropic(base_url=self.house.url, api_key=self.secret, max_retries=0)

    def words(self) -> str:
        """The partner's answer to the plain question, without a gateway."""
        return post(f"{self.partner.base_url}/chat/completions", question("chat", "north")).text()

    def tried(self) -> Sequence[tuple[str, str, str]]:
        """Of the last exchange on the ledger: the outcome, who answered, and how the last attempt went."""
        last = self.house.exchanges()[-1]
        return [(last.outcome, attempt.endpoint, attempt.outcome) for attempt in last.attempts]


@contextmanager
def desk(folder: Path, partners: Partners) -> Iterator[Desk]:
    """Open one."""
    partner = partners.open(seed=7)
    config = (
        "timeouts = { first_byte_s = 0.3, idle_s = 0.3 }\nbreaker = { failures = 1_000, wait_s_max = 0.05 }\n"
    )
    pools = {}
    for dialect in SPOKEN:
        for fault in FAULTS:
            surfaces = (dialect, "embeddings") if dialect == "chat" else (dialect,)
            config += provider(f"{fault} {dialect}", partner, *surfaces, fault=fault)
            pools[f"{fault} {dialect}"] = [f"{fault} {dialect}/north"]
        pools[f"echo {dialect}"] = [f"ok {dialect}/echo"]
    secrets: list[str] = []

    def make(store: KeyStore) -> None:
        secrets.extend(store.create(name, globs)[1] for name, globs in (("all", ()), ("narrow", ("other",))))

    with house(folder, config + aliases(**pools), keys=make) as running:
        yield Desk(running, partner, *secrets)


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
