"""Mail against a real SMTP server with TLS and accounts. Fn: the faults of the catalogue."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from integration.transport.smtp import message_id
from tests.faults.killing import run
from tests.integration.outbox.post import Post, codes, content_of
from tests.plugins.smtp_server import SmtpServer, smtp_server
from tests.plugins.wire import wire

TO = {"to": ["clerc@caisse.example"]}


def told_why(post: Post) -> str:
    """The one sentence of a sending."""
    (told,) = post.send()
    return str(told)


def test_a_mail_carries_the_file_under_one_message_id(each_post: Post, smtp: SmtpServer) -> None:
    changes = {"subject": "Lot {stem} à relever", "text": "Fichier {name}, envoi {id}."}
    each_post.partner("caisse", smtp.partner(**TO, **changes))
    each_post.put("a.b2", "b.b2")
    assert each_post.send() == []
    first, second = smtp.script.mails
    assert first["Subject"] == "Lot a à relever"
    assert first["From"] == "facturation@durand.example"
    assert first["To"] == "clerc@caisse.example"
    assert first["Message-ID"] == message_id("b2:1:a.b2", "facturation@durand.example")
    assert first["Message-ID"].endswith("@durand.example>")
    assert first["Message-ID"] != second["Message-ID"]
    (attached,) = first.iter_attachments()
    assert (attached.get_filename(), attached.get_content()) == ("a.b2", content_of(1))
    body = first.get_body()
    assert body is not None
    assert body.get_content() == "Fichier a.b2, envoi 1.\r\n"
    assert smtp.script.logins == 1
    assert each_post.states() == {"a.b2": "sent", "b.b2": "sent"}


def test_the_same_row_makes_the_same_mail(post: Post, smtp: SmtpServer) -> None:
    post.partner("caisse", smtp.partner(**TO))
    post.put("a.b2")
    post.send()
    with post.hand() as hand:
        hand.resend("a.b2", "le clerc ne trouve pas le premier")
    post.send()
    first, second = smtp.script.accepted
    assert first == second


def test_implicit_tls_works_too(post: Post, tmp_path: Path) -> None:
    with smtp_server(tmp_path / "tls", tls=True) as server:
        post.partner("caisse", server.partner(security="tls", **TO))
        post.put("a.b2")
        assert post.send() == []
        assert len(server.script.accepted) == 1


@pytest.mark.parametrize("answer", ["421 going down", "450 busy", "451 later", "452 full"])
def test_f9_a_temporary_refusal_is_tried_again(post: Post, smtp: SmtpServer, answer: str) -> None:
    post.partner("caisse", smtp.partner(**TO))
    post.put("a.b2")
    smtp.script.data = [answer]
    assert codes(post.send()) == ["OUT-102"]
    assert post.states() == {"a.b2": "todo"}
    assert post.send(seconds=59) == []
    assert smtp.script.accepted == []
    assert post.send(seconds=1) == []
    assert post.states() == {"a.b2": "sent"}
    assert len(smtp.script.accepted) == 1


@pytest.mark.parametrize("answer", ["550 no", "552 too big", "554 spam"])
def test_f9_a_final_refusal_stops_that_mail_only(post: Post, smtp: SmtpServer, answer: str) -> None:
    post.partner("caisse", smtp.partner(**TO))
    post.put("a.b2", "b.b2")
    smtp.script.data = [answer]
    (told,) = post.send()
    assert told.code.id == "OUT-101"
    assert f"réponse {answer[:3]} du serveur" in str(told)
    assert post.states() == {"a.b2": "failed", "b.b2": "sent"}
    assert post.send(days=30) == []


def test_f9_refused_recipients_are_told_one_by_one(post: Post, smtp: SmtpServer) -> None:
    two = ["clerc@caisse.example", "parti@caisse.example"]
    post.partner("caisse", smtp.partner(to=two))
    post.put("a.b2", "b.b2")
    smtp.script.rcpt = ["250 ok", "550 unknown", "550 unknown", "550 unknown"]
    partial, refused = post.send()
    assert (partial.code.id, refused.code.id) == ("OUT-105", "OUT-101")
    assert smtp.script.recipients == [["clerc@caisse.example"]]
    ((detail,),) = post.rows("SELECT detail FROM outbox_event WHERE event = 'delivered'")
    assert detail == "réponse 250; parti@caisse.example : 550"
    assert post.states() == {"a.b2": "sent", "b.b2": "failed"}


@pytest.mark.parametrize("answer", ["lost", "silent"])
def test_f10_a_lost_answer_is_uncertain_and_never_sent_again(
    post: Post, smtp: SmtpServer, answer: str
) -> None:
    """P6."""
    post.partner("caisse", smtp.partner(**TO, timeout_s=1))
    post.put("a.b2", "b.b2")
    smtp.script.data = [answer]
    assert codes(post.send()) == ["OUT-103"]
    assert post.states() == {"a.b2": "uncertain", "b.b2": "sent"}
    assert post.send(days=1) == []
    assert len(smtp.script.accepted) == 2
    with post.hand() as hand:
        hand.resend("a.b2", "la caisse ne l'a pas reçu")
    assert post.send() == []
    first, _, again = smtp.script.mails
    assert first["Message-ID"] == again["Message-ID"]


@pytest.mark.parametrize(("cut_at", "lines"), [(10, 2_000), (600, 2_000), (900_000, 1_000_000)])
def test_f10_a_link_cut_before_the_last_byte_left_is_tried_again(
    post: Post, smtp: SmtpServer, cut_at: int, lines: int
) -> None:
    with wire(smtp.port) as line:
        post.partner("caisse", smtp.partner(**TO, port=line.port))
        post.lines = lines
        post.put("a.b2")
        line.cut_at = cut_at
        assert codes(post.send()) == ["OUT-102"]
        assert (post.states(), smtp.script.accepted) == ({"a.b2": "todo"}, [])
        line.heal()
        assert post.send(minutes=1) == []
    assert len(smtp.script.accepted) == 1


def test_f10_a_link_cut_after_we_let_go_is_for_a_person(post: Post, smtp: SmtpServer) -> None:
    """All bytes had left this machine: whether they arrived, nobody here can tell."""
    with wire(smtp.port) as line:
        post.partner("caisse", smtp.partner(**TO, port=line.port))
        post.put("a.b2")
        line.cut_at = 20_000
        assert codes(post.send()) == ["OUT-103"]
        line.heal()
        assert post.send(days=1) == []
    assert (post.states(), smtp.script.accepted) == ({"a.b2": "uncertain"}, [])


def test_f10_a_stall_ends_in_time(post: Post, smtp: SmtpServer) -> None:
    with wire(smtp.port) as line:
        post.partner("caisse", smtp.partner(**TO, port=line.port, timeout_s=1))
        post.put("a.b2")
        line.stall_at = 2_000
        assert codes(post.send())[0] in ("OUT-102", "OUT-103")
        assert smtp.script.accepted == []


def test_f1_a_kill_at_every_step_sends_a_mail_once_at_most(post: Post, smtp: SmtpServer) -> None:
    post.partner("caisse", smtp.partner(**TO))
    post.put("0.b2", "1.b2")
    post.engine.dispose()
    points = run(lambda: post.send()).points
    assert {"outbox.taken", "smtp.content", "smtp.accepted", "outbox.marked"} <= set(points)
    for at in range(1, len(points) + 1):
        post.put(f"{at}-1.b2", f"{at}-2.b2")
        post.engine.dispose()
        assert run(lambda: post.send(), kill_at=at).killed
        post.send()
    sent = [mail["Message-ID"] for mail in smtp.script.mails]
    assert len(sent) == len(set(sent))
    rows = post.rows("SELECT key, state FROM outbox")
    for key, state in rows:
        there = message_id(key, "facturation@durand.example") in sent
        assert state == ("sent" if there else "uncertain") or state == "uncertain"
    uncertain = [key for key, state in rows if state == "uncertain"]
    assert 0 < len(uncertain) <= len(points)


def test_f34_a_certificate_that_is_expired_or_another_s_or_unknown_bars(
    post: Post, smtp: SmtpServer, tmp_path: Path
) -> None:
    yesterday = datetime.now(UTC) - timedelta(days=1)
    wrong: dict[str, dict[str, Any]] = {
        "expired": {"expires": yesterday},
        "name": {"names": ("autre.example",)},
    }
    post.put("a.b2")
    for name, options in wrong.items():
        with smtp_server(tmp_path / name, **options) as server:
            post.partner("caisse", server.partner(**TO))
            assert "OUT-104" in (why := told_why(post))
            assert "périmé, d'un autre nom ou d'une autorité inconnue" in why
            assert server.script.accepted == []
    with smtp_server(tmp_path / "own") as server:
        post.partner("caisse", server.partner(**TO, authorities=str(smtp.authorities)))
        assert "autorité inconnue" in told_why(post)
    assert post.events("a.b2") == []


def test_f34_a_server_that_offers_no_encryption_gets_nothing(post: Post, tmp_path: Path) -> None:
    with smtp_server(tmp_path / "clear", starttls=False) as server:
        post.partner("caisse", server.partner(**TO))
        post.put("a.b2")
        assert "il ne propose pas le chiffrement" in told_why(post)
        assert (server.script.logins, server.script.accepted) == (0, [])


def test_a_wrong_password_bars_and_is_never_quoted(post: Post, smtp: SmtpServer) -> None:
    smtp.secret.write_text("canari-faux")
    post.partner("caisse", smtp.partner(**TO))
    post.put("a.b2")
    why = told_why(post)
    assert "il refuse notre compte ou notre mot de passe" in why
    assert "canari" not in why + repr(post.rows("SELECT detail FROM outbox_event"))
    assert post.states() == {"a.b2": "todo"}


def test_f41_a_line_end_in_a_header_stops_that_mail_only(post: Post, smtp: SmtpServer) -> None:
    post.partner("caisse", smtp.partner(takes=[{"kind": "b2"}], subject="Lot {recipient}", **TO))
    post.put("a.b2", "b.b2")
    forged = "recipient = 'X\r\nBcc: p@irate.example', partner = 'caisse'"
    post.execute(f"UPDATE outbox SET {forged} WHERE id = 1")
    assert codes(post.send()) == ["OUT-101"]
    assert post.states() == {"a.b2": "failed", "b.b2": "sent"}
    assert all("irate" not in one.decode() for one in smtp.script.accepted)
