"""jukinetd: runs one server until it is told to stop."""

import argparse
import gc
import os
import sys
from pathlib import Path
from typing import NoReturn

import structlog
import uvloop

from jukinet_daemon.config import Config, ConfigFault, load_config
from jukinet_daemon.credentials import files_in
from jukinet_daemon.daemon.serve import DutyFault, serve
from jukinet_daemon.daemon.start_checks import start_faults
from jukinet_daemon.domain.bases import BasisFault
from jukinet_daemon.listenfds import PassedSocketFault
from jukinet_daemon.logs import configure_logs
from jukinet_daemon.memory import keep_private
from jukinet_daemon.pki.files import PkiFileError
from jukinet_daemon.pki.groups import GroupsFault, require_our_groups, start_with_our_groups
from jukinet_daemon.pki.tls import load_pair, shown_by
from jukinet_daemon.store.faults import StoreFault
from jukinet_daemon.vault.keyring import KeyringFault

log = structlog.get_logger()

USAGE, AGAIN = 2, 1
CANNOT = "起動できない / cannot start"
MEND = "直してから起動する / mend it, then start it again"


def main(arguments: list[str] | None = None) -> int:
    """Runs the program; gives its exit status.

    0 after a clean stop; 1 where another start may go well, as when the database is away; os.EX_CONFIG where
    an administrator has to mend something first: the units do not start it again.
    """
    if arguments is None:
        start_with_our_groups()
    configure_logs()
    parser = _Parser(
        prog="jukinetd",
        description="都道府県サーバ・附票都道府県サーバ / a prefecture's resident-register server",
    )
    parser.add_argument("--config", type=Path, required=True, metavar="FILE", help="設定ファイル (TOML)")
    parser.add_argument(
        "--only",
        action="append",
        metavar="SECTION",
        help="この節の戸口か仕事だけを開く / open only this section; may be repeated",
    )
    options = parser.parse_args(arguments)
    try:
        keep_private()
        _collect_rarely()
        uvloop.run(serve(_config(options), options.only))
    except ConfigFault as fault:
        log.error(
            "configuration_wrong",
            message="設定の誤り / configuration",
            problems=fault.problems,
            remedy=MEND,
            status=os.EX_CONFIG,
        )
        return os.EX_CONFIG
    except (PkiFileError, KeyringFault, BasisFault, GroupsFault, PassedSocketFault) as fault:
        log.error("start_failed", message=CANNOT, fault=str(fault), remedy=MEND, status=os.EX_CONFIG)
        return os.EX_CONFIG
    except (StoreFault, OSError) as fault:
        log.error("start_failed", message=CANNOT, fault=str(fault), status=AGAIN)
        return AGAIN
    except DutyFault as fault:
        log.error(
            "duty_failed", message="仕事が止まったので終わる / a duty failed", fault=str(fault), status=AGAIN
        )
        return AGAIN
    return 0


class _Parser(argparse.ArgumentParser):
    """A command line that is wrong is told as every other failure is."""

    def error(self, message: str) -> NoReturn:
        """Tells it and ends the program."""
        log.error("command_line_wrong", message="コマンドの誤り / command line", fault=message, status=USAGE)
        raise SystemExit(USAGE)


def _collect_rarely() -> None:
    """Tells the garbage collector to look at what a batch leaves behind, not at the program, and less often.

    A notice makes many values and no cycle: at the usual threshold a twelfth of the time went into looking.
    """
    gc.freeze()
    gc.set_threshold(20_000, 20, 50)


def _config(options: argparse.Namespace) -> Config:
    """A configuration that can be served. Raises ConfigFault, PkiFileError, GroupsFault."""
    config = load_config(options.config)
    if missing := [name for name in options.only or () if name not in config.duties]:
        raise ConfigFault([f"[{name}]: 開くべき節がない / --only names no door or loop" for name in missing])
    opened = config.only(options.only) if options.only else config
    if faults := start_faults(opened):
        raise ConfigFault(faults)
    if opened.tls and opened.speaks_tls:
        require_our_groups(shown_by(load_pair(files_in(opened.tls))))
    return config


if __name__ == "__main__":
    sys.exit(main())
