"""部品の差替え: what the runs replace in the server, and nothing else: the store, the line, the signature."""

import logging
from collections.abc import Iterator
from typing import Any

import pytest
import structlog

from deterministic.file import ModelOutbox


def _unsigned(payload: bytes, _kind: str, _key: Any) -> str:
    return payload.decode()


@pytest.fixture(autouse=True)
def models(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The relay opens the model's outbox and calls the model's national server; signing takes no part."""
    monkeypatch.setattr("jukinet_daemon.loops.relay.Outbox", ModelOutbox)
    monkeypatch.setattr("jukinet_daemon.loops.relay.call", lambda _url, caller: caller.context.call())
    monkeypatch.setattr("jukinet_daemon.service.relay.seal", _unsigned)
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    yield
    structlog.reset_defaults()
