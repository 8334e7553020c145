"""Tree and records name the same things the same way; what they share is copied by name."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import fields, is_dataclass
from functools import cache
from types import NoneType
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


def copier(cls: Any, source: Any, head: Sequence[str], *own: str) -> Callable[..., Any]:
    """A fast `alike` for a record class: `make(item, values of head, *values of own)`.

    It is one expression, compiled once from the names of both tables. Raises TypeError at once
    for a mandatory field found in neither.
    """
    table = layout(cls)
    shared = _shared(cls, source)
    rest = {z.name: z for z in table.fields if z.name not in (*head, *own, *shared)}
    if missing := [name for name, zone in rest.items() if zone.mandatory]:
        raise TypeError(f"{cls.__name__}: missing {', '.join(missing)}")
    known = {name: f"item.{name}" for name in shared} | {name: name for name in own}
    known |= {name: f"head[{at}]" for at, name in enumerate(head)}
    defaults = {f"default_{name}": zone.default for name, zone in rest.items()}
    known |= {name: f"default_{name}" for name in rest}
    values = ", ".join(known[name] for name in table.names)
    made = f"lambda {', '.join(('item', 'head', *own))}: new(cls, ({values},))"
    return eval(made, {"new": tuple.__new__, "cls": cls, **defaults})  # type: ignore[no-any-return]  # noqa: S307 - our own names


@cache
def _shared(cls: Any, source: Any) -> tuple[str, ...]:
    known = set(_names(source))
    return tuple(name for name in _names(cls) if name in known)


def _names(cls: Any) -> tuple[str, ...]:
    if cls is NoneType:
        return ()
    if is_dataclass(cls):
        return tuple(field.name for field in fields(cls))
    return layout(cls).names
