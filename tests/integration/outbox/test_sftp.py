"""SFTP against a real OpenSSH server, over a wire that fails. Fn: the faults of the catalogue."""

from __future__ import annotations

import re
import threading
import time
from pathlib import Path

import paramiko
import pytest

from tests.faults.killing import run
from tests.integration.outbox.post import Post, codes, content_of
from tests.plugins.sftp_server import SftpServer, make_key, sftp_server
from tests.plugins.wire import Wire, wire

BEGUN = 6
"""The failpoint after the first try is written down: taken, made, opened, part, marking, marked."""


def arrived(server: SftpServer) -> dict[str, bytes]:
    """What lies at the partner's."""
    return {path.name: path.read_bytes() for path in sorted(server.root.iterdir())}


def test_files_arrive_whole_under_their_names_over_one_connection(
    each_post: Post, sftp: SftpServer
) -> None:
    with wire(sftp.port) as line:
        each_post.partner("caisse", sftp.partner(port=line.port, remote_name="D{id}-{stem}.txt"))
        each_post.put("a.b2", "b.b2", "c.b2")
        assert each_post.send() == []
        assert line.connections == 1
    assert arrived(sftp) == {
        "D1-a.txt": content_of(1),
        "D2-b.txt": content_of(2),
        "D3-c.txt": content_of(3),
    }
    assert set(each_post.states().values()) == {"sent"}
    assert each_post.events("a.b2") == ["begun", "delivered"]
    assert each_post.send() == []
    assert each_post.events("a.b2") == ["begun", "delivered"]


@pytest.mark.parametrize("cut_at", [1, 3_000, 9_000, 20_000])
def test_f5_a_link_cut_at_any_byte_leaves_no_final_name_and_is_tried_again(
    post: Post, sftp: SftpServer, cut_at: int
) -> None:
    with wire(sftp.port) as line:
        post.partner("caisse", sftp.partner(port=line.port, keeps_files=True))
        post.put("a.b2", "b.b2")
        line.cut_at = cut_at
        assert set(codes(post.send())) == {"OUT-102"}
        assert not [name for name in arrived(sftp) if not name.endswith(".part")]
        assert set(post.states().values()) == {"todo"}
        line.heal()
        assert post.send() == []  # too early: a minute has to pass
        assert post.send(minutes=1) == []
    assert arrived(sftp) == {"a.b2": content_of(1), "b.b2": content_of(2)}
    assert set(post.states().values()) == {"sent"}


def test_f5_a_link_that_served_and_is_cut_is_opened_again_at_once(
    post: Post, sftp: SftpServer
) -> None:
    with wire(sftp.port) as line:
        post.partner("caisse", sftp.partner(port=line.port))
        post.put("a.b2", "b.b2")
        line.cut_at = 40_000  # of each connection: in the middle of the second file
        assert post.send() == []
        assert line.connections == 2
    assert arrived(sftp) == {"a.b2": content_of(1), "b.b2": content_of(2)}


def test_f6_a_stall_ends_in_time_and_delays_no_other_partner(post: Post, sftp: SftpServer) -> None:
    with wire(sftp.port) as line:
        post.partner("muet", sftp.partner(port=line.port, timeout_s=1))
        post.partner(
            "autre", {"transport": "folder", "folder": "autre", "takes": [{"kind": "night_report"}]}
        )
        post.put("a.b2", "b.b2")
        post.put("r.txt", kind="night_report")
        line.stall_at = 20_000
        started = time.monotonic()
        told = post.send()
        assert time.monotonic() - started < 8
    assert codes(told) == ["OUT-102"]
    assert post.states() == {"a.b2": "todo", "b.b2": "todo", "r.txt": "sent"}


def test_f7_a_full_disk_there_is_told_and_leaves_nothing(post: Post, tmp_path: Path) -> None:
    try:
        with sftp_server(tmp_path / "small", most_bytes=10_000) as server:
            post.partner("caisse", server.partner())
            post.put("a.b2")
            (told,) = post.send()
            assert "espace distant ?" in str(told)
            assert arrived(server) == {}
            assert post.states() == {"a.b2": "todo"}
    except LookupError as missing:
        pytest.skip(str(missing))


def lost_answers(line: Wire, monkeypatch: pytest.MonkeyPatch) -> None:
    """From the next rename on, the server is heard no more."""
    rename = paramiko.SFTPClient.rename

    def unheard(self: paramiko.SFTPClient, old: str, new: str) -> None:
        line.deaf = True
        rename(self, old, new)

    monkeypatch.setattr(paramiko.SFTPClient, "rename", unheard)


