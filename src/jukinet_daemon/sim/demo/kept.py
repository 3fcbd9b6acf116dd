"""動かしたままの実演: the commands with which what is kept up can be looked at, as README tells them."""

import sys
from pathlib import Path

from rich.console import Console

from jukinet_daemon.sim.world import Site, World

# 福岡市.
_MUNICIPALITY = "401307"


def show_commands(world: World, console: Console) -> None:
    """Says that all stays up, and how it ends; prints the commands of each register."""
    console.print("\n動かしたままにしています。Ctrl-C で終わります / kept up; Ctrl-C ends it", style="bold")
    for site in world.sites:
        console.print(f"\n{site.register}", style="bold", highlight=False)
        for command in commands(world, site):
            console.print(f"  {command}", soft_wrap=True, highlight=False, markup=False)


def commands(world: World, site: Site) -> list[str]:
    """What to try on one register; the bridge's window is the 附票 side's alone."""
    ctl, sim, folder, pki = _tool("jukinetctl"), _tool("jukinet-sim"), world.folder, world.pki
    cs, notices = pki / f"cs-{_MUNICIPALITY}", site.notices.replace("wss://", "https://")
    bridge = [f"{ctl} bridge list --config {site.config}"] if site.register == "fuhyo" else []
    return [
        f"curl -s {site.health}/healthz",
        f"curl -s {site.health}/metrics",
        f"curl -sik --cert {cs}.pem --key {cs}.key {notices}",
        f"{ctl} status --config {site.config}",
        f"psql '{site.dsn}'",
        f"{ctl} diagnose {_MUNICIPALITY} --config {site.config}",
        *bridge,
        f"{ctl} held --config {site.config} list",
        f"{sim} receive-national --folder {folder} --register {site.register} --last 3",
        f"{sim} ask-cs --register {site.register} --pki {pki}",
        f"{sim} conformance --folder {folder} --register {site.register}",
    ]


def _tool(name: str) -> str:
    return str(Path(sys.executable).with_name(name))
