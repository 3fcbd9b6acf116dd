"""schemathesis の中で: how a signed text is sent. Loaded by schemathesis, in an environment of its own."""

from typing import Any

import schemathesis


@schemathesis.serializer("application/jose")
def signed_text(_context: Any, value: Any) -> bytes:
    """A text as it is; anything else as its JSON, which is no signed text."""
    return value if isinstance(value, bytes) else str(value).encode("utf-8", "replace")
