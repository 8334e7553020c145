"""Home care: from a prescription to lines with AMO, AMC and patient shares.

cover         who covers the patient on a day, with its proof
prescription  what was prescribed until when, prior agreement, the items in use
nomenclature  an LPP code, its dated tariffs and the engine it asks for
split         the shares of one line, to the cent; dated rates with their source
pricing       what all engines share: due units → terms → lines
engines/      which units are due: rental by week, purchase, delivery
dossier       several items of a patient rated together
invoice       lines → drafts, and who pays each share
"""
