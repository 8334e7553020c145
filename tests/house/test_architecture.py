"""Who may import whom, and what stays out of the pure rooms."""

from __future__ import annotations

import ast

from tests.house.source import PACKAGES, ROOT, modules, refuse

PURE = ("formats", "billing", "stock")
MAY_IMPORT = {
    "formats": {"formats"},
    "stock": {"stock", "formats.common"},
    "billing": {"billing", "stock", "formats.common"},
    "config": {"config", "billing", "stock", "formats.common"},
    "integration": set(PACKAGES),
}
IMPURE = {
    *("os", "pathlib", "shutil", "tempfile", "glob", "sqlite3", "subprocess", "multiprocessing"),
    *("socket", "ssl", "http", "urllib", "smtplib", "ftplib", "asyncio"),
    *("time", "random", "secrets", "logging", "sqlalchemy", "alembic", "psycopg"),
    *("paramiko", "zeep", "requests", "schedule", "pydantic"),
}
# Millimetres of a page, the unit of the PDF library; amounts reach it as integer cents.
MEASURED = ("formats.pdf",)
COMPOSED = tuple(f"integration.{room}" for room in ("flows", "translate", "database", "transport"))
COMPOSITION = ("integration.app", "integration.cli")


def _lies_in(name: str, packages: set[str] | tuple[str, ...]) -> bool:
    return any(f"{name}.".startswith(f"{package}.") for package in packages)


def test_imports_point_inwards() -> None:
    refuse(
        module.at(node, f"imports {name}")
        for module in modules()
        for node, name in module.imports()
        if _lies_in(name, PACKAGES)
        and not _lies_in(name, MAY_IMPORT[module.name.partition(".")[0]])
    )


def test_the_common_leaf_imports_nothing_of_ours() -> None:
    refuse(
        module.at(node, f"imports {name}")
        for module in modules()
        if module.within("formats.common")
        for node, name in module.imports()
        if _lies_in(name, PACKAGES) and not _lies_in(name, ("formats.common",))
    )


def test_pure_rooms_import_nothing_impure() -> None:
    refuse(
        module.at(node, f"imports {name}")
        for module in modules()
        if module.within(*PURE)
        for node, name in module.imports()
        if _lies_in(name, IMPURE)
    )


def test_pure_rooms_open_no_file() -> None:
    refuse(
        module.at(node, "calls open")
        for module in modules()
        if module.within(*PURE)
        for node in ast.walk(module.tree)
        if isinstance(node, ast.Call) and ast.unparse(node.func) in ("open", "io.open", "print")
    )


def test_only_the_shell_asks_for_the_time() -> None:
    clocks = ("datetime.now", "datetime.utcnow", "datetime.today", "date.today", "time.time")
    refuse(
        module.at(node, ast.unparse(node))
        for module in modules()
        if not module.within("integration")
        for node in ast.walk(module.tree)
        if isinstance(node, ast.Attribute) and ast.unparse(node).endswith(clocks)
    )


def test_rooms_of_the_shell_never_import_their_composition() -> None:
    refuse(
        module.at(node, f"imports {name}")
        for module in modules()
        if module.within(*COMPOSED)
        for node, name in module.imports()
        if _lies_in(name, COMPOSITION)
    )


def test_no_float_in_the_pure_rooms() -> None:
    refuse(
        module.at(node, ast.unparse(node))
        for module in modules()
        if module.within(*PURE) and not module.within(*MEASURED)
        for node in ast.walk(module.tree)
        if (isinstance(node, ast.Constant) and isinstance(node.value, float))
        or (isinstance(node, ast.Call) and ast.unparse(node.func) == "float")
    )


def test_every_family_of_formats_names_its_norm() -> None:
    families = (path for path in (ROOT / "formats").iterdir() if (path / "__init__.py").exists())
    refuse(
        f"{family.relative_to(ROOT)}/README.md is missing or empty"
        for family in sorted(families)
        if family.name != "common"
        and not ((family / "README.md").exists() and (family / "README.md").read_text().strip())
    )
