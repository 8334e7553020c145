"""Mail of the funds becomes files: once, named by us, refused with reasons."""

from __future__ import annotations

from pathlib import Path

import pytest

from formats.message import compose
from integration.transport.maildir import Landing, fetch
from tests.faults.killing import run
from tests.formats.message.test_message import ENVELOPE, FILE, KEY


@pytest.fixture
def maildir(tmp_path: Path) -> Path:
    """An empty maildir."""
    for name in ("new", "cur", "tmp"):
        (tmp_path / "mail" / name).mkdir(parents=True)
    return tmp_path / "mail"


def into(tmp_path: Path) -> Landing:
    """Every file goes to the same folder."""
    return lambda name, received: tmp_path / "inbox"


def test_a_mail_becomes_its_file_and_a_bad_one_its_reasons(maildir: Path, tmp_path: Path) -> None:
    (maildir / "new" / "1.fund").write_bytes(compose(ENVELOPE, FILE))
    (maildir / "new" / "2.pirate").write_bytes(b"Subject: gagnez\r\n\r\n#!/bin/sh")
    good, bad = fetch(maildir, into(tmp_path), KEY)
    assert good.file is not None
    assert good.file.read_bytes() == FILE
    assert good.file.name.endswith("-IRIS-B2")
    assert (bad.file, bad.anomalies[0].code.id) == (None, "FMT-661")
    assert str(bad.anomalies[0]).startswith("FMT-661 2.pirate : ")
    assert sorted(mail.name for mail in (maildir / "cur").iterdir()) == [
        "1.fund:2,S",
        "2.pirate:2,F",
    ]
    assert list(fetch(maildir, into(tmp_path), KEY)) == []


def test_the_same_mail_twice_is_one_file(maildir: Path, tmp_path: Path) -> None:
    for name in ("1.fund", "2.fund"):
        received = f"Received: from {name}\r\n".encode()
        (maildir / "new" / name).write_bytes(received + compose(ENVELOPE, FILE))
    once, twice = fetch(maildir, into(tmp_path))
    assert once.file == twice.file
    assert len(list((tmp_path / "inbox").iterdir())) == 1


@pytest.mark.parametrize("kill_at", range(1, 5))
def test_killed_anywhere_and_run_again_a_mail_is_one_file(
    maildir: Path, tmp_path: Path, kill_at: int
) -> None:
    (maildir / "new" / "1.fund").write_bytes(compose(ENVELOPE, FILE))

    def work() -> None:
        list(fetch(maildir, into(tmp_path)))

    assert run(work, kill_at).killed
    work()
    (file,) = [file for file in (tmp_path / "inbox").iterdir() if not file.name.startswith(".")]
    assert file.read_bytes() == FILE
    assert [mail.name for mail in (maildir / "cur").iterdir()] == ["1.fund:2,S"]
