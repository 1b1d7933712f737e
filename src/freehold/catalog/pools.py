"""How pools are used: what of it does not fit, and what is missing for it."""

from collections.abc import Iterator, Mapping

from freehold.config.document import Document
from freehold.config.schema import Alias, Config, Strategy
from freehold.config.shape import nearest
from freehold.vocabulary.errors import ConfigError


def settings_of(written: Alias | tuple[str, ...]) -> Alias:
    """An alias's settings, however it is written."""
    return written if isinstance(written, Alias) else Alias(written)


def stands_for(prefix: str, alias: str) -> bool:
    """Whether a caller's name is one that an alias stands for; `prefix` is what stands before its `*`."""
    return alias.startswith(prefix) and len(alias) > len(prefix) and alias.isprintable()


def pool_of(alias: str, pools: Mapping[str, tuple[str, ...]]) -> tuple[str, ...]:
    """The entries that a caller's name leads to, what it wrote at an alias's `*` filled in; none: nobody knows it."""
    if alias in pools:
        return pools[alias]
    globs = sorted((one.removesuffix("*") for one in pools if one.endswith("*")), key=len, reverse=True)
    prefix = next((one for one in globs if stands_for(one, alias)), None)
    if prefix is None:
        return ()
    return tuple(entry.replace("*", alias.removeprefix(prefix)) for entry in pools[f"{prefix}*"])


def pool_errors(config: Config, document: Document) -> Iterator[ConfigError]:
    """What of the settings cannot be followed."""
    for alias, written in config.aliases.items():
        yield from _weight_problems(alias, settings_of(written), document)
    for name in config.limits:
        yield from _endpoint_problems(("limits", name), config, document)
    for name in config.prices:
        yield from _endpoint_problems(("prices", name), config, document)


def pool_warnings(config: Config, document: Document) -> Iterator[ConfigError]:
    """What can be followed, but will not do what it was written for."""
    for alias, written in config.aliases.items():
        settings = settings_of(written)
        unpriced = [entry for entry in settings.pool if "*" not in entry and entry not in config.prices]
        if settings.strategy is Strategy.CHEAPEST and unpriced:
            yield document.problem(
                ("aliases", alias, "strategy"),
                f'the cheapest of "{alias}" is asked first, but no price is known for {", ".join(unpriced)}',
                f'Add [prices."{unpriced[0]}"] with input and output; until then it comes last.',
            )
        for knob, wish in (("hedge", settings.hedge), ("continue", settings.continue_)):
            if wish and len(settings.pool) == 1:
                yield document.problem(
                    ("aliases", alias, knob),
                    f'"{alias}" has `{knob}`, but only one endpoint',
                    f"Add an endpoint to its pool, or remove `{knob}`.",
                )


def _weight_problems(alias: str, settings: Alias, document: Document) -> Iterator[ConfigError]:
    path, given, wanted = ("aliases", alias, "weights"), len(settings.weights), len(settings.pool)
    if settings.strategy is not Strategy.WEIGHTED:
        if given:
            yield document.problem(
                path,
                f'"{alias}" has weights, but its strategy is "{settings.strategy}"',
                'Set `strategy = "weighted"`, or remove the weights.',
            )
    elif given != wanted:
        yield document.problem(
            path,
            f'"{alias}" has {given} weights for {wanted} endpoints',
            "Give one weight for each endpoint of the pool, in the same order.",
        )


def _endpoint_problems(path: tuple[str, str], config: Config, document: Document) -> Iterator[ConfigError]:
    table, name = path
    entries = [entry for written in config.aliases.values() for entry in settings_of(written).pool]
    if "*" in name:
        yield document.problem(
            path, f'{table}: "{name}" has a `*`', "Name one endpoint, as it is when the `*` is filled in."
        )
    elif not any(_stands_for(entry, name) for entry in entries):
        meant = nearest(name, entries)
        yield document.problem(
            path,
            f'{table}: no pool has an endpoint "{name}"',
            f'Write "{meant}".' if meant else "Add it to an alias, or remove this table.",
        )


def _stands_for(entry: str, name: str) -> bool:
    """Whether a pool's entry is this endpoint, or becomes it when its `*` is filled in."""
    before, star, after = entry.partition("*")
    if not star:
        return entry == name
    return len(name) > len(before) + len(after) and name.startswith(before) and name.endswith(after)
