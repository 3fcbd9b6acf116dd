"""守り: what a process of each unit is, holds, may read and may reach."""

import re
import subprocess
from functools import partial
from pathlib import Path

from .machine import DOORS, NO_NETWORK, REGISTERS, UNITS, active, inside_group, pid, prop, sh, status, wait

KEYS = {
    "notices": "keyring tls-key",
    "relay": "keyring tls-key",
    "host": "keyring",
    "bridge": "keyring tls-key",
    "seal": "ledger-key",
}
OTHER_PROGRAMS = ("/bin/sh", "/usr/bin/curl", "/usr/bin/sudo", "/usr/lib/systemd/systemd")
# Where systemd hands mounts in, what ip-netns mounts, and the kernel's own trees: no unit can write there.
MAY_RUN = (
    "/usr/bin/python3",
    "/usr/bin/jukinet",
    "/usr/lib",
    "/run/systemd/incoming",
    "/run/netns/",
    "/sys/",
)
CALL = "import socket; s = socket.create_connection(('{}', {}), 4); print('reached')"


def every_unit_is_active() -> str:
    """Every service and socket of both registers is active."""
    for unit in UNITS:
        wait(partial(active, unit), 60, f"{unit} active")
    sockets = [
        f"jukinet-{name}@{r}.socket" for r in REGISTERS for name in ("notices", "bridge", "health", "control")
    ]
    states = {unit: prop(unit, "ActiveState") for unit in (*sockets, "jukinet-migrate@juki.service")}
    assert set(states.values()) == {"active"}, states
    failed = sh("systemctl list-units --failed --plain --no-legend 'jukinet*'").strip()
    assert not failed, failed
    restarts = {unit: n for unit in UNITS if (n := prop(f"{unit}.service", "NRestarts")) != "0"}
    return f"{len(UNITS)} services, {len(sockets)} sockets; restarted meanwhile: {restarts or 'none'}"


def a_process_is_what_its_unit_says() -> str:
    """Account, capabilities, seccomp, namespaces, limits of each process."""
    for unit in UNITS:
        process, door = pid(unit), unit.split("-")[1].split("@")[0]
        told, register = status(process), unit.split("@")[1]
        uid = sh(f"id -u jukinet-{door}-{register}").strip()
        assert set(told["Uid"].split()) == {uid}, (unit, told["Uid"])
        for name in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"):
            assert int(told[name], 16) == 0, (unit, name, told[name])
        assert (told["NoNewPrivs"], told["Seccomp"]) == ("1", "2"), unit
        apart = {
            name
            for name in ("mnt", "user", "net", "pid")
            if Path(f"/proc/{process}/ns/{name}").readlink() != Path(f"/proc/1/ns/{name}").readlink()
        }
        assert apart == {"mnt", "user"} | ({"net"} if door in NO_NETWORK else set()), (unit, apart)
        mounts = Path(f"/proc/{process}/mountinfo").read_text("utf-8").splitlines()
        root = [line.split()[5] for line in mounts if line.split()[4] == "/"]
        assert root[-1].split(",")[0] == "ro", (unit, root)
        limits = Path(f"/proc/{process}/limits").read_text("utf-8")
        for name, most in (("core file size", 0), ("open files", 8192)):
            assert re.search(rf"^Max {name} +{most} +{most} ", limits, re.MULTILINE), (unit, name)
    return f"{len(UNITS)} processes: own uid, no capability, filter on, root read-only"


def only_our_programs_run() -> str:
    """NoExecPaths: in a unit's file system Python runs, and no shell, no tool, nothing it writes."""
    copied = "import os, shutil; shutil.copy('/usr/bin/python3', '{0}'); os.execv('{0}', ['x', '-c', ''])"
    loader = next(Path("/lib64").glob("ld-linux*"))
    refused = {f"{program} --version": "Permission denied" for program in OTHER_PROGRAMS}
    refused[f"{loader} /bin/sh -c true"] = "failed to map segment"
    for unit in UNITS:
        # In the unit's file system alone: what is refused there is refused to root too.
        beside = f"nsenter -t {pid(unit)} -m"
        sh(f"{beside} python3 -I -c 'import ssl, ctypes'")
        places = ["/tmp/x", "/dev/shm/x"] + ["/run/jukinet-bridge-fuhyo/x"] * (unit == "jukinet-bridge@fuhyo")
        copies = {f'python3 -I -c "{copied.format(place)}"': "Permission denied" for place in places}
        for command, why in (refused | copies).items():
            told = sh(f"{beside} {command} 2>&1", failing=True)
            assert why in told, (unit, command, told[-200:])
        mounts = Path(f"/proc/{pid(unit)}/mountinfo").read_text("utf-8").splitlines()
        last = {line.split()[4]: line.split()[5].split(",") for line in mounts}
        runs = {path for path, options in last.items() if "noexec" not in options}
        assert not {path for path in runs if not path.startswith(MAY_RUN)}, (unit, runs)
        assert prop(f"{unit}.service", "MemorySwapMax") == "0"
    return f"{len(UNITS)} units: {', '.join(OTHER_PROGRAMS)}, copies of Python: refused"