def test_f8_a_lost_answer_to_the_rename_is_looked_for_and_sent_once(
    post: Post, sftp: SftpServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    with wire(sftp.port) as line:
        post.partner("caisse", sftp.partner(port=line.port))
        post.put("a.b2")
        with monkeypatch.context() as during:
            lost_answers(line, during)
            assert codes(post.send()) == ["OUT-103"]
        before = (sftp.root / "a.b2").stat()
        assert post.states() == {"a.b2": "todo"}
        line.heal()
        assert post.send(minutes=1) == []
    after = (sftp.root / "a.b2").stat()
    assert (after.st_ino, after.st_mtime_ns) == (before.st_ino, before.st_mtime_ns)
    assert post.events("a.b2") == ["begun", "lost", "begun", "delivered"]


def test_f8_a_lost_answer_and_a_file_taken_away_is_uncertain(
    post: Post, sftp: SftpServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    with wire(sftp.port) as line:
        post.partner("caisse", sftp.partner(port=line.port))
        post.put("a.b2", "b.b2")
        with monkeypatch.context() as during:
            lost_answers(line, during)
            post.send()
        (sftp.root / "a.b2").unlink()
        line.heal()
        told = post.send(minutes=1)
    assert codes(told) == ["OUT-103"]
    assert post.states() == {"a.b2": "uncertain", "b.b2": "sent"}
    assert post.send(days=1) == []
    assert list(arrived(sftp)) == ["b.b2"]


@pytest.mark.parametrize("keeps_files", [True, False])
def test_f8_where_files_stay_an_absent_one_never_arrived(
    post: Post, sftp: SftpServer, keeps_files: bool
) -> None:
    """Killed when the try had begun; then neither the file nor its `.part` is there."""
    post.partner("caisse", sftp.partner(keeps_files=keeps_files))
    post.put("a.b2")
    post.engine.dispose()
    assert run(lambda: post.send(), kill_at=BEGUN).killed
    (sftp.root / ".a.b2.part").unlink()
    assert codes(post.send()) == ([] if keeps_files else ["OUT-103"])
    assert post.states() == {"a.b2": "sent" if keeps_files else "uncertain"}
    assert list(arrived(sftp)) == (["a.b2"] if keeps_files else [])


def test_f8_a_partner_that_takes_files_at_once_gets_each_once(post: Post, sftp: SftpServer) -> None:
    post.partner("caisse", sftp.partner())
    names = [f"{number}.b2" for number in range(1, 21)]
    post.put(*names)
    taken: list[str] = []
    ended = threading.Event()

    def take() -> None:
        while not ended.is_set() or any(sftp.root.iterdir()):
            for path in sftp.root.glob("[!.]*"):
                assert path.read_bytes() == content_of(int(path.stem))
                path.unlink()
                taken.append(path.name)

    eager = threading.Thread(target=take)
    eager.start()
    told = post.send()
    ended.set()
    eager.join(10)
    assert told == []
    assert sorted(taken) == sorted(names)


def test_f1_a_kill_at_every_step_delivers_each_file_once(post: Post, sftp: SftpServer) -> None:
    """P5: exactly one final file, complete; nothing is sent twice."""
    post.partner("caisse", sftp.partner())
    post.put("0.b2", "1.b2")
    post.engine.dispose()
    points = run(lambda: post.send()).points
    assert {"outbox.taken", "outbox.marking", "sftp.opened", "sftp.part", "sftp.renamed"} <= set(
        points
    )
    for at in range(1, len(points) + 1):
        names = [f"{at}-{n}.b2" for n in (1, 2)]
        post.put(*names)
        post.engine.dispose()
        assert run(lambda: post.send(), kill_at=at).killed, points[at - 1]
        told = post.send()
        assert (told, {post.states()[name] for name in names}) == ([], {"sent"}), points[at - 1]
    rows = post.rows("SELECT file_name, id FROM outbox")
    assert arrived(sftp) == {name: content_of(id_) for name, id_ in rows}
    assert not [name for name in arrived(sftp) if name.endswith(".part")]


def test_other_bytes_under_the_name_are_never_overwritten(post: Post, sftp: SftpServer) -> None:
    (sftp.root / "a.b2").write_bytes(b"autre")
    (sftp.root / "b.b2").write_bytes(content_of(2))
    post.partner("caisse", sftp.partner())
    post.put("a.b2", "b.b2")
    assert codes(post.send()) == ["OUT-101"]
    assert post.states() == {"a.b2": "failed", "b.b2": "sent"}
    assert arrived(sftp) == {"a.b2": b"autre", "b.b2": content_of(2)}


def test_f33_a_changed_host_key_bars_the_partner_and_counts_no_try(
    post: Post, sftp: SftpServer, tmp_path: Path
) -> None:
    make_key(tmp_path / "another")
    other = " ".join((tmp_path / "another.pub").read_text().split()[:2])
    post.partner("caisse", sftp.partner(host_key=other))
    post.put("a.b2")
    (told,) = post.send()
    assert told.code.id == "OUT-104"
    assert re.search("sa clé a changé, la sienne est SHA256:[A-Za-z0-9+/]{43}", str(told))
    assert (post.states(), post.events("a.b2")) == ({"a.b2": "todo"}, [])
    assert arrived(sftp) == {}


def test_f33_a_key_of_another_type_or_account_bars_it_too(
    post: Post, sftp: SftpServer, tmp_path: Path
) -> None:
    ecdsa = paramiko.ECDSAKey.generate()
    post.partner("caisse", sftp.partner(host_key=f"{ecdsa.get_name()} {ecdsa.get_base64()}"))
    post.put("a.b2")
    assert "sa clé a changé" in str(post.send()[0])
    make_key(tmp_path / "stranger")
    post.partner("caisse", sftp.partner(key_file=str(tmp_path / "stranger")))
    assert "refuse notre compte ou notre clé" in str(post.send()[0])
    assert arrived(sftp) == {}


def test_nobody_there_is_tried_again_till_the_tries_run_out(post: Post, sftp: SftpServer) -> None:
    with wire(sftp.port) as line:
        gone = line.port
    post.partner("caisse", sftp.partner(port=gone, attempts=3))
    post.put("a.b2")
    for minutes, state in ((0, "todo"), (1, "todo"), (3, "todo"), (1, "failed")):
        post.send(minutes=minutes)
        assert post.states() == {"a.b2": state}, minutes
    assert post.events("a.b2") == ["unbegun"] * 3
