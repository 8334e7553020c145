"""Signed archives: a ZIP whose every byte is covered by a signature; see README."""

from formats.archive.sealed import Archive, Member, opened, write

__all__ = ["Archive", "Member", "opened", "write"]
