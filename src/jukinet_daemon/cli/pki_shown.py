"""jukinetctl pki の表示: what a certificate, a request, a CRL or an entry of the book is to a person."""

from collections.abc import Callable
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.hashes import SHA256, Hash
from cryptography.hazmat.primitives.serialization import Encoding

from jukinet_daemon.pki.book import Entry
from jukinet_daemon.pki.ending import Ending
from jukinet_daemon.pki.files import (
    CERTIFICATES,
    CRLS,
    REQUESTS,
    label_of,
    load_chain,
    load_crls,
    load_request,
)
from jukinet_daemon.pki.peer import IdentityError, identity_of, thumbprint

_GROUP = 4


def in_file(path: Path) -> list[dict[str, Any]]:
    """What a file of certificates, CRLs or a request holds. Raises PkiFileError."""
    readers: dict[str, Callable[[], list[dict[str, Any]]]] = {
        CERTIFICATES: lambda: [_certificate(one) for one in load_chain(path)],
        CRLS: lambda: [crl(one) for one in load_crls(path)],
        REQUESTS: lambda: [requested(path)],
    }
    return readers[label_of(path)]()


def certified(path: Path) -> dict[str, Any]:
    """The first certificate of a file. Raises PkiFileError."""
    return _certificate(load_chain(path)[0])


def requested(path: Path) -> dict[str, Any]:
    """A request: for whom, and the digest of its DER, which both ends compare. Raises PkiFileError."""
    made = load_request(path)
    digest = Hash(SHA256())
    digest.update(made.public_bytes(Encoding.DER))
    return {"asks_for": _asked(made), "sha256": digest.finalize().hex()}


def crl(made: x509.CertificateRevocationList) -> dict[str, Any]:
    """A list: whose, its number and dates, and whom it revokes."""
    end = made.next_update_utc
    return {
        "crl_of": made.issuer.rfc4514_string(),
        "number": _number(made),
        "last_update": made.last_update_utc.isoformat(),
        "next_update": end.isoformat() if end else None,
        "revoked": len(made),
        "serials": [f"{entry.serial_number:x}" for entry in made],
    }


def ending(found: Ending, now: datetime) -> dict[str, Any]:
    """What ends, and in how many days."""
    end = found.not_after
    return {
        "serial": found.serial,
        "who": found.who,
        "not_after": end.isoformat() if end else "まだない / none yet",
        "days_left": (end - now).days if end else None,
    }


def entry(written: Entry) -> dict[str, Any]:
    """A line of the book."""
    left = datetime.fromisoformat(written.not_after) - datetime.now(UTC)
    return asdict(written) | {"days_left": left.days}


def by_line(done: dict[str, Any]) -> list[str]:
    """One thing, a line each item; a digest in groups, as it is read aloud."""
    return [f"{name:14} {_spoken(name, value)}" for name, value in done.items()]


def _spoken(name: str, value: Any) -> str:
    if name.endswith("sha256"):
        return " ".join(value[at : at + _GROUP] for at in range(0, len(value), _GROUP))
    if isinstance(value, list):
        return " ".join(map(str, value)) or "-"
    return "-" if value is None else str(value)


def _certificate(made: x509.Certificate) -> dict[str, Any]:
    try:
        who = identity_of(made).uri
    except IdentityError as error:
        subject = made.subject.rfc4514_string()
        who = f"CA {subject}" if error.reason == "signing-certificate" else f"- ({error.reason})"
    return {
        "who": who,
        "issuer": made.issuer.rfc4514_string(),
        "serial": f"{made.serial_number:x}",
        "not_before": made.not_valid_before_utc.isoformat(),
        "not_after": made.not_valid_after_utc.isoformat(),
        "thumbprint": thumbprint(made),
    }


def _asked(made: x509.CertificateSigningRequest) -> str:
    """Every name that a request asks for; a CA's has its subject alone."""
    try:
        san = made.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return f"CA {made.subject.rfc4514_string()}"
    except (ValueError, x509.DuplicateExtension, x509.UnsupportedGeneralNameType):
        return "-"
    return " ".join(str(name.value) for name in san)


def _number(made: x509.CertificateRevocationList) -> int | None:
    try:
        return made.extensions.get_extension_for_class(x509.CRLNumber).value.crl_number
    except (ValueError, x509.ExtensionNotFound):
        return None
