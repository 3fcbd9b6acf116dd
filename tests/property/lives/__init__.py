"""Random lives of people, what municipalities tell of them, and what a register's file must then hold.

Nothing in `telegram`, `human`, `town`, `delivery` and `model` knows the program's own rules (check digits
apart): they are what it is held against. Only `file` runs the program, and `faults` plants errors in it.
"""
