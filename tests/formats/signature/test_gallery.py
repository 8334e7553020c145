"""The gallery's bad signatures: each has its code, and its exact message beside it."""

from __future__ import annotations

from pathlib import Path

import pytest

from formats.common.anomaly import AnomaliesFound, Place
from formats.signature import certificates, verify
from tests.formats.signature.people import NOW

GALLERY = Path(__file__).parents[2] / "rejects" / "signatures"
TRUSTED = certificates((GALLERY / "authorities.pem").read_bytes())


@pytest.mark.parametrize("file", sorted(GALLERY.glob("*.lot")), ids=lambda path: path.stem)
def test_a_bad_signature_says_exactly_what_is_wrong(
    file: Path, request: pytest.FixtureRequest
) -> None:
    signature = (GALLERY / "p7s" / f"{file.stem}.p7s").read_bytes()
    with pytest.raises(AnomaliesFound) as found:
        verify(file.read_bytes(), signature, TRUSTED, NOW)
    (anomaly,) = found.value.anomalies
    assert anomaly.code.id == file.stem
    said, kept = f"{anomaly.at(Place(file.name))}\n", file.with_name(f"{file.name}.txt")
    if request.config.getoption("--update-golden"):
        kept.write_text(said, "utf-8")
    assert kept.read_text("utf-8") == said
