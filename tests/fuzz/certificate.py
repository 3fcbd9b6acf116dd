"""証明書: files of the PKI are read or refused by name; a certificate names a peer of our form or nobody."""

import json
import tempfile
from base64 import encodebytes
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from jukinet_daemon.keys import verifying_key
from jukinet_daemon.pki.book import FILE, Book, load_book, save_book
from jukinet_daemon.pki.files import PkiFileError, load_chain, load_crls, load_key, load_request
from jukinet_daemon.pki.issue import Validity, issue, make_crl, make_root
from jukinet_daemon.pki.peer import PeerIdentity, Role
from jukinet_daemon.pki.standing import standing_of
from jukinet_daemon.pki.tls import read_certificate
from jukinet_daemon.pki.trust import DoorPolicy, NotAdmitted, admits
from jukinet_daemon.service.crls import read_kept

from .ledger import STRANGE_KEY, pem_key
from .target import Target, in_file

_VALIDITY = Validity(datetime(2026, 1, 1, tzinfo=UTC), datetime(2027, 1, 1, tzinfo=UTC))
_ROOT = make_root("root", _VALIDITY)
_CS = issue(_ROOT, PeerIdentity("jukinet.example", Role.CS, "401307"), _VALIDITY)
_LIST, _OLDER = (
    make_crl(_ROOT, {7: _VALIDITY.not_before}, _VALIDITY.not_before, _VALIDITY.not_after, number)
    for number in (2, 1)
)
_POLICY = DoorPolicy("jukinet.example", Role.CS)


def _admit(data: bytes) -> None:
    try:
        certificate = read_certificate(data)
        verifying_key(certificate)
        peer = admits(_POLICY, certificate)
    except NotAdmitted:
        return
    assert peer.role is Role.CS


def _files(data: bytes) -> None:
    for read in (load_chain, load_crls, load_key, load_request):
        in_file(data, read, PkiFileError, _SECRET)


def _book(data: bytes) -> None:
    with tempfile.TemporaryDirectory(prefix="fuzz-") as folder:
        place = Path(folder)
        (place / FILE).write_bytes(data)
        try:
            book = load_book(place)
        except PkiFileError:
            return
        book.in_use("somebody", _VALIDITY.not_before)
        assert book.reasons().keys() <= book.revoked().keys() | {entry.number for entry in book.entries}
        save_book(place, book)
        assert load_book(place) == book, "a book does not read what it writes"


def _kept_list(data: bytes) -> None:
    """A list that the database kept, beside the one of our file: it can be newer, and nothing else."""
    kept = read_kept("authority", data)
    now = _VALIDITY.not_before + timedelta(days=1)
    standing, wrong = standing_of((_ROOT.certificate,), (_LIST,), (kept,) if kept else (), now)
    assert standing.crls == {_ROOT.certificate: _LIST}, "a list counts that no CA signed"
    assert wrong is None


_PEM = _CS.certificate.public_bytes(Encoding.PEM)
_KEY = _CS.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
_SECRET = _KEY.splitlines()[1][:32]
_DER = _CS.certificate.public_bytes(Encoding.DER)
_OTHER_CURVE = _DER.replace(b"\x2a\x86\x48\xce\x3d\x03\x01\x07", b"\x2a\x86\x48\xce\x3d\x03\x01\x7f")
_OTHER_KEY = _DER.replace(b"\x2a\x86\x48\xce\x3d\x02\x01", b"\x2a\x86\x48\xce\x3d\x02\x7f")
_OTHER_VERSION = _DER.replace(b"\xa0\x03\x02\x01\x02", b"\xa0\x03\x02\x01\x09")


def _pem(der: bytes) -> bytes:
    return b"-----BEGIN CERTIFICATE-----\n" + encodebytes(der) + b"-----END CERTIFICATE-----\n"


CERTIFICATE = Target(
    "certificate",
    _admit,
    (
        _DER,
        _OTHER_VERSION,
        _OTHER_CURVE,
        _OTHER_KEY,
        _ROOT.certificate.public_bytes(Encoding.DER),
        b"0\x00",
        b"",
    ),
)
PKI_FILES = Target(
    "pki-files",
    _files,
    (_PEM, _KEY, _pem(_OTHER_VERSION), _pem(_OTHER_KEY), _pem(b"0"), _PEM + _KEY, pem_key(STRANGE_KEY)),
)
_MADE = Book("jukinet.example").with_certificate("somebody", _CS.certificate)
_MADE = _MADE.with_revoked(_MADE.entries[0].serial, "key_compromise", _VALIDITY.not_before)
_BOOK = json.dumps(asdict(_MADE)).encode()
BOOK = Target(
    "book",
    _book,
    (
        _BOOK,
        _BOOK.replace(b'"crl_number": 0', b'"crl_number": "0"'),
        _BOOK.replace(b"key_compromise", b"a whim"),
        _BOOK.replace(b"2027-01-01", b"2027-02-30"),
        _BOOK.replace(b"+00:00", b""),
        _BOOK.replace(b'"serial": "', b'"serial": "x'),
        _BOOK.replace(b'"who"', b'"whom"'),
        b"[" * 100_000,
        b'{"entries":[]}',
    ),
)
_LIST_DER = _LIST.public_bytes(Encoding.DER)
KEPT_LIST = Target(
    "kept-list",
    _kept_list,
    (
        _LIST_DER,
        _OLDER.public_bytes(Encoding.DER),
        _LIST_DER.replace(b"root", b"r\xff\xfet"),
        _LIST_DER.replace(b"\x2a\x86\x48\xce\x3d\x04\x03\x02", b"\x2a\x86\x48\xce\x3d\x04\x03\x7f"),
        _LIST_DER.replace(b"\x55\x1d\x14", b"\x55\x1d\x23"),
        b"0\x00",
        b"",
    ),
)
