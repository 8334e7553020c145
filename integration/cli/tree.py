"""The tree of verbs: what each says of itself, its arguments, its right, and where it is done.

Nothing of what a verb does is imported here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from config.rights import Right


@dataclass(frozen=True, slots=True)
class Argument:
    """One argument of a verb, as argparse takes it."""

    names: tuple[str, ...]
    options: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Verb:
    """A verb: what it says of itself, its arguments, and `module:function` that does it.

    A name of two words, `card read`, is a verb of the group `card`. The function takes the parsed
    arguments and returns an exit code. needs: the right to call it; options: what an option needs
    instead. destroys: what it does for good, said before somebody answers `oui` or gives --yes.
    """

    name: str
    help: str
    does: str
    arguments: tuple[Argument, ...] = ()
    needs: Right = field(kw_only=True)
    options: Mapping[str, Right] = field(default_factory=dict, kw_only=True)
    destroys: str = field(default="", kw_only=True)


def _argument(*names: str, **options: Any) -> Argument:
    return Argument(names, options)


_DATE = _argument("--date", metavar="AAAA-MM-JJ", help="jour de travail (aujourd'hui par défaut)")
REHEARSED: Final = "rehearsed"
"""The attribute of parsed arguments that asks for a rehearsal (`integration.rehearsal`)."""
_DRY = _argument(
    "--dry-run",
    dest=REHEARSED,
    action="store_true",
    help="essayer sans rien écrire ni envoyer ; les numéros sont provisoires",
)
_JSON = _argument("--json", action="store_true", help="un document JSON sur la sortie standard")
_BILLING: Final = (
    _DATE,
    _argument("--threshold", metavar="MONTANT", help="seuil de facturation HT de ce passage"),
    _argument("--reading-days", type=int, metavar="N", help="ancienneté admise d'un relevé"),
    _argument("--no-estimate", action="store_true", help="ne facturer que sur relevé"),
    _argument("--force-estimate", action="store_true", help="estimer là où un relevé manque"),
    _argument("--include-excluded", action="store_true", help="avec les clients exclus"),
    _argument(
        "--no-bundle-check", action="store_true", help="sans contrôle des cumuls des forfaits"
    ),
    _JSON,
)
_SIMULATION: Final = _argument(
    "--from-simulation",
    type=int,
    metavar="ID",
    help="refuser si les données ont changé depuis cette simulation",
)


_STATES: Final = ("todo", "sent", "uncertain", "failed", "held")
_ROW: Final = _argument("row", metavar="ENVOI", help="numéro de l'envoi ou nom de son fichier")
_TARGET: Final = _argument("target", metavar="CIBLE", help="envoi, partenaire ou all")
_REASON: Final = _argument("--reason", required=True, metavar="TEXTE", help="pourquoi")


def _count(text: str) -> int:
    """A number that isn't negative; argparse says the rest."""
    if not text.isdigit():
        raise ValueError
    return int(text)


_CHANGE: Final = (
    _argument("file", metavar="FICHIER", help="fichier CSV ou XLSX"),
    _argument("--apply", action="store_true", help="enregistrer ; sinon seulement montrer"),
    _argument("--author", metavar="NOM", help="auteur des modifications (vous par défaut)"),
    _JSON,
)
_REQUESTS: Final = (
    _DATE,
    _argument(
        "--request-date", metavar="AAAA-MM-JJ", help="date imprimée (le jour de travail par défaut)"
    ),
    _argument("--no-reading-since", metavar="AAAA-MM-JJ", help="biens sans relevé depuis ce jour"),
)
_WITH_INCREASES: Final = _argument(
    "--with-increases",
    action="store_true",
    help="comme si les augmentations récurrentes étaient actives",
)

GROUPS: Final = {
    "keys": "changer les clés qui chiffrent",
    "audit": "lire la piste d'audit",
    "persons": "effacer des personnes",
    "calendar": "voir quand les tâches du serveur joueront",
    "jobs": "voir et jouer les tâches du serveur",
    "card": "lire et débloquer les cartes CPS et Vitale",
    "config": "montrer les paramètres et d'où ils viennent",
    "prices": "exporter et modifier en série les augmentations des prix",
    "rules": "exporter et modifier en série les règles de facturation",
    "outbox": "regarder les envois",
    "partner": "essayer les partenaires",
    "table": "montrer et contrôler les tables de décision",
    "export": "écrire les fichiers de la comptabilité et des archives",
    "format": "décrire et contrôler les fichiers aux normes",
    "requests": "demander les relevés qui manquent",
}
"""What a group of verbs is about."""

