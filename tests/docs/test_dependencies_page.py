"""docs/dependencies.md and pyproject.toml have the same lists."""

import re
import tomllib

from tests.docs.pages import rows, sections, text_of

PAGE = sections(text_of("docs/dependencies.md"))
PROJECT = tomllib.loads(text_of("pyproject.toml"))["project"]
LISTS: dict[str, list[str]] = {"Core": PROJECT["dependencies"], **PROJECT["optional-dependencies"]}


def test_every_dependency_is_there_once_with_a_reason_and_no_other() -> None:
    told = {heading: [(row[0].strip("`"), bool(row[1])) for row in rows(PAGE[heading])] for heading in LISTS}

    assert told == {
        heading: sorted((re.split(r"[\[><=]", wanted)[0], True) for wanted in listed)
        for heading, listed in LISTS.items()
    }


def test_the_number_of_core_dependencies_is_the_one_told() -> None:
    words = {7: "seven", 8: "eight", 9: "nine", 10: "ten"}

    for page in ("README.md", "docs/dependencies.md"):
        assert words[len(LISTS["Core"])] in text_of(page)
