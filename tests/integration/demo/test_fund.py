"""The simulated fund reads B2 by its own slices: the reference's own example, and broken ones."""

from __future__ import annotations

from datetime import date

import pytest

from integration.demo import fund

# The constructed example of the reference page on B2, §1.5: eleven records.
EXAMPLE = (
    "000TP00000752600015      CT00000001016422      TRAB12C3260115FR  B2               128      "
    "MON LOGICIEL LPP V1.0                ",
    "1752600015      4220070000000DOMICILE SANTE SARL                     B2260115 FR 062007U",
    "2752600015 18001750560010300000000004210000012340142200001000000000000000000104000000000000000"
    " 80011210000000000000000",
    "2752600015 180017505600103000000000042S0100000000180017505600103",
    "4752600015 18001750560010300000000004200000751234563T 007526000150000260101MAD  01000100010001"
    "820000182010000018200001820 000000",
    "4752600015 180017505600103000000042S01L 0000000L2512104",
    "4752600015 180017505600103000000042E0110001234567              00000000000",
    "4752600015 180017505600103000000042F01    1234567                    0100018200001820000182000"
    "000000000000000L260101260128",
    "5752600015 18001750560010300000000004200400000000000000000000182000001820000000000000000000000"
    "000                 00000000",
    "675260001500100010001001000001820000001820000000000007",
    "999TP00000752600015      CT00000001016422      TRAB12C300000011                   001",
)


def example(*changes: tuple[str, str]) -> bytes:
    """The example as a file, texts replaced."""
    text = "".join(record.ljust(128) for record in EXAMPLE)
    for old, new in changes:
        text = text.replace(old, new)
    return text.encode("ascii")


def test_the_example_of_the_reference() -> None:
    file = fund.read_b2(example())
    assert (file.sender, file.recipient) == ("00000752600015", "00000001016422")
    assert (file.file_id, file.lot, file.created_on) == ("AB12C3", "007", date(2026, 1, 15))
    (one,) = file.invoices
    assert (one.number, one.nir, one.amc) == ("000000042", "1800175056001", "")
    assert (one.total_cents, one.amo_cents, one.amc_cents) == (1820, 1820, 0)


@pytest.mark.parametrize(
    ("old", "new", "what"),
    [
        ("TRAB12C300000011", "TRAB12C300000012", "999 : enregistrements"),
        ("001000001820000001820", "001000001820000001821", "6 : AMO"),
        ("00000000000000182000001820", "00000000000000182000001819", "5 : AMO"),
    ],
)
def test_a_total_that_is_wrong_is_refused(old: str, new: str, what: str) -> None:
    with pytest.raises(fund.NotOurNormError, match=what):
        fund.read_b2(example((old, new)))


def test_decisions_depend_on_the_number_alone() -> None:
    (one,) = fund.read_b2(example()).invoices
    assert fund.decided(one, again=False) == fund.decided(one, again=False)
    lucks = {fund.Asked(f"{n:09d}", "", "", 100, 10, 110).luck for n in range(2000)}
    assert lucks == set(range(100))  # every fate befalls somebody
