"""Ways a file gets damaged on its way, each drawn from a seed so that it can be made again."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from random import Random

_SPANS = (1, 1, 2, 3, 7, 64, 127, 128, 129, 256)
_ALPHABETS = (b"0123456789", b" ", b"0", b"@", b"\r\n", b"ABCDEFGHIJ", bytes(range(256)))
_CODECS = ("utf-8", "utf-16", "cp037", "utf-7")
_SWAPS = (
    (b"E", b"\xc3\x89"),  # É in UTF-8
    (b"E", b"\xc9"),  # É in Latin-1
    (b"E", b"\x90"),  # É in cp850
    (b" ", b"\xa0"),
    (b" ", b"\x85"),
    (b" ", b"\0"),
    (b" ", b"\t"),
    (b"0", b"O"),
    (b"0", b"\xb2"),  # a superscript: `str.isdigit` takes it for a digit
)


@dataclass(frozen=True)
class Mutation:
    """A damaged copy of a sample, and the first byte that may differ from it."""

    kind: str
    content: bytes
    at: int


Damaged = tuple[bytes, int]


def flipped(sample: bytes, _: Sequence[int], draw: Random) -> Damaged:
    """One to four bits changed."""
    content = bytearray(sample)
    places = [draw.randrange(len(content)) for _ in range(draw.choice((1, 1, 1, 2, 4)))]
    for place in places:
        content[place] ^= 1 << draw.randrange(8)
    return bytes(content), min(places)


def overwritten(sample: bytes, starts: Sequence[int], draw: Random) -> Damaged:
    """A span replaced by as many other characters."""
    at, span = _place(sample, starts, draw)
    alphabet = draw.choice(_ALPHABETS)
    content = bytes(draw.choice(alphabet) for _ in range(len(sample[at : at + span])))
    return sample[:at] + content + sample[at + span :], at


def cut(sample: bytes, starts: Sequence[int], draw: Random) -> Damaged:
    """The end lost, or a span in the middle."""
    at, span = _place(sample, starts, draw)
    rest = b"" if draw.random() < 0.3 else sample[at + span :]
    return sample[:at] + rest, at if rest else max(at - 1, 0)


def inserted(sample: bytes, starts: Sequence[int], draw: Random) -> Damaged:
    """Characters that weren't there."""
    at, span = _place(sample, starts, draw)
    alphabet = draw.choice(_ALPHABETS)
    return sample[:at] + bytes(draw.choice(alphabet) for _ in range(span)) + sample[at:], at


def duplicated(sample: bytes, starts: Sequence[int], draw: Random) -> Damaged:
    """A span said twice, at once or further on."""
    at, span = _place(sample, starts, draw)
    again = at + span if draw.random() < 0.5 else draw.randrange(len(sample))
    return sample[:again] + sample[at : at + span] + sample[again:], min(again, len(sample) - 1)


def reencoded(sample: bytes, starts: Sequence[int], draw: Random) -> Damaged:
    """Read in one encoding and written in another, wholly or here and there."""
    way = draw.randrange(4)
    if way == 0:
        return sample.decode("latin-1").encode(draw.choice(_CODECS), "replace"), 0
    if way == 1:
        return draw.choice((b"\xef\xbb\xbf", b"\xff\xfe")) + sample, 0
    at, span = _place(sample, starts, draw)
    piece = sample[at : at + span]
    if way == 2:
        return sample[:at] + piece.lower() + sample[at + span :], at
    old, new = draw.choice(_SWAPS)
    return sample[:at] + sample[at:].replace(old, new, draw.choice((1, 2, 50))), at


def _place(sample: bytes, starts: Sequence[int], draw: Random) -> tuple[int, int]:
    """A place and a span; a whole record, or two, one time in three."""
    if draw.random() < 0.67:
        return draw.randrange(len(sample)), draw.choice(_SPANS)
    first = draw.randrange(len(starts))
    bounds = (*starts, len(sample))
    return starts[first], bounds[min(first + draw.choice((1, 1, 2)), len(starts))] - starts[first]


KINDS: dict[str, Callable[[bytes, Sequence[int], Random], Damaged]] = {
    "flip": flipped,
    "overwrite": overwritten,
    "cut": cut,
    "insert": inserted,
    "duplicate": duplicated,
    "encoding": reencoded,
}


def mutation(sample: bytes, starts: Sequence[int], seed: str, number: int) -> Mutation:
    """The `number`-th damaged copy of a sample; kinds take turns.

    `starts` are the offsets of its records. A copy that happens to be whole is drawn again.
    """
    kind = list(KINDS)[number % len(KINDS)]
    draw = Random(f"{seed} {number}")
    content, at = sample, 0
    while content == sample:
        content, at = KINDS[kind](sample, starts, draw)
    return Mutation(kind, content, at)
