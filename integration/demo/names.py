"""Words the invented people and companies are made of; none is a person's, none a company's."""

from __future__ import annotations

from typing import Final

FAMILIES: Final = (
    *("ABRICOTIER", "BELLEBRUME", "CHANTEPLUIE", "DOUCEVILLE", "ÉGLANTINE", "FRANCHEMONT"),
    *("GRANDVERGER", "HAUTBUISSON", "IVRAIE", "JOLICŒUR-NOËL", "LANTERNIER", "MIRABELLIER"),
    *("NOISERAIE", "ORMEVAL", "PETITBOSQUET", "QUATREVENTS", "ROSELAURE", "SAULNERAIE"),
    *("TILLEVERTE", "VERTFEUILLE", "AMBREVILLE", "BRUYÈRE-SUC", "CLAIRFONTAIN", "DAMERONCE"),
    *("ÉPINOCHE", "FLEURANTIN", "GENÉVRIER", "HERBEMOLLE", "LAVANDIN", "MOUSSERON"),
)
GIVEN: Final = {
    "1": ("Achille", "Basile", "Côme", "Désiré", "Edmond", "Fulgence", "Gaspard", "Honoré"),
    "2": ("Adélaïde", "Blanche", "Célestine", "Désirée", "Eulalie", "Flore", "Gisèle", "Hortense"),
}
TRADES: Final = (
    *("Imprimerie", "Garage", "Cabinet", "Boulangerie", "Menuiserie", "Pharmacie", "Étude"),
    *("Transports", "Ateliers", "Librairie", "Laiterie", "Clinique vétérinaire", "Auto-école"),
)
FORMS: Final = ("SARL", "SAS", "et Fils", "et Associés", "")
STREETS: Final = (
    *("rue des Tilleuls", "avenue du Moulin", "place de la Halle", "chemin des Vignes"),
    *("quai des Brumes", "allée des Érables", "boulevard du Levant", "impasse du Puits"),
)
TOWNS: Final = (
    *("42000 Saint-Étienne", "67000 Strasbourg", "75011 Paris", "69003 Lyon", "13005 Marseille"),
    *("31000 Toulouse", "33000 Bordeaux", "59100 Roubaix", "57000 Metz", "42300 Roanne"),
)
AGENCIES: Final = ("LOIRE", "EST", "SUD", "NORD")
