"""Progress is drawn on a terminal only."""

from __future__ import annotations

from io import StringIO

from integration.verbs.progress import Progress


class Terminal(StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        """It is."""
        return True


def test_a_bar_on_a_terminal_and_nothing_elsewhere() -> None:
    for stream, shown in ((Terminal(), True), (StringIO(), False)):
        progress = Progress(stream)
        progress(2, 8, "Facturer les contrats")
        assert ("2/8 Facturer les contrats" in stream.getvalue()) is shown
        progress.close()
        assert stream.getvalue().endswith("\r\x1b[K") is shown
