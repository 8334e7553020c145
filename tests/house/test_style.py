"""One screen high, documented, well named, nothing silent."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from statistics import median

from tests.house.source import Function, Module, modules, refuse

LONGEST, USUAL, MIDDLE = 40, 25, 8
EMPTY_NAMES = ("Manager", "Helper", "Helpers", "Util", "Utils", "Data")
EMPTY_MODULES = ("manager", "helper", "helpers", "util", "utils", "data", "misc")


def _lines(function: Function) -> int:
    return (function.end_lineno or function.lineno) - function.lineno + 1


def test_no_function_is_over_40_lines() -> None:
    refuse(
        module.at(function, f"{function.name}: {_lines(function)} lines")
        for module in modules()
        for function in module.functions()
        if _lines(function) > LONGEST
    )


def test_nine_functions_in_ten_are_25_lines_at_most_and_half_are_8() -> None:
    sizes = [_lines(function) for module in modules() for function in module.functions()]
    usual = sum(size <= USUAL for size in sizes)
    assert usual * 10 >= len(sizes) * 9, f"{usual} of {len(sizes)} have at most {USUAL} lines"
    assert median(sizes) <= MIDDLE, f"the median of {len(sizes)} functions is {median(sizes)} lines"


def _undocumented(module: Module) -> Iterator[str]:
    if ast.get_docstring(module.tree) is None:
        yield module.at(module.tree, module.name)
    yield from _undocumented_in(module, module.tree)


def _undocumented_in(module: Module, parent: ast.Module | ast.ClassDef) -> Iterator[str]:
    for node in parent.body:
        if not isinstance(node, Function | ast.ClassDef) or node.name.startswith("_"):
            continue
        if ast.get_docstring(node) is None:
            yield module.at(node, node.name)
        if isinstance(node, ast.ClassDef):
            yield from _undocumented_in(module, node)


def test_every_public_name_has_a_docstring() -> None:
    refuse(line for module in modules() for line in _undocumented(module))


def test_names_say_something() -> None:
    refuse(
        module.at(node, node.name)
        for module in modules()
        for node in ast.walk(module.tree)
        if isinstance(node, ast.ClassDef) and node.name.endswith(EMPTY_NAMES)
    )
    refuse(str(m.path) for m in modules() if m.name.rpartition(".")[2] in EMPTY_MODULES)


def _swallows(handler: ast.ExceptHandler) -> bool:
    body = [statement for statement in handler.body if not _is_remark(statement)]
    return handler.type is None or all(isinstance(s, ast.Pass) for s in body)


def _is_remark(statement: ast.stmt) -> bool:
    return isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)


def test_no_error_is_swallowed() -> None:
    refuse(
        module.at(node, ast.unparse(node).partition("\n")[0])
        for module in modules()
        for node in ast.walk(module.tree)
        if (isinstance(node, ast.ExceptHandler) and _swallows(node))
        or (
            isinstance(node, ast.Call)
            and ast.unparse(node).endswith(("suppress(Exception)", "suppress(BaseException)"))
        )
    )
