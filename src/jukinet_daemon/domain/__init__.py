"""The rules of law: plain functions over plain values; no I/O, no clock, no log."""
