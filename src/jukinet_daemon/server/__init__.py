"""戸口: one file a door. A door admits, reads, hands on, answers; it decides nothing."""
