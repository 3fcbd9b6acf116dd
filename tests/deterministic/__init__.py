"""決定的な試験: the real receiving and relaying, on a loop whose time and order come from a seed."""
