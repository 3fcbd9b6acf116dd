"""過誤と鍵: a configuration that is wrong, and is mended; secrets that lie on the disk under another key."""

import json
import re
import socket
from functools import partial
from pathlib import Path

from .closed import credentials_are_handed_over, every_unit_is_active
from .machine import active, pid, prop, sh, wait
from .works import send

CONFIG = Path("/etc/jukinet/juki.toml")
UNIT, PORT = "jukinet-notices@juki", 7443
STEPS = Path("/srv/boot/steps")


def _refused() -> bool:
    try:
        socket.create_connection(("127.0.0.1", PORT), 10).close()
    except ConnectionRefusedError:
        return True
    except ConnectionResetError:
        pass  # it came in just before the port closed, and was cut off
    return False


def _told(unit: str) -> list[str]:
    """The failures that the last process of a unit told, each an event of the log."""
    which = prop(f"{unit}.service", "InvocationID")
    lines = sh(f"journalctl -q -o json _SYSTEMD_INVOCATION_ID={which}").splitlines()
    said = [entry["MESSAGE"] for line in lines if (entry := json.loads(line))["_TRANSPORT"] == "stdout"]
    events = ("configuration_wrong", "start_failed")
    return [message for message in said if json.loads(message)["event"] in events]


def a_wrong_configuration_ends_a_unit_once() -> str:
    """A wrong configuration ends its unit at once, tells why, closes the port; mended, it starts again."""
    sound = CONFIG.read_text("utf-8")
    CONFIG.write_text(sound.replace("juki.pem", "nothing.pem"), "utf-8")
    others = {unit: pid(unit) for unit in ("jukinet-relay@juki", "jukinet-notices@fuhyo")}
    try:
        assert "failed" in sh(f"systemctl restart {UNIT}.service 2>&1", failing=True)
        wait(_refused, 30, f"port {PORT} closed")
        # Whoever goes on calling starts nothing.
        assert all(_refused() for _ in range(20))
        names = ("ActiveState", "ExecMainStatus", "NRestarts")
        assert [prop(f"{UNIT}.service", name) for name in names] == ["failed", "78", "0"]
        assert prop(f"{UNIT}.socket", "ActiveState") == "inactive"
        failed = sh("systemctl list-units --failed --plain --no-legend 'jukinet*'").split()
        assert failed[0] == f"{UNIT}.service", failed
        told = _told(UNIT)
        assert sum("nothing.pem" in line for line in told) == 1, told
        assert {unit: pid(unit) for unit in others} == others
    finally:
        CONFIG.write_text(sound, "utf-8")
    sh("systemctl start jukinet@juki.target")
    wait(partial(active, UNIT), 60, f"{UNIT} active")
    answers = send("juki", "juki")
    assert [(a["outcome"], a["repeated"]) for a in answers] == [("ACCEPTED", True)], answers
    every_unit_is_active()
    return "status 78, no second start, port closed, the others went on; " + re.sub(r"\s+", " ", told[0])


def _renewed() -> None:
    """A renewal as install.md has it for encrypted keys, here with the certificate and the key there were."""
    before = pid(UNIT)
    sh("systemd-creds encrypt --name=tls-key /root/given/juki.key /etc/jukinet/keys/juki.key.cred")
    new = "--certificate /root/given/juki.pem --key /root/given/juki.key --key-file /run/juki.key"
    sh(f"jukinetctl renew --config {CONFIG} {new} && rm /run/juki.key")
    wait(lambda: active(UNIT) and pid(UNIT) != before, 60, f"{UNIT} restarted")


def secrets_may_lie_encrypted() -> str:
    """systemd-creds: the units come up with keys whose plain files are gone."""
    for name in ("3-2", "3-3"):
        sh(f"cd /root/given && sh -e {STEPS}/{name}.sh")
    plain = [path.name for path in Path("/etc/jukinet/keys").iterdir() if path.suffix != ".cred"]
    assert not plain, plain
    for path in Path("/etc/jukinet/keys").iterdir():
        assert b"PRIVATE KEY" not in path.read_bytes()
        assert b"fingerprint" not in path.read_bytes()
    sh("systemctl restart 'jukinet-*@*.service'")
    every_unit_is_active()
    credentials_are_handed_over()
    answers = send("juki", "juki")
    assert [(a["outcome"], a["repeated"]) for a in answers] == [("ACCEPTED", True)], answers
    _renewed()
    sh("apt-get install -qq -y --reinstall /srv/boot/next.deb")
    assert not list(Path("/run").glob("jukinet-ring*"))
    secrets = len(list(Path("/etc/jukinet/keys").iterdir()))
    return f"{secrets} secrets; units, a notice, a renewal and an update as before"


CHECKS = (a_wrong_configuration_ends_a_unit_once, secrets_may_lie_encrypted)
