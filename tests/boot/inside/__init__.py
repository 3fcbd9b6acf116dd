"""起動した機械の中で: what is looked at from inside the booted machine, with its own Python."""