VERBS: Final = (
    Verb(
        "init",
        "créer le dossier de travail, la configuration et la base",
        "setup:init",
        (_argument("folder", nargs="?", metavar="DOSSIER", help="dossier à créer"),),
        needs=Right.NONE,
    ),
    Verb(
        "import",
        "importer des fichiers, tout ou rien par fichier",
        "files:import_files",
        (
            _argument("paths", nargs="+", metavar="FICHIER", help="fichiers à importer"),
            _argument("--flow", metavar="FLUX", help="flux, sinon reconnu au contenu"),
            _argument("--mapping", metavar="NOM", help="correspondance des relevés d'un tiers"),
            _JSON,
            _DRY,
        ),
        needs=Right.IMPORTING,
    ),
    Verb(
        "schema",
        "décrire les fichiers d'un flux",
        "files:schema",
        (_argument("flow", nargs="?", metavar="FLUX", help="flux (sans : la liste)"),),
        needs=Right.NONE,
    ),
    Verb(
        "deliveries",
        "lister les livraisons : facturées, à facturer, non facturables",
        "deliveries:deliveries",
        (
            _argument(
                "--contract",
                metavar="CODE",
                help="celles d'un contrat, et celles qu'aucun contrat ne prend",
            ),
            _DATE,
            _JSON,
        ),
        needs=Right.READING,
    ),
    Verb(
        "levels",
        "lister les consommables qui restent aux appareils",
        "deliveries:levels",
        (_DATE, _JSON),
        needs=Right.READING,
    ),
    Verb(
        "simulate",
        "calculer la facturation sans rien écrire",
        "billing:simulate",
        (
            *_BILLING,
            _WITH_INCREASES,
            _argument("--output", metavar="FICHIER", help="détail en 76 colonnes, .csv ou .xlsx"),
        ),
        needs=Right.BILLING,
    ),
    Verb(
        "requests propose",
        "lister les biens dont un relevé est à demander, sans rien envoyer",
        "requests:propose",
        (
            *_REQUESTS,
            _argument("--output", metavar="FICHIER", help="tableau à cocher, .csv ou .xlsx"),
            _JSON,
        ),
        needs=Right.READING,
    ),
    Verb(
        "requests send",
        "préparer les demandes cochées, puis remettre tout ce qui attend",
        "requests:send",
        (
            *_REQUESTS,
            _argument("--from", dest="ticked", metavar="FICHIER", help="tableau coché"),
            _argument("--only", metavar="BIEN,…", help="ces biens seulement"),
            _argument("--all", action="store_true", help="tout ce que le calendrier admet"),
            _JSON,
            _DRY,
        ),
        needs=Right.SENDING,
    ),
    Verb(
        "requests list",
        "lister ce qui a été demandé : quand, à quelle adresse, pour quel bien",
        "requests:list_sent",
        (_argument("--since", metavar="AAAA-MM-JJ", help="demandes depuis ce jour"), _JSON),
        needs=Right.READING,
    ),
    Verb(
        "bill",
        "facturer les contrats échus",
        "billing:bill",
        (*_BILLING, _SIMULATION, _DRY),
        needs=Right.BILLING,
    ),
    Verb(
        "prices export",
        "exporter les augmentations des règles choisies, en 41 colonnes",
        "prices:export",
        (
            _argument("file", metavar="FICHIER", help="fichier .csv ou .xlsx à écrire"),
            _argument("--contract", metavar="TEXTE", help="dans le libellé du contrat"),
            _argument("--module", metavar="TEXTE", help="dans le libellé du module"),
            _argument("--activity", metavar="ACTIVITÉ", help="activité du contrat"),
            _argument("--not-billed-since", metavar="AAAA-MM-JJ", help="sans facture depuis"),
            _argument("--all", action="store_true", help="toutes les règles"),
            _JSON,
        ),
        needs=Right.READING,
    ),
    Verb(
        "prices import",
        "montrer ce qu'un fichier d'augmentations modifie, et l'enregistrer",
        "prices:import_prices",
        _CHANGE,
        needs=Right.READING,
        options={"apply": Right.INCREASES},
    ),
    Verb(
        "prices history",
        "lister les augmentations d'un contrat avec leurs factures",
        "prices:history",
        (_argument("contract", metavar="CONTRAT", help="code du contrat"), _JSON),
        needs=Right.READING,
    ),
    Verb(
        "rules export",
        "exporter les champs des règles que « rules import » relit",
        "prices:export_rules",
        (
            _argument("file", metavar="FICHIER", help="fichier .csv ou .xlsx à écrire"),
            _argument("--contract", metavar="CONTRAT", help="code du contrat ; tous sans lui"),
            _JSON,
        ),
        needs=Right.READING,
    ),
    Verb(
        "rules import",
        "montrer ce qu'un fichier modifie dans les règles, et l'enregistrer",
        "prices:import_rules",
        _CHANGE,
        needs=Right.READING,
        options={"apply": Right.INCREASES},
    ),
    Verb(
        "price-care",
        "facturer les soins échus",
        "billing:price_care",
        (_DATE, _JSON, _DRY),
        needs=Right.BILLING,
    ),
    Verb(
        "teletransmit",
        "préparer les lots B2",
        "billing:teletransmit",
        (_DATE, _JSON, _DRY),
        needs=Right.BILLING,
    ),
    Verb(
        "recycle",
        "créditer une facture de soins rejetée et la refaire sous un nouveau numéro",
        "billing:recycle",
        (
            _argument(
                "invoice", metavar="FACTURE", help="numéro de facture ou numéro B2 à 9 chiffres"
            ),
            _DATE,
            _JSON,
            _DRY,
        ),
        needs=Right.BILLING,
    ),
    Verb(
        "send",
        "remettre ce qui attend dans la boîte d'envoi",
        "sending:send",
        (
            _argument("--partner", default="", metavar="NOM", help="pour ce partenaire seulement"),
            _JSON,
            _DRY,
        ),
        needs=Right.SENDING,
    ),
    Verb(
        "outbox list",
        "lister les envois qui ne sont pas partis, ou ceux d'un état",
        "sending:list_rows",
        (
            _argument("--state", default="", choices=_STATES, help="état des envois"),
            _argument("--partner", default="", metavar="NOM", help="pour ce partenaire seulement"),
            _argument("--limit", type=_count, default=0, metavar="N", help="lignes au plus"),
            _JSON,
        ),
        needs=Right.READING,
    ),
    Verb(
        "outbox show",
        "montrer un envoi et tout ce qui lui est arrivé",
        "sending:show",
        (_ROW, _JSON),
        needs=Right.READING,
    ),
    Verb(
        "resend",
        "faire repartir un envoi sous la même identité",
        "sending:resend",
        (_ROW, _REASON, _JSON, _DRY),
        needs=Right.SENDING,
    ),
    Verb(
        "mark-sent",
        "noter qu'un envoi est arrivé, preuve à l'appui",
        "sending:mark_sent",
        (
            _ROW,
            _argument(
                "--proof", required=True, metavar="TEXTE", help="texte, ou chemin de fichier"
            ),
            _JSON,
            _DRY,
        ),
        needs=Right.SENDING,
    ),
    Verb(
        "hold",
        "retenir un envoi, un partenaire ou tout (all)",
        "sending:hold",
        (_TARGET, _REASON, _JSON, _DRY),
        needs=Right.SENDING,
    ),
    Verb(
        "resume",
        "laisser repartir ce qui était retenu",
        "sending:resume",
        (_TARGET, _JSON, _DRY),
        needs=Right.SENDING,
    ),
    Verb(
        "partner check",
        "se connecter aux partenaires sans rien envoyer",
        "sending:check_partners",
        (_argument("names", nargs="*", metavar="NOM", help="partenaires (sans : tous)"), _JSON),
        needs=Right.READING,
    ),
    Verb(
        "unpaid",
        "lister les impayés",
        "billing:unpaid",
        (
            _argument("--as-of", metavar="AAAA-MM-JJ", help="situation à cette date"),
            _argument("--format", choices=("table", "csv", "json"), default="table", help="sortie"),
            _argument("--number", metavar="NUMÉRO", help="numéro de facture"),
            _argument("--since", metavar="AAAA-MM-JJ", help="factures depuis ce jour"),
            _argument("--until", metavar="AAAA-MM-JJ", help="factures jusqu'à ce jour inclus"),
            _argument("--agency", metavar="AGENCE", help="agence du patient ou du client"),
            _argument("--fund", metavar="CAISSE", help="caisse"),
            _argument("--amc", metavar="MUTUELLE", help="organisme complémentaire"),
            _argument("--patient", metavar="CODE", help="patient ou client"),
            _argument("--total", metavar="MIN:MAX", help="montant de la facture"),
            _argument("--due-amo", metavar="MIN:MAX", help="dû caisse"),
            _argument("--due-amc", metavar="MIN:MAX", help="dû mutuelle"),
            _argument("--due-patient", metavar="MIN:MAX", help="dû patient"),
            _argument("--due-customer", metavar="MIN:MAX", help="dû client"),
            _argument(
                "--sort", default="issued_on", metavar="COLONNE", help="tri (- : décroissant)"
            ),
            _argument("--page", type=int, default=1, metavar="N", help="page, à partir de 1"),
            _argument("--size", type=int, default=0, metavar="N", help="lignes par page"),
        ),
        needs=Right.READING,
    ),
    Verb(
        "explain",
        "dire comment une ligne facturée a été calculée, et la recalculer",
        "explain:explain",
        (
            _argument(
                "invoice", metavar="FACTURE", help="numéro de facture ou numéro B2 à 9 chiffres"
            ),
            _argument("line", nargs="?", type=int, metavar="LIGNE", help="sinon toutes"),
            _JSON,
        ),
        needs=Right.READING,
    ),
    Verb(
        "verify",
        "contrôler chaînage, numéros, équilibre, états et clôtures, ou une archive",
        "billing:verify",
        (
            _argument("what", nargs="?", choices=("archive",), help="sinon les livres"),
            _argument("file", nargs="?", metavar="FICHIER", help="archive, lue sans la base"),
            _argument(
                "--repair-cache",
                action="store_true",
                help="recalculer d'abord l'état des règles depuis leurs événements",
            ),
            _JSON,
        ),
        needs=Right.READING,
        options={"repair_cache": Right.ADMINISTERING},
    ),
    Verb(
        "close",
        "clore un jour, un mois ou une année : compter, signer, ancrer",
        "closings:close",
        (
            _argument("kind", choices=("day", "month", "year"), help="ce qu'il faut clore"),
            _argument("--date", metavar="AAAA-MM-JJ", help="un jour de la période (la dernière)"),
            _JSON,
            _DRY,
        ),
        needs=Right.BILLING,
    ),
    Verb(
        "http",
        "servir santé, mesures et exports, en lecture seule",
        "web:http",
        needs=Right.ADMINISTERING,
    ),
    Verb(
        "metrics",
        "écrire les mesures au format de Prometheus, ou des alertes qui les surveillent",
        "web:metrics",
        (_argument("--alerts", action="store_true", help="des alertes, à adapter"),),
        needs=Right.READING,
    ),
    Verb(
        "export archive",
        "écrire l'archive signée d'une période close",
        "exports:archive",
        (
            _argument("--period", required=True, metavar="AAAA-MM", help="ou AAAA, AAAA-MM-JJ"),
            _JSON,
            _DRY,
        ),
        needs=Right.BILLING,
    ),
    Verb(
        "export ledger",
        "écrire les écritures qui n'ont pas encore été exportées",
        "exports:ledger",
        (
            _argument(
                "--layout", default="csv", metavar="FORMAT", help="sage, cegid, quadra, ebp…"
            ),
            _argument("--again", type=_count, metavar="N", help="refaire l'export n° N"),
            _JSON,
            _DRY,
        ),
        needs=Right.BILLING,
    ),
    Verb(
        "export fec",
        "écrire le fichier des écritures comptables d'une année, après contrôle",
        "exports:fec",
        (
            _argument("--year", type=_count, metavar="AAAA", help="année (celle d'aujourd'hui)"),
            _JSON,
            _DRY,
        ),
        needs=Right.READING,
    ),
    Verb(
        "run",
        "jouer une nuit : importer, facturer, télétransmettre, rendre compte",
        "running:run",
        (_argument("what", choices=("night",), help="ce qu'il faut jouer"), _DATE, _JSON, _DRY),
        needs=Right.BILLING,
    ),
    Verb(
        "report",
        "montrer le compte rendu d'une nuit, ou l'écrire",
        "running:report",
        (
            _argument("what", choices=("night",), help="ce dont il faut rendre compte"),
            _argument("--date", metavar="AAAA-MM-JJ", help="nuit de ce jour (la dernière)"),
            _argument(
                "--output", metavar="FICHIER", help="fichier .html, .xlsx, .txt, .eml ou .json"
            ),
            _JSON,
        ),
        needs=Right.READING,
    ),
    Verb(
        "backup",
        "sauvegarder la base, les réglages, les partenaires et les tables en un fichier",
        "backups:back_up",
        (
            _argument("file", metavar="FICHIER", help="fichier .tar à écrire, ou dossier"),
            _argument("--with-keys", action="store_true", help="avec les clés"),
            _JSON,
            _DRY,
        ),
        needs=Right.ADMINISTERING,
    ),
    Verb(
        "restore",
        "restaurer une sauvegarde dans un dossier neuf, envois retenus",
        "backups:restore",
        (
            _argument("file", metavar="FICHIER", help="sauvegarde"),
            _argument("--dry-run", action="store_true", help="contrôler le fichier seulement"),
            _JSON,
        ),
        needs=Right.ADMINISTERING,
    ),
    Verb(
        "upgrade",
        "mettre la base au schéma de ce programme, après une sauvegarde",
        "backups:bring_up_to_date",
        (
            _argument("--dry-run", action="store_true", help="dire seulement ce qui serait fait"),
            _JSON,
        ),
        needs=Right.ADMINISTERING,
    ),
    Verb(
        "show",
        "ouvrir un fichier conservé chiffré ; la piste d'audit le note",
        "protection:show",
        (_argument("file", metavar="FICHIER", help="fichier .enc"),),
        needs=Right.OPENING,
    ),
    Verb(
        "audit list",
        "lister qui a fait quoi, quand et pourquoi",
        "protection:list_audit",
        (
            _argument("--since", metavar="AAAA-MM-JJ", help="depuis ce jour"),
            _argument("--subject", metavar="TEXTE", help="dans le sujet ou le verbe"),
            _JSON,
        ),
        needs=Right.READING,
    ),
    Verb(
        "keys rotate",
        "rechiffrer identités et fichiers avec une nouvelle clé",
        "protection:rotate_keys",
        (_JSON, _DRY),
        needs=Right.ADMINISTERING,
    ),
    Verb(
        "persons erase",
        "effacer un patient après le terme légal",
        "protection:erase_person",
        (
            _argument("patient", metavar="PATIENT", help="code du patient"),
            _REASON,
            _argument("--yes", action="store_true", help="sans demander confirmation"),
            _JSON,
            _DRY,
        ),
        needs=Right.ADMINISTERING,
        destroys="L'identité de {patient}, ses droits et ses factures imprimées disparaîtront",
    ),
    Verb("status", "dire où en est le serveur", "health:status", (_JSON,), needs=Right.READING),
    Verb("check", "contrôler la configuration", "health:check", (_JSON,), needs=Right.NONE),
    Verb(
        "serve",
        "jouer les tâches à leur heure et importer ce qui arrive",
        "serving:serve",
        needs=Right.ADMINISTERING,
    ),
    Verb(
        "jobs list",
        "lister les tâches du serveur",
        "serving:list_jobs",
        (_JSON,),
        needs=Right.READING,
    ),
    Verb(
        "jobs run",
        "jouer une tâche tout de suite",
        "serving:run_job",
        (_argument("name", metavar="TÂCHE", help="nom dans jobs.toml"), _DATE, _JSON, _DRY),
        needs=Right.ADMINISTERING,
    ),
    Verb(
        "calendar next",
        "montrer les prochaines dates, et pourquoi elles sont déplacées",
        "serving:next_dates",
        (
            _argument("--count", type=_count, default=10, metavar="N", help="combien (10)"),
            _argument("--job", metavar="TÂCHE", help="d'une seule tâche"),
            _JSON,
        ),
        needs=Right.READING,
    ),
    Verb(
        "config show",
        "montrer les paramètres, leur valeur et qui l'a donnée",
        "config:show",
        (
            _argument("--explain", metavar="NOM", help="tout ce qu'il faut savoir d'un paramètre"),
            _argument("--organisation", metavar="CODE", help="pour cette organisation"),
            _JSON,
        ),
        needs=Right.READING,
    ),
    Verb(
        "table check",
        "chercher les lignes inutiles, contradictoires ou manquantes des tables de décision",
        "tables:check",
        (_argument("name", nargs="?", metavar="TABLE", help="table (sans : toutes)"), _JSON),
        needs=Right.READING,
    ),
    Verb(
        "table show",
        "montrer ce que décide une table, ligne à ligne",
        "tables:show",
        (_argument("name", metavar="TABLE", help="par exemple TD_FRAIS_ESTIMATION"), _JSON),
        needs=Right.READING,
    ),
    Verb(
        "doctor",
        "chercher ce qui ne va pas et dire comment réparer",
        "health:doctor",
        (
            _argument("--network", action="store_true", help="essayer aussi les partenaires"),
            _JSON,
        ),
        needs=Right.READING,
    ),
    Verb(
        "systemd",
        "écrire les unités systemd de ce dossier : service, nuit et son horaire",
        "shell:systemd",
        (_argument("--output", metavar="DOSSIER", help="les y écrire, sinon les montrer"),),
        needs=Right.NONE,
    ),
    Verb(
        "man",
        "montrer la page de manuel : echeance man | man -l -",
        "shell:man",
        needs=Right.NONE,
    ),
    Verb(
        "completion",
        "écrire la complétion d'un interpréteur de commandes",
        "shell:completion",
        (_argument("shell", choices=("bash", "zsh", "fish"), help="interpréteur"),),
        needs=Right.NONE,
    ),
    Verb(
        "format show",
        "décrire les zones d'un enregistrement",
        "formats:show",
        (
            _argument("dialect", metavar="NORME", help="norme, par exemple b2"),
            _argument("record", metavar="ENREGISTREMENT", help="enregistrement, par exemple 4F"),
            _argument("--version", dest="norm_version", metavar="VERSION", help="sinon l'usuelle"),
            _JSON,
        ),
        needs=Right.NONE,
    ),
    Verb(
        "format list",
        "lister les normes et leurs enregistrements",
        "formats:list_records",
        (
            _argument("--guessed", action="store_true", help="seulement les zones à confirmer"),
            _JSON,
        ),
        needs=Right.NONE,
    ),
    Verb(
        "format check",
        "contrôler des fichiers, norme reconnue au contenu",
        "formats:check",
        (
            _argument("paths", nargs="+", metavar="FICHIER", help="fichiers à contrôler"),
            _argument("--dialect", metavar="NORME", help="norme, sinon reconnue au contenu"),
            _argument("--limit", type=_count, default=100, metavar="N", help="anomalies listées"),
            _JSON,
        ),
        needs=Right.NONE,
    ),
    Verb(
        "card status",
        "dire quelles cartes sont dans le lecteur",
        "cards:status",
        (_JSON,),
        needs=Right.READING,
    ),
    Verb(
        "card read",
        "lire la carte CPS, puis les droits de la carte Vitale",
        "cards:read",
        (
            _argument("--date", metavar="AAAA-MM-JJ", help="droits à cette date (aujourd'hui)"),
            _argument("--ask", action="store_true", help="demander le code porteur au terminal"),
            _JSON,
        ),
        needs=Right.OPENING,
    ),
    Verb(
        "card unblock",
        "débloquer la carte CPS avec le code de l'émetteur",
        "cards:unblock",
        (_JSON,),
        needs=Right.OPENING,
    ),
    Verb(
        "format verify",
        "vérifier la signature de fichiers (FICHIER et FICHIER.p7s)",
        "signatures:verify_files",
        (
            _argument("paths", nargs="+", metavar="FICHIER", help="fichiers signés"),
            _argument("--authorities", metavar="FICHIER", help="certificats PEM de confiance"),
            _JSON,
        ),
        needs=Right.NONE,
    ),
    Verb(
        "demo",
        "jouer deux mois de nuits sur des données inventées",
        "running:demo",
        (
            _argument("folder", nargs="?", default="demo", metavar="DOSSIER", help="bac à sable"),
            _argument("--fresh", action="store_true", help="recommencer à neuf"),
        ),
        needs=Right.NONE,
    ),
)
