"""Names, places and trades: those of the library Faker (MIT), which training alone needs, and lists of our own."""

import pkgutil
import re
import tomllib
from importlib import import_module
from pathlib import Path
from typing import Any

LISTS: dict[str, Any] = tomllib.loads((Path(__file__).parent / "lists.toml").read_text(encoding="utf-8"))
FAKER = {"en": "en_US", "de": "de_DE", "fr": "fr_FR", "es": "es_ES", "it": "it_IT"}
LOCALE_NAMES_MIN = 40
_LATIN = re.compile(r"[A-ZÀ-ž][A-Za-zÀ-žʼ' .-]+")
_PLACE = re.compile("[A-ZÀ-Þ][A-Za-zÀ-ž' -]+")


def providers(topic: str) -> dict[str, Any]:
    """Faker's data of one topic, by locale. Without the library: `pip install faker` beside this project."""
    package = import_module(f"faker.providers.{topic}")
    names = (one.name for one in pkgutil.iter_modules(package.__path__))
    return {name: import_module(f"faker.providers.{topic}.{name}").Provider for name in names}


def people() -> dict[str, tuple[list[str], list[str]]]:
    """First and last names in Latin letters, by locale."""
    found = {}
    for locale, provider in providers("person").items():
        first, last = set[str](), set[str]()
        for name in dir(provider):
            values = getattr(provider, name)
            if not isinstance(values, list | tuple | dict) or "pair" in name:
                continue
            words = {one for one in values if isinstance(one, str) and "{" not in one}
            if name.startswith(("first_name", "male_first", "female_first")):
                first |= words
            if name.startswith("last_name"):
                last |= words
            if "romanized" in name or "latin" in name:
                (first if "first" in name else last).update(words)
        latin = [
            sorted(one for one in side if _LATIN.fullmatch(one) and len(one) < 25) for side in (first, last)
        ]
        if min(map(len, latin)) > LOCALE_NAMES_MIN:
            found[locale] = (latin[0], latin[1])
    return found


def geography() -> dict[str, dict[str, list[str]]]:
    """Cities, countries and the like, by locale."""
    return {
        locale: {
            name: [one for one in getattr(provider, name) if isinstance(one, str)]
            for name in dir(provider)
            if not name.startswith("__") and isinstance(getattr(provider, name), tuple | list)
        }
        for locale, provider in providers("address").items()
    }


def world(places: dict[str, dict[str, list[str]]]) -> list[str]:
    """Up to 300 places of each locale and kind."""
    kinds = ("cities", "states", "counties", "regions", "provinces")
    named = (one for locale in places.values() for kind in kinds for one in locale.get(kind, [])[:300])
    return sorted({one.title() if one.isupper() else one for one in named if _PLACE.fullmatch(one)})
