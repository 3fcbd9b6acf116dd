"""区切り: where one message ends and the next begins, in TLS records and in PostgreSQL's protocol."""

from collections.abc import Iterator
from dataclasses import dataclass

_RECORDS = {20: "ChangeCipherSpec", 21: "Alert", 22: "Handshake", 23: "ApplicationData"}
_TO_SERVER = {
    "P": "Parse", "B": "Bind", "D": "Describe", "E": "Execute", "S": "Sync", "Q": "Query", "X": "Terminate",
    "C": "Close", "H": "Flush", "p": "Password",
}  # fmt: skip
_TO_CLIENT = {
    "R": "Authentication", "S": "ParameterStatus", "K": "BackendKeyData", "Z": "ReadyForQuery",
    "1": "ParseComplete", "2": "BindComplete", "3": "CloseComplete", "n": "NoData", "T": "RowDescription",
    "t": "ParameterDescription", "D": "DataRow", "C": "CommandComplete", "A": "NotificationResponse",
    "N": "NoticeResponse", "E": "ErrorResponse", "I": "EmptyQueryResponse", "s": "PortalSuspended",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Message:
    """One message as it stands on the line, and what it is called."""

    label: str
    data: bytes


class TlsFraming:
    """TLS records. What is in them cannot be seen, nor need it be."""

    peer = ""

    def __init__(self, _to_server: bool) -> None:
        self._held = b""

    def feed(self, data: bytes) -> Iterator[Message]:
        """The whole messages that are there now."""
        self._held += data
        while len(self._held) >= 5 and len(self._held) >= (end := 5 + int.from_bytes(self._held[3:5])):
            record, self._held = self._held[:end], self._held[end:]
            yield Message(_RECORDS.get(record[0], str(record[0])), record)


class PostgresFraming:
    """PostgreSQL's messages, version 3. `peer` is the application name of whoever connected."""

    def __init__(self, to_server: bool) -> None:
        self._labels = _TO_SERVER if to_server else _TO_CLIENT
        self._starting = to_server
        self._held = b""
        self._last = ""
        self.peer = ""

    def feed(self, data: bytes) -> Iterator[Message]:
        """The whole messages that are there now; rows that follow each other count as one."""
        self._held += data
        rows = b""
        while (end := self._end()) is not None:
            message, self._held = self._held[:end], self._held[end:]
            label = self._label(message)
            if label == self._last == "DataRow":
                rows += message
                continue
            if rows:
                yield Message("", rows)
                rows = b""
            self._last = label
            yield Message(label, message)
        if rows:
            yield Message("", rows)

    def _end(self) -> int | None:
        offset = 0 if self._starting else 1
        if len(self._held) < offset + 4:
            return None
        end = offset + int.from_bytes(self._held[offset : offset + 4])
        return end if len(self._held) >= end else None

    def _label(self, message: bytes) -> str:
        if self._starting:
            self._starting = False
            words = message[8:].split(b"\0")
            settings = dict(zip(words[::2], words[1::2], strict=False))
            self.peer = settings.get(b"application_name", b"").decode()
            return "Startup"
        return self._labels.get(chr(message[0]), chr(message[0]))
