"""封筒: whatever comes, an envelope opens only if it is the one that was sealed."""

from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key

from jukinet_daemon.wire.envelope import PARCEL_TYPE, SignatureFault, SigningKey, VerifyingKey, seal, unseal

from .target import Target, only

_KEY = generate_private_key(SECP256R1())
_PRINT = "W4jVtVYAUKzv2MhLWeB0UQmPy4gpuOAZwHw0ehcOXG8"
_VERIFYING = VerifyingKey.of(_KEY.public_key(), _PRINT)
_PAYLOAD = '{"name":"髙島"}'.encode()
_SEALED = seal(_PAYLOAD, PARCEL_TYPE, SigningKey.of(_KEY, _PRINT))


def _run(data: bytes) -> None:
    opened = only(lambda: unseal(data.decode("utf-8", "replace"), PARCEL_TYPE, _VERIFYING), SignatureFault)
    assert opened in (None, _PAYLOAD), "a signature was taken that nobody made"


TARGET = Target(
    "envelope",
    _run,
    (
        _SEALED.encode(),
        b"..",
        b"e30.e30.e30",
        b"bnVsbA.e30.e30",
        b"W10.e30.e30",
        b"eyJhbGciOiJub25lIn0.e30.",
        b"OTk5.e30.",
        ("髙" * 9).encode(),
    ),
)
