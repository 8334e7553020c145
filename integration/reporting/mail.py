"""The account as the body of a mail: text, page and book; the same bytes each time it is made."""

from __future__ import annotations

import hashlib
from email.message import EmailMessage
from email.policy import SMTP
from typing import Final

from integration.flows.night_report import Account
from integration.reporting import words
from integration.reporting.book import book
from integration.reporting.page import page
from integration.reporting.text import text

_POLICY: Final = SMTP.clone(cte_type="7bit")
_XLSX: Final = "vnd.openxmlformats-officedocument.spreadsheetml.sheet"


def mail(account: Account) -> bytes:
    """A message without sender, recipient or date: those are the transport's."""
    message = EmailMessage(policy=_POLICY)
    message["Subject"] = words.title(account)
    message.set_content(text(account))
    message.add_alternative(page(account), subtype="html")
    name = f"nuit-{account['day']}.xlsx"
    message.add_attachment(book(account), maintype="application", subtype=_XLSX, filename=name)
    for rank, part in enumerate(message.walk()):
        if part.is_multipart():
            seed = f"{account['day']} {rank}".encode()
            part.set_boundary(f"=_{hashlib.sha256(seed).hexdigest()[:32]}")
    return message.as_bytes()
