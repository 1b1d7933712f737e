"""What the console shows follows the files: the configuration, the policies and the facts."""

import logging
from pathlib import Path

import pytest

from freehold.config.load import Loaded, load_all
from freehold.console.current import Current
from freehold.console.serving import NODE, Notebook
from freehold.ledger import query
from freehold.vocabulary.errors import ConfigError
from tests.console.site import CONFIG

POLICY = 'name = "{name}"\n[rules.a]\ndeny = "own"\nreason = "None of ours."\n'
GOVERNED = f'{CONFIG}[policy]\nenforce = ["p.toml"]\n'


def current(folder: Path, text: str = GOVERNED) -> Current:
    (folder / "freehold.toml").write_text(text)
    loaded = load_all(folder / "freehold.toml")
    assert isinstance(loaded, Loaded), loaded
    return Current(loaded, folder / "freehold.toml")


def test_a_file_that_changes_is_read_again(tmp_path: Path) -> None:
    (tmp_path / "p.toml").write_text(POLICY.format(name="before"))
    shown = current(tmp_path)
    same = shown.rules() is shown.rules()
    (tmp_path / "p.toml").write_text(POLICY.format(name="afterwards"))
    names = [policy.name for policy in shown.rules().enforced]
    (tmp_path / "freehold.toml").write_text(CONFIG.replace("assistant", "helper"))

    assert same
    assert names == ["afterwards"]
    assert list(shown.resolved().aliases) == ["helper"]
    assert shown.rules().enforced == ()


@pytest.mark.parametrize("broken", ["freehold.toml", "p.toml"])
def test_what_cannot_be_used_leaves_what_was_and_is_told_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, broken: str
) -> None:
    (tmp_path / "p.toml").write_text(POLICY.format(name="p"))
    shown = current(tmp_path)
    (tmp_path / broken).write_text("what = is this")
    with caplog.at_level(logging.ERROR):
        found = [(list(shown.resolved().aliases), shown.rules().label) for _ in range(3)]

    assert found == [(["assistant"], shown.rules().label)] * 3
    assert caplog.text.count("goes on showing what was read before") == 1
    assert f"{broken}:1:8: this is not TOML" in caplog.text


def test_another_state_directory_is_another_gateway(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    shown = current(tmp_path, CONFIG)
    (tmp_path / "freehold.toml").write_text(f'state_dir = "elsewhere"\n{CONFIG}')

    assert shown.resolved().config.state_dir == str(tmp_path / ".freehold")
    assert "state_dir is another one now" in caplog.text


def test_no_key_of_a_provider_is_needed_and_none_is_in_what_pages_see(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = CONFIG.replace("[aliases]", 'key_env = "THE_KEY"\n[aliases]')
    config += 'many = ["anthropic/claude-sonnet-5"]\n[providers.anthropic]\n'
    without = current(tmp_path, config).resolved()
    monkeypatch.setenv("THE_KEY", "sk-very-secret")
    monkeypatch.setenv("ANTHROPIC_API_KEY", "sk-as-secret")
    accounts = current(tmp_path, config).resolved().accounts

    assert [one.id for one in without.aliases["many"]] == ["anthropic/claude-sonnet-5"]
    assert all(not (one.headers or one.own_headers or one.proxy) for one in accounts.values())


def test_a_pool_that_leads_to_no_provider_cannot_be_shown(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="an endpoint of no provider"):
        current(tmp_path, CONFIG.replace("p/large", "nobody/large"))


def test_two_consoles_over_one_folder_keep_a_journal_each(tmp_path: Path) -> None:
    shown = current(tmp_path, CONFIG)
    books = [Notebook(shown.state, shown.resolved().config.ledger) for _ in range(2)]
    for number, book in enumerate(books):
        book.note("noted", {"number": number})
    nodes = {event.node for event in query.events(shown.state, "noted")}
    for book in books:
        book.close()

    assert nodes == {NODE, f"{NODE}-2"}
