"""What the README says is so: its commands run, its tables are the code's, its names exist.

`pytest tests/house/test_readme.py --update-golden` rewrites the tables made from the code.
"""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
import tomllib
from collections.abc import Callable, Iterable, Iterator
from functools import cache
from importlib import import_module
from itertools import pairwise
from pathlib import Path
from typing import TypeGuard

import pytest
from pydantic import BaseModel

from config import parameters
from config.settings import Settings
from integration import cli
from integration.database.tables import metadata
from integration.translate.flow import FLOWS
from tests.house.source import PACKAGES, ROOT, refuse

README = (ROOT / "README.md").read_text("utf-8")
PROSE = re.sub(r"^```.*?^```$", "", README, flags=re.DOTALL | re.MULTILINE)
FENCE = re.compile(r"^```console\n(.*?)^```$", re.DOTALL | re.MULTILINE)
HERE_DOCUMENT = re.compile(r"<<'(\w+)'")
STATED_EXIT = re.compile(r"#\s*exit (\d+)$")
SPOKEN = re.compile(r"`([^`\n]+)`")
MARK = "=== end of command, exit "
Rows = list[tuple[str, ...]]


# --- commands ---------------------------------------------------------------------------------


def quoted() -> Iterator[tuple[str, list[str]]]:
    """Each command of the console blocks, here-documents included, and the output it quotes."""
    for block in FENCE.findall(README):
        lines = iter(block.splitlines())
        command, output = "", list[str]()
        for line in lines:
            if line.startswith("$ "):
                if command:
                    yield command, output
                command, output = _whole(line.removeprefix("$ "), lines), []
            elif line:
                output.append(line)
        yield command, output


def _whole(command: str, following: Iterator[str]) -> str:
    """A command with its here-document."""
    end = HERE_DOCUMENT.search(command)
    body = iter(lambda: next(following), end[1]) if end else ()
    return "\n".join([command, *body, *([end[1]] if end else [])])


def _ran(commands: list[str], folder: Path) -> list[tuple[int, str]]:
    """Exit code and output of each command, run one after the other in one shell."""
    script = "".join(f'{command}\necho "\n{MARK}$?"\n' for command in commands)
    ours = {name: value for name, value in os.environ.items() if not name.startswith("ECHEANCE_")}
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        ["bash", "-c", f"exec 2>&1\n{script}"],
        cwd=folder,
        env=ours | {"PATH": path, "LC_ALL": "C.UTF-8"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=120,
    )
    *parts, _ = re.split(rf"^{MARK}(\d+)$", done.stdout, flags=re.MULTILINE)
    return [(int(code), output) for output, code in zip(parts[::2], parts[1::2], strict=True)]


def _plain(text: str) -> str:
    """Without the no-break spaces French typography wants."""
    return text.replace("\u00a0", " ").replace("\u202f", " ")


def _shows(output: str, lines: list[str]) -> bool:
    """Whether the quoted lines stand in the output, in order; `…` is anything on a line."""
    patterns = [re.escape(_plain(line)).replace("…", ".*") for line in lines]
    printed = iter(_plain(output).splitlines())
    return all(any(re.fullmatch(one, line) for line in printed) for one in patterns)


def test_every_command_runs_and_shows_what_is_quoted(tmp_path: Path) -> None:
    commands = [(command, lines) for command, lines in quoted() if not command.startswith("make ")]
    ran = _ran([command for command, _ in commands], tmp_path)
    assert len(ran) == len(commands) > 10
    for (command, lines), (code, output) in zip(commands, ran, strict=True):
        stated = STATED_EXIT.search(command.partition("\n")[0])
        assert code == (int(stated[1]) if stated else 0), f"{command}\n{output}"
        assert _shows(output, lines), f"$ {command}\n{output}\nquoted:\n" + "\n".join(lines)


def test_make_targets_exist() -> None:
    makefile = (ROOT / "Makefile").read_text("utf-8")
    targets = set(re.search(r"^\.PHONY: (.*)$", makefile, re.MULTILINE)[1].split())  # type: ignore[index]
    said = set(re.findall(r"\bmake ([a-z]+)\b", " ".join(SPOKEN.findall(PROSE))))
    assert said == targets - {"servers"}


# --- tables -----------------------------------------------------------------------------------


def _table(*header: str) -> Rows:
    """The rows of the table with that header."""
    cells = (line.strip("|").split(" | ") for line in _written(header).splitlines())
    return [tuple(cell.strip() for cell in row) for row in cells]


def _written(header: tuple[str, ...]) -> str:
    """A table as it stands, without its two first lines."""
    start = README.index(f"{_line(header)}\n|---")
    return README[start:].split("\n\n")[0].split("\n", 2)[2]


def _line(cells: tuple[str, ...]) -> str:
    return f"| {' | '.join(cells)} |"


def verbs() -> Rows:
    """The tree of verbs."""
    return [
        (f"`{v.name}`", " ".join(f"`{_shown(a)}`" for a in v.arguments), v.help) for v in cli.VERBS
    ]


def _shown(argument: cli.Argument) -> str:
    """An option by its name, a positional argument by what stands for it."""
    name, options = argument.names[0], argument.options
    shown = name if name.startswith("-") else options.get("metavar") or "|".join(options["choices"])
    return f"[{shown}]" if options.get("nargs") == "?" else shown


