"""保存の形: a signed parcel as bytes to be kept, made small where that pays."""

import zlib

# Bytes. For one notice, setting up the compressor takes longer than signing the reply to it.
_WORTH_COMPRESSING = 4096
_SIGNED_BEGINS = b"ey"


def kept_form(signed: str) -> bytes:
    """The bytes to keep of a compact JWS."""
    plain = signed.encode("ascii")
    return plain if len(plain) < _WORTH_COMPRESSING else zlib.compress(plain, level=1)


def signed_again(kept: bytes) -> str:
    """The compact JWS of which `kept` is the kept form, word for word."""
    # A JWS begins with its header's base64url, which no compressed stream does.
    plain = kept if kept.startswith(_SIGNED_BEGINS) else zlib.decompress(kept)
    return plain.decode("ascii")
