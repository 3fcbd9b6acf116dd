"""起動の検査: a Debian machine is installed by the book, booted, and looked at from inside."""
