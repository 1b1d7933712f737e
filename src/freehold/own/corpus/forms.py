"""How secrets and personal data look: their forms, and the check digits by which some are known for sure."""

import ipaddress
import re
from collections import Counter
from collections.abc import Callable
from typing import NamedTuple

PRIVATE_KEY = "private key"


class Place(NamedTuple):
    """Where a form can be: within so many characters of a sign. Looking there alone is ten times as quick."""

    sign: re.Pattern[str]
    before: int
    after: int


class Form(NamedTuple):
    """How one kind looks. What is to go is the group `it`, or all that matches."""

    kind: str
    place: Place | tuple[str, ...]  # or what is in every text with such a thing; empty: it can be anywhere
    pattern: re.Pattern[str]
    is_one: Callable[[str], bool] = bool  # asked of what is to go
    after: re.Pattern[str] | None = None  # what must stand right before it


def _form(
    kind: str, place: Place | str, pattern: str, is_one: Callable[[str], bool] = bool, after: str = ""
) -> Form:
    where = tuple(place.split()) if isinstance(place, str) else place
    return Form(kind, where, re.compile(pattern), is_one, re.compile(after) if after else None)


def _digits(text: str) -> str:
    return "".join(sign for sign in text if sign in "0123456789")


def luhn(number: str) -> bool:
    """Whether the digits' last one checks the others (ISO/IEC 7812-1)."""
    digits = [int(digit) for digit in reversed(_digits(number))]
    doubled = (sum(divmod(2 * digit, 10)) for digit in digits[1::2])
    return bool(digits) and (sum(digits[::2]) + sum(doubled)) % 10 == 0


def iban(number: str) -> bool:
    """Whether the check digits are right: ISO 13616, the number modulo 97 (ISO/IEC 7064) is 1."""
    plain = re.sub("[ -]", "", number)
    moved = plain[4:] + plain[:4]
    return (
        moved.isalnum() and moved.isascii() and int("".join(str(int(sign, 36)) for sign in moved)) % 97 == 1
    )


def _tax_id(number: str) -> bool:
    """German: ISO/IEC 7064 MOD 11,10, and just one of the first ten digits comes twice or three times."""
    most = Counter(number[:10]).most_common(2)
    product = 10
    for digit in number[:10]:
        product = 2 * ((int(digit) + product) % 10 or 10) % 11
    return most[0][1] in (2, 3) and most[1][1] == 1 and (11 - product) % 10 == int(number[10])


def _dni(number: str) -> bool:
    """Spanish: the letter is the number modulo 23; a foreigner's begins with X, Y or Z for 0, 1 or 2."""
    digits = number[:-1].translate(str.maketrans("XYZ", "012"))
    return number[-1] == "TRWAGMYFPDXBNJZSQVHLCKE"[int(digits) % 23]


def _nir(number: str) -> bool:
    """French: the last two digits bring the first thirteen to a multiple of 97."""
    digits = _digits(number)
    return (int(digits[:13]) + int(digits[13:])) % 97 == 0


def _address(text: str) -> bool:
    """Whether it is the IP address of one machine; four single digits are taken for a version."""
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return False
    if isinstance(address, ipaddress.IPv4Address) and (len(text) == 7 or text.startswith(("0.", "255."))):
        return False
    several = address.version == 4 or len([part for part in text.split(":") if part]) > 2
    return several and not (address.is_loopback or address.is_unspecified or address.is_multicast)


