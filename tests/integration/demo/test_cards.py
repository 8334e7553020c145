"""The cards of the sandbox: read, blocked and unblocked with the codes its summary prints."""

from __future__ import annotations

import getpass
import io
import sys
from pathlib import Path

import pytest

from formats.common.identifiers import nir
from integration.cli import DONE, REFUSED, main
from integration.demo import account, cards, sandbox
from tests.integration.demo.conftest import SMALL


class Terminal(io.StringIO):
    """Somebody sits there."""

    def isatty(self) -> bool:
        """Always."""
        return True


@pytest.fixture
def sandbox_home(home: Path) -> Path:
    """A sandbox before its first night."""
    sandbox.ready(home, SMALL, fresh=False)
    return home


@pytest.fixture
def card(
    sandbox_home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> object:
    """A verb of the group `card`, with what is typed at the terminal; its code and its words."""

    def verb(*words: str, types: tuple[str, ...] = ()) -> tuple[int, str]:
        left = iter(types)
        monkeypatch.setattr(sys, "stdin", Terminal())
        monkeypatch.setattr(getpass, "getpass", lambda prompt: next(left))
        capsys.readouterr()
        code = main(["--home", str(sandbox_home), "card", *words])
        return code, "".join(capsys.readouterr())

    return verb


def test_status_read_and_unblock_work_with_the_codes_of_the_summary(card) -> None:
    printed = "\n".join(account._places(SMALL.days[-1], Path("demo")))
    assert "(code porteur 1234)" in printed
    assert "(code 87654321)" in printed
    code, said = card("status")
    assert code == DONE
    assert "essais restants : 3" in said
    assert "Carte Vitale : présente" in said
    code, said = card("read", types=("1234",))
    assert code == DONE
    assert "MME Belle BRUME" in said
    assert "ADRTROIS Dominique, rang 1, qualité 00 ; droits AMO ouverts" in said
    assert "couverture 415 (ALD 4) ; AMC 99000101" in said
    assert "297022A020778" not in said
    assert [card("read", types=("9999",))[0] for _ in range(3)] == [REFUSED] * 3
    assert "bloquée" in card("read", types=("1234",))[1]
    code, said = card("unblock", types=("87654321", "4321", "4321"))
    assert (code, said) == (DONE, "Carte débloquée ; déblocages restants : 9\n")
    assert card("read", types=("4321",))[0] == DONE


def test_cards_are_made_once_and_cleared_with_the_sandbox(sandbox_home: Path) -> None:
    kept = (sandbox_home / "cards" / "cps.toml").read_bytes()
    cards.make_cards(sandbox_home)
    assert (sandbox_home / "cards" / "cps.toml").read_bytes() == kept
    sandbox.clear(sandbox_home)
    assert not (sandbox_home / "cards").exists()


def test_the_patient_is_the_public_test_person() -> None:
    assert nir.is_valid("297022A02077878")
