"""The gallery's bad mails: each has its code, and its exact message beside it."""

from __future__ import annotations

from pathlib import Path

import pytest

from formats.common.anomaly import AnomaliesFound, Place
from formats.message import decoded

GALLERY = Path(__file__).parents[2] / "rejects" / "messages"


@pytest.mark.parametrize("mail", sorted(GALLERY.glob("*.eml")), ids=lambda path: path.stem)
def test_a_bad_mail_says_exactly_what_is_wrong(mail: Path, request: pytest.FixtureRequest) -> None:
    with pytest.raises(AnomaliesFound) as found:
        decoded(mail.read_bytes())
    (anomaly,) = found.value.anomalies
    assert anomaly.code.id == mail.stem
    said, kept = f"{anomaly.at(Place(mail.name))}\n", mail.with_name(f"{mail.name}.txt")
    if request.config.getoption("--update-golden"):
        kept.write_text(said, "utf-8")
    assert kept.read_text("utf-8") == said
