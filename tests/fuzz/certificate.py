"""証明書: files of the PKI are read or refused by name; a certificate names a peer of our form or nobody."""

from base64 import encodebytes
from datetime import UTC, datetime

from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from jukinet_daemon.pki.files import PkiFileError, load_chain, load_crls, load_key, load_request
from jukinet_daemon.pki.issue import Validity, issue, make_root
from jukinet_daemon.pki.peer import PeerIdentity, Role
from jukinet_daemon.pki.tls import read_certificate
from jukinet_daemon.pki.trust import DoorPolicy, NotAdmitted, admits

from .target import Target, in_file

_VALIDITY = Validity(datetime(2026, 1, 1, tzinfo=UTC), datetime(2027, 1, 1, tzinfo=UTC))
_ROOT = make_root("root", _VALIDITY)
_CS = issue(_ROOT, PeerIdentity("jukinet.example", Role.CS, "401307"), _VALIDITY)
_POLICY = DoorPolicy("jukinet.example", Role.CS)


def _admit(data: bytes) -> None:
    try:
        peer = admits(_POLICY, read_certificate(data))
    except NotAdmitted:
        return
    assert peer.role is Role.CS


def _files(data: bytes) -> None:
    for read in (load_chain, load_crls, load_key, load_request):
        in_file(data, read, PkiFileError, _SECRET)


_PEM = _CS.certificate.public_bytes(Encoding.PEM)
_KEY = _CS.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
_SECRET = _KEY.splitlines()[1][:32]
_DER = _CS.certificate.public_bytes(Encoding.DER)
_OTHER_VERSION = _DER.replace(b"\xa0\x03\x02\x01\x02", b"\xa0\x03\x02\x01\x09")


def _pem(der: bytes) -> bytes:
    return b"-----BEGIN CERTIFICATE-----\n" + encodebytes(der) + b"-----END CERTIFICATE-----\n"


CERTIFICATE = Target(
    "certificate", _admit, (_DER, _OTHER_VERSION, _ROOT.certificate.public_bytes(Encoding.DER), b"0\x00", b"")
)
PKI_FILES = Target("pki-files", _files, (_PEM, _KEY, _pem(_OTHER_VERSION), _pem(b"0"), _PEM + _KEY))
