"""The checks of a booted machine in order: check.py first, and after its reboot check.py second."""

import sys

from . import closed, faults, lives, statements, works
from .machine import look

PARTS = {
    "first": closed.CHECKS + works.CHECKS + lives.CHECKS + faults.CHECKS + statements.CHECKS + works.LAST,
    "second": (lives.everything_comes_back, *works.LAST, lives.what_is_purged),
}
look(PARTS[sys.argv[1]])
