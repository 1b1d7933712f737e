"""Where records come from: what comes along, the operator's files, and the configuration's prices."""

from collections.abc import Iterator
from datetime import date
from functools import cache
from pathlib import Path

from freehold.catalog.records import FactRecord, Layer, Reading, read_all, reading
from freehold.config.schema import Config
from freehold.vocabulary.facts import Basis

CONFIGURATION = "the configuration"  # the source of what it states
PUBLISHED = "own/facts.toml"  # in the state directory: of the models published here


@cache
def shipped() -> tuple[Reading, ...]:
    """The files that come along, in the order of their names; read once, when first asked for."""
    folder = Path(__file__).with_name("facts")
    found = sorted(
        (file for file in folder.iterdir() if file.name.endswith(".toml")), key=lambda file: file.name
    )
    return tuple(
        reading(file.read_text(encoding="utf-8"), f"catalog/facts/{file.name}", Layer.SHIPPED)
        for file in found
    )


def own_files(config: Config) -> Iterator[Reading]:
    """The files that the operator names."""
    for name in config.catalog.facts:
        yield read_all(Path(name), Layer.OPERATOR)


def published(state: Path) -> Reading:
    """What is known of the models that were published here; nothing where none was."""
    path = state / PUBLISHED
    return read_all(path, Layer.OPERATOR) if path.exists() else Reading((), ())


def prices(config: Config, today: date) -> Iterator[FactRecord]:
    """The prices of the configuration, as the operator's word of today."""
    for endpoint, price in config.prices.items():
        provider, _, model = endpoint.partition("/")
        yield FactRecord(
            Layer.OPERATOR,
            (("model", (model,)), ("provider", (provider,))),
            Basis.ACCOUNT_SETTING,
            CONFIGURATION,
            today,
            (("input_usd_per_mtok", price.input), ("output_usd_per_mtok", price.output)),
            who="the operator",
            why=f'[prices."{endpoint}"]',
        )
