"""期限: what of a CA ends soon or has ended: its certificates, itself, its CRL (更新の暦)."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from cryptography import x509

from .authority import CERTIFICATE, CRL
from .book import Book, load_book
from .files import load_certificate, load_crls

# The calendar of docs/operator/pki.md: certificates 60 days before their end; a CA in the last fifth of its
# life, for what it issues may not outlast it; a list after the first fifth, one of 35 days so every week.
SOON_DAYS = 60
_LAST_FIFTH = 0.2
_FIRST_FIFTH_OVER = 0.8


@dataclass(frozen=True, slots=True)
class Ending:
    """Something that ends: its serial or number, whose it is, and when; None for a CRL that never was."""

    serial: str
    who: str
    not_after: datetime | None


def endings(folder: Path, days: int | None, now: datetime) -> list[Ending]:
    """What of the CA in a folder has ended or ends soon: by the calendar, or all of it within so many days.

    Raises PkiFileError.
    """
    certificate = load_certificate(folder / CERTIFICATE)
    crls = load_crls(folder / CRL) if (folder / CRL).exists() else ()
    return [
        *_of_ca(certificate, _days(days), now),
        *(_of_crl(crls[0], _days(days), now) if crls else [Ending("-", _crl_of(certificate), None)]),
        *_of_book(load_book(folder), _days(days) or timedelta(days=SOON_DAYS), now),
    ]


def _days(days: int | None) -> timedelta | None:
    return None if days is None else timedelta(days=days)


def _of_ca(certificate: x509.Certificate, within: timedelta | None, now: datetime) -> Iterator[Ending]:
    end = certificate.not_valid_after_utc
    if within is None:
        within = (end - certificate.not_valid_before_utc) * _LAST_FIFTH
    if end <= now + within:
        name = certificate.subject.rfc4514_string()
        yield Ending(f"{certificate.serial_number:x}", f"CA {name}", end)


def _of_crl(crl: x509.CertificateRevocationList, within: timedelta | None, now: datetime) -> Iterator[Ending]:
    end = crl.next_update_utc
    if within is None and end:
        within = min((end - crl.last_update_utc) * _FIRST_FIFTH_OVER, timedelta(days=SOON_DAYS))
    if end is None or within is None or end <= now + within:
        number = crl.extensions.get_extension_for_class(x509.CRLNumber).value.crl_number
        yield Ending(str(number), _crl_of(crl), end)


def _of_book(book: Book, within: timedelta, now: datetime) -> Iterator[Ending]:
    for entry in book.entries:
        end = datetime.fromisoformat(entry.not_after)
        # What has ended and was renewed needs nobody.
        renewed = end < now and book.in_use(entry.who, now)
        if not entry.revoked_at and not renewed and end <= now + within:
            yield Ending(entry.serial, entry.who, end)


def _crl_of(made: x509.Certificate | x509.CertificateRevocationList) -> str:
    name = made.subject if isinstance(made, x509.Certificate) else made.issuer
    return f"CRL {name.rfc4514_string()}"
