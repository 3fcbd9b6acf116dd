"""記録: structured logs, one JSON event a line on standard error; no event takes a personal value."""

import asyncio
import logging
import sys
from collections.abc import MutableMapping
from types import TracebackType
from typing import Any

import structlog

log = structlog.get_logger()
# ASCII alone: no control, direction or separator of any script acts on whoever reads the log.
_as_json = structlog.processors.JSONRenderer(ensure_ascii=True)


def configure_logs(level: int = logging.INFO) -> None:
    """Sets up structlog for this process."""
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.dict_tracebacks,
            _rendered,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )
    logging.basicConfig(handlers=[_Libraries()], level=logging.WARNING, force=True)
    logging.captureWarnings(capture=True)
    sys.excepthook = _tell_tripped
    sys.unraisablehook = lambda what: _tell_tripped(what.exc_type, what.exc_value, what.exc_traceback)


def _rendered(logger: Any, method: str, event: MutableMapping[str, Any]) -> str | bytes:
    """One line of JSON. At a terminal what has a message for people is that, in plain lines."""
    if "message" not in event or not sys.stderr.isatty():
        return _as_json(logger, method, event)
    told = [f"{event['message']}: {problem}" for problem in event.get("problems") or [event["fault"]]]
    return "\n".join(f"jukinetd: {line}" for line in (*told, event.get("remedy")) if line)


def tell_what_trips(_loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """A loop's exception handler: what trips outside of whatever waits for it, as in a callback."""
    fault = context.get("exception")
    _tell_tripped(type(fault) if fault else None, fault, fault.__traceback__ if fault else None)


def _tell_tripped(
    kind: type[BaseException] | None, _fault: BaseException | None, trace: TracebackType | None
) -> None:
    """By kind and place: a message, a traceback, a callback's arguments may carry a personal value."""
    log.error("program_tripped", fault=kind.__name__ if kind else None, place=_place(trace))


def _place(trace: TracebackType | None) -> str | None:
    if trace is None:
        return None
    while trace.tb_next:
        trace = trace.tb_next
    return f"{trace.tb_frame.f_code.co_qualname}:{trace.tb_lineno}"


class _Libraries(logging.Handler):
    """What libraries log for themselves: that they did, and where; not their words, which may be a peer's."""

    def emit(self, record: logging.LogRecord) -> None:
        """Tells it as an event of ours."""
        kind, _fault, trace = record.exc_info or (None, None, None)
        place = _place(trace) or f"{record.module}:{record.lineno}"
        fault = kind.__name__ if kind else None
        log.warning("library_logged", library=record.name, fault=fault, place=place)
