"""How secrets and personal data look: their forms, and the check digits by which some are known for sure."""

import ipaddress
import re
from collections import Counter
from collections.abc import Callable
from typing import NamedTuple

PRIVATE_KEY = "private key"


class Form(NamedTuple):
    """How one kind looks."""

    kind: str
    needles: tuple[str, ...]  # one of them is in every such text; none: always looked for
    pattern: re.Pattern[str]  # what is to go is its group "it", or all of it
    is_one: Callable[[str], bool] = bool


def _form(kind: str, needles: str, pattern: str, is_one: Callable[[str], bool] = bool) -> Form:
    return Form(kind, tuple(needles.split()), re.compile(pattern), is_one)


def _digits(text: str) -> str:
    return "".join(filter(str.isdigit, text))


def luhn(number: str) -> bool:
    """Whether the digits' last one checks the others (ISO/IEC 7812-1)."""
    digits = [int(digit) for digit in reversed(_digits(number))]
    doubled = (sum(divmod(2 * digit, 10)) for digit in digits[1::2])
    return bool(digits) and (sum(digits[::2]) + sum(doubled)) % 10 == 0


def iban(number: str) -> bool:
    """Whether the check digits are right: ISO 13616, the number modulo 97 (ISO/IEC 7064) is 1."""
    plain = number.replace(" ", "")
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
    return all(kinds) and len(set(text)) >= min(16, len(text) // 2 + 1)


def _end(pattern: str) -> str:
    """Not followed by more of the same word."""
    return rf"{pattern}(?![A-Za-z0-9_])"


def _of_lengths(lengths: str) -> str:
    """IBANs: each country's has its length, so that the word after it is no part of it."""
    by_length = (entry.split(":") for entry in lengths.split())
    return "|".join(
        rf"(?:{'|'.join(re.findall('..', countries))})\d\d(?:[ -]?[A-Z0-9]){{{int(length) - 4}}}"
        for length, countries in by_length
    )


# ISO 13616, the registry of 2025: length, then the countries that have it.
_IBANS = _of_lengths(
    "15:NO 16:BE 18:DKFOFIGLNLFKSD 19:MKSI 20:ATBAEEKZXKLTLULYMN 21:CRHRCHLILV 22:BHBGGEDEIEMERSGBVA "
    "23:TLAEGIILIQSOOM 24:ADCZESMDPKROSASKSETNVGDZ 25:PTST 26:ISTR 27:BIDJFRGRITMCMRSMMG 28:ALAZBYCYDOGTHULBPLNISV "
    "29:BREGPSQAUA 30:JOKWMUYE 31:MTSC 32:LC 33:RU"
)
_CARDS = (  # by the first digits of the schemes: Visa, Mastercard, American Express, Discover, Diners, JCB, Maestro
    r"(?:4\d{3}|5[0-8]\d\d|2[2-7]\d\d|6\d{3}|35\d\d)([ -])\d{4}\2\d{4}\2\d{4}(?:\2\d{3})?",
    r"(?:4\d{3}|5[0-8]\d\d|2[2-7]\d\d|6\d{3}|35\d\d)([ -]?)\d{4}\2\d{4}\2\d{4}",
    r"3[0-9]\d\d([ -]?)\d{6}\2\d{4,5}",
    r"4\d{12}(?:\d{6})?|[56]\d{11,18}",
)
_HOST = r"(?:[\w-]{1,63}\.)+[^\W\d_]{2,24}"

SECRETS = (
    _form(
        PRIVATE_KEY,
        "-----BEGIN",
        # A header by itself, as a program that reads keys has it, is none.
        r"-----BEGIN ((?:[A-Z0-9]+ )*)PRIVATE KEY(?: BLOCK)?-----(?=(?:[^-]|-(?!----)){64})"
        r"(?s:.*?)(?:-----END \1PRIVATE KEY(?: BLOCK)?-----|\Z)",
    ),
    _form(PRIVATE_KEY, "PuTTY-User-Key-File", r"PuTTY-User-Key-File-\d(?s:.*?)(?:Private-MAC: [0-9a-f]+|\Z)"),
    _form(PRIVATE_KEY, "AGE-SECRET-KEY-1", r"AGE-SECRET-KEY-1[A-Z0-9]{58}"),
    _form(PRIVATE_KEY, "PRIVATE+KEY+", r"PRIVATE\+KEY\+[^\s+]+\+[0-9a-f]{8}\+[A-Za-z0-9+/=]{40,}"),
    _form("AWS key", "AKIA ASIA", _end(r"(?<![A-Za-z0-9])A[KS]IA[A-Z0-9]{16}")),
    _form("GitHub token", "ghp_ gho_ ghu_ ghs_ ghr_", _end(r"gh[pousr]_[A-Za-z0-9]{36,255}")),
    _form("GitHub token", "github_pat_", r"github_pat_\w{22,255}"),
    _form("GitLab token", "glpat-", r"glpat-[\w-]{20,}"),
    _form("Slack token", "xox xapp-", r"(?:xox[abeoprs]|xapp)-[A-Za-z0-9-]{10,}"),
    _form("Slack token", "hooks.slack.com", r"hooks\.slack\.com/services/(?P<it>[\w/]{20,})"),
    _form("Google key", "AIza", _end(r"AIza[\w-]{35}")),
    _form("Google key", "GOCSPX- ya29.", r"(?:GOCSPX-|ya29\.)[\w-]{20,}"),
    _form("Stripe key", "k_live_ k_test_ whsec_", r"(?:[rsp]k_(?:live|test)|whsec)_[A-Za-z0-9+/]{16,}"),
    _form(
        "API key", "sk-", r"(?<![\w-])sk-[\w-]{20,}", _random
    ),  # OpenAI's form, which many others have taken up
    _form("API key", "fh_", _end(r"(?<!\w)fh_[\w-]{43}")),  # the gateway's own
    _form("API key", "hf_ npm_", _end(r"(?<!\w)(?:hf|npm)_[A-Za-z0-9]{30,}")),
    _form("API key", "pypi-AgE SG.", r"pypi-AgE[\w-]{50,}|SG\.[\w-]{16,32}\.[\w-]{16,64}"),
    _form("API key", "AccountKey=", r"AccountKey=(?P<it>[A-Za-z0-9+/]{40,}={0,2})"),
    _form("JWT", "eyJ", r"eyJ[\w-]{8,}\.eyJ[\w-]{8,}\.[\w-]*"),
    _form(
        "password",
        "://",
        r"[A-Za-z][A-Za-z0-9+.-]{0,20}://[^\s/?#:@<>\"']*:(?!<PASSWORD>)(?P<it>[^\s/?#@\"']+)@",
    ),
    _form(
        "password",
        "",
        r"(?i:passw(?:or)?d|pwd|secret|token|api_?-?key|access_?-?key|credential)[\"']?\s{0,3}(?::|=>?)\s{0,3}[\"']?"
        r"(?P<it>[\w+/=~.!@#%^&*-]{10,})(?![\w(\[])",
        _random,
    ),
    _form("password", "earer asic", r"(?:[Bb]earer|[Bb]asic) (?P<it>[\w.~+/-]{20,}=*)", _random),
)

PERSONAL = (
    _form("mail", "@", rf"(?<![\w.%+'-])[\w.%+'-]{{1,64}}@{_HOST}"),
    _form("IBAN", "", rf"(?<![A-Za-z0-9])(?=[A-Z]{{2}}\d\d)(?=(?P<it>{_IBANS})(?![A-Za-z0-9]))", iban),
    *(
        _form("card", "", rf"(?<![\w.])(?=[2-6]\d{{3}})(?=(?P<it>{card})(?![\w]|\.\d))", luhn)
        for card in _CARDS
    ),
    _form(
        "US social security number", "-", r"(?<![\w-])(?!000|666|9)\d{3}-(?!00)\d\d-(?!0000)\d{4}(?![\w-])"
    ),
    _form("tax number", "", r"(?<![\w.+-])[1-9]\d{10}(?![\w-]|\.\d)", _tax_id),
    _form("identity number", "", r"(?<![\w.-])(?:\d{8}|[XYZ]\d{7})[A-HJ-NP-TV-Z](?![\w-])", _dni),
    _form(
        "identity number",
        "",
        r"(?<![\w.])[12] ?\d\d ?(?:0[1-9]|1[0-2]) ?\d\d ?\d{3} ?\d{3} ?\d\d(?![\w.])",
        _nir,
    ),
    _form("IP address", ".", r"(?<![\w.])(?:\d{1,3}\.){3}\d{1,3}(?!\w|\.\d)", _address),
    _form("IP address", ":", r"(?<![\w:.])(?:[0-9a-fA-F]{0,4}:){2,7}[0-9a-fA-F]{0,4}(?![\w:])", _address),
    _form(
        "MAC address",
        ": -",
        r"(?<![\w:-])[0-9A-Fa-f]{2}([:-])(?:[0-9A-Fa-f]{2}\1){4}[0-9A-Fa-f]{2}(?![\w:-])",
    ),
    # E.164: at most 15 digits. Without + or 00, only forms that little else has.
    _form("phone", "+", r"(?<![\w+])\+[1-9](?:[ .\-/()\u2011]{0,3}\d){7,14}(?!\d)"),
    _form("phone", "00", r"(?<![\w+.])00[1-9](?:[ .\-/()]{0,3}\d){8,13}(?!\d)"),
    _form("phone", "", r"(?<![\w.-])\(?0[1-9]\d{0,4}\)?[ /-]{1,3}[1-9]\d{2,3}(?:[ -]?\d){3,6}(?![\w-])"),
    _form("phone", "", r"(?<![\w.-])0[1-9](?:[ .]\d\d){4}(?![\w]|[ .]\d\d\b)"),
    _form("phone", "", r"(?<![\w.-])(?:1[ .-])?(?:\([2-9]\d\d\) ?|[2-9]\d\d[.-])[2-9]\d\d[.-]\d{4}(?![\w-])"),
    _form(
        "phone",
        "",
        r"(?i:\b(?:tel|phone|mobile|fax|telefon|handy))[.: ]{1,3}"
        r"(?P<it>\(?\d(?:[ .\-/()]{0,3}\d){5,14})(?!\d)",
    ),
)
