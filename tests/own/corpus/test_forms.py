import string
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from freehold.own.corpus.forms import iban, luhn
from freehold.own.corpus.personal import taken_out

DIGITS = st.text("0123456789", min_size=1, max_size=30)


def with_check_digit(digits: str) -> str:
    return next(digits + last for last in string.digits if luhn(digits + last))


def with_check_digits(country: str, account: str) -> str:
    """As ISO 13616 has it: 98 less the rest of a division by 97, with zeros where the check digits will be."""
    rest = int("".join(str(int(sign, 36)) for sign in f"{account}{country}00")) % 97
    return f"{country}{98 - rest:02}{account}"


@given(DIGITS)
def test_just_one_check_digit_fits_a_number(digits: str) -> None:
    assert sum(luhn(digits + last) for last in string.digits) == 1


@given(DIGITS, st.data())
def test_no_single_wrong_digit_of_a_card_goes_unseen(digits: str, data: st.DataObject) -> None:
    number = with_check_digit(digits)
    place = data.draw(st.integers(0, len(number) - 1))
    wrong = data.draw(st.sampled_from([digit for digit in string.digits if digit != number[place]]))

    assert luhn(number)
    assert not luhn(number[:place] + wrong + number[place + 1 :])


@given(st.text(string.digits, min_size=11, max_size=30), st.data())
def test_no_two_digits_of_an_iban_change_places_unseen(account: str, data: st.DataObject) -> None:
    number = with_check_digits("DE", account)
    place = data.draw(st.integers(4, len(number) - 2))
    swapped = number[:place] + number[place + 1] + number[place] + number[place + 2 :]

    assert iban(number)
    assert iban(swapped) == (swapped == number)


@pytest.mark.parametrize(
    "number",
    [  # the examples of the registry of ISO 13616
        "DE89 3704 0044 0532 0130 00",
        "GB82 WEST 1234 5698 7654 32",
        "FR14 2004 1010 0505 0001 3M02 606",
        "BE68-5390-0754-7034",
        "MT84MALT011000012345MTLCAST001S",
        "NO9386011117947",
    ],
)
def test_an_iban_goes_and_the_words_around_it_stay(number: str) -> None:
    assert taken_out(f"IBAN {number} BANK") == ("IBAN <IBAN> BANK", Counter(IBAN=1))
    assert taken_out(f"IBAN {number[:-1]}{'1' if number[-1] != '1' else '2'} BANK")[1]["IBAN"] == 0


@pytest.mark.parametrize(
    "number",
    [  # the numbers that the schemes give out for tests
        "4111 1111 1111 1111",
        "4111111111111111",
        "5555-5555-5555-4444",
        "378282246310005",
        "3714 496353 98431",
        "6011111111111117",
        "30569309025904",
        "3530111333300000",
    ],
)
def test_a_card_goes_whatever_stands_behind_it(number: str) -> None:
    assert taken_out(f"pay with {number} 123, now") == ("pay with <CARD> 123, now", Counter(card=1))
    assert taken_out(f"at 0.{number}") == (f"at 0.{number}", Counter())


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("jane.doe+news@mail.example.co.uk", "mail"),
        ("jürgen@bücher.example", "mail"),
        ("+49 (0)30 1234-5678", "phone"),
        ("+1 415 555 2671", "phone"),
        ("0049 170 1234567", "phone"),
        ("(415) 555-2671", "phone"),
        ("415-555-2671", "phone"),
        ("030/12345678", "phone"),
        ("01 23 45 67 89", "phone"),
        ("203.0.113.77", "IP address"),
        ("10.1.2.30", "IP address"),
        ("2001:db8:0:1::7", "IP address"),
        ("00:1b:44:11:3a:b7", "MAC address"),
        ("219-09-9999", "US social security number"),
        ("36574261809", "tax number"),
        ("12345678Z", "identity number"),
        ("X1234567L", "identity number"),
        ("2 55 08 14 168 025 38", "identity number"),
    ],
)
def test_what_tells_of_a_person_goes(text: str, kind: str) -> None:
    placeholder = f"<{kind.upper().replace(' ', '_')}>"

    assert taken_out(f"it is {text}, he said") == (f"it is {placeholder}, he said", Counter({kind: 1}))


@pytest.mark.parametrize(
    "text",
    [
        "on 2026-11-23 at 15:54:55.123456, or 23/11/2026 08:15",
        "1700000000000 ms, 3.14159265358979, 6.02214076e+23, +26471073E130",
        "version 1.2.3.4, v10.11.12.13, 127.0.0.1 and 0.0.0.0 and 255.255.255.0",
        "numbers[::2], std::vector, 12:34:56, a::b, ::1",
        "000-12-3456, 666-12-3456, 123-45-67890",
        "@property, a @ b, user@localhost",
        "ISBN 978-3-16-148410-0, sha256 e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        "lines 100-200, 1000 2000 3000, 12345678A",
    ],
)
def test_what_only_looks_like_it_stays(text: str) -> None:
    assert taken_out(text) == (text, Counter())


def test_a_number_after_the_word_phone_is_one() -> None:
    assert taken_out("Tel.: 5550 123, fax 555-0199")[0] == "Tel.: <PHONE>, fax <PHONE>"
    assert taken_out("order 5550 123") == ("order 5550 123", Counter())
