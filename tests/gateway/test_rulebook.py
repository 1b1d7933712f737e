"""What the configuration names is checked before anything is served, and each mistake has its place."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from freehold.config.load import Loaded, load_all
from freehold.config.schema import Config, Policy
from freehold.gateway.keys import KeyStore
from freehold.gateway.rulebook import rulebook, rulebook_problems
from freehold.vocabulary.errors import ConfigError
from tests.gateway.ruled import UNION, fact

CONFIG = """\
[providers.us]
base_url = "http://127.0.0.1:9"
dialects = ["chat"]
[aliases]
m = ["us/m"]
"""


def run(folder: Path, *words: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "freehold", *words]
    return subprocess.run(
        command, check=False, capture_output=True, text=True, cwd=folder, env=dict(os.environ), timeout=60
    )


@pytest.mark.parametrize(
    ("tables", "place", "said"),
    [
        ('[policy]\nenforce = ["eu-sovereing"]', "freehold.toml:7:12: ", 'Write "eu-sovereign"'),
        ('[policy]\nshadow = ["there.toml"]', "freehold.toml:7:11: ", "there is no such file"),
        ('[policy]\nenforce = ["bad.toml"]', "bad.toml:4:12: ", "inference_regoin"),
        ('[policy]\nenforce = ["good.toml", "good.toml"]', "freehold.toml:7:25: ", "stands twice"),
        ('[policy]\nenforce = ["good.toml", "twin.toml"]', "freehold.toml:7:25: ", 'both named "union"'),
        ('[catalog]\nfacts = ["facts.toml"]', "facts.toml:9:1: ", "retention_dais"),
        ('[catalog]\nfacts = ["gone.toml"]', "freehold.toml:7:10: ", "there is no such file"),
    ],
)
def test_each_mistake_has_its_place_and_a_remedy(tmp_path: Path, tables: str, place: str, said: str) -> None:
    (found,) = problems(tmp_path, tables)

    assert f"{tmp_path}/{place}" in str(found)
    assert said in f"{found} {found.remedy}"


def problems(folder: Path, tables: str) -> list[ConfigError]:
    (folder / "freehold.toml").write_text(f"{CONFIG}{tables}\n")
    (folder / "good.toml").write_text(UNION)
    (folder / "twin.toml").write_text(UNION)
    (folder / "bad.toml").write_text(UNION.replace("inference_region in", "inference_regoin in"))
    (folder / "facts.toml").write_text(fact("us", retention_dais=3))
    loaded = load_all(folder / "freehold.toml")
    assert isinstance(loaded, Loaded)
    return list(rulebook_problems(loaded.config, folder / "state", loaded.document))


def test_check_tells_it_and_up_does_not_serve(tmp_path: Path) -> None:
    problems(tmp_path, '[policy]\nenforce = ["bad.toml"]')
    checked, served = run(tmp_path, "check"), run(tmp_path, "up", "--port", "0")

    assert (checked.returncode, served.returncode) == (1, 2)
    assert checked.stderr == served.stderr
    assert "bad.toml:4:12: " in checked.stderr


def test_two_enforced_policies_need_two_names(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / f"{name}.toml").write_text(UNION)
    config = Config(policy=Policy(enforce=tuple(str(tmp_path / f"{name}.toml") for name in ("a", "b"))))

    with pytest.raises(ConfigError, match='named "union"'):
        rulebook(config, tmp_path)


def test_check_warns_of_a_key_whose_class_is_gone(tmp_path: Path) -> None:
    (tmp_path / "freehold.toml").write_text(CONFIG)
    key, _ = KeyStore(tmp_path / ".freehold").create("desk", data_class="secret")
    (warning,) = json.loads(run(tmp_path, "check", "--json").stdout)

    assert f"the key {key.id} of `desk` has the data class" in warning["message"]
    assert "counts as special" in warning["remedy"]


def test_what_is_in_force_is_said_at_the_start(tmp_path: Path) -> None:
    (tmp_path / "freehold.toml").write_text(
        f'{CONFIG}[policy]\nenforce = ["union.toml"]\nshadow = ["zero-retention"]\n'
    )
    (tmp_path / "union.toml").write_text(UNION + '[rules.b]\nprefer = "own"\nreason = "Ours first."\n')
    command = [sys.executable, "-m", "freehold", "up", "--port", "0", "--console-port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=tmp_path) as process:
        assert process.stdout is not None
        lines = [process.stdout.readline() for _ in range(8)]
        process.terminate()
    told = "".join(lines)

    assert "in shadow, deciding nothing: zero-retention@" in told
    assert "enforced: union@" in told
    assert "ALIAS  NONE SAID  PUBLIC  INTERNAL  CONFIDENTIAL  PERSONAL  SPECIAL\n" in told
    assert "m      0 of 1     1 of 1  1 of 1    1 of 1        0 of 1    0 of 1\n" in told
    assert json.loads(run(tmp_path, "check", "--json").stdout) == []
