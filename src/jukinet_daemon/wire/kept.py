"""保存の形: a signed parcel as bytes to be kept, made small where that pays."""

import zlib

from jukinet_daemon.wire.envelope import MAX_SIGNED_BYTES

# Bytes. For one notice, setting up the compressor takes longer than signing the reply to it.
_WORTH_COMPRESSING = 4096
_SIGNED_BEGINS = b"ey"


def kept_form(signed: str) -> bytes:
    """The bytes to keep of a compact JWS."""
    plain = signed.encode("ascii")
    # Plain only what shows that it is: the JSON of a header may also begin with white space.
    as_it_is = len(plain) < _WORTH_COMPRESSING and plain.startswith(_SIGNED_BEGINS)
    return plain if as_it_is else zlib.compress(plain, level=1)


class KeptFault(ValueError):
    """Bytes are not the kept form of anything that was signed."""


def signed_again(kept: bytes) -> str:
    """The compact JWS of which `kept` is the kept form, word for word. Raises KeptFault."""
    # The base64url of `{"` begins so; a compressed stream begins with 0x78 (RFC 1950 2.2).
    plain = kept if kept.startswith(_SIGNED_BEGINS) else _unpacked(kept)
    if not plain.isascii():
        raise KeptFault("not a kept parcel")
    return plain.decode("ascii")


def _unpacked(kept: bytes) -> bytes:
    packed = zlib.decompressobj()
    try:
        plain = packed.decompress(kept, MAX_SIGNED_BYTES + 1)
    except zlib.error:
        raise KeptFault("not a kept parcel") from None
    if not packed.eof or packed.unused_data:
        raise KeptFault("not a kept parcel, whole")
    return plain
