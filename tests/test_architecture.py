"""The rules that keep the house small and its rooms apart, held by machine."""

import ast
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from tests.conftest import COLLECTED

ROOT = Path(__file__).parent.parent
SOURCE = ROOT / "src" / "freehold"
FILES = sorted(SOURCE.rglob("*.py"))

FILE_LINES_MAX = 400
FUNCTION_LINES_MAX = 60
ARGUMENTS_MAX = 6
CLI_IMPORT_S_MAX = 0.2
VAGUE_NAMES = {"utils", "util", "helpers", "helper", "common", "manager", "base", "misc"}
NOT_FOR_HELP = {
    "uvicorn",
    "uvloop",
    "httptools",
    "msgspec",
    "prometheus_client",
    "openai",
    "anthropic",
    "numpy",
}
NOT_FOR_HELP |= {"sqlite3", "asyncio", "ssl", "http.client", "tomllib", "freehold.gateway", "freehold.ledger"}

ENVIRONMENT = {"environ", "environb", "getenv"}

Function = ast.FunctionDef | ast.AsyncFunctionDef


@cache
def trees() -> dict[Path, ast.Module]:
    """What is parsed only where it is looked at: each process of the suite imports this file."""
    return {path: ast.parse(path.read_text(encoding="utf-8")) for path in FILES}


def name_of(path: Path) -> str:
    return path.relative_to(SOURCE).as_posix()


def functions(tree: ast.AST) -> Iterator[Function]:
    return (node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))


def imports(tree: ast.AST) -> Iterator[ast.Import | ast.ImportFrom]:
    return (node for node in ast.walk(tree) if isinstance(node, ast.Import | ast.ImportFrom))


def lines_without_docstring(function: Function) -> int:
    lines = (function.end_lineno or function.lineno) - function.lineno + 1
    if ast.get_docstring(function) is not None:
        docstring = function.body[0]
        lines -= (docstring.end_lineno or docstring.lineno) - docstring.lineno + 1
    return lines


def arguments(function: Function) -> list[str]:
    given = function.args
    names = [argument.arg for argument in (*given.posonlyargs, *given.args, *given.kwonlyargs)]
    return [name for name in names if name not in ("self", "cls")]


def lint_imports(config: Path) -> "subprocess.CompletedProcess[str]":
    command = [str(Path(sys.executable).parent / "lint-imports"), "--no-cache", "--config", str(config)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


def test_rooms_import_downwards_only_and_every_room_has_its_place() -> None:
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    layers = [contract for contract in contracts if contract["type"] == "layers"]

    assert [layer["containers"] for layer in layers if layer["exhaustive"]] == [["freehold"]]
    result = lint_imports(ROOT / "pyproject.toml")
    assert result.returncode == 0, result.stdout


def test_a_room_without_a_place_would_be_noticed(tmp_path: Path) -> None:
    written = (ROOT / "pyproject.toml").read_text()
    narrowed = tmp_path / "pyproject.toml"
    narrowed.write_text(written.replace('"(config) | (wire)"', '"(config)"'))

    result = lint_imports(narrowed)

    assert narrowed.read_text() != written
    assert result.returncode == 1
    assert "freehold.wire" in result.stdout


def test_files_are_small() -> None:
    assert [name_of(path) for path in FILES if len(path.read_text().splitlines()) > FILE_LINES_MAX] == []


def test_functions_are_small() -> None:
    assert [
        f"{name_of(path)}:{function.lineno} {function.name}"
        for path, tree in trees().items()
        for function in functions(tree)
        if lines_without_docstring(function) > FUNCTION_LINES_MAX
    ] == []


def test_functions_take_few_arguments() -> None:
    """An exception is visible where it is made: `# noqa: PLR0913 - why`."""
    assert [
        f"{name_of(path)}:{function.lineno} {function.name}"
        for path, tree in trees().items()
        for function in functions(tree)
        if len(arguments(function)) > ARGUMENTS_MAX
        and "# noqa: PLR0913 - " not in path.read_text().splitlines()[function.lineno - 1]
    ] == []


def test_a_name_says_what_is_in_it() -> None:
    assert [name_of(path) for path in FILES if VAGUE_NAMES & {path.stem, path.parent.name}] == []


def test_no_import_is_hidden() -> None:
    """Only `cli/` may import late: that is how `--help` is quick."""
    hidden = [
        f"{name_of(path)}:{node.lineno} {ast.unparse(node)}"
        for path, tree in trees().items()
        for node in imports(tree)
        if node not in tree.body and not path.is_relative_to(SOURCE / "cli")
    ]

    assert hidden == []
    assert [name_of(path) for path in FILES if "TYPE_CHECKING" in path.read_text()] == []


def test_only_one_module_reads_the_environment() -> None:
    readers = {
        name_of(path)
        for path, tree in trees().items()
        for node in ast.walk(tree)
        if (isinstance(node, ast.Attribute) and node.attr in ENVIRONMENT)
        or (isinstance(node, ast.alias) and node.name in ENVIRONMENT)
    }

    assert readers == {"config/environment.py"}


def test_help_imports_nothing_heavy() -> None:
    program = "import sys, freehold.cli.main as cli\ntry: cli.main(['--help'])\nexcept SystemExit: pass\n"
    program += "print(*sys.modules, sep='\\n', file=sys.stderr)"
    result = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)

    assert "exit codes:" in result.stdout
    assert not NOT_FOR_HELP & set(result.stderr.split())


def test_the_command_line_is_imported_quickly() -> None:
    """The import alone, in processor time of a fresh process; the best of three."""
    program = "from time import process_time as now; t = now(); import freehold.cli.main; print(now() - t)"
    times = [
        float(
            subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout
        )
        for _ in range(3)
    ]

    assert min(times) < CLI_IMPORT_S_MAX


def test_what_takes_seconds_to_import_is_not_imported_until_a_test_needs_it(
    pytestconfig: pytest.Config,
) -> None:
    assert pytestconfig.stash[COLLECTED] == frozenset()
