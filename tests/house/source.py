"""The packages as syntax trees, and one way to report offences."""

from __future__ import annotations

import ast
import subprocess
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]
PACKAGES = ("integration", "formats", "billing", "stock", "config")

Function = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True)
class Module:
    """One source file: `name` dotted, `path` relative to the repository."""

    name: str
    path: Path
    tree: ast.Module

    def within(self, *packages: str) -> bool:
        """Whether it is one of these dotted packages or lies in one."""
        return any(f"{self.name}.".startswith(f"{package}.") for package in packages)

    def at(self, node: ast.AST, what: str) -> str:
        """`path:line what`, as terminals and editors understand it."""
        return f"{self.path}:{getattr(node, 'lineno', 1)} {what}"

    def imports(self) -> Iterator[tuple[ast.stmt, str]]:
        """Every dotted name it imports, wherever in the file."""
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Import):
                yield from ((node, alias.name) for alias in node.names)
            elif isinstance(node, ast.ImportFrom):
                origin = self._origin(node)
                yield node, origin
                yield from ((node, f"{origin}.{alias.name}") for alias in node.names)

    def functions(self) -> Iterator[Function]:
        """Every function and method, nested ones too."""
        return (node for node in ast.walk(self.tree) if isinstance(node, Function))

    def _origin(self, node: ast.ImportFrom) -> str:
        if not node.level:
            return node.module or ""
        package = self.name.split(".")
        is_package = self.path.name == "__init__.py"
        base = package[: len(package) - node.level + is_package]
        return ".".join([*base, *filter(None, [node.module])])


@cache
def modules() -> tuple[Module, ...]:
    """Every module of the five packages."""
    paths = [path for package in PACKAGES for path in sorted((ROOT / package).rglob("*.py"))]
    return tuple(_read(path.relative_to(ROOT)) for path in paths)


def _read(path: Path) -> Module:
    parts = path.with_suffix("").parts
    name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
    return Module(name, path, ast.parse((ROOT / path).read_text("utf-8"), str(path)))


def kept_files() -> list[Path]:
    """Files git tracks or would track, relative to the repository."""
    command = ["git", "-c", f"safe.directory={ROOT}", "ls-files", "-z", "-co", "--exclude-standard"]
    listed = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout
    return [Path(name) for name in listed.split("\0") if name and (ROOT / name).is_file()]


def refuse(offences: Iterable[str]) -> None:
    """Fail with one offence a line."""
    found = list(offences)
    assert not found, f"{len(found)} offence(s)\n" + "\n".join(found)
