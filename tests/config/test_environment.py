"""Proxies as curl reads them, keys, and which file is used."""

from pathlib import Path

import pytest

from freehold.config.environment import config_path, first_set, is_loopback, proxy_for

PROXY = {"HTTPS_PROXY": "http://proxy:3128"}
URL = "https://api.example.com/v1"


@pytest.mark.parametrize(
    ("url", "no_proxy", "proxied"),
    [
        (URL, "", True),
        (URL, "example.com", False),
        (URL, ".example.com", False),
        (URL, "*.example.com", False),
        (URL, "api.example.com:443", False),
        (URL, "api.example.com:8443", True),
        (URL, "ample.com", True),
        (URL, "other.org, EXAMPLE.com", False),
        (URL, "*", False),
        ("https://10.1.2.3/v1", "10.0.0.0/8", False),
        ("https://10.1.2.3/v1", "10.1.2.3", False),
        ("https://11.1.2.3/v1", "10.0.0.0/8", True),
        ("https://[2001:db8::1]/v1", "2001:db8::/32", False),
        ("https://127.0.0.1/v1", "", False),
        ("https://localhost/v1", "", False),
        ("http://api.example.com/v1", "", False),
    ],
)
def test_no_proxy_names_who_is_reached_straight(url: str, no_proxy: str, proxied: bool) -> None:
    assert proxy_for(url, PROXY | {"NO_PROXY": no_proxy}) == ("http://proxy:3128" if proxied else None)


@pytest.mark.parametrize(
    ("env", "proxy"),
    [
        ({}, None),
        ({"HTTPS_PROXY": " "}, None),
        ({"https_proxy": "http://low:1", "HTTPS_PROXY": "http://up:1"}, "http://low:1"),
        ({"HTTPS_PROXY": "proxy:3128"}, "http://proxy:3128"),
    ],
)
def test_the_lowercase_name_wins_and_a_bare_address_is_http(env: dict[str, str], proxy: str | None) -> None:
    assert proxy_for(URL, env) == proxy


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.8.8", "::1", "localhost", "LOCALHOST"])
def test_this_machine_is_loopback(host: str) -> None:
    assert is_loopback(host)


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "10.0.0.1", "localhost.example.com", ""])
def test_everything_else_is_not(host: str) -> None:
    assert not is_loopback(host)


def test_a_blank_variable_is_not_set() -> None:
    assert first_set(("A", "B", "C"), {"A": "  ", "B": "x", "C": "y"}) == "B"
    assert first_set(("A",), {}) is None


def test_the_named_file_wins_over_the_one_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert config_path({}) is None

    (tmp_path / "freehold.toml").touch()
    assert config_path({}) == Path("freehold.toml")
    assert config_path({"FREEHOLD_CONFIG": "/etc/freehold.toml"}) == Path("/etc/freehold.toml")
