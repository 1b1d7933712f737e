"""What a bill of materials says of each endpoint in use: its facts, its aliases, and the data that it may see."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from freehold.catalog.bom import Used, url_of
from freehold.catalog.subjects import Subject
from freehold.config.schema import Config
from freehold.policy.matrix import Matrix
from freehold.policy.rules import Policy
from freehold.vocabulary.facts import EndpointFacts, RequestFacts


def used(
    config: Config,
    subjects: Mapping[str, Subject],
    pools: Mapping[str, Sequence[str]],
    facts: Sequence[EndpointFacts],
    enforced: Sequence[Policy],
    now: datetime,
) -> list[Used]:
    """Each endpoint, with the data classes that every enforced policy lets it see, whatever the application."""
    matrices = [Matrix(one, facts, now) for one in enforced]

    def sees(endpoint: str, data_class: str) -> bool:
        request = RequestFacts("", "", data_class)
        return all(endpoint in matrix.row(request).allowed for matrix in matrices)

    return [
        Used(
            one.endpoint,
            (subject := subjects[one.endpoint]),
            one.facts,
            tuple(alias for alias, pool in pools.items() if one.endpoint in pool),
            tuple(name for name in config.data_classes if sees(one.endpoint, name)),
            url_of(config.providers[subject.provider], subject),
        )
        for one in facts
    ]
