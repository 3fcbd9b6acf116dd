"""The settings of an embedded PostgreSQL: nothing acknowledged is lost, nothing personal is logged."""

import os
from collections.abc import Mapping
from types import MappingProxyType

# With millions of people held nearly every notice touches pages that no other touched lately: a cache that
# holds them spares writing them out and reading them in again. Memory counts only once it is used.
_LEAST_MIB, _MOST_MIB = 128, 2048


def _eighth_of_memory() -> str:
    mib = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 2**20
    return f"{min(max(mib // 8, _LEAST_MIB), _MOST_MIB)}MB"


SAFE_SETTINGS: Mapping[str, str] = MappingProxyType(
    {
        # Nothing acknowledged is lost.
        "fsync": "on",
        "full_page_writes": "on",
        "synchronous_commit": "on",
        "wal_compression": "off",
        # Nobody connects but through the socket.
        "listen_addresses": "",
        "unix_socket_permissions": "0700",
        "max_connections": "100",
        "shared_buffers": _eighth_of_memory(),
        # After a checkpoint the first change of a page writes it whole: with millions of people held nearly
        # every change is one. So checkpoints come seldom; recovery after a crash takes a little longer.
        "max_wal_size": "4GB",
        "checkpoint_timeout": "15min",
        # No personal value reaches a log: no statement, no parameter, no DETAIL such as "Key (x)=(...)".
        "log_destination": "stderr",
        "log_min_messages": "warning",
        "log_statement": "none",
        "log_min_error_statement": "panic",
        "log_error_verbosity": "terse",
        "log_parameter_max_length": "0",
        "log_parameter_max_length_on_error": "0",
        "log_line_prefix": "%m [%p] %q%u@%d ",
        "log_timezone": "Asia/Tokyo",
        "timezone": "Asia/Tokyo",
        "datestyle": "ISO, YMD",
        "lc_messages": "C",
        "lc_monetary": "C",
        "lc_numeric": "C",
        "lc_time": "C",
    }
)


def configuration(settings: Mapping[str, str]) -> str:
    """Give the text of a postgresql.conf that holds these settings and no others."""
    return "".join(f"{name} = {_quoted(value)}\n" for name, value in settings.items())


def _quoted(value: str) -> str:
    return "'" + value.replace("\\", "\\\\").replace("'", "''") + "'"
