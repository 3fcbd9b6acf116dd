"""What the machine is given: two packages, certificates by pki.md, the guide's commands, notices."""

import json
import shutil
import subprocess
from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path

from jukinet_daemon.cli.jukinetctl import main as jukinetctl
from jukinet_daemon.pki.files import load_chain
from jukinet_daemon.pki.peer import thumbprint
from jukinet_daemon.sim.world import REGISTERS, Site, World, save_world
from support.notices import fuhyo_change, juki_change
from support.world import FUKUOKA

from .guide import write_steps

ROOT = Path(__file__).parents[2]
STAGE, PACKAGE = ROOT / "build" / "deb", ROOT / "build" / "jukinet-daemon.deb"
NEXT_VERSION = "99.0.0"
DOMAIN = "jukinet.example"
LOAD = 150
_MIGRATION = f"""\
-- pre: {NEXT_VERSION}
-- A migration that only the check of an update has.
CREATE TABLE boot_check ();
"""


def make_payload(folder: Path) -> Path:
    """Everything that is mounted at /srv/boot."""
    folder.mkdir(parents=True)
    shutil.copytree(Path(__file__).parent / "inside", folder / "inside")
    write_steps(folder / "steps")
    shutil.copy(PACKAGE, folder / "jukinet-daemon.deb")
    _next_package(folder)
    _certificates(folder)
    _world(folder / "world")
    return folder


def _next_package(folder: Path) -> None:
    """The same program with one migration more, as a package of a later version."""
    stage = folder / "next"
    shutil.copytree(STAGE, stage, symlinks=True)
    migrations = stage / "usr/lib/jukinet/jukinet_daemon/_schemas/postgres/migrations"
    (migrations / "9000_boot_check.sql").write_text(_MIGRATION, "utf-8")
    script = ROOT / "packaging" / "deb.sh"
    subprocess.run(
        (script, stage, NEXT_VERSION, folder / "next.deb", "none"), check=True, stdout=subprocess.DEVNULL
    )
    shutil.rmtree(stage)


def _pki(verb: str, *arguments: str | Path) -> None:
    with redirect_stdout(StringIO()):
        if jukinetctl(["pki", verb, *map(str, arguments), "--json"]):
            raise SystemExit(f"jukinetctl pki {verb}")


def _certificates(folder: Path) -> None:
    """The ceremony of pki.md: in `given` what install.md begins with, in `world/pki` the peers'."""
    root, issuing, out = folder / "ca/root", folder / "ca/issuing", folder / "ca/issuing.pem"
    (folder / "ca").mkdir()
    domain = ("--trust-domain", DOMAIN)
    word = folder / "ca/word"
    word.write_text("correct horse battery staple\n")
    secret = ("--passphrase-file", word)
    _pki("init-root", root, "--name", "root", *domain, *secret)
    _pki("init-issuing", issuing, "--name", "issuing", *domain)
    _pki("sign-issuing", root, "--csr", issuing / "ca.csr", "--name", "issuing", "--out", out, *secret)
    _pki("crl", root, "--days", "400", *secret)
    _pki("accept-issuing", issuing, "--certificate", out, "--root", root / "ca.pem")
    _pki("crl", issuing)
    given, peers = folder / "given", folder / "world/pki"
    given.mkdir()
    peers.mkdir(parents=True)
    for place in (given, peers):
        (place / "ca.pem").write_bytes((root / "ca.pem").read_bytes() + out.read_bytes())
        (place / "peers.crl").write_bytes((issuing / "ca.crl").read_bytes() + (root / "ca.crl").read_bytes())
    for role, names in (("pref", REGISTERS), ("national", REGISTERS), ("cs", (FUKUOKA,))):
        for name in names:
            who = ("--role", role, "--name", name, *domain)
            stem = name if role == "pref" else f"{role}-{name}"
            place = given if role == "pref" else peers
            _pki("request", folder / "ca", *who)
            _pki(
                "issue",
                issuing,
                *who,
                "--csr",
                folder / f"ca/{role}-{name}.csr",
                "--out",
                place / f"{stem}.pem",
            )
            shutil.move(folder / f"ca/{role}-{name}.key", place / f"{stem}.key")
    _edits(folder, given)
    shutil.rmtree(folder / "ca")


def _edits(folder: Path, given: Path) -> None:
    """Section 4 says: edit the lines marked CHANGE. The example's names stay; pins and one port are ours."""
    pins = {name: thumbprint(load_chain(given / f"{name}.pem")[0]) for name in REGISTERS}
    lines = []
    for own, other in (REGISTERS, REGISTERS[::-1]):
        file = f"/etc/jukinet/{own}.toml"
        lines.append(f"""sed -i 's|^pins = .*|pins = ["{pins[other]}"]|' {file}""")
        public = f"jukinetctl ledger public /etc/jukinet/keys/{own}.ledger"
        lines.append(f"""sed -i "s|^keys = .*|keys = [\\"$({public})\\"]|" {file}""")
    lines.append(
        "sed -i 's|national-fuhyo.example:7543|national-fuhyo.example:7544|' /etc/jukinet/fuhyo.toml"
    )
    (folder / "steps/edit.sh").write_text("\n".join(lines) + "\n", "utf-8")


def _world(folder: Path) -> None:
    """Where the simulators find the servers, and what they send."""
    at = Path("/root/world")
    sites = tuple(
        Site(
            register=name,
            notices=f"wss://10.40.0.1:{port}/notices",
            health="",
            control="",
            national="",
            config=f"/etc/jukinet/{name}.toml",
            dsn="",
            national_journal=str(at / f"national-{name}.ndjson"),
        )
        for name, port in zip(REGISTERS, (7443, 7444), strict=True)
    )
    save_world(World(folder, DOMAIN, "400009", sites))
    world = json.loads((folder / "world.json").read_text("utf-8")) | {"folder": str(at)}
    (folder / "world.json").write_text(json.dumps(world), "utf-8")
    (folder / "cs").mkdir()
    files = {
        "juki": [juki_change()],
        "fuhyo": [fuhyo_change()],
        "restart": [juki_change() for _ in range(LOAD)],
        "update": [juki_change() for _ in range(LOAD)],
    }
    for name, notices in files.items():
        lines = "".join(json.dumps(notice, ensure_ascii=False) + "\n" for notice in notices)
        (folder / f"{name}.notices").write_text(lines, "utf-8")
