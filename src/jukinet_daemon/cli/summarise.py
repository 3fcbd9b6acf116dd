"""jukinetctl summarise: parcels that an older program took get what the watch reads of them."""

import argparse
import asyncio
import getpass
import json
from pathlib import Path

from jukinet_daemon.cli.control import CommandFault
from jukinet_daemon.config import Config
from jukinet_daemon.service.clock import clock_of
from jukinet_daemon.service.summary import SummaryFault, summarise
from jukinet_daemon.store.faults import StoreFault
from jukinet_daemon.store.keys import KeyStore
from jukinet_daemon.store.pool import open_database
from jukinet_daemon.vault.fields import Vault, VaultFault
from jukinet_daemon.vault.keyring import KeyringFault, read_keyring

BATCH = 200


def add_summarise(parser: argparse.ArgumentParser) -> None:
    """Adds what can be said of it."""
    parser.add_argument(
        "--ring", type=Path, metavar="FILE", help="鍵束のファイル。省けば設定の [keys] ring / the key file"
    )


def summarise_parcels(config: Config, options: argparse.Namespace) -> int:
    """Fills in what is missing; gives 0."""
    try:
        done = asyncio.run(_work(config, options))
    except (KeyringFault, StoreFault, SummaryFault, VaultFault) as fault:
        raise CommandFault(str(fault)) from None
    if options.json:
        print(json.dumps({"summarised": done}))
    else:
        print(f"電文 {done} 件に摘要を付けた。残りはない / {done} parcels summarised, none is left")
    return 0


async def _work(config: Config, options: argparse.Namespace) -> int:
    vault = Vault(read_keyring(options.ring or config.keys.ring))
    who = {"register": config.register_, "operator": getpass.getuser()}
    durability = config.database.synchronous_commit
    database = await open_database(
        config.database.dsn, config.register_, "jukinet_keys", durability=durability
    )
    try:
        store = await KeyStore.open(database, config.register_)
        try:
            return await summarise(
                store, vault, who, clock_of(config.timezone), BATCH, _quiet if options.json else _tell
            )
        finally:
            await store.close()
    finally:
        await database.close()


def _quiet(_done: int) -> None:
    pass


def _tell(done: int) -> None:
    print(f"{done} ...", flush=True)
