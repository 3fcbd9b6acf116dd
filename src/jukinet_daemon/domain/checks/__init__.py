"""点検: small functions, one rule each, that a notice must pass before its person is looked at."""
