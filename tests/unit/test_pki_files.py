"""Keys stay private, errors name the file, a CRL is replaced whole."""

import os
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
)

from jukinet_daemon.pki import files
from jukinet_daemon.pki.issue import Issued, Validity, issue, make_crl, make_issuing, make_root
from jukinet_daemon.pki.peer import PeerIdentity, Role
from jukinet_daemon.pki.tls import TlsFiles, client_context

START, END = datetime(2026, 4, 1, tzinfo=UTC), datetime(2028, 4, 1, tzinfo=UTC)
VALIDITY = Validity(START, END)
ROOT = make_root("root", VALIDITY)
ISSUING = make_issuing(ROOT, "issuing", VALIDITY)
LEAF = issue(ISSUING, PeerIdentity("jukinet.example", Role.CS, "401307"), VALIDITY)
CRL = make_crl(ISSUING, {}, START, END, number=1)
ROOT_CRL = make_crl(ROOT, {}, START, END, number=1)
Loader = Callable[[Path], object]


@pytest.fixture
def _open_umask() -> object:
    before = os.umask(0)
    yield
    os.umask(before)


@pytest.mark.usefixtures("_open_umask")
def test_a_key_file_is_for_its_owner_alone(tmp_path: Path) -> None:
    paths = files.write_issued(tmp_path, "cs", LEAF, ISSUING.chain)
    assert paths.key.stat().st_mode & 0o7777 == 0o600
    assert paths.certificate.stat().st_mode & 0o7777 == 0o644


def test_what_is_written_is_read_back(tmp_path: Path) -> None:
    paths = files.write_issued(tmp_path, "cs", LEAF, ISSUING.chain)
    files.write_crl(tmp_path / "ca.crl", CRL)
    assert files.load_certificate(paths.certificate) == LEAF.certificate
    assert files.load_chain(paths.certificate) == (LEAF.certificate, ISSUING.certificate)
    assert files.load_key(paths.key).private_numbers() == LEAF.key.private_numbers()
    assert files.load_crls(tmp_path / "ca.crl") == (CRL,)


def test_a_key_is_never_overwritten(tmp_path: Path) -> None:
    paths = files.write_issued(tmp_path, "root", Issued(ROOT.certificate, ROOT.key))
    before = paths.key.read_bytes()
    with pytest.raises(files.PkiFileError, match="exists"):
        files.write_issued(tmp_path, "root", LEAF)
    assert paths.key.read_bytes() == before


def test_a_key_is_not_written_through_a_link(tmp_path: Path) -> None:
    (tmp_path / "cs.key").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(files.PkiFileError, match=r"cs\.key"):
        files.write_issued(tmp_path, "cs", LEAF)
    assert not (tmp_path / "elsewhere").exists()


def test_a_crl_is_replaced_and_leaves_no_draft(tmp_path: Path) -> None:
    newer = make_crl(ISSUING, {1: START}, START + timedelta(days=1), END, number=2)
    for crl in (CRL, newer):
        files.write_crl(tmp_path / "ca.crl", crl)
    assert files.load_crls(tmp_path / "ca.crl") == (newer,)
    assert [path.name for path in tmp_path.iterdir()] == ["ca.crl"]


def test_a_crl_that_cannot_be_put_in_place_leaves_no_draft(tmp_path: Path) -> None:
    (tmp_path / "ca.crl").mkdir()
    with pytest.raises(files.PkiFileError, match=r"ca\.crl"):
        files.write_crl(tmp_path / "ca.crl", CRL)
    assert [path.name for path in tmp_path.iterdir()] == ["ca.crl"]


def test_a_pair_is_replaced_whole_or_its_key_stays(tmp_path: Path) -> None:
    old = files.write_issued(tmp_path, "server", LEAF)
    before = old.key.read_bytes()
    newer = issue(ISSUING, PeerIdentity("jukinet.example", Role.CS, "401307"), VALIDITY)
    nowhere = files.IssuedFiles(tmp_path / "none" / "server.pem", old.key)
    with pytest.raises(files.PkiFileError, match=r"none/"):
        files.replace_issued(nowhere, [newer.certificate], newer.key)
    assert old.key.read_bytes() == before
    files.replace_issued(old, [newer.certificate], newer.key)
    assert files.load_certificate(old.certificate) == newer.certificate
    assert sorted(path.name for path in tmp_path.iterdir()) == ["server.key", "server.pem"]


LOADERS: list[Loader] = [files.load_certificate, files.load_chain, files.load_key, files.load_crls]


