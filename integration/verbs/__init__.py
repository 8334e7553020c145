"""What each verb of the command line does: from parsed arguments to an exit code."""
