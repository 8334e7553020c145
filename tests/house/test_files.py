"""What tracked files may not say, and what dependencies must."""

from __future__ import annotations

import re
import tomllib

from tests.house.source import ROOT, kept_files, refuse

# Written in pieces, or this file would offend itself.
FORBIDDEN = re.compile(
    "|".join(
        (
            "py" + r"pi\.org",
            "pythonhosted" + r"\.org",
            "index" + "-url",
            "extra" + "-index",
            "find" + "-links",
            "/wo" + "rk/",
            r"\biss" + r"ue\s*#?\d",
        )
    ).encode(),
    re.IGNORECASE,
)
DEPENDENCY = re.compile(r'^\s*"(?P<name>[A-Za-z][\w.-]*)[^"]*",?\s*(?P<why>#.*)?$')


def test_no_file_tells_of_the_workplace() -> None:
    refuse(
        f"{path}:{_line(content, match)} {match[0].decode()}"
        for path in kept_files()
        for content in [(ROOT / path).read_bytes()]
        if b"\0" not in content[:8000]
        for match in FORBIDDEN.finditer(content)
    )


def _line(content: bytes, match: re.Match[bytes]) -> int:
    return content.count(b"\n", 0, match.start()) + 1


def test_each_dependency_says_why() -> None:
    text = (ROOT / "pyproject.toml").read_text("utf-8")
    project = tomllib.loads(text)
    groups = project["dependency-groups"].values()
    listed = [*project["project"]["dependencies"], *(d for g in groups for d in g)]
    names = {re.split(r"[^\w.-]", d)[0] for d in listed if isinstance(d, str)}
    lines = [match for line in text.splitlines() if (match := DEPENDENCY.match(line))]
    said = {match["name"] for match in lines if match["why"]}
    refuse(f"pyproject.toml {name} has no comment" for name in sorted(names - said))
