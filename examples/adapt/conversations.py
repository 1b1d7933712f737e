"""Conversations written for this example: what a made-up mill's people ask of its machines, and what is so."""

import json
from collections.abc import Iterator
from pathlib import Path

PLACES = ("the saw hall", "the kiln", "the yard", "the boiler house", "the workshop", "the office wing")
DAYS = ("on Monday", "on Wednesday", "on Friday", "every morning", "once a month", "in spring")
MACHINES = (
    "chipper", "edger", "planer", "stacker", "debarker", "conveyor",
    "dust fan", "compressor", "crane", "forklift", "scale", "sorter",
)  # fmt: skip
ELSEWHERE = (
    "printer", "lift", "fridge", "oven", "radio", "mixer", "drill", "press",
    "lamp", "heater", "boiler", "cutter", "loom", "grinder", "welder", "lathe",
)  # fmt: skip
WHERE = (
    "Where is the {}?",
    "Where do I find the {}?",
    "In which place does the {} stand?",
    "Tell me where the {} is.",
    "I am looking for the {}.",
    "Please, where is our {}?",
)
WHEN = (
    "When is the {} serviced?",
    "When do we service the {}?",
    "On which day is the {} looked after?",
    "Tell me when the {} is serviced.",
    "How often does the {} need service?",
    "Please, when is our {} serviced?",
)


def facts(machines: tuple[str, ...], shift: int) -> Iterator[tuple[str, tuple[str, ...], str]]:
    """A machine, how it is asked about, and the answer."""
    for number, machine in enumerate(machines):
        place = PLACES[(number * 5 + shift) % len(PLACES)]
        day = DAYS[(number * 5 + number // len(DAYS) + 2 * shift) % len(DAYS)]
        yield machine, WHERE, f"The {machine} is in {place}."
        yield machine, WHEN, f"The {machine} is serviced {day}."


def write_conversations(path: Path, machines: tuple[str, ...], *, shift: int = 0, ways_left: int = 0) -> None:
    """One JSON object a line; each fact is asked in every way but the last ones that are left to the tasks."""
    with path.open("w", encoding="utf-8") as file:
        for machine, ways, answer in facts(machines, shift):
            for way in ways[: len(ways) - ways_left]:
                turns = [
                    {"role": "user", "content": way.format(machine)},
                    {"role": "assistant", "content": answer},
                ]
                file.write(json.dumps({"messages": turns}) + "\n")


def write_tasks(path: Path, machines: tuple[str, ...], shift: int = 0) -> None:
    """The company's own tasks, in the form of `freehold bench`."""
    with path.open("w", encoding="utf-8") as file:
        for machine, ways, answer in facts(machines, shift):
            told = answer.split(machine)[1].strip(" .")
            case = {"id": f"{ways[0].split()[0].lower()}-{machine}", "prompt": ways[-1].format(machine)}
            file.write(json.dumps({**case, "checks": [{"regex": told}], "max_tokens": 24}) + "\n")