def credentials_are_handed_over() -> str:
    """LoadCredential hands each unit its keys and no other; no account reads a key file."""
    tried = 0
    for unit in UNITS:
        door, register = unit.removeprefix("jukinet-").split("@")
        folder = Path(f"/run/credentials/{unit}.service")
        assert " ".join(sorted(path.name for path in folder.iterdir())) == KEYS[door], unit
        others = [Path(f"/run/credentials/{other}.service") / "keyring" for other in UNITS if other != unit]
        for path in (*Path("/etc/jukinet/keys").iterdir(), *others):
            user = f"jukinet-{door}-{register}"
            words = ("setpriv", f"--reuid={user}", "--clear-groups", f"--regid={user}", "cat", path)
            assert subprocess.run(words, capture_output=True, check=False).returncode != 0, (unit, path)
            tried += 1
    return f"{tried} reads by the {len(UNITS)} accounts refused"


def _outside(address: str, port: int) -> str:
    program = CALL.format(address, port)
    return sh(f'ip netns exec outside python3 -c "{program}" 2>&1', failing=True).strip()


def no_process_is_an_operator() -> str:
    """The operators' socket is out of sight for every unit, whatever group its process has."""
    program = (
        "import os, socket; os.setgroups([]); os.setgid({}); os.setuid({});"
        " socket.socket(socket.AF_UNIX).connect('/run/jukinet/{}.sock'); print('reached')"
    )
    gid = sh("getent group jukinet").split(":")[2]
    for unit in UNITS:
        process = pid(unit)
        uid = status(process)["Uid"].split()[0]
        for register in REGISTERS:
            call = f'python3 -I -c "{program.format(gid, uid, register)}" 2>&1'
            assert "reached" in sh(call, failing=True), "an operator would be let in"
            told = sh(f"nsenter -t {process} -m {call}", failing=True)
            assert "PermissionError" in told or "FileNotFoundError" in told, (unit, told[-200:])
    return f"{len(UNITS) * len(REGISTERS)} calls, each with the operators' group: refused"


def strangers_are_dropped() -> str:
    """IPAddressAllow of the sockets: a municipality's line comes in, a stranger does not."""
    for port in (7443, 7444):
        assert _outside("10.40.0.1", port) == "reached", port
        told = _outside("10.99.0.1", port)
        assert "TimeoutError" in told, (port, told[-200:])
    for port in (7445, 7446, 7080):
        assert "reached" not in _outside("10.40.0.1", port), port
    return "10.40.0.10 reaches 7443, 7444; 10.99.0.10 waits in vain; nobody reaches 7445, 7446, 7080"


def the_relay_calls_nobody_else() -> str:
    """IPAddressAllow of the relay and the bridge: the national server and no other address."""

    def can(unit: str, address: str) -> bool:
        return "reached" in inside_group(f"{unit}.service", CALL.format(address, 7543))

    # Somebody listens at both addresses, or the refusal would prove nothing.
    sh(
        "systemd-run -q --unit=listener -p NetworkNamespacePath=/run/netns/outside"
        " python3 -m http.server -b 192.0.2.66 7543"
    )
    wait(lambda: "192.0.2.66:7543" in sh("ip netns exec outside ss -ltn"), 60, "a listener")
    sh(f'python3 -c "{CALL.format("192.0.2.66", 7543)}"')
    seen = {
        (u, a): can(f"jukinet-{u}@juki", a) for u in ("relay", "bridge") for a in ("192.0.2.10", "192.0.2.66")
    }
    assert seen == {k: k == ("relay", "192.0.2.10") for k in seen}, seen
    # Somebody listens on this host too: the health port.
    here = {
        u: inside_group(f"jukinet-{u}@juki.service", CALL.format("127.0.0.1", 7080))
        for u in ("relay", "bridge")
    }
    assert "reached" in here["bridge"], here
    assert "reached" not in here["relay"], here
    return "relay: 192.0.2.10 reached, 192.0.2.66 and this host refused; bridge: this host alone"


def the_doors_have_no_network() -> str:
    """Notices, host and seal cannot open a connection."""
    for register in REGISTERS:
        for door in NO_NETWORK:
            process = pid(f"jukinet-{door}@{register}")
            for address in ("192.0.2.10", "10.40.0.10", "127.0.0.1"):
                program = CALL.format(address, 7543)
                told = sh(f'nsenter -t {process} -n python3 -c "{program}" 2>&1', failing=True)
                assert "unreachable" in told or "refused" in told, (door, address, told[-200:])
            links = sh(f"nsenter -t {process} -n ip -o link").splitlines()
            assert len(links) == 1, links
    return f"{len(NO_NETWORK) * len(REGISTERS)} processes: loopback of their own and nothing else"


CHECKS = (
    every_unit_is_active,
    a_process_is_what_its_unit_says,
    only_our_programs_run,
    credentials_are_handed_over,
    no_process_is_an_operator,
    strangers_are_dropped,
    the_relay_calls_nobody_else,
    the_doors_have_no_network,
)
assert set(KEYS) == set(DOORS)
