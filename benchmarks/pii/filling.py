"""What goes into the holes of sentences: people in the ways they are named, addresses, numbers, and what is nobody."""

import random
from functools import cache
from typing import Any

from benchmarks.pii.known import FAKER, LISTS, geography, people, providers, world

FORMS: dict[str, dict[str, str]] = {
    "phone": {
        "en": "079 9999 9999|07999 999999|+44 7999 999999|+44 20 9999 9999|020 7999 9999|(999) 999-9999|999-999-9999|"
        "+1 999 999 9999|+1 (999) 999-9999|999.999.9999|0131 999 9999|+61 4 9999 9999",
        "de": "0179 9999999|0151 99999999|030 9999999|089/999999|+49 179 9999999|+49 (0)69 999999|0999 99999|"
        "04999 9999|+43 664 9999999|+41 79 999 99 99",
        "fr": "06 99 99 99 99|07 99 99 99 99|01 99 99 99 99|+33 6 99 99 99 99|0699999999|06.99.99.99.99|"
        "+32 499 99 99 99",
        "es": "699 999 999|699 99 99 99|919 999 999|+34 699 999 999|699999999|93 999 99 99",
        "it": "339 9999999|339 999 9999|06 9999999|+39 349 999 9999|02 99999999|3499999999|+39 02 9999 9999",
    },
    "identity": {
        "en": "999-99-9999|AA 99 99 99 A|AA999999A|999999999|A99999999|999 999 9999|99999999|A999999|"
        "AAAAA999999AA9AA|A999-9999-9999|999-999-999",
        "de": "99 999 999 999|A99AA99A9|99999999999|999/999/99999|99 999999 A 999|A999999999|LA99AA99A|99999999A",
        "fr": "1 99 99 99 999 999 99|2999999999999 99|99AA99999|2 99 99 99 999 999 99|1999999999999|999999999999|"
        "99 99 999 999 999",
        "es": "99999999A|99.999.999-A|X9999999A|Y-9999999-A|AAA999999|99 9999999999 99|99999999-A",
        "it": "AAAAAA99A99A999A|AA9999999|CA99999AA|AAA AAA 99A99 A999A",
    },
    "postcode": {"en": "AA9 9AA|A9 9AA|AA99 9AA|99999"},
}  # fmt: skip
NUMBERS = "99|999|9999|99999|9.9|9,999|99-9999|999999|9/9"
REFERENCES = "AA-9999|999999|99-9999-99|AAA-999|9999/99|A99999|INV-99999|CHG9999999|#99999|99999999"
FIRMS = {
    "en": "Ltd|Inc.|LLC|plc|Group|Holdings|& Sons|Partners|Corporation",
    "de": "GmbH|AG|GmbH & Co. KG|KG|e.V.|eG",
    "fr": "SA|SARL|SAS|& Fils",
    "es": "S.A.|S.L.|e Hijos",
    "it": "S.p.A.|S.r.l.|e Figli",
}
AFTER_SOMEBODY = {
    "fr": "théorème de |loi de |test de |maladie de |prix |constante de ",
    "es": "teorema de |ley de |prueba de |enfermedad de |premio |constante de ",
    "it": "teorema di |legge di |test di |malattia di |premio |costante di ",
}
JOB_MAX = 30  # letters


class Words:
    """Everything that can fill a hole, by language."""

    def __init__(self) -> None:
        self.people = people()
        self.locales = list(self.people)
        self.places = geography()
        self.world = world(self.places)
        self.lorem = {one: list(providers("lorem")[FAKER[one]].word_list) for one in FAKER}
        self.nouns = {**LISTS["nouns"], "en": [one for one in self.lorem["en"] if len(one) > 3]}
        self.cities = {one: [*LISTS["cities"], *self._cities(one)] for one in FAKER}
        self.countries = {one: self.places[locale]["countries"] for one, locale in FAKER.items()}
        self.jobs = {one: list(self._jobs(one)) for one in FAKER}

    def _cities(self, language: str) -> list[str]:
        held = self.places[FAKER[language]]
        if language == "en":
            return held["states"] + self.places["en_GB"]["counties"]
        if language == "it":
            return [one.title() for one in held["cities"][::40]]
        kinds = {"de": ("cities",), "fr": ("regions",), "es": ("states", "regions")}[language]
        return [one for kind in kinds for one in held[kind]]

    def _jobs(self, language: str) -> list[str]:
        held = providers("job").get(FAKER[language])
        jobs = [one for one in held.jobs if len(one) < JOB_MAX] if held else []
        return [*LISTS["jobs_en"], *(one.split(",")[0] for one in jobs)] if language == "en" else [
            *LISTS["jobs"][language], *jobs
        ]  # fmt: skip


