"""jukinetctl ledger: whoever answers for the evidence prints its keys, checks it, proves one receipt."""

import argparse
from base64 import b64encode
from collections.abc import Callable
from pathlib import Path
from typing import Any

from jukinet_daemon.cli.control import CommandFault
from jukinet_daemon.ledger.checkpoint import LedgerKey, LedgerKeyFault

Options = argparse.Namespace
ARGUMENTS: dict[str, tuple[tuple[str, ...], dict[str, Any]]] = {
    "key": (("key",), {"type": Path, "metavar": "KEY", "help": "封印の秘密鍵 (PEM) / the private key"}),
}


def add_ledger(parser: argparse.ArgumentParser) -> None:
    """Adds the verbs, each with arguments of its own."""
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="VERB")
    for name, (_run, text, arguments) in VERBS.items():
        own = verbs.add_parser(name, help=text, description=text)
        for argument in arguments.split():
            flags, keywords = ARGUMENTS[argument]
            own.add_argument(*flags, **keywords)


def ledger(options: Options) -> int:
    """Does what the verb says; gives its exit status."""
    return VERBS[options.verb][0](options)


def show_public(options: Options) -> int:
    """Prints the public half of a key, as the configuration has it."""
    try:
        key = LedgerKey.read(options.key.read_bytes())
    except (LedgerKeyFault, OSError) as fault:
        raise CommandFault(f"{options.key}: 鍵として使えません / not usable: {fault}") from None
    print(b64encode(key.public).decode())
    return 0


VERBS: dict[str, tuple[Callable[[Options], int], str, str]] = {
    "public": (show_public, "封印の公開鍵を示す / the public half, for [ledger] keys", "key"),
}
