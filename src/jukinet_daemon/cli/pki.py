"""jukinetctl pki: the CA of a prefecture: root, issuing CA, certificates by role, revocation, CRL."""

import argparse
import getpass
import json
from collections.abc import Callable
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from cryptography import x509
from rich.console import Console
from rich.table import Table

from jukinet_daemon.cli.control import CommandFault
from jukinet_daemon.pki.authority import (
    Authority,
    accept_issuing,
    create_issuing,
    create_root,
    make_request,
    revoke,
)
from jukinet_daemon.pki.book import Entry, load_book
from jukinet_daemon.pki.ending import Ending, endings
from jukinet_daemon.pki.files import PkiFileError, load_chain
from jukinet_daemon.pki.peer import IdentityError, PeerIdentity, Role, identity_of, thumbprint

ROOT_DAYS, ISSUING_DAYS, LEAF_DAYS, CRL_DAYS = 7305, 3652, 397, 35
SOON_DAYS = 60
REASONS = (
    "key_compromise",
    "affiliation_changed",
    "superseded",
    "cessation_of_operation",
    "ca_compromise",
    "unspecified",
)
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
        _print(done)
    return 0


def _init_root(options: Options) -> dict[str, Any]:
    create_root(options.folder, options.name, options.trust_domain, ROOT_DAYS, _new_passphrase(options))
    return {"root": str(options.folder / "ca.pem")} | _described(options.folder / "ca.pem")[0]


def _init_issuing(options: Options) -> dict[str, Any]:
    asked = create_issuing(options.folder, options.name, options.trust_domain, _new_passphrase(options))
    return {"request": str(asked), "next": "jukinetctl pki sign-issuing ROOT_FOLDER --csr ... --out ..."}


def _sign_issuing(options: Options) -> dict[str, Any]:
    authority = Authority(options.folder, _passphrase(options))
    days = options.days or ISSUING_DAYS
    authority.issue_ca(options.csr, options.name, days, options.out)
    return {"certificate": str(options.out)} | _described(options.out)[0]


def _accept_issuing(options: Options) -> dict[str, Any]:
    accept_issuing(options.folder, options.certificate, options.root)
    return {"issuing": str(options.folder / "ca.pem")} | _described(options.folder / "ca.pem")[0]


def _request(options: Options) -> dict[str, Any]:
    identity = PeerIdentity(options.trust_domain, Role(options.role), options.name)
    asked = make_request(options.folder, f"{options.role}-{options.name}", identity)
    return {"request": str(asked), "key": str(asked.with_suffix(".key")), "identity": identity.uri}


def _issue(options: Options) -> dict[str, Any]:
    identity = PeerIdentity(options.trust_domain, Role(options.role), options.name)
    older = load_book(options.folder).in_use(identity.uri, datetime.now(UTC))
    if options.verb == "issue" and older:
        raise ValueError(f"{identity.uri} has {older[-1].serial} in use; use `renew`, or revoke that first")
    if options.verb == "renew" and not older:
        raise ValueError(f"{identity.uri} has no certificate in use; use `issue`")
    authority = Authority(options.folder, _passphrase(options))
    authority.issue(options.csr, identity, options.days or LEAF_DAYS, options.out)
    replaced = {"replaces": [entry.serial for entry in older]} if older else {}
    return {"certificate": str(options.out)} | _described(options.out)[0] | replaced


def _revoke(options: Options) -> dict[str, Any]:
    entry = revoke(options.folder, options.serial.lower(), options.reason)
    return asdict(entry) | {"next": "jukinetctl pki crl: 失効は次の CRL から効く / counts from the next CRL"}


def _crl(options: Options) -> dict[str, Any]:
    crl = Authority(options.folder, _passphrase(options)).publish(options.days or CRL_DAYS)
    number = crl.extensions.get_extension_for_class(x509.CRLNumber).value.crl_number
    assert crl.next_update_utc is not None  # noqa: S101 - we have just set it
    return {
        "crl": str(options.folder / "ca.crl"),
        "number": number,
        "revoked": len(crl),
        "next_update": crl.next_update_utc.isoformat(),
    }


def _list(options: Options) -> list[dict[str, Any]]:
    return [_row(entry) for entry in load_book(options.folder).entries]


def _expiring(options: Options) -> list[dict[str, Any]]:
    now = datetime.now(UTC)
    return [_ending(found, now) for found in endings(options.folder, options.days or SOON_DAYS, now)]


def _show(options: Options) -> list[dict[str, Any]]:
    return _described(options.file)


def _ending(found: Ending, now: datetime) -> dict[str, Any]:
    end = found.not_after
    return {
        "serial": found.serial,
        "who": found.who,
        "not_after": end.isoformat() if end else "まだない / none yet",
        "days_left": (end - now).days if end else None,
    }


