"""操作: what an operator is told where something cannot be done."""


class OperatorFault(Exception):
    """What an operator asked for cannot be done; the message says why, in a sentence to act on."""
