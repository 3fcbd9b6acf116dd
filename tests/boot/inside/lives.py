"""生死: a process that hangs, grows, restarts, is updated; a machine that comes back; a package that goes."""

import os
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from .closed import every_unit_is_active
from .machine import REGISTERS, UNITS, Unseen, active, group, inside_group, pid, prop, sh, sql, wait
from .works import send

KNOCK = "/srv/boot/inside/knock.py"
SEND = "from inside.works import send; print(len(send('juki', '{}')))"
FORKS = """
import os, time
made = 0
try:
    while made < 200:
        if not os.fork():
            time.sleep(8)
            os._exit(0)
        made += 1
except OSError:
    pass
print(made)
"""


def _replaced(unit: str, old: int) -> bool:
    return active(unit) and pid(unit) not in (0, old)


def a_halted_process_is_replaced() -> str:
    """The watchdog kills a halted process and starts another."""
    took = {}
    for unit in ("jukinet-notices@juki", "jukinet-relay@juki"):
        old = pid(unit)
        os.kill(old, signal.SIGSTOP)
        took[unit] = wait(partial(_replaced, unit, old), 120, f"{unit} replaced")
    return ", ".join(f"{unit} after {seconds:.0f} s" for unit, seconds in took.items())


def limits_hold() -> str:
    """MemoryMax and TasksMax hold, and the unit comes back."""
    unit = "jukinet-relay@juki"
    folder = group(f"{unit}.service")
    if not (folder / "memory.max").exists():
        raise Unseen("the controllers are not in this control group: make boot MACHINE=qemu")
    assert (folder / "memory.max").read_text().strip() == str(512 << 20)
    assert (folder / "memory.swap.max").read_text().strip() == "0"
    assert (folder / "pids.max").read_text().strip() == "64"
    held = int(inside_group(f"{unit}.service", FORKS, 120).split()[0])
    assert held < 64, held
    grown = inside_group(f"{unit}.service", "x = bytearray(700 << 20); print('grew')", 120)
    assert "grew" not in grown, grown
    assert "exit -9" in grown, grown
    wait(lambda: active(unit), 120, f"{unit} active again")
    return f"{held} tasks could be added to 64; 700 MB in 512 MB: killed"


@contextmanager
def _knocking(seen: dict[str, int]) -> Iterator[None]:
    """Somebody outside calls the port again and again, and counts who was refused."""
    words = ("ip", "netns", "exec", "outside", "python3", KNOCK, "10.40.0.1", "7443")
    process = subprocess.Popen(words, stdout=subprocess.PIPE, text=True)
    try:
        yield
    finally:
        process.send_signal(signal.SIGTERM)
        came, refused = (int(word) for word in process.communicate(timeout=60)[0].split())
        seen |= {"came": came, "refused": refused}


def _under_load(name: str, harm: str, times: int) -> str:
    seen: dict[str, int] = {}
    before = int(sql("juki", "SELECT count(*) FROM inbox"))
    with _knocking(seen):
        sender = subprocess.Popen(("python3", "-c", SEND.format(name)), stdout=subprocess.PIPE, text=True)
        for _ in range(times):
            sh(harm)
            time.sleep(0.5)
        answered = int(sender.communicate(timeout=600)[0])
    stored = int(sql("juki", "SELECT count(*) FROM inbox")) - before
    lines = len(Path(f"/root/world/{name}.notices").read_text("utf-8").splitlines())
    assert answered == stored == lines, (answered, stored, lines)
    assert not seen["refused"], seen
    return f"{stored} notices, each once; {seen['came']} calls, 0 refused"


def a_restart_refuses_nobody() -> str:
    """Three restarts under load refuse nobody."""
    return _under_load("restart", "systemctl restart jukinet-notices@juki.service", 3)


def an_update_loses_nothing() -> str:
    """An update under load migrates before the new program starts and keeps everything."""
    before = {unit: pid(unit) for unit in UNITS}
    told = _under_load("update", "apt-get install -qq -y /srv/boot/next.deb", 1)
    kept = [unit for unit in UNITS if pid(unit) == before[unit]]
    assert not kept, f"not taken over by the new program: {kept}"
    for register in REGISTERS:
        applied = float(
            sql(register, "SELECT extract(epoch FROM applied_at) FROM schema_migration WHERE version = 9000")
        )
        for unit in (unit for unit in UNITS if unit.endswith(register)):
            started = prop(f"{unit}.service", "ExecMainStartTimestamp")
            assert float(sh(f"date -d '{started}' +%s")) + 1 >= applied, (unit, started, applied)
    return told


def the_database_may_restart() -> str:
    """PostgreSQL restarts and every unit works on."""
    sh("systemctl restart postgresql@15-main")
    wait(lambda: "true" in sh("curl -s http://127.0.0.1:7080/readyz", failing=True), 90, "ready again")
    return every_unit_is_active()


def everything_comes_back() -> str:
    """After a reboot of the machine all is up, and a repeat gets its first answer."""
    told = every_unit_is_active()
    answers = send("juki", "juki")
    assert [(a["outcome"], a["repeated"]) for a in answers] == [("ACCEPTED", True)], answers
    return told


def what_is_purged() -> str:
    """Purging stops everything and takes the program away; keys and data stay."""
    sh("apt-get purge -qq -y jukinet-daemon")
    running = sh("systemctl list-units --plain --no-legend 'jukinet*'").strip()
    assert not running, running
    left = [
        path
        for path in ("/usr/lib/jukinet", "/usr/bin/jukinetd", "/etc/jukinet/juki.toml")
        if Path(path).exists()
    ]
    left += [str(path) for path in Path("/etc/systemd/system").glob("*.wants/jukinet*")]
    left += sh("ss -Hltn 'sport >= :7443 and sport <= :7446'").splitlines()
    assert not left, left
    assert Path("/etc/jukinet/keys/juki.keyring.cred").exists()
    assert int(sql("juki", "SELECT count(*) FROM inbox")) > 1
    return "no unit, port, program or configuration left; keys and databases stay"


CHECKS = (
    a_halted_process_is_replaced,
    limits_hold,
    a_restart_refuses_nobody,
    the_database_may_restart,
    an_update_loses_nothing,
)
