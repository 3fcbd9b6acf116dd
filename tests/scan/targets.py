"""走査の相手: both servers with their doors, and a twin of each for a scanner that has no certificate."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric import rsa

from jukinet_daemon.pki.peer import Role
from jukinet_daemon.pki.tls import server_context
from jukinet_daemon.sim.pki import CAS
from jukinet_daemon.store.migrate import migrate
from support.bad_certificates import Kit, sound
from support.bridge import OTHER, bridged
from support.world import FUKUOKA, REGISTERS, Pki, new_pki, postgres


@dataclass(frozen=True)
class Target:
    """One door: its address, its twin that asks nobody for a certificate, and what a scanner shows at it."""

    name: str
    address: str
    twin: str
    certificate: Path
    key: Path
    ca: Path


@asynccontextmanager
async def targets(folder: Path) -> AsyncIterator[list[Target]]:
    """Starts everything and gives the doors; it all ends with the context."""
    pki = new_pki(folder / "pki")
    with postgres() as server:
        dsns = {}
        for register in REGISTERS:
            await asyncio.to_thread(server.psql, "postgres", f"CREATE DATABASE {register}")
            dsns[register] = server.dsn(register)
            await migrate(dsns[register], register)
        async with AsyncExitStack() as stack:
            both = await stack.enter_async_context(bridged(pki, dsns, folder))
            doors = []
            for register, house in both.houses.items():
                twin = await stack.enter_async_context(_twin(pki, register))
                for door, role, name in (
                    ("notices", Role.CS, FUKUOKA),
                    ("bridge", Role.PREF, OTHER[register]),
                ):
                    certificate, key = _scanners(pki, role, name, folder)
                    address = house.daemon.addresses[door]
                    doors.append(
                        Target(f"{register} {door}", address, twin, certificate, key, pki.folder / CAS)
                    )
            yield doors


def _scanners(pki: Pki, role: Role, name: str, folder: Path) -> tuple[Path, Path]:
    """A certificate that TLS admits at a door: one alone, of RSA, since sslyze shows it in SSL 2.0 too."""
    kit = Kit(pki.authority, pki.authority, pki.authority, role.value, name)
    made = sound(kit, key=rsa.generate_private_key(65537, 2048)).shown()
    certificate, key = folder / f"{role.value}-{name}.pem", folder / f"{role.value}-{name}.key"
    certificate.write_bytes(made.chain[0])
    key.write_bytes(made.key)
    return certificate, key


@asynccontextmanager
async def _twin(pki: Pki, register: str) -> AsyncIterator[str]:
    """The same context but for the client's certificate: without one a scanner sees a closed door only."""
    context = server_context(pki.files(Role.PREF, register))
    context.verify_mode = ssl.CERT_NONE
    listening = await asyncio.start_server(_answer, "127.0.0.1", 0, ssl=context)
    try:
        yield "{}:{}".format(*listening.sockets[0].getsockname())
    finally:
        listening.close()
        await listening.wait_closed()


async def _answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        await reader.readline()
        writer.write(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
        await writer.drain()
    except OSError:
        pass  # scanners come and go
    finally:
        writer.close()
