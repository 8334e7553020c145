"""The server: occurrences of jobs done once, watched folders, signals, systemd.

`board` holds occurrences as rows, `ticks` decides what is due and does it, `server` is the loop,
`notify` talks to systemd.
"""
