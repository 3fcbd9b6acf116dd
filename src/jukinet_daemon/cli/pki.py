"""jukinetctl pki: the CA of a prefecture: root, issuing CA, certificates by role, revocation, CRL."""

import argparse
import getpass
import json
from collections.abc import Callable
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from shlex import quote
from typing import Any

from jukinet_daemon.cli.control import CommandFault
from jukinet_daemon.cli.pki_arguments import ARGUMENTS
from jukinet_daemon.cli.pki_shown import by_line, certified, crl, ending, entry, in_file, requested
from jukinet_daemon.cli.plain import plain
from jukinet_daemon.cli.tables import Column, show_list
from jukinet_daemon.domain.area import Areas
from jukinet_daemon.domain.bases import BasisFault
from jukinet_daemon.pki.authority import (
    Authority,
    accept_issuing,
    create_issuing,
    create_root,
    make_request,
    revoke,
)
from jukinet_daemon.pki.book import load_book
from jukinet_daemon.pki.ending import endings
from jukinet_daemon.pki.files import PkiFileError, told_by_system
from jukinet_daemon.pki.names import require_name
from jukinet_daemon.pki.peer import IdentityError, PeerIdentity, Role
from jukinet_daemon.schemas import read_areas

ROOT_DAYS, ISSUING_DAYS, LEAF_DAYS, CRL_DAYS = 7305, 3652, 397, 35
Options = argparse.Namespace


def add_pki(parser: argparse.ArgumentParser) -> None:
    """Adds the verbs, each with arguments of its own."""
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="VERB")
    for name, (_run, text, arguments) in VERBS.items():
        own = verbs.add_parser(name, help=text, description=text)
        for argument in arguments.split():
            flags, keywords = ARGUMENTS[argument]
            own.add_argument(*flags, **keywords)
        own.add_argument("--json", action="store_true", help="機械が読む形で出す / for programs")


def pki(options: Options) -> int:
    """Does one step of the ceremony. docs/operator/pki.md says in which order."""
    try:
        done = VERBS[options.verb][0](options)
    except IdentityError:
        raise CommandFault("名前の形が正しくありません / a trust domain or name is not of our form") from None
    except (PkiFileError, ValueError) as fault:
        raise CommandFault(f"できません / cannot be done: {fault}") from None
    if options.json:
        print(json.dumps(done, ensure_ascii=False, indent=1))
    else:
        _print(done, table=options.verb in ("list", "expiring"))
    return 0


def _init_root(options: Options) -> dict[str, Any]:
    create_root(options.folder, options.name, options.trust_domain, ROOT_DAYS, _new_passphrase(options))
    return {"root": str(options.folder / "ca.pem")} | certified(options.folder / "ca.pem")


def _init_issuing(options: Options) -> dict[str, Any]:
    asked = create_issuing(options.folder, options.name, options.trust_domain, _new_passphrase(options))
    name = quote(options.name)
    following = f"jukinetctl pki sign-issuing ROOT_FOLDER --csr {asked.name} --name {name} --out issuing.pem"
    return {"request": str(asked)} | requested(asked) | {"next": f"{following} --passphrase"}


def _sign_issuing(options: Options) -> dict[str, Any]:
    authority = Authority(options.folder, _passphrase(options))
    days = options.days or ISSUING_DAYS
    authority.issue_ca(options.csr, options.name, days, options.out)
    return {"certificate": str(options.out)} | certified(options.out) | _of_request(options)


def _accept_issuing(options: Options) -> dict[str, Any]:
    accept_issuing(options.folder, options.certificate, options.root)
    return {"issuing": str(options.folder / "ca.pem")} | certified(options.folder / "ca.pem")


def _request(options: Options) -> dict[str, Any]:
    identity = _identity(options)
    asked = make_request(options.folder, f"{options.role}-{options.name}", identity)
    made = {"request": str(asked), "key": str(asked.with_suffix(".key")), "identity": identity.uri}
    return made | {"sha256": requested(asked)["sha256"]}


def _issue(options: Options) -> dict[str, Any]:
    identity = _identity(options)
    older = load_book(options.folder).in_use(identity.uri, datetime.now(UTC))
    if options.verb == "issue" and older:
        raise ValueError(
            f"{identity.uri}: {older[-1].serial} が有効。`renew` か失効を / has one in use: use `renew`"
        )
    if options.verb == "renew" and not older:
        raise ValueError(
            f"{identity.uri}: 有効な証明書がない。発行を / has no certificate in use: use `issue`"
        )
    authority = Authority(options.folder, _passphrase(options))
    authority.issue(options.csr, identity, options.days or LEAF_DAYS, options.out)
    replaced = {"replaces": [entry.serial for entry in older]} if older else {}
    return {"certificate": str(options.out)} | certified(options.out) | _of_request(options) | replaced


def _of_request(options: Options) -> dict[str, Any]:
    """The digest of what was certified, to be written down beside what the telephone said."""
    return {"request_sha256": requested(options.csr)["sha256"]}


def _revoke(options: Options) -> dict[str, Any]:
    revoked = revoke(options.folder, options.serial.lower(), options.reason)
    return asdict(revoked) | {
        "next": "jukinetctl pki crl: 失効は次の CRL から効く / counts from the next CRL"
    }


