"""仕事: a notice's whole way, what operators see, what the journal holds, the kernel's log."""

import json
import re
import socket
from functools import partial
from pathlib import Path

from .machine import REGISTERS, UNITS, Unseen, active, pid, prop, sh, sql, wait

SEND = (
    "ip netns exec outside env PYTHONPATH=/usr/lib/jukinet python3 -m jukinet_daemon.cli.jukinet_sim "
    "send --folder /root/world --register {} --as 401307 --json /root/world/{}.notices"
)
RECEIPTED = "SELECT count(*) FROM outbox WHERE receipt_id IS NOT NULL"


def send(register: str, name: str) -> list[dict[str, object]]:
    """Sends a file of notices over a municipality's line; gives the answers."""
    return [json.loads(line) for line in sh(SEND.format(register, name), 600).splitlines()]


def a_first_connection_starts_the_service() -> str:
    """A socket starts its stopped service on the first connection."""
    for register, port in zip(REGISTERS, (7443, 7444), strict=True):
        unit = f"jukinet-notices@{register}"
        sh(f"systemctl stop {unit}.service")
        assert prop(f"{unit}.socket", "ActiveState") == "active"
        with socket.create_connection(("127.0.0.1", port), 10):
            wait(partial(active, unit), 90, f"{unit} by its socket")
    return "notices of both registers"


def _receipted(register: str) -> bool:
    return sql(register, RECEIPTED) == "1"


def a_notice_reaches_the_national_server() -> str:
    """A notice comes in by the door, is relayed, its receipt stored."""
    for register in REGISTERS:
        answers = send(register, register)
        assert [answer["outcome"] for answer in answers] == ["ACCEPTED"], answers
        wait(partial(_receipted, register), 60, f"receipt of {register}")
        assert Path(f"/root/world/national-{register}.ndjson").read_text("utf-8").count("\n") == 1
    return "juki and fuhyo: accepted, at the national server, receipt in the outbox"


def operators_are_told() -> str:
    """status and diagnose work for an operator who is not root."""
    for register in REGISTERS:
        told = sh(f"sudo -u operator1 jukinetctl status --config /etc/jukinet/{register}.toml")
        assert "異常なし" in told, told[-300:]
        told = sh(f"sudo -u operator1 jukinetctl diagnose --config /etc/jukinet/{register}.toml")
        assert "×" not in told, told
    return "status: all is well; diagnose: nothing in the way"


def the_journal_has_one_event_a_line() -> str:
    """journald has one JSON event a line from every unit."""
    lines = sh("journalctl -q -b -o json -u 'jukinet-*@*'").splitlines()
    told = [entry for line in lines if (entry := json.loads(line)).get("_TRANSPORT") == "stdout"]
    own = [entry for entry in told if entry["_SYSTEMD_UNIT"].removesuffix(".service") in UNITS]
    for entry in own:
        event = json.loads(entry["MESSAGE"])
        assert {"event", "level"} <= set(event), entry["MESSAGE"][:200]
    units = {entry["_SYSTEMD_UNIT"] for entry in own}
    assert len(units) == len(UNITS), units
    return f"{len(own)} events of {len(units)} units"


# Calls that glibc tries and goes on without. The kernel's log does not tell which error they got.
_BY_DESIGN = (
    # clone3: systemd's RestrictNamespaces= cannot look into its argument and says that there is no such call.
    re.compile(r"syscall=435 "),
    # socket: looking a name up asks AF_NETLINK for our addresses, which RestrictAddressFamilies= refuses.
    re.compile(r'comm="libuv-worker" .*syscall=41 '),
)


def nothing_was_refused_by_the_filter() -> str:
    """No call was refused by a unit's system call filter."""
    if not Path("/dev/ttyS1").exists():
        raise Unseen("this kernel's log is another machine's: make boot MACHINE=qemu")
    lines = (
        sh("dmesg").splitlines() + sh("journalctl -q -b -o cat _TRANSPORT=audit", failing=True).splitlines()
    )
    refused = sorted(
        {line[line.find("comm=") :][:160] for line in lines if "type=1326" in line or "SECCOMP" in line}
    )
    ours = [line for line in refused if "jukinet" in line or "python" in line]
    ours = [line for line in ours if not any(known.search(line) for known in _BY_DESIGN)]
    assert not ours, ours[:5]
    return f"none of {pid('jukinet-notices@juki')} and the others; {len(refused)} of other programs"


CHECKS = (
    a_first_connection_starts_the_service,
    a_notice_reaches_the_national_server,
    operators_are_told,
    the_journal_has_one_event_a_line,
)
LAST = (nothing_was_refused_by_the_filter,)
