"""The manual page, from the tree of verbs and the exit codes: roff, section 1."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from integration.cli import CODES, VERBS, Argument, Verb

_OPENING: Final = """.TH ECHEANCE 1 "" "echeance {version}" "Manuel d'Échéance"
.SH NOM
echeance \\- facturation de contrats et de soins, télétransmission, impayés
.SH SYNOPSIS
.B echeance
[\\fB\\-\\-home\\fR \\fIDOSSIER\\fR] \\fIVERBE\\fR [\\fIARGUMENTS\\fR]
.SH DESCRIPTION
Des fichiers entrent, des fichiers sortent, une fois par nuit ; la base est la seule vérité.
Les résultats vont sur la sortie standard, les remarques sur la sortie d'erreur.
Avec \\fB\\-\\-json\\fR un seul document JSON est écrit, avec son \\fBschema_version\\fR.
.SH VERBES"""
_CLOSING: Final = """.SH ENVIRONNEMENT
.TP
.B ECHEANCE_HOME
dossier de travail, sinon \\fIecheance-data\\fR dans le dossier courant
.TP
.B ECHEANCE_SECTION__CLE
une clé d'\\fIecheance.toml\\fR, par exemple ECHEANCE_DATABASE__URL
.TP
.B ECHEANCE_TRACEBACK
montrer la trace entière d'une erreur inattendue"""


def page() -> str:
    """The whole page, in UTF-8."""
    from importlib.metadata import version

    opening = _OPENING.replace("{version}", version("echeance"))
    codes = [f".TP\n.B {code}\n{_plain(when)}" for code, when in CODES.items()]
    verbs = [line for verb in VERBS for line in _verb(verb)]
    return "\n".join([opening, *verbs, ".SH CODES DE RETOUR", *codes, _CLOSING, ""])


def _verb(verb: Verb) -> Iterator[str]:
    shown = " ".join(f"\\fI{_plain(_name(one))}\\fR" for one in verb.arguments)
    yield f".SS {_plain(verb.name)} {shown}".rstrip()
    yield _plain(f"{verb.help[0].upper()}{verb.help[1:]}.")
    for one in verb.arguments:
        yield f".TP\n.B {_plain(_name(one))}\n{_plain(str(one.options.get('help', '')))}"


def _name(argument: Argument) -> str:
    name, options = argument.names[0], argument.options
    metavar = options.get("metavar") or "|".join(options.get("choices", ()))
    return f"{name} {metavar}".rstrip() if name.startswith("-") else metavar


def _plain(text: str) -> str:
    """Text that roff takes for text."""
    escaped = text.replace("\\", "\\e").replace("-", "\\-")
    return f"\\&{escaped}" if escaped.startswith((".", "'")) else escaped
