"""引渡しの封: a file sealed with a password, in the age format (C2SP age.md), written piece by piece.

Any program that reads age opens it (`age -d`): an office needs nothing of ours.
"""

import hashlib
import hmac
import os
from base64 import b64decode, b64encode
from collections.abc import Iterable, Iterator

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

_VERSION = b"age-encryption.org/v1"
_LABEL = b"age-encryption.org/v1/scrypt"
# 2^16 rounds: 64 MiB and a fifth of a second here, for who opens it and for who guesses.
WORK = 16
_MOST_WORK = 20
# How long a password is: shorter ones are guessed.
LEAST_PASSWORD, MOST_PASSWORD = 12, 200
_FILE_KEY_BYTES = 16
_SALT_BYTES = 16
_CHUNK_BYTES = 64 * 1024
_TAG_BYTES = 16


class AgeFault(ValueError):
    """A file is not one of these, was damaged or cut off, or the password is another."""


class AgeWriter:
    """Seals a stream: `begin` first, then `add` as often as there is something, `finish` last."""

    def __init__(self, password: str) -> None:
        self._file_key = os.urandom(_FILE_KEY_BYTES)
        self._nonce = os.urandom(_SALT_BYTES)
        self._password = password
        self._chunks = _Chunks(self._file_key, self._nonce)
        self._pending = b""

    def begin(self) -> bytes:
        """The header."""
        salt = os.urandom(_SALT_BYTES)
        wrapped = ChaCha20Poly1305(_wrap_key(self._password, salt, WORK)).encrypt(
            bytes(12), self._file_key, None
        )
        head = b"%s\n-> scrypt %s %d\n%s\n---" % (_VERSION, _b64(salt), WORK, _b64(wrapped))
        return head + b" " + _b64(_mac(self._file_key, head)) + b"\n" + self._nonce

    def add(self, data: bytes) -> bytes:
        """Seals more; gives what is ready, which may be nothing yet."""
        self._pending += data
        ready = []
        while len(self._pending) > _CHUNK_BYTES:
            ready.append(self._chunks.seal(self._pending[:_CHUNK_BYTES], last=False))
            self._pending = self._pending[_CHUNK_BYTES:]
        return b"".join(ready)

    def finish(self) -> bytes:
        """The last piece; a file without it does not open to its end."""
        return self._chunks.seal(self._pending, last=True)


def open_age(pieces: Iterable[bytes], password: str) -> Iterator[bytes]:
    """Opens a sealed stream piece by piece. Raises AgeFault, also after some pieces for a cut-off file."""
    source = _Source(pieces)
    file_key = _file_key(source, password)
    chunks = _Chunks(file_key, source.take(_SALT_BYTES))
    size = _CHUNK_BYTES + _TAG_BYTES
    while True:
        chunk = source.take(size, exactly=False)
        last = source.ended
        yield chunks.open(chunk, last=last)
        if last:
            return


class _Chunks:
    """STREAM: each chunk under a nonce of its number and of whether it is the last."""

    def __init__(self, file_key: bytes, nonce: bytes) -> None:
        self._cipher = ChaCha20Poly1305(_derived(file_key, nonce, b"payload"))
        self._number = 0

    def seal(self, data: bytes, *, last: bool) -> bytes:
        return self._cipher.encrypt(self._next(last=last), data, None)

    def open(self, chunk: bytes, *, last: bool) -> bytes:
        try:
            return self._cipher.decrypt(self._next(last=last), chunk, None)
        except (InvalidTag, ValueError):
            raise AgeFault("壊れているか、切れている / the file was damaged or cut off") from None

    def _next(self, *, last: bool) -> bytes:
        number, self._number = self._number, self._number + 1
        return number.to_bytes(11, "big") + bytes([last])


class _Source:
    """Bytes from pieces, with a look ahead: whether anything follows."""

    def __init__(self, pieces: Iterable[bytes]) -> None:
        self._pieces = iter(pieces)
        self._held = b""

    @property
    def ended(self) -> bool:
        return not self._fill(1)

    def take(self, size: int, *, exactly: bool = True) -> bytes:
        self._fill(size)
        taken, self._held = self._held[:size], self._held[size:]
        if exactly and len(taken) < size:
            raise AgeFault("途中で切れている / the file was cut off")
        return taken

    def line(self, longest: int = 100) -> bytes:
        self._fill(longest)
        line, newline, _rest = self._held[:longest].partition(b"\n")
        if not newline:
            raise AgeFault("age のファイルでない / not an age file")
        self._held = self._held[len(line) + 1 :]
        return line

    def _fill(self, size: int) -> bool:
        while len(self._held) < size:
            piece = next(self._pieces, None)
            if piece is None:
                return False
            self._held += piece
        return True


def _file_key(source: _Source, password: str) -> bytes:
    version, stanza, body, end = (source.line() for _ in range(4))
    words = stanza.split(b" ")
    if version != _VERSION or words[:2] != [b"->", b"scrypt"] or len(words) != 4:
        raise AgeFault("合言葉で開く age のファイルでない / not an age file that a password opens")
    salt, work, wrapped = _plain(words[2]), words[3], _plain(body)
    if not work.isdigit() or int(work) > _MOST_WORK:
        raise AgeFault("合言葉で開く age のファイルでない / not an age file that a password opens")
    try:
        file_key = ChaCha20Poly1305(_wrap_key(password, salt, int(work))).decrypt(bytes(12), wrapped, None)
    except (InvalidTag, ValueError):
        raise AgeFault("合言葉が違う / the password is another") from None
    head = b"\n".join((version, stanza, body, b"---"))
    if end.split(b" ")[0] != b"---" or not hmac.compare_digest(end[4:], _b64(_mac(file_key, head))):
        raise AgeFault("壊れている / the file was damaged")
    return file_key


def _wrap_key(password: str, salt: bytes, work: int) -> bytes:
    return hashlib.scrypt(
        password.encode(), salt=_LABEL + salt, n=1 << work, r=8, p=1, dklen=32, maxmem=2 << (work + 10)
    )


def _mac(file_key: bytes, head: bytes) -> bytes:
    return hmac.digest(_derived(file_key, b"", b"header"), head, hashlib.sha256)


def _derived(file_key: bytes, salt: bytes, info: bytes) -> bytes:
    return HKDF(SHA256(), length=32, salt=salt or None, info=info).derive(file_key)


def _b64(data: bytes) -> bytes:
    return b64encode(data).rstrip(b"=")


def _plain(text: bytes) -> bytes:
    try:
        return b64decode(text + b"=" * (-len(text) % 4), validate=True)
    except ValueError:
        raise AgeFault("age のファイルでない / not an age file") from None