def _random(text: str) -> bool:
    """Whether it looks drawn, not written: letters and digits, few of them often."""
    kinds = (any(map(str.isdigit, text)), any(map(str.isalpha, text)))
    return all(kinds) and len(set(text)) >= min(10, len(text) // 2 + 1)


def _of_lengths(lengths: str) -> str:
    """IBANs: each country's has its length, so that the word after it is no part of it."""
    by_length = (entry.split(":") for entry in lengths.split())
    return "|".join(
        rf"(?<={'|'.join(re.findall('..', countries))})[0-9]{{2}}(?:[ -]?[A-Z0-9]){{{int(length) - 4}}}"
        for length, countries in by_length
    )


# ISO 13616, the registry of 2025: length, then the countries that have it.
_IBANS = _of_lengths(
    "15:NO 16:BE 18:DKFOFIGLNLFKSD 19:MKSI 20:ATBAEEKZXKLTLULYMN 21:CRHRCHLILV 22:BHBGGEDEIEMERSGBVA "
    "23:TLAEGIILIQSOOM 24:ADCZESMDPKROSASKSETNVGDZ 25:PTST 26:ISTR 27:BIDJFRGRITMCMRSMMG 28:ALAZBYCYDOGTHULBPLNISV "
    "29:BREGPSQAUA 30:JOKWMUYE 31:MTSC 32:LC 33:RU"
)

_AT = Place(re.compile("@"), 65, 256)
_NUMBER = Place(re.compile(r"[0-9](?:[ ./:()\u2011-]{0,3}[0-9]){3,}"), 2, 2)
_PAIRS = Place(re.compile(r"[:-](?=[0-9a-fA-F]{0,4}[:-])"), 5, 42)
# By the first digits of the schemes: Visa, Mastercard, Discover, Maestro, JCB; American Express, Diners.
_FOUR = r"(?:[46][0-9]|5[0-8]|2[2-7]|35)[0-9]{2}"
_CARDS = (
    rf"{_FOUR}([ -])[0-9]{{4}}\1[0-9]{{4}}\1[0-9]{{4}}\1[0-9]{{3}}",
    rf"{_FOUR}([ -]?)[0-9]{{4}}\1[0-9]{{4}}\1[0-9]{{4}}",
    r"3[47][0-9]{2}([ -]?)[0-9]{6}\1[0-9]{5}",
    r"3[0689][0-9]{2}([ -]?)[0-9]{6}\1[0-9]{4}",
    r"[456][0-9]{17,18}",
)
_NAME = r"(?i:passw(?:or)?d|pwd|secret|token|credential|(?:api|access|auth|private|secret|signing|encryption)[_-]?key)"

SECRETS = (
    # A header by itself, as a program that reads keys has it, is none.
    _form(
        PRIVATE_KEY,
        "-----BEGIN",
        r"-----BEGIN ((?:[A-Z0-9]+ )*)PRIVATE KEY(?: BLOCK)?-----(?=(?:[^-]|-(?!----)){64})"
        r"(?s:.*?)(?:-----END \1PRIVATE KEY(?: BLOCK)?-----|\Z)",
    ),
    _form(PRIVATE_KEY, "PuTTY-User-Key", r"PuTTY-User-Key-File-[0-9](?s:.*?)(?:Private-MAC: [0-9a-f]+|\Z)"),
    _form(PRIVATE_KEY, "AGE-SECRET-KEY-1", r"AGE-SECRET-KEY-1[A-Z0-9]{58}"),
    _form(PRIVATE_KEY, "PRIVATE+KEY+", r"PRIVATE\+KEY\+[^\s+]+\+[0-9a-f]{8}\+[A-Za-z0-9+/=]{40,}"),
    _form("AWS key", "AKIA ASIA", r"A[KS]IA(?<![A-Za-z0-9]....)[A-Z0-9]{16}(?!\w)"),
    _form("GitHub token", "ghp_ gho_ ghu_ ghs_ ghr_", r"gh[pousr]_[A-Za-z0-9]{36,255}(?!\w)"),
    _form("GitHub token", "github_pat_", r"github_pat_\w{22,255}"),
    _form("GitLab token", "glpat-", r"glpat-[\w-]{20,}"),
    _form("Slack token", "xox xapp-", r"x(?:ox[abeoprs]|app)-[A-Za-z0-9-]{10,}"),
    _form("Slack token", "hooks.slack.com", r"hooks\.slack\.com/services/(?P<it>[\w/]{20,})"),
    _form("Google key", "AIza", r"AIza[\w-]{35}(?!\w)"),
    _form("Google key", "GOCSPX- ya29.", r"(?:GOCSPX-|ya29\.)[\w-]{20,}"),
    _form("Stripe key", "k_live_ k_test_ whsec_", r"(?:[rsp]k_(?:live|test)|whsec)_[A-Za-z0-9+/]{16,}"),
    _form("JWT", "eyJ", r"eyJ[\w-]{8,4096}\.eyJ[\w-]{8,4096}\.[\w-]*"),
    # OpenAI's form, which many others have taken up; the gateway's own; Hugging Face, npm, PyPI, SendGrid, Azure.
    _form("API key", "sk-", r"sk-(?<![\w-]...)[\w-]{20,300}", _random),
    _form("API key", "fh_", r"fh_(?<!\w...)[\w-]{43}(?![\w-])"),
    _form("API key", "hf_ npm_", r"(?:hf_(?<!\w...)|npm_(?<!\w....))[A-Za-z0-9]{30,}"),
    _form("API key", "pypi-AgE SG.", r"pypi-AgE[\w-]{50,}|SG\.[\w-]{16,32}\.[\w-]{16,64}"),
    _form("API key", "AccountKey=", r"AccountKey=(?P<it>[A-Za-z0-9+/]{40,}={0,2})"),
    _form("password", "://", r"://[^\s/?#:@<>\"']*:(?!<PASSWORD>)(?P<it>[^\s/?#@\"']+)@"),
    _form("password", "earer asic", r"[Bb](?:earer|asic) (?P<it>[\w.~+/-]{20,}=*)", _random),
    _form(
        "password",
        "",
        r"[:=](?<![:=].)>?\s{0,3}[\"']?(?P<it>[\w+/=~.!@#%^&*-]{10,512})(?![\w(\[])",
        _random,
        after=rf"{_NAME}[\"']?\s{{0,3}}\Z",
    ),
)

PERSONAL = (
    _form("mail", _AT, r"(?<![\w.%+-])[\w.%+-]{1,64}@(?:[\w-]{1,63}\.)+[^\W\d_]{2,24}"),
    _form("IBAN", "", rf"[A-Z](?<![A-Za-z0-9].)[A-Z](?=[0-9]{{2}})(?:{_IBANS})(?![A-Za-z0-9])", iban),
    *(_form("card", _NUMBER, rf"(?<![\w.])(?:{card})(?!\w|\.[0-9])", luhn) for card in _CARDS),
    _form(
        "US social security number",
        _NUMBER,
        r"(?<![\w-])(?!000|666|9)[0-9]{3}-(?!00)[0-9]{2}-(?!0000)[0-9]{4}(?![\w-])",
    ),
    _form("tax number", _NUMBER, r"(?<![\w.+-])[1-9][0-9]{10}(?![\w-]|\.[0-9])", _tax_id),
    _form("identity number", _NUMBER, r"(?<![\w.-])[0-9XYZ][0-9]{7}[A-HJ-NP-TV-Z](?![\w-])", _dni),
    _form(
        "identity number",
        _NUMBER,
        r"(?<![\w.])[12] ?[0-9]{2} ?(?:0[1-9]|1[0-2]) ?[0-9]{2} ?[0-9]{3} ?[0-9]{3} ?[0-9]{2}(?![\w.])",
        _nir,
    ),
    _form("IP address", _NUMBER, r"(?<![\w.])[0-9]{1,3}(?:\.[0-9]{1,3}){3}(?!\w|\.[0-9])", _address),
    _form("IP address", _PAIRS, r"(?<![\w:.])[0-9a-fA-F]{0,4}:[0-9a-fA-F:]+(?![\w:])", _address),
    _form(
        "MAC address",
        _PAIRS,
        r"(?<![\w:-])[0-9a-fA-F]{2}([:-])(?:[0-9a-fA-F]{2}\1){4}[0-9a-fA-F]{2}(?![\w:-])",
    ),
    # E.164 has at most 15 digits. Without + or 00, only forms that little else has.
    _form("phone", _NUMBER, r"(?<![\w+.])(?:\+|00)[1-9](?:[ .\-/()\u2011]{0,3}[0-9]){7,14}(?!\w)"),
    _form(
        "phone",
        _NUMBER,
        r"(?<![\w.-])\(?0[1-9][0-9]{0,4}\)?[ /-]{1,3}(?!(?:19|20)[0-9]{2}\b)[1-9][0-9]{2,3}"
        r"(?:[ -]?[0-9]){3,6}(?![\w-])",
    ),
    # Up to five of them in a row; what stands before those is a row of numbers, and would be looked at anew for each.
    _form(
        "phone",
        _NUMBER._replace(after=len(" <PHONE>")),
        r"(?<![\w.-])0[1-9](?:[ .][0-9]{2}){4}(?:[ .]0[1-9](?:[ .][0-9]{2}){4}){0,4}+"
        r"(?!\w|[ .](?:[0-9]{2}\b|<PHONE>))",
    ),
    _form(
        "phone",
        _NUMBER,
        r"(?<![\w.-])(?:1[ .-])?(?:\([2-9][0-9]{2}\) ?|[2-9][0-9]{2}[.-])[2-9][0-9]{2}[.-][0-9]{4}(?![\w-])",
    ),
    _form(
        "phone",
        _NUMBER,
        r"(?<![0-9])\(?[0-9](?:[ .\-/()]{0,3}[0-9]){5,14}(?![0-9])",
        after=r"(?i:\b(?:tel|phone|mobile|fax|telefon|handy))[.: ]{1,3}\Z",
    ),
)
