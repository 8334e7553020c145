"""A partner's transport; heavy libraries come in with the partner that needs them."""

from __future__ import annotations

from pathlib import Path

from config.partners import BUILT_IN, AnyPartner, FolderPartner, SftpPartner
from integration.persons import Vault
from integration.transport.folder import Folder
from integration.transport.protocol import Transport


def transport_of(partner: AnyPartner, home: Path, vault: Vault | None = None) -> Transport:
    """How its items leave; not connected yet. Relative paths are below `home`.

    vault: encrypts what is kept in our own folder; a partner gets what the partner can read.
    """
    if isinstance(partner, FolderPartner):
        ours = partner.name == BUILT_IN
        keeper = vault if ours else None
        return Folder(home / partner.folder, dict(partner.folders), keeper, ours)
    if isinstance(partner, SftpPartner):
        from integration.transport.sftp import Sftp

        return Sftp(partner, home)
    from integration.transport.smtp import Smtp

    return Smtp(partner, home)