def _row(entry: Entry) -> dict[str, Any]:
    left = datetime.fromisoformat(entry.not_after) - datetime.now(UTC)
    return asdict(entry) | {"days_left": left.days}


def _described(path: Path) -> list[dict[str, Any]]:
    return [_certificate(certificate) for certificate in load_chain(path)]


def _certificate(certificate: x509.Certificate) -> dict[str, Any]:
    try:
        who = identity_of(certificate).uri
    except IdentityError as error:
        who = f"CA {_name(certificate)}" if error.reason == "signing-certificate" else f"- ({error.reason})"
    return {
        "who": who,
        "issuer": certificate.issuer.rfc4514_string(),
        "serial": f"{certificate.serial_number:x}",
        "not_before": certificate.not_valid_before_utc.isoformat(),
        "not_after": certificate.not_valid_after_utc.isoformat(),
        "thumbprint": thumbprint(certificate),
    }


def _name(certificate: x509.Certificate) -> str:
    return certificate.subject.rfc4514_string()


def _passphrase(options: Options) -> bytes | None:
    if options.passphrase_file:
        return _first_line(options.passphrase_file)
    return getpass.getpass("鍵の合言葉 / passphrase: ").encode() if options.passphrase else None


def _new_passphrase(options: Options) -> bytes | None:
    word = _passphrase(options)
    if options.passphrase and getpass.getpass("もう一度 / again: ").encode() != word:
        raise ValueError("the two passphrases differ")
    return word


def _first_line(path: Path) -> bytes:
    try:
        line = path.read_bytes().partition(b"\n")[0]
    except OSError as error:
        raise PkiFileError(path, error.strerror or type(error).__name__) from error
    if not line:
        raise PkiFileError(path, "holds no passphrase")
    return line


def _print(done: dict[str, Any] | list[dict[str, Any]]) -> None:
    console = Console()
    if isinstance(done, dict):
        for name, value in done.items():
            console.print(f"{name:12} {value}", soft_wrap=True, highlight=False)
        return
    table = Table(title=f"証明書 {len(done)} 枚 / certificates")
    for heading in ("番号 / serial", "だれの / who", "終わり / ends", "失効 / revoked"):
        table.add_column(heading, overflow="fold")
    for row in done:
        revoked = f"{row['revoked_at'][:10]} {row['reason']}" if row.get("revoked_at") else ""
        ends = row["not_after"].partition("T")[0]
        table.add_row(row["serial"], row["who"], ends, revoked)
    console.print(table)


_KEY = "passphrase passphrase-file"
_WHO = "role name trust-domain"
ARGUMENTS: dict[str, tuple[tuple[str, ...], dict[str, Any]]] = {
    "folder": (("folder",), {"type": Path, "metavar": "FOLDER", "help": "フォルダ / the folder"}),
    "file": (("file",), {"type": Path, "metavar": "FILE", "help": "証明書 / a certificate file"}),
    "serial": (("serial",), {"metavar": "SERIAL", "help": "証明書の番号 (16 進) / serial, hexadecimal"}),
    "name": (
        ("--name",),
        {"required": True, "help": "名前: 団体コード, juki, fuhyo, 担当者, CA の名 / name"},
    ),
    "role": (("--role",), {"required": True, "choices": [r.value for r in Role], "help": "役割 / role"}),
    "trust-domain": (("--trust-domain",), {"required": True, "help": "信頼ドメイン / trust domain"}),
    "csr": (("--csr",), {"type": Path, "required": True, "metavar": "FILE", "help": "要求 / the request"}),
    "out": (("--out",), {"type": Path, "required": True, "metavar": "FILE", "help": "書き出す先 / output"}),
    "certificate": (
        ("--certificate",),
        {"type": Path, "required": True, "metavar": "FILE", "help": "ルートが出した証明書 / from the root"},
    ),
    "root": (
        ("--root",),
        {
            "type": Path,
            "required": True,
            "metavar": "FILE",
            "help": "ルートの証明書 / the root's",
        },
    ),
    "days": (("--days",), {"type": int, "metavar": "N", "help": "日数 / days"}),
    "reason": (
        ("--reason",),
        {"required": True, "choices": REASONS, "help": "失効の理由 (RFC 5280 5.3.1) / why"},
    ),
    "passphrase": (
        ("--passphrase",),
        {"action": "store_true", "help": "鍵の合言葉を尋ねる / ask for the passphrase of the key"},
    ),
    "passphrase-file": (
        ("--passphrase-file",),
        {"type": Path, "metavar": "FILE", "help": "合言葉の入ったファイル / a file that holds it"},
    ),
}
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
    "expiring": (_expiring, "まもなく終わるもの、終わったもの / what ends soon or has ended", "folder days"),
    "show": (_show, "証明書の中身を示す / what is in a file", "file"),
}
