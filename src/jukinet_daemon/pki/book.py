"""発行簿: what a CA has issued and revoked, one JSON file; nothing is issued before it stands there."""

import json
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime
from fcntl import LOCK_EX, LOCK_NB, flock
from pathlib import Path
from typing import Annotated

from cryptography import x509
from pydantic import AfterValidator, ConfigDict, Field, TypeAdapter, ValidationError, with_config

from jukinet_daemon.durable import flush_folder

from .files import PkiFileError, told_by_system
from .peer import thumbprint

FILE = "book.json"
_PRIVATE = 0o600


def _moment(text: str) -> str:
    if datetime.fromisoformat(text).tzinfo is None:
        raise ValueError("without an offset")
    return text


def _reason(text: str) -> str:
    if text not in x509.ReasonFlags.__members__:
        raise ValueError("no reason of RFC 5280")
    return text


Serial = Annotated[str, Field(pattern=r"^[0-9a-f]{1,40}$")]
Moment = Annotated[str, AfterValidator(_moment)]
Reason = Annotated[str, AfterValidator(_reason)]
_STRICT = ConfigDict(strict=True, extra="forbid", hide_input_in_errors=True)


@with_config(_STRICT)
@dataclass(frozen=True, slots=True)
class Entry:
    """One certificate: `who` is the URI of its identity, or the name of a CA. Times in ISO 8601, UTC."""

    serial: Serial
    who: str
    not_before: Moment
    not_after: Moment
    thumbprint: str
    revoked_at: Moment | None = None
    reason: Reason | None = None

    @property
    def number(self) -> int:
        """The serial as it stands in the certificate."""
        return int(self.serial, 16)


@with_config(_STRICT)
@dataclass(frozen=True, slots=True)
class Book:
    """All entries of a CA in the order of issue, and the number of its last CRL."""

    trust_domain: str
    crl_number: Annotated[int, Field(ge=0)] = 0
    entries: tuple[Entry, ...] = field(default=())

    def with_certificate(self, who: str, certificate: x509.Certificate) -> "Book":
        """The book with one more certificate."""
        entry = Entry(
            f"{certificate.serial_number:x}",
            who,
            certificate.not_valid_before_utc.isoformat(),
            certificate.not_valid_after_utc.isoformat(),
            thumbprint(certificate),
        )
        return replace(self, entries=(*self.entries, entry))

    def with_revoked(self, serial: str, reason: str, now: datetime) -> "Book":
        """The book with a certificate revoked. Raises ValueError if it is not there or is revoked already."""
        found = self.find(serial)
        if found is None:
            raise ValueError(
                f"{serial}: この認証局は発行していない / this CA has issued no certificate of it"
            )
        if found.revoked_at:
            raise ValueError(f"{serial}: もう失効している / is revoked already")
        changed = replace(found, revoked_at=now.isoformat(timespec="seconds"), reason=reason)
        return replace(self, entries=tuple(changed if e is found else e for e in self.entries))

    def find(self, serial: str) -> Entry | None:
        """The entry of a serial."""
        return next((entry for entry in self.entries if entry.serial == serial), None)

    def in_use(self, who: str, now: datetime) -> tuple[Entry, ...]:
        """The certificates of somebody that are neither revoked nor past their end."""
        return tuple(
            entry
            for entry in self.entries
            if entry.who == who and not entry.revoked_at and datetime.fromisoformat(entry.not_after) >= now
        )

    def revoked(self) -> dict[int, datetime]:
        """What a CRL must list: every revoked serial with its date. One that has ended stays listed."""
        return {
            entry.number: datetime.fromisoformat(entry.revoked_at)
            for entry in self.entries
            if entry.revoked_at
        }

    def reasons(self) -> dict[int, x509.ReasonFlags]:
        """Why each was revoked; "unspecified" is left out, as RFC 5280 5.3.1 has it."""
        return {
            entry.number: x509.ReasonFlags[entry.reason]
            for entry in self.entries
            if entry.reason and entry.reason != "unspecified"
        }


_BOOK = TypeAdapter(Book)


def load_book(folder: Path) -> Book:
    """The book of a CA. Raises PkiFileError."""
    path = folder / FILE
    try:
        return _BOOK.validate_json(path.read_bytes())
    except OSError as error:
        raise PkiFileError(path, told_by_system(error)) from error
    except ValidationError:
        raise PkiFileError(path, "発行簿でない / is not a book of certificates") from None


def save_book(folder: Path, book: Book) -> None:
    """Writes the book whole and durably: after a crash it is the old or the new. Raises PkiFileError."""
    path = folder / FILE
    draft = folder / f".{FILE}.{secrets.token_hex(8)}"
    data = json.dumps(asdict(book), ensure_ascii=False, indent=1).encode()
    try:
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _PRIVATE)
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(descriptor)
        draft.replace(path)
        flush_folder(folder)
    except OSError as error:
        draft.unlink(missing_ok=True)
        raise PkiFileError(path, told_by_system(error)) from error


@contextmanager
def only_writer(folder: Path) -> Iterator[None]:
    """Lets one command at a time change a CA's folder. Raises PkiFileError."""
    try:
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    except OSError as error:
        raise PkiFileError(folder, told_by_system(error)) from error
    try:
        flock(descriptor, LOCK_EX | LOCK_NB)
        yield
    except BlockingIOError as error:
        raise PkiFileError(
            folder, "別のコマンドが使っている / is being worked on by another command"
        ) from error
    finally:
        os.close(descriptor)
