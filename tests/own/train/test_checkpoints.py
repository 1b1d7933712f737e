"""A checkpoint is taken as data: what would have to be run to be read is refused."""

import json
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from freehold.own.rows import Turn
from freehold.vocabulary.errors import BadRequest


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    from freehold.own.train import checkpoints

    folder = tmp_path_factory.mktemp("checkpoints") / "small"
    checkpoints.make(folder, ["one two three"] * 3, checkpoints.Shape(vocabulary=300, width=32, heads=2))
    return folder


@pytest.fixture
def copy(small: Path, tmp_path: Path) -> Path:
    return shutil.copytree(small, tmp_path / "copy")


def changed(file: Path, fields: Mapping[str, Any]) -> None:
    file.write_text(json.dumps(json.loads(file.read_text()) | fields))


def pickled(folder: Path) -> None:
    import torch
    from safetensors.torch import load_file

    weights = folder / "model.safetensors"
    torch.save(load_file(weights), folder / "pytorch_model.bin")
    weights.unlink()


def with_code(folder: Path) -> None:
    (folder / "code.py").write_text("raise SystemExit('run')")
    names = {"AutoConfig": "code.Config", "AutoModelForCausalLM": "code.Model"}
    changed(folder / "config.json", {"model_type": "x", "auto_map": names})


def adapter(folder: Path) -> None:
    (folder / "adapter_config.json").write_text('{"base_model_name_or_path": "/elsewhere"}')


def from_elsewhere(folder: Path) -> None:
    (folder / "model.safetensors").rename(folder.parent / "other.safetensors")
    index = {"weight_map": {"lm_head.weight": "../other.safetensors"}}
    (folder / "model.safetensors.index.json").write_text(json.dumps(index))


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (pickled, "no file named model.safetensors"),
        (with_code, "custom code"),
        (adapter, "adapter"),
        (from_elsewhere, "../other.safetensors"),
    ],
)
def test_weights_that_are_not_plain_data_of_the_folder_are_refused(
    copy: Path, spoil: Callable[[Path], None], words: str
) -> None:
    from freehold.own.train.checkpoints import load

    spoil(copy)

    with pytest.raises(BadRequest, match=words):
        load(copy)


def test_a_tokenizer_with_code_of_its_own_is_refused_and_nobody_is_asked(
    copy: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from freehold.own.train.checkpoints import load_tokenizer

    fields = {"tokenizer_class": "Odd", "auto_map": {"AutoTokenizer": ["code.Odd", "code.Odd"]}}
    changed(copy / "tokenizer_config.json", fields)
    (copy / "code.py").write_text("raise SystemExit('run')")

    with pytest.raises(BadRequest, match="custom code"):
        load_tokenizer(copy)
    assert "y/N" not in capsys.readouterr().out


@pytest.mark.parametrize(
    "template",
    ["{{ cycler.__init__.__globals__ }}", "{% include 'config.json' %}", "{{ messages.pop() }}", "{{"],
)
def test_a_chat_template_reaches_nothing_but_the_turns(copy: Path, template: str) -> None:
    from freehold.own.train.conversing import tokenizer_of, worked

    (copy / "chat_template.jinja").write_text(template)

    with pytest.raises(BadRequest, match="chat template"):
        worked([Turn("user", "one"), Turn("assistant", "two")], tokenizer_of(copy))
