"""Tree and records name the same things the same way; what they share is copied by name."""

from __future__ import annotations

from dataclasses import fields, is_dataclass
from functools import cache
from typing import Any, TypeVar

from formats.fixedwidth import layout

T = TypeVar("T")


def alike(cls: type[T], source: object, **own: Any) -> T:
    """A `cls` whose fields come from `own`, else from the fields of `source` with the same name.

    A mandatory field found in neither raises TypeError.
    """
    made: Any = cls
    origin: Any = type(source)
    names = _shared(made, origin)
    return cls(**({name: getattr(source, name) for name in names} | own))


@cache
def _shared(cls: Any, source: Any) -> tuple[str, ...]:
    known = set(_names(source))
    return tuple(name for name in _names(cls) if name in known)


def _names(cls: Any) -> tuple[str, ...]:
    if is_dataclass(cls):
        return tuple(field.name for field in fields(cls))
    return layout(cls).names
