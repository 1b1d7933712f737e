"""What can be known of an endpoint, of a request and of the moment: the words that policies are written in.

A fact that is missing or has expired is unknown: never false, and never zero.
"""

from collections.abc import Mapping
from datetime import date, datetime
from enum import StrEnum
from math import inf
from types import MappingProxyType
from typing import Any, TypeAlias

from msgspec import Struct

Value: TypeAlias = bool | int | float | str | tuple[str, ...] | date


class Basis(StrEnum):
    """What a fact rests on, the strongest first."""

    ATTESTATION = "attestation"  # the provider's own API said so when it was asked
    CONTRACT = "contract"  # a signed agreement
    ACCOUNT_SETTING = "account setting"  # how this account is set up, as its holder says
    PUBLISHED_DEFAULT = "published default"  # what the provider publishes for everybody


class Kind(StrEnum):
    """The type of a fact's value."""

    BOOLEAN = "boolean"
    NUMBER = "number"  # `inf` is a number: without limit
    TEXT = "text"
    TEXTS = "texts"  # a set of texts
    DATE = "date"
    CLASS = "data class"  # one of the configuration's `data_classes`, which are ordered


class About(StrEnum):
    """Whose fact it is."""

    ENDPOINT = "endpoint"
    REQUEST = "request"
    TIME = "time"


class FactType(Struct, frozen=True):
    """One word of the registry."""

    name: str
    kind: Kind
    sentence: str  # what it says, with its unit
    about: About = About.ENDPOINT
    words: tuple[str, ...] = ()  # the only texts it may hold; none: any


class Fact(Struct, frozen=True):
    """One known property of one endpoint, with its evidence."""

    name: str
    value: Value | None  # None: somebody looked, and it could not be verified
    basis: Basis
    source: str  # a URL, or the name of the document
    read: date  # when somebody last saw it there
    expires: datetime | None = None  # from this moment (UTC) on it is unknown
    attached: str = ""  # what it was written for, e.g. "provider=openai model=gpt-5*"
    who: str = ""  # who overrode the shipped fact, where an operator did
    why: str = ""  # and why
    place: str = ""  # file and line

    def at(self, now: datetime) -> Value | None:
        """The value at a moment; None is unknown."""
        return None if self.expires is not None and now >= self.expires else self.value

    def number_at(self, now: datetime) -> float | None:
        """The same of a number; None is unknown, or none."""
        value = self.at(now)
        return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


Facts: TypeAlias = Mapping[str, Fact]  # of one endpoint, by name; a name that is missing is unknown


class EndpointFacts(Struct, frozen=True):
    """An endpoint's id, and what is known of it."""

    endpoint: str
    facts: Facts


def _registry(*types: FactType) -> Mapping[str, FactType]:
    return MappingProxyType({one.name: one for one in types})


def _of_request(name: str, kind: Kind, sentence: str) -> FactType:
    return FactType(name, kind, sentence, About.REQUEST)


def _of_time(name: str, kind: Kind, sentence: str, *words: str) -> FactType:
    return FactType(name, kind, sentence, About.TIME, words)


_TEXT, _NUMBER, _BOOLEAN = Kind.TEXT, Kind.NUMBER, Kind.BOOLEAN
DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")

