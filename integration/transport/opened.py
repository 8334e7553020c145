"""A partner's transport; heavy libraries come in with the partner that needs them."""

from __future__ import annotations

from pathlib import Path

from config.partners import AnyPartner, FolderPartner, SftpPartner
from integration.transport.folder import Folder
from integration.transport.protocol import Transport


def transport_of(partner: AnyPartner, home: Path) -> Transport:
    """How its items leave; not connected yet. Relative paths are below `home`."""
    if isinstance(partner, FolderPartner):
        return Folder(home / partner.folder, dict(partner.folders))
    if isinstance(partner, SftpPartner):
        from integration.transport.sftp import Sftp

        return Sftp(partner, home)
    from integration.transport.smtp import Smtp

    return Smtp(partner, home)