@pytest.mark.parametrize("loader", LOADERS)
@pytest.mark.parametrize("content", [None, b"", b"nothing of the kind", b"\x00\xff" * 50])
def test_an_unusable_file_is_named(tmp_path: Path, loader: Loader, content: bytes | None) -> None:
    path = tmp_path / "some.pem"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(files.PkiFileError) as caught:
        loader(path)
    assert caught.value.path == path
    assert str(path) in str(caught.value)


@pytest.mark.parametrize(
    ("loader", "label"),
    [
        (files.load_chain, b"CERTIFICATE"),
        (files.load_crls, b"X509 CRL"),
        (files.load_key, b"PRIVATE KEY"),
    ],
)
def test_a_broken_block_is_told_without_its_content(tmp_path: Path, loader: Loader, label: bytes) -> None:
    path = tmp_path / "some.pem"
    path.write_bytes(b"-----BEGIN " + label + b"-----\nc2VjcmV0\n-----END " + label + b"-----\n")
    with pytest.raises(files.PkiFileError, match=r"unreadable|no readable") as caught:
        loader(path)
    assert "secret" not in str(caught.value)
    assert "c2VjcmV0" not in str(caught.value)


def test_a_certificate_in_a_crl_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "ca.crl"
    path.write_bytes(CRL.public_bytes(Encoding.PEM) + ROOT.certificate.public_bytes(Encoding.PEM))
    with pytest.raises(files.PkiFileError, match="X509 CRL and no other"):
        files.load_crls(path)


def test_a_file_may_hold_the_crls_of_several_cas(tmp_path: Path) -> None:
    files.write_crl(tmp_path / "ca.crl", CRL, ROOT_CRL)
    assert files.load_crls(tmp_path / "ca.crl") == (CRL, ROOT_CRL)


def test_a_crl_that_is_cut_off_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "ca.crl"
    path.write_bytes(CRL.public_bytes(Encoding.PEM) + CRL.public_bytes(Encoding.PEM)[:-40])
    with pytest.raises(files.PkiFileError, match="cut off"):
        files.load_crls(path)


def _pem(key: ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey, secret: bytes = b"") -> bytes:
    encryption = BestAvailableEncryption(secret) if secret else NoEncryption()
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, encryption)


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (_pem(LEAF.key, b"word"), "encrypted"),
        (_pem(ec.generate_private_key(ec.SECP384R1())), "not EC P-256"),
        (_pem(ed25519.Ed25519PrivateKey.generate()), "not EC P-256"),
    ],
)
def test_a_key_of_another_kind_is_refused(tmp_path: Path, content: bytes, problem: str) -> None:
    path = tmp_path / "cs.key"
    path.write_bytes(content)
    with pytest.raises(files.PkiFileError, match=problem):
        files.load_key(path)


def _tls_files(folder: Path) -> TlsFiles:
    paths = files.write_issued(folder, "cs", LEAF, ISSUING.chain)
    files.write_certificates(folder / "ca.pem", [ROOT.certificate, ISSUING.certificate])
    files.write_crl(folder / "ca.crl", CRL, ROOT_CRL)
    return TlsFiles(paths.certificate, paths.key, folder / "ca.pem", folder / "ca.crl")


def test_a_context_is_not_made_with_the_key_of_another(tmp_path: Path) -> None:
    usable = _tls_files(tmp_path)
    other = issue(ISSUING, PeerIdentity("jukinet.example", Role.CS, "401005"), VALIDITY)
    stranger = files.write_issued(tmp_path, "other", other)
    mixed = TlsFiles(usable.certificate, stranger.key, usable.ca, usable.crl)
    client_context(usable)
    with pytest.raises(files.PkiFileError, match=r"other\.key: .* / is not the key"):
        client_context(mixed)


def test_a_context_is_not_made_with_the_crl_of_another_ca(tmp_path: Path) -> None:
    usable = _tls_files(tmp_path)
    rogue = make_issuing(make_root("root", VALIDITY), "issuing", VALIDITY)
    files.write_crl(usable.crl, make_crl(rogue, {}, START, END, number=2))
    with pytest.raises(files.PkiFileError, match=r"ca\.crl: .* / holds no CRL of CN=root"):
        client_context(usable)


@pytest.mark.parametrize(("hours", "days"), [(36, 1.5), (0, 0.0), (-24, -1.0)])
def test_days_left_counts_below_zero(hours: int, days: float) -> None:
    assert files.days_left(START + timedelta(hours=hours), START) == days
