"""Tree and records name the same things the same way; what they share is copied by name."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields, is_dataclass
from functools import cache
from operator import attrgetter, itemgetter
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


def copier(cls: Any, source: Any, *own: str) -> Callable[..., Any]:
    """A fast `alike` for a record class: `make(item, *values)`, values in the order of `own`.

    Raises TypeError at once for a mandatory field found in neither.
    """
    table = layout(cls)
    shared = [name for name in _shared(cls, source) if name not in own]
    rest = {z.name: z.default for z in table.fields if z.name not in (*own, *shared)}
    if missing := [zone.name for zone in table.fields if zone.name in rest and zone.mandatory]:
        raise TypeError(f"{cls.__name__}: missing {', '.join(missing)}")
    known = [*shared, *own, *rest]
    taken = _taken(shared)
    ordered = itemgetter(*map(known.index, table.names))
    defaults = tuple(rest.values())

    new = tuple.__new__

    def make(item: object, *values: object) -> Any:
        return new(cls, ordered(taken(item) + values + defaults))

    return make


def _taken(names: list[str]) -> Callable[[Any], tuple[Any, ...]]:
    """Those fields of an item, as a tuple whatever their number."""
    if len(names) > 1:
        return attrgetter(*names)
    return lambda item: tuple(getattr(item, name) for name in names)


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