words = cache(Words)


class Filler:
    """Fills the holes of one text."""

    def __init__(self, language: str, chance: random.Random) -> None:
        self._chance, self._language, self._words = chance, language, words()
        self._holes: dict[str, Any] = {
            "P": self.person, "F": self.first, "L": self.last, "Pc": self.listed, "Fv": self.first,
            "p": lambda: self.one([self.person, self.person, self.first])().lower(),
            "f": lambda: self.first().lower(),
            "A": self.address, "B": lambda: self.date(1930, 2015), "D": lambda: self.date(1990, 2027),
            "t": lambda: self.form("phone"), "I": lambda: self.form("identity"),
            "C": self.place, "K": lambda: self.one(self._words.countries[language]), "O": self.firm,
            "G": lambda: self.one(LISTS["products"]), "E": self.noun, "EP": self.eponym, "LM": self.landmark,
            "J": lambda: self.one(self._words.jobs[language]), "X": self.anything, "e": self.mail,
            "e2": lambda: self.one(self._words.lorem["en"]),
            "LANG": lambda: self.one(LISTS["tongues"][language]), "lang": lambda: self.one(LISTS["tongues"][language]),
            "W": self.day, "w": lambda: self.day().lower(),
            "M": lambda: self.one(LISTS["months"][language]), "m": lambda: self.one(LISTS["months"][language]),
            "Y": lambda: str(chance.randint(1980, 2026)), "n": lambda: str(chance.randint(1, 99)),
            "h": lambda: f"{chance.randint(0, 23):02}:{chance.randint(0, 59):02}",
            "N": lambda: self.digits(NUMBERS), "ref": lambda: self.digits(REFERENCES),
        }  # fmt: skip

    def knows(self, hole: str) -> bool:
        """Whether it is one; braces of code are none."""
        return hole in self._holes

    def __call__(self, hole: str) -> str:
        return str(self._holes[hole]())

    def one(self, of: Any) -> Any:
        """Any of several."""
        return self._chance.choice(of)

    def title(self) -> str:
        """As Mrs or Dr."""
        return str(self.one(LISTS["titles"][self._language]))

    def first(self, locale: str = "") -> str:
        """A first name."""
        return self._grown(self._words.people[locale or self._locale()][0])

    def last(self, locale: str = "") -> str:
        """A last name, sometimes of two, or after a particle."""
        names = self._words.people[locale or self._locale()][1]
        found, way = self._grown(names), self._chance.random()
        if way < 0.04:
            return f"{found}-{self._grown(names)}"
        return self.one(LISTS["particles"]) + found if way < 0.11 else found

    def listed(self) -> str:
        """Last name first."""
        locale = self._locale()
        return f"{self.last(locale)}, {self.first(locale)}"

    def person(self) -> str:
        """With or without initials, second names, one name alone."""
        locale = self._locale()
        first, last = self.first(locale), self.last(locale)
        if self._language == "es" and self._chance.random() < 0.4:
            last += f" {self.last(locale)}"
        middle = self.one("ABCDEFGHJKLMNPRSTW")
        ways = {
            f"{first} {last}": 66, f"{first} {middle}. {last}": 6, f"{first[0]}. {last}": 7,
            f"{first[0]}.{middle}. {last}": 2, f"{first[0]} {last}": 2,
            f"{first}{self.one('- ')}{self.first(locale)} {last}": 4, last: 5, f"{last} {first}": 2,
            f"{first} {last} {self.one(['Jr.', 'Sr.', 'III', 'II'])}": 1, f"{first} {last[0]}.": 1, first: 4,
        }  # fmt: skip
        return self._chance.choices(list(ways), list(ways.values()))[0]

    def address(self) -> str:
        """A street with its number, and in two of three a postcode and a place."""
        if self._language == "en":
            return self._english_address()
        street = str(getattr(self, f"_street_{self._language}")())
        place = f"{self.digits('99999')} {self.one(self._words.cities[self._language])}"
        return (
            street
            if self._chance.random() < 0.3
            else f"{street}{self.one([', ', ', ', ' - ', chr(10)])}{place}"
        )

    def _english_address(self) -> str:
        number = self._number() if self._chance.random() < 0.7 else str(self._chance.randint(100, 9999))
        names = " ".join(self._street() for _ in range(self.one([1, 1, 2])))
        street = f"{number} {names} {self.one(LISTS['street_words']['en'])}"
        if self._chance.random() < 0.12:
            street = f"{self.one(['Flat', 'Apt', 'Unit'])} {self._chance.randint(1, 40)}, {street}"
        if self._chance.random() < 0.08:
            street += f", Apt {self._chance.randint(1, 40)}{self.one(['', 'B'])}"
        state = self.one(self._words.places["en_US"]["states_abbr"])
        code = self.form("postcode") if self._chance.random() < 0.66 else f"{state} {self.digits('99999')}"
        endings = ["ton", "ville", " Falls", "field", "ham", "bury", " Springs"]
        made = self.last().split()[-1] + self.one(endings)
        city = self.one(self._words.cities["en"]) if self._chance.random() < 0.6 else made
        whole = f"{street}{self.one([', ', ', ', chr(10)])}{city}{self.one([' ', ', '])}{code}"
        return street if self._chance.random() < 0.3 else whole

    def _street_de(self) -> str:
        kinds = [
            "straße",
            "str.",
            "weg",
            "gasse",
            "allee",
            "platz",
            "ring",
            "ufer",
            "hof",
            "berg",
            "strasse",
            "damm",
            "steig",
        ]
        kind, name = self.one(kinds), self._street()
        before, after = (
            self.one(["Am", "Im", "An der", "Zum", "Auf dem", "In der"]),
            ["", "hof", "feld", "berg", "weg"],
        )
        ways = [name + kind] * 3 + [
            f"{name.rstrip('s')}er {kind.capitalize()}",
            f"{before} {name}{self.one(after)}",
            f"{self.first()}-{self.last()}-{kind.capitalize()}",
        ]
        return f"{self.one(ways)} {self._number()}"

    def _street_fr(self) -> str:
        kinds = [
            "rue",
            "rue",
            "avenue",
            "boulevard",
            "place",
            "chemin",
            "impasse",
            "allée",
            "quai",
            "cours",
            "route",
        ]
        name = self._street() if self._chance.random() < 0.7 else f"des {self.one(self._words.nouns['fr'])}s"
        return f"{self._number()}{self.one([' ', ', ', ' bis, ', ' '])}{self.one(kinds)} {name}"

    def _street_es(self) -> str:
        kinds = [
            "calle",
            "Calle",
            "C/",
            "avenida",
            "Avda.",
            "plaza",
            "Plaza",
            "paseo",
            "Paseo",
            "camino",
            "ronda",
            "c/",
        ]
        floor = f", {self._chance.randint(1, 9)}º {self.one('ABCD')}"
        door = self.one(["", "", "", floor, f", piso {self._chance.randint(1, 9)}", ", bajo"])
        return f"{self.one(kinds)} {self._street()}{self.one([', ', ' ', ' n.º ', ', nº '])}{self._number()}{door}"

    def _street_it(self) -> str:
        kinds = [
            "via",
            "Via",
            "viale",
            "Viale",
            "piazza",
            "Piazza",
            "corso",
            "Corso",
            "vicolo",
            "largo",
            "Strada",
        ]
        return f"{self.one(kinds)} {self._street()}{self.one([', ', ' ', ', n. '])}{self._number()}"

    def _street(self) -> str:
        known = self._chance.random() < 0.6
        return str(self.one(LISTS["streets"][self._language])) if known else self.last().split()[-1]

    def _number(self) -> str:
        few, letter = self._chance.randint(1, 60), self.one("abcd")
        return str(self.one([str(self._chance.randint(1, 240)), f"{few}{letter}", str(few)]))

    def date(self, first: int, last: int) -> str:
        """A day, as it is written in a language."""
        day, month = self._chance.randint(1, 28), self._chance.randint(1, 12)
        year, name = self._chance.randint(first, last), LISTS["months"][self._language][month - 1]
        ways = [
            f"{day:02}.{month:02}.{year}", f"{day}/{month}/{year}", f"{day:02}/{month:02}/{year}",
            f"{year}-{month:02}-{day:02}", f"{day} {name} {year}", f"{day:02}-{month:02}-{year}",
            f"{day}.{month}.{year % 100:02}",
        ]  # fmt: skip
        nth = {1: "st", 2: "nd", 3: "rd", 21: "st", 22: "nd", 23: "rd"}.get(day, "th")
        ways += {
            "en": [f"{name} {day}, {year}"] * 2 + [f"{day}{nth} {name} {year}", f"{day} {name[:3]} {year}"],
            "de": [f"{day}. {name} {year}"] * 4,
            "es": [f"{day} de {name} de {year}"] * 5,
        }.get(self._language, [f"{day} {name} {year}"] * 3)
        return str(self.one(ways))

    def place(self) -> str:
        """A city or another place."""
        way = self._chance.random()
        if way < 0.85:
            return str(self.one(self._words.cities[self._language]))
        return str(self.one(self._words.world)) if way < 0.94 else self.landmark()

    def landmark(self) -> str:
        """What is called after somebody, or sounds so."""
        plant = str(self.one(LISTS["streets"][self._language]))
        name = self.one([self.first(), self.last(), plant]).split()[0]
        ways = [f"{name} {self.one(LISTS['landmarks'])}"] * 3
        ways += [f"{one} {name}" for one in ("Lake", "Mount", "Fort", "San", "Santa")]
        more = ("St. {}", "Saint-{}", "Port {}", "{}burg", "{}ville", "{}-Universität", "{}platz")
        english = (f"St {name}'s Church",)
        return str(
            self.one([*ways, *(english if self._language == "en" else (one.format(name) for one in more))])
        )

    def firm(self) -> str:
        """A known one, or one that is made up."""
        end, ways = self.one(FIRMS[self._language].split("|")), self._chance.random()
        if ways < 0.6:
            return str(self.one(LISTS["firms"]))
        if ways < 0.64:
            return "".join(self.one(LISTS["syllables"]) for _ in range(self.one([2, 2, 3]))).capitalize()
        if ways < 0.7:
            return f"{self.last()} {end}"
        if ways < 0.76:
            return f"{self.last()} & {self.last()}{self.one(['', ' ' + end])}"
        kinds = [
            "Tech",
            "Soft",
            "Net",
            "Works",
            " Solutions",
            " Systems",
            " Bank",
            " Media",
            " Energy",
            " Labs",
        ]
        return f"{self.noun()} {end}" if ways < 0.88 else self.noun() + self.one(kinds)

    def noun(self) -> str:
        """A word with a capital that is nobody's name where it stands."""
        if self._language == "de" and self._chance.random() < 0.45:
            return str(
                self.one(LISTS["heads_de"]) + self.one(LISTS["tails_de"]) + self.one(["", "", "en", "s"])
            )
        if self._chance.random() < 0.05:
            return str(self.one(LISTS["double"]))
        held = self._words.nouns if self._chance.random() < 0.6 else self._words.lorem
        noun = str(self.one(held[self._language])).capitalize()
        two = self._language == "en" and self._chance.random() < 0.3
        return f"{noun} {self.one(self._words.nouns['en']).capitalize()}" if two else noun

    def eponym(self) -> str:
        """A theorem, a disease, a prize."""
        name = self.one(LISTS["eponyms"]) if self._chance.random() < 0.8 else self.last().split()[-1]
        what = self.one(LISTS["after_eponyms"]["de" if self._language == "de" else "en"])
        if self._language == "de":
            return f"{name}-{what}"
        if self._language == "en":
            both = f"{name}-{self.one(LISTS['eponyms'])} {what}"
            return str(self.one([f"{name}'s {what}", both, f"{name} {what}", f"{name} {what}"]))
        return str(self.one(AFTER_SOMEBODY[self._language].split("|"))) + name

    def anything(self) -> str:
        """What begins with a capital and is no person."""
        noun = self.noun()
        led = f"{self.one(['The', 'A', 'This', 'Our'])} {noun}"
        firms = [self.firm() for _ in range(3)]
        rest = [
            self("G"),
            self.place(),
            self("K"),
            noun,
            f"{noun} {self.noun()}",
            led,
            self.day(),
            self.landmark(),
        ]
        return str(self.one([*firms, *rest]))

    def mail(self) -> str:
        """A mail address: its form tells it, so it is not for a tagger to find."""
        name = self.first().split()[0] + self.one([".", "_", ""]) + self.last().split()[-1]
        return f"{name.lower()}@{self('e2')}.example"

    def day(self) -> str:
        """Of the week."""
        return str(self.one(LISTS["days"][self._language]))

    def form(self, kind: str) -> str:
        """A number of a kind as it is written where the language is spoken."""
        return self.digits(FORMS[kind][self._language])

    def digits(self, forms: str) -> str:
        """9 is a digit, A a letter; other signs stay, and so do the digits of a prefix."""
        letters = "ABCDEFGHJKLMNPRSTUVWXYZ"
        return "".join(
            str(self._chance.randrange(10)) if sign == "9" else self.one(letters) if sign == "A" else sign
            for sign in self.one(forms.split("|"))
        )

    def _locale(self) -> str:
        own = self._chance.random() < 0.62
        return str(self.one(LISTS["locales"][self._language] if own else self._words.locales))

    def _grown(self, names: list[str]) -> str:
        """A given name; one in ten is grown out of two, so that lists do not tell all."""
        name, other = self.one(names), self.one(names)
        if self._chance.random() < 0.1 and name.isalpha() and other.isalpha():
            name = name[: max(2, len(name) // 2)] + other[len(other) // 2 :]
        return name.title() if name.isupper() else str(name)
