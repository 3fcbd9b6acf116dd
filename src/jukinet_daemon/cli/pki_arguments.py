"""jukinetctl pki の引数: every argument of the verbs of the CA, once."""

from pathlib import Path
from typing import Any

from jukinet_daemon.cli.arguments import count
from jukinet_daemon.pki.ending import SOON_DAYS
from jukinet_daemon.pki.peer import Role

REASONS = (
    "key_compromise",
    "affiliation_changed",
    "superseded",
    "cessation_of_operation",
    "ca_compromise",
    "unspecified",
)
ARGUMENTS: dict[str, tuple[tuple[str, ...], dict[str, Any]]] = {
    "folder": (("folder",), {"type": Path, "metavar": "FOLDER", "help": "フォルダ / the folder"}),
    "file": (
        ("file",),
        {"type": Path, "metavar": "FILE", "help": "証明書、要求、CRL / certificates, request, CRLs"},
    ),
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
    "areas": (
        ("--areas",),
        {
            "type": Path,
            "metavar": "FILE",
            "help": "市区町村の表 (CSV、[rules] areas と同じ) / the municipalities, as in [rules] areas",
        },
    ),
    "days": (("--days",), {"type": count, "metavar": "N", "help": "日数 / days"}),
    "within": (
        ("--days",),
        {
            "type": count,
            "metavar": "N",
            "help": f"N 日以内に終わるものすべて。省けば暦による: 証明書は {SOON_DAYS} 日前、"
            "CA は寿命の残り 2 割、CRL は 2 割を過ぎてから / all that ends within N days; else by the"
            f" calendar: certificates {SOON_DAYS} days ahead, a CA in the last fifth of its life, a CRL after"
            " the first",
        },
    ),
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
