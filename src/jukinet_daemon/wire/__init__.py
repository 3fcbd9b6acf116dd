"""電文: bytes to domain values and back; strict, frozen, nothing unknown passes (docs/protocol.md)."""
