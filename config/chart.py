"""Labels of ledger accounts and journals: the settings' own words, then the chart's.

Source: plan comptable général, règlement ANC 2014-03, titre IX (liste des comptes).
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Final

from config.settings import Accounts

JOURNALS: Final = {
    "AN": "À nouveaux",
    "VT": "Ventes",
    "BQ": "Banque",
    "OD": "Opérations diverses",
}
RETAINED: Final = "110000"
"""Report à nouveau: what earlier years' results come to in the opening balances."""

_CHART: Final = {
    "1": "Capitaux",
    "110": "Report à nouveau",
    "2": "Immobilisations",
    "3": "Stocks",
    "4": "Comptes de tiers",
    "408": "Fournisseurs, factures non parvenues",
    "411": "Clients",
    "416": "Clients douteux ou litigieux",
    "418": "Clients, produits non encore facturés",
    "4457": "TVA collectée",
    "471": "Comptes d'attente",
    "486": "Charges constatées d'avance",
    "487": "Produits constatés d'avance",
    "5": "Comptes financiers",
    "512": "Banques",
    "6": "Charges",
    "658": "Charges diverses de gestion courante",
    "7": "Produits",
    "701": "Ventes de produits finis",
    "706": "Prestations de services",
    "707": "Ventes de marchandises",
    "708": "Produits des activités annexes",
    "758": "Produits divers de gestion courante",
}


def account_labels(accounts: Accounts) -> Callable[[str], str]:
    """The label of an account: as the settings describe it, else by the chart's longest prefix."""
    fields = type(accounts).model_fields
    own = {getattr(accounts, name): str(fields[name].description).capitalize() for name in fields}

    @cache
    def label(account: str) -> str:
        if account in own:
            return own[account]
        prefixes = (account[:length] for length in range(len(account), 0, -1))
        return next((_CHART[one] for one in prefixes if one in _CHART), f"Compte {account}")

    return label
