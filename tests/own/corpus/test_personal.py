import re
import subprocess
from collections import Counter
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from hypothesis import given, settings
from hypothesis import strategies as st

from freehold.own.corpus.personal import private_key_line, taken_out, taken_out_beside
from freehold.own.rows import Span

# No secret stands whole in this file: what looks for them in repositories would find it.
SECRETS = [
    ("AKIA" + "IOSFODNN7EXAMPLE", "AWS key"),
    ("ghp_" + "16C7e42F292c6912E7710c838347Ae178B4a", "GitHub token"),
    ("github_" + "pat_11ABCDEFG0abcdefghijkl_0123456789", "GitHub token"),
    ("glpat-" + "x1Y2z3A4b5C6d7E8f9G0", "GitLab token"),
    ("xoxb-" + "123456789012-abcdefABCDEF", "Slack token"),
    ("AIza" + "SyA1234567890abcdefghijklmnopqrstuv", "Google key"),
    ("sk_" + "live_4eC39HqLyjWDarjtT1zdp7dc", "Stripe key"),
    ("sk-" + "proj-abc123DEF456ghi789JKL", "API key"),
    ("fh_" + "0123456789abcdefghijklmnopqrstuvwxyzABCDEFG", "API key"),
    ("hf_" + "abcdefghijklmnopqrstuvwxyz01234567", "API key"),
    ("eyJhbGciOiJIUzI1NiJ9." + "eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N", "JWT"),
]


@pytest.mark.parametrize(("secret", "kind"), SECRETS)
def test_a_token_of_a_known_form_goes(secret: str, kind: str) -> None:
    clean, counts = taken_out(f"first\nuse {secret}!\n")

    assert secret not in clean
    assert (clean, counts) == (f"first\nuse <{kind.upper().replace(' ', '_')}>!\n", Counter({kind: 1}))


@pytest.mark.parametrize(
    ("text", "clean"),
    [
        ("postgresql://app:s3cr%et@db.example:5432/x", "postgresql://app:<PASSWORD>@db.example:5432/x"),
        ('"api_key": "Zx81kd92Lq0PwV"', '"api_key": "<PASSWORD>"'),
        ("DB_PASSWORD=correct7horse9battery", "DB_PASSWORD=<PASSWORD>"),
        ("Authorization: Bearer a8f5f167f44f4964e6c998de", "Authorization: Bearer <PASSWORD>"),
    ],
)
def test_a_password_goes_and_what_it_opens_stays(text: str, clean: str) -> None:
    assert taken_out(text) == (clean, Counter(password=1))


@pytest.mark.parametrize(
    "text",
    [
        "password = getpass.getpass1()",
        "token: tokenizer_name",
        "sk-some-long-css-class-name",
        "http://a:8080/b@c",
    ],
)
def test_what_is_no_password_stays(text: str) -> None:
    assert taken_out(text) == (text, Counter())


def private_keys(folder: Path) -> dict[str, str]:
    """Private keys as programs write them, made here and now."""
    pem, plain = serialization.Encoding.PEM, serialization.NoEncryption()
    formats = serialization.PrivateFormat
    locked = serialization.BestAvailableEncryption(b"x")
    small = rsa.generate_private_key(65537, 1024)
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", folder / "id"], check=True)
    return {
        "PKCS#1": small.private_bytes(pem, formats.TraditionalOpenSSL, plain).decode(),
        "SEC 1": ec.generate_private_key(ec.SECP256R1())
        .private_bytes(pem, formats.TraditionalOpenSSL, plain)
        .decode(),
        "PKCS#8, locked": ed25519.Ed25519PrivateKey.generate()
        .private_bytes(pem, formats.PKCS8, locked)
        .decode(),
        "OpenSSH": (folder / "id").read_text(),
    }


def test_private_keys_are_found_at_their_line_and_go_whole(tmp_path: Path) -> None:
    for kind, key in private_keys(tmp_path).items():
        for written in (key.strip(), repr(key.strip())[1:-1], key.strip().replace("\n", "\r\n")):
            text = f"# notes\n\nkey:\n{written}\nend"

            assert private_key_line(text) == 4, kind
            assert taken_out(text) == ("# notes\n\nkey:\n<PRIVATE_KEY>\nend", Counter({"private key": 1})), (
                kind
            )


def test_a_private_key_that_was_cut_off_is_one(tmp_path: Path) -> None:
    key = private_keys(tmp_path)["OpenSSH"]

    assert taken_out(key[:150])[0] == "<PRIVATE_KEY>"


def test_a_header_by_itself_and_a_public_key_are_no_private_keys(tmp_path: Path) -> None:
    public = ed25519.Ed25519PrivateKey.generate().public_key()
    pem = public.public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    ).decode()

    assert private_key_line(pem + '\nif line == "-----BEGIN ' + 'PRIVATE KEY-----":\n    read()\n') == 0


PIECES = st.sampled_from(
    [secret for secret, _ in SECRETS]
    + [
        "jane@example.com",
        "+49 170 1234567",
        "4111 1111 1111 1111",
        "DE89 3704 0044 0532 0130 00",
        "10.1.2.30",
    ]
    + [
        "https://u:pw",
        "@host.example",
        "tel ",
        "030 12345678",
        "a::b:c:",
        " ",
        "\n",
        ":",
        "-",
        "1",
        "x",
        "<MAIL>",
    ]
)


@settings(max_examples=200)
@given(st.lists(PIECES | st.text(max_size=8), max_size=12).map("".join))
def test_what_was_cleaned_is_clean(text: str) -> None:
    clean, counts = taken_out(text)

    assert taken_out(clean) == (clean, Counter())
    assert counts.total() >= len(re.findall("<[A-Z_]+>", clean)) - text.count("<MAIL>")


@given(
    st.lists(
        st.sampled_from(["Jane", "mail jane@example.com", "in", "call +49 170 1234567", "Rome"]), max_size=8
    )
)
def test_spans_stay_where_their_words_are(words: list[str]) -> None:
    text, spans = "", []
    for word in words:
        if word in ("Jane", "Rome"):
            spans.append(Span(len(text), len(text) + len(word), word))
        text += f"{word} "

    clean, moved, _ = taken_out_beside(text, spans)

    assert [clean[span.begin : span.end] for span in moved] == [span.kind for span in spans]


def test_a_span_of_what_goes_becomes_that_of_its_placeholder() -> None:
    text = "mail jane@example.com now"

    clean, spans, _ = taken_out_beside(text, [Span(5, 21, "address"), Span(0, 10, "half")])

    assert [clean[span.begin : span.end] for span in spans] == ["<MAIL>", "mail <MAIL>"]


def test_a_row_of_numbers_is_looked_at_once() -> None:
    rest = "01 " * 20_000

    assert taken_out(f"{rest}01 02 03 04 05 06 07 08 09 10")[1]["phone"] <= 5
    assert taken_out("01 02 03 04 05 06.07.08.09.10") == ("<PHONE>", Counter({"phone": 1}))