# Countries are ISO 3166-1 alpha-2 codes. A region may also be "EU" (somewhere in the Union) or "global" (anywhere).
REGISTRY = _registry(
    FactType("provider", _TEXT, "who runs the inference: the catalog's row"),
    FactType("entity", _TEXT, "the legal entity that the contract is with"),
    FactType("parent", _TEXT, "the company that owns the entity in the end"),
    FactType("cloud", _TEXT, "whose machines it runs on"),
    FactType("region", _TEXT, "the provider's own name for the region that is asked"),
    FactType("model", _TEXT, "the name that the provider knows the model by"),
    FactType("entity_jurisdiction", _TEXT, "the country whose law the entity is under"),
    FactType("parent_jurisdiction", _TEXT, "the country whose law the parent is under"),
    FactType("storage_region", _TEXT, "where prompts and answers are stored, if they are"),
    FactType("inference_region", _TEXT, "where the model runs"),
    FactType("support_region", _TEXT, "from where the provider's staff may look at customers' data"),
    FactType("retention_days", _NUMBER, "for how many days prompts and answers are kept; inf: without limit"),
    FactType("trains_on_inputs", _BOOLEAN, "whether prompts are used to train models"),
    FactType("zero_retention_available", _BOOLEAN, "whether an account can be set to keep nothing"),
    FactType("distillation_allowed", _BOOLEAN, "whether its answers may be used to train another model"),
    FactType("subprocessors", Kind.TEXTS, "who else may hold the data"),
    FactType(
        "fedramp",
        _TEXT,
        "the FedRAMP authorisation of this surface",
        words=("none", "low", "moderate", "high"),
    ),
    FactType("own", _BOOLEAN, "whether it runs on machines of this company"),
    FactType("weights_origin", _TEXT, "the country of the lab that trained the weights"),
    FactType("weights_lab", _TEXT, "the lab that trained the weights"),
    FactType("weights_family", _TEXT, "the family of models that the weights belong to"),
    FactType("licence", _TEXT, 'the licence of the weights: an SPDX id, LicenseRef-..., or "proprietary"'),
    FactType("open_weights", _BOOLEAN, "whether anybody may download the weights"),
    FactType("context_tokens", _NUMBER, "how many tokens a request and its answer may have together"),
    FactType("deprecated_on", Kind.DATE, "the day from which the provider no longer serves it"),
    FactType("input_usd_per_mtok", _NUMBER, "US dollars for a million input tokens"),
    FactType("output_usd_per_mtok", _NUMBER, "US dollars for a million output tokens"),
    _of_request("application", _TEXT, "the name that the caller's key was made for"),
    _of_request("alias", _TEXT, "the model name that was asked for"),
    _of_request("data_class", Kind.CLASS, "how sensitive the data is: the highest that anybody said"),
    _of_request("purpose", _TEXT, "what the request is for, as the application says"),
    _of_request("user_region", _TEXT, "the country of the user, as the application says"),
    _of_request("tools", _BOOLEAN, "whether the request offers tools to the model"),
    _of_time("hour", _NUMBER, "the hour of the day, 0 to 23, in UTC"),
    _of_time("weekday", _TEXT, "the day of the week, in UTC", *DAYS),
    _of_time("today", Kind.DATE, "the date, in UTC"),
)

_EU = (
    "EU AT BE BG HR CY CZ DK EE FI FR DE GR HU IE IT LV LT LU MT NL PL PT RO SK SI ES SE"  # the 27, and "EU"
)
# Sets of countries that a policy can name. EU: https://european-union.europa.eu/principles-countries-history/eu-countries_en
# EEA adds the three EFTA states of the agreement: https://www.efta.int/eea
GROUPS: Mapping[str, frozenset[str]] = MappingProxyType(
    {"EU": frozenset(_EU.split()), "EEA": frozenset((*_EU.split(), "IS", "LI", "NO"))}
)


def as_plain(value: Any) -> Any:
    """A fact's value as JSON can hold it: `inf` and dates are texts."""
    if isinstance(value, date):
        return value.isoformat()
    return "inf" if value == inf else value


def from_plain(name: str, plain: Any) -> Any:
    """The value of the fact `name` that `as_plain` made so."""
    kind = REGISTRY[name].kind
    if kind is Kind.DATE and isinstance(plain, str):
        return date.fromisoformat(plain)
    return inf if kind is Kind.NUMBER and plain == "inf" else plain


class RequestFacts(Struct, frozen=True):
    """What a policy may know of one request; None is unknown."""

    application: str
    alias: str
    data_class: str | None = None
    purpose: str | None = None
    user_region: str | None = None
    tools: bool | None = None

    def value(self, name: str) -> Any:
        """One fact by its name in the registry."""
        return getattr(self, name)
