"""The shell: everything that touches disk, network, database or clock."""
