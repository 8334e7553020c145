"""One exit code an outcome: numbers that scripts may rely on, and what each says."""

from __future__ import annotations

from typing import Final

DONE, UNEXPECTED, USAGE, PARTIAL, INTEGRITY = 0, 1, 2, 3, 4
INTERRUPTED = 130
BAD_INPUT, UNREACHABLE, IO_ERROR, TRY_LATER, REFUSED, BAD_CONFIG = 65, 69, 74, 75, 77, 78

CODES: Final = {
    DONE: "fait, ou rien à faire",
    UNEXPECTED: "erreur inattendue",
    USAGE: "verbe, argument, date ou montant mal écrit",
    PARTIAL: "fini, mais quelque chose attend une personne",
    INTEGRITY: "les livres ne se vérifient pas",
    BAD_INPUT: "un fichier ou une valeur est refusé",
    UNREACHABLE: "aucun partenaire n'a répondu",
    IO_ERROR: "un fichier n'a pas pu être lu ou écrit",
    TRY_LATER: "réessayez : base occupée ou arrêtée, disque plein",
    REFUSED: "refusé : droit, clé d'un serveur, certificat, code porteur",
    BAD_CONFIG: "configuration, clé ou schéma",
    INTERRUPTED: "interrompu ; relancez la même commande",
}
"""What each exit code says, for the manual page."""