def _crl(options: Options) -> dict[str, Any]:
    made = Authority(options.folder, _passphrase(options)).publish(options.days or CRL_DAYS)
    return {"crl": str(options.folder / "ca.crl")} | crl(made)


def _list(options: Options) -> list[dict[str, Any]]:
    return [entry(written) for written in load_book(options.folder).entries]


def _expiring(options: Options) -> list[dict[str, Any]]:
    now = datetime.now(UTC)
    return [ending(found, now) for found in endings(options.folder, options.days, now)]


def _show(options: Options) -> list[dict[str, Any]]:
    return in_file(options.file)


def _identity(options: Options) -> PeerIdentity:
    """Whom to ask or issue for. Raises IdentityError, NameFault, PkiFileError for a table of no use."""
    identity = PeerIdentity(options.trust_domain, Role(options.role), options.name)
    require_name(identity, _areas(options.areas, options.name) if identity.role is Role.CS else None)
    return identity


def _areas(table: Path | None, code: str) -> Areas | None:
    """The municipalities to look a code up in: a table's, or the packaged ones of that prefecture."""
    try:
        areas = read_areas(table)
    except (BasisFault, OSError) as fault:
        raise ValueError(f"--areas: 表を読めない / cannot be read: {fault}") from None
    if not areas.senders:
        raise ValueError(f"--areas: {table}: 市区町村がない / has no municipality")
    # 団体コード: the first two digits are the prefecture's.
    known = table is not None or any(area[:2] == code[:2] for area in areas.codes)
    return areas if known else None


def _passphrase(options: Options) -> bytes | None:
    if options.passphrase_file:
        return _first_line(options.passphrase_file)
    return getpass.getpass("鍵の合言葉 / passphrase: ").encode() if options.passphrase else None


def _new_passphrase(options: Options) -> bytes | None:
    word = _passphrase(options)
    if options.passphrase and getpass.getpass("もう一度 / again: ").encode() != word:
        raise ValueError("二つの合言葉が違う / the two passphrases differ")
    return word


def _first_line(path: Path) -> bytes:
    try:
        line = path.read_bytes().partition(b"\n")[0]
    except OSError as error:
        raise PkiFileError(path, told_by_system(error)) from error
    if not line:
        raise PkiFileError(path, "合言葉がない / holds no passphrase")
    return line


def _print(done: dict[str, Any] | list[dict[str, Any]], *, table: bool) -> None:
    if table:
        assert isinstance(done, list)  # noqa: S101 - what a book or a calendar gives
        _print_table(done)
        return
    for at, one in enumerate([done] if isinstance(done, dict) else done):
        print(*([""] if at else []), *map(plain, by_line(one)), sep="\n")


def _print_table(rows: list[dict[str, Any]]) -> None:
    columns = (
        Column("番号 / serial"),
        Column("だれの / who", folds=True),
        Column("終わり / ends"),
        Column("失効 / revoked", folds=True),
    )
    cells = [(row["serial"], row["who"], row["not_after"].partition("T")[0], _revoked(row)) for row in rows]
    show_list(f"証明書 {len(rows)} 枚 / certificates", columns, cells)


def _revoked(row: dict[str, Any]) -> str:
    return f"{row['revoked_at'][:10]} {row['reason']}" if row.get("revoked_at") else ""


_KEY = "passphrase passphrase-file"
_WHO = "role name trust-domain areas"
VERBS: dict[str, tuple[Callable[[Options], Any], str, str]] = {
    "init-root": (_init_root, "ルート認証局を作る / make the root", f"folder name trust-domain {_KEY}"),
    "init-issuing": (
        _init_issuing,
        "発行認証局の鍵と要求を作る / make an issuing CA's key and request",
        f"folder name trust-domain {_KEY}",
    ),
    "sign-issuing": (
        _sign_issuing,
        "ルートが発行認証局に証明書を出す / the root certifies an issuing CA",
        f"folder csr name out days {_KEY}",
    ),
    "accept-issuing": (
        _accept_issuing,
        "ルートの出した証明書を発行認証局に入れる / take over what the root gave",
        "folder certificate root",
    ),
    "request": (
        _request,
        "相手の機械で鍵と要求を作る / on the peer's host: a key and a request",
        f"folder {_WHO}",
    ),
    "issue": (_issue, "役割に応じた証明書を出す / issue by role", f"folder csr out {_WHO} days {_KEY}"),
    "renew": (_issue, "証明書を更新する / renew", f"folder csr out {_WHO} days {_KEY}"),
    "revoke": (_revoke, "証明書を失効させる / revoke", "folder serial reason"),
    "crl": (_crl, "CRL を発行する / publish a CRL", f"folder days {_KEY}"),
    "list": (_list, "発行したものをすべて示す / all that was issued", "folder"),
    "expiring": (
        _expiring,
        "まもなく終わるもの、終わったもの / what ends soon or has ended",
        "folder within",
    ),
    "show": (_show, "証明書、要求、CRL の中身を示す / what is in a file", "file"),
}
