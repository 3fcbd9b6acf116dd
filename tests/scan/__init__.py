"""走査: scanners of others look at every door that speaks TLS (`make scan`)."""