def sections() -> Rows:
    """The keys of the settings; the parameters have a table of their own."""
    named = {name: field.annotation for name, field in Settings.model_fields.items()}
    models = {name: type_ for name, type_ in named.items() if _is_section(type_)}
    own = [name for name in named if name not in models]
    inner = [
        (f"`[{name}]`", _ticked(model.model_fields))
        for name, model in models.items()
        if name != "parameters"
    ]
    return [("top level", _ticked(own)), *inner]


def _is_section(annotation: object) -> TypeGuard[type[BaseModel]]:
    return isinstance(annotation, type) and issubclass(annotation, BaseModel)


def _ticked(names: Iterable[str]) -> str:
    return " ".join(f"`{name}`" for name in names)


def parameter_rows() -> Rows:
    """Every parameter, with its default as TOML writes it."""
    return [
        (f"`{known.name}`", f"`{_toml(known.default)}`", known.description)
        for known in parameters.known()
    ]


def _toml(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value) or '""'


def dependencies() -> Rows:
    """Libraries and the comments of `pyproject.toml`."""
    text = (ROOT / "pyproject.toml").read_text("utf-8")
    listed = [re.split(r"[^\w-]", d)[0] for d in tomllib.loads(text)["project"]["dependencies"]]
    why = dict(re.findall(r'^    "([\w-]+)[^"]*",\s*# (.*)$', text, re.MULTILINE))
    return [(name, why[name]) for name in listed]


@pytest.mark.parametrize(
    ("header", "rows"),
    [
        (("verb", "arguments", "what it does"), verbs),
        (("section", "keys"), sections),
        (("parameter", "default", "what it changes"), parameter_rows),
        (("library", "why it is there"), dependencies),
    ],
    ids=["verbs", "sections", "parameters", "dependencies"],
)
def test_a_table_is_the_code_s(
    header: tuple[str, ...], rows: Callable[[], Rows], request: pytest.FixtureRequest
) -> None:
    expected, written = "\n".join(map(_line, rows())), _written(header)
    if request.config.getoption("--update-golden"):
        file = ROOT / "README.md"
        file.write_text(file.read_text("utf-8").replace(written, expected), "utf-8")
    else:
        assert written == expected


def test_every_flow_is_named_in_order() -> None:
    named = PROSE[PROSE.index("Flows in: ") :].split(".")[0]
    assert SPOKEN.findall(named) == list(FLOWS)


def test_exit_codes_are_those_of_the_command_line() -> None:
    codes = {name: code for name, code in vars(cli).items() if type(code) is int}
    assert {
        name.strip("`"): int(code) for code, name, _ in _table("exit code", "name", "when")
    } == codes


def test_words_of_the_glossary_name_tables_that_exist() -> None:
    named = {
        name for _, _, cell in _table("French", "code", "table") for name in SPOKEN.findall(cell)
    }
    assert named
    refuse(sorted(named - {name.partition(".")[0] for name in metadata.tables} - _columns()))


def _columns() -> set[str]:
    return {f"{t.name}.{column.name}" for t in metadata.tables.values() for column in t.columns}


# --- names ------------------------------------------------------------------------------------


def test_every_promise_names_its_tests() -> None:
    rows = _table("promise", "proved by")
    refuse(promise for promise, proof in rows if "::" not in proof)


def test_named_tests_files_and_code_exist() -> None:
    refuse(sorted({f"`{name}`" for name in SPOKEN.findall(PROSE) if not _exists(name)}))


def _exists(name: str) -> bool:
    path, _, test = name.partition("::")
    room = re.split(r"[/.]", path)[0]
    if test:
        return test in _functions(ROOT / path)
    if room not in (*PACKAGES, "tests") or " " in path:
        return True
    return any(ROOT.glob(path.rstrip("/"))) if "/" in path else _imports(path)


@cache
def _functions(path: Path) -> set[str]:
    tree = ast.parse(path.read_text("utf-8")) if path.is_file() else ast.Module([], [])
    return {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}


def _imports(dotted: str) -> bool:
    """A module, or a name that a module of the longest importable prefix holds."""
    parts = dotted.split(".")
    for cut in range(len(parts), 0, -1):
        try:
            found: object = import_module(".".join(parts[:cut]))
        except ModuleNotFoundError:
            continue
        for name in parts[cut:]:
            found = getattr(found, name, None)
        return found is not None
    return False


def test_links_lead_somewhere() -> None:
    anchors = {
        re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-")
        for title in re.findall(r"^#+ (.*)$", PROSE, re.MULTILINE)
    }
    refuse(
        target
        for target in re.findall(r"\]\(([^)]+)\)", PROSE)
        if (target[1:] not in anchors if target.startswith("#") else not (ROOT / target).exists())
    )


def test_the_picture_of_the_night_lines_up() -> None:
    picture = README.split("## The night")[1].split("```")[1].splitlines()
    width = max(map(len, picture))
    for above, below in pairwise(line.ljust(width) for line in picture):
        for upper, lower in zip(above, below, strict=True):
            goes_on = lower in "│└┘▼" if upper in "│┌┐┬" else lower not in "└┘▼"
            assert goes_on, f"{above}\n{below}"
