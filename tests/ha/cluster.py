"""クラスタ: etcd and three Patroni nodes on loopback, as an unprivileged user, in one folder."""

import json
import os
import signal
import subprocess
import time
import urllib.request
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from jukinet_daemon.sim.ports import free_port
from jukinet_daemon.sim.postgres_wheel import ENVIRONMENT, admit, binary, hand_over, identity, run

NODES = ("n1", "n2", "n3")
PATIENCE_S = 120.0
# The shortest that Patroni allows; docs/operator/high-availability.md says what each is for.
TTL_S, LOOP_WAIT_S, RETRY_S = 20, 3, 5

_NODE = """\
scope: jukinet
name: {name}
restapi: {{listen: "127.0.0.1:{rest}", connect_address: "127.0.0.1:{rest}"}}
etcd3: {{host: "127.0.0.1:{etcd}"}}
bootstrap:
  dcs:
    ttl: {ttl}
    loop_wait: {loop_wait}
    retry_timeout: {retry}
    maximum_lag_on_failover: 0
    synchronous_mode: true
    synchronous_mode_strict: true
    postgresql:
      use_pg_rewind: true
      parameters:
        fsync: "on"
        full_page_writes: "on"
        synchronous_commit: "on"
        wal_log_hints: "on"
        log_statement: none
        log_min_error_statement: panic
        log_error_verbosity: terse
        log_parameter_max_length: 0
        log_parameter_max_length_on_error: 0
  initdb: [{{encoding: UTF8}}, {{locale: C}}, data-checksums]
postgresql:
  listen: "127.0.0.1:{port}"
  connect_address: "127.0.0.1:{port}"
  data_dir: {folder}/data
  bin_dir: {bin}
  pgpass: {folder}/pgpass
  authentication:
    superuser: {{username: postgres, password: loopback}}
    replication: {{username: replicator, password: loopback}}
    rewind: {{username: rewinder, password: loopback}}
  pg_hba:
    - host all all 127.0.0.1/32 trust
    - host replication all 127.0.0.1/32 trust
  parameters: {{unix_socket_directories: ""}}
"""


class ClusterFault(Exception):
    """The cluster did not come to the state that was waited for; its logs are in its folder."""


class Node:
    """One Patroni and the PostgreSQL that it keeps."""

    def __init__(self, name: str, folder: Path, etcd: int) -> None:
        self.name = name
        self.folder = folder / name
        self.port, self.rest = free_port(), free_port()
        self._etcd = etcd
        self._patroni: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Starts Patroni, which starts PostgreSQL when it finds its place."""
        if not self.folder.exists():
            self.folder.mkdir(mode=0o755)
            hand_over(self.folder)
        config = self.folder / "patroni.yml"
        config.write_text(
            _NODE.format(
                name=self.name,
                folder=self.folder,
                port=self.port,
                rest=self.rest,
                etcd=self._etcd,
                bin=binary("postgres").parent,
                ttl=TTL_S,
                loop_wait=LOOP_WAIT_S,
                retry=RETRY_S,
            ),
            "utf-8",
        )
        self._patroni = spawn(["patroni", str(config)], self.folder / "patroni.log", self.folder)

    def kill(self) -> None:
        """Ends Patroni and PostgreSQL at once, as when the machine is gone."""
        postmaster = self._postmaster()
        if self._patroni is not None:
            self._patroni.kill()
            self._patroni.wait()
            self._patroni = None
        if postmaster is not None:
            os.kill(postmaster, signal.SIGKILL)
            _gone(postmaster)

    def stop(self) -> None:
        """Ends both in good order if they let themselves be ended."""
        if self._patroni is not None:
            self._patroni.send_signal(signal.SIGTERM)
            with suppress(subprocess.TimeoutExpired):
                self._patroni.wait(30)
        self.kill()

    def _postmaster(self) -> int | None:
        """The postmaster's process id, if that process is one that works in our folder."""
        try:
            pid = int((self.folder / "data" / "postmaster.pid").read_text("utf-8").split("\n", 1)[0])
            return pid if Path(f"/proc/{pid}/cwd").resolve() == self.folder / "data" else None
        except (OSError, ValueError):
            return None


def _gone(pid: int) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while Path(f"/proc/{pid}").exists() and time.monotonic() < deadline:
        if " Z " in Path(f"/proc/{pid}/stat").read_text("utf-8"):
            return
        time.sleep(0.02)


def spawn(command: list[str], log: Path, folder: Path) -> subprocess.Popen[bytes]:
    """Starts a program as the unprivileged user, in a group of its own."""
    environment = ENVIRONMENT | {"PATH": f"/usr/bin:/bin:{os.environ.get('PATH', '')}", "HOME": str(folder)}
    with log.open("ab") as file:
        return subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=file,
            cwd=folder,
            env=environment,
            process_group=0,
            **identity(),
        )


class Cluster:
    """The three nodes and their etcd. As a context manager it ends them all, also on failure.

    It has what a prefecture asks of a PostgreSQL: `dsn`, `psql`, `binary`, `running`.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        admit(folder)
        self._etcd_port = free_port()
        self._etcd: subprocess.Popen[bytes] | None = None
        self.nodes = [Node(name, folder, self._etcd_port) for name in NODES]

    def __enter__(self) -> "Cluster":
        try:
            self._start()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, *_fault: object) -> None:
        self.stop()

    def _start(self) -> None:
        folder = self.folder / "etcd"
        folder.mkdir()
        hand_over(folder)
        here, peer = f"http://127.0.0.1:{self._etcd_port}", f"http://127.0.0.1:{free_port()}"
        arguments = {
            "--data-dir": str(folder / "data"),
            "--listen-client-urls": here,
            "--advertise-client-urls": here,
            "--listen-peer-urls": peer,
            "--initial-advertise-peer-urls": peer,
            "--initial-cluster": f"default={peer}",
        }
        command = ["etcd", *(word for pair in arguments.items() for word in pair)]
        self._etcd = spawn(command, folder / "etcd.log", folder)
        self.nodes[0].start()
        self._await(lambda: self.leader() is not None, "a leader")
        for node in self.nodes[1:]:
            node.start()
        self.whole()

    def whole(self) -> None:
        """Waits until there are a leader, a synchronous standby and another one."""
        roles = ["leader", "replica", "sync_standby"]
        self._await(lambda: self.roles() == roles, "a leader with two standbys, one of them synchronous")

    def roles(self) -> list[str]:
        """The roles of the members that run, as any node's Patroni tells them."""
        members = [m for m in self._members() if m["state"] in ("running", "streaming")]
        return sorted(str(member["role"]) for member in members)

    def leader(self) -> Node | None:
        """The node that leads now and says so itself."""
        for node in self.nodes:
            try:
                with urllib.request.urlopen(f"http://127.0.0.1:{node.rest}/primary", timeout=2) as answer:
                    if answer.status == 200:
                        return node
            except OSError:
                continue
        return None

    def _members(self) -> list[dict[str, object]]:
        for node in self.nodes:
            try:
                with urllib.request.urlopen(f"http://127.0.0.1:{node.rest}/cluster", timeout=2) as answer:
                    return list(json.load(answer)["members"])
            except (OSError, ValueError, KeyError):
                continue
        return []

    def _await(self, condition: Callable[[], bool], what: str) -> None:
        deadline = time.monotonic() + PATIENCE_S
        while not condition():
            if time.monotonic() > deadline:
                raise ClusterFault(
                    f"{what} did not come within {PATIENCE_S:.0f} s; members: {self._members()}"
                )
            time.sleep(0.1)

    def stop(self) -> None:
        """Ends everything: the standbys first, so that none is promoted on the way."""
        leader = self.leader()
        for node in sorted(self.nodes, key=lambda node: node is leader):
            node.stop()
        if self._etcd is not None:
            self._etcd.kill()
            self._etcd.wait()

    @property
    def running(self) -> bool:
        """Whether somebody leads."""
        return self.leader() is not None

    def dsn(self, database: str = "postgres") -> str:
        """All hosts in one DSN: it leads to whoever may be written to."""
        hosts = ",".join(f"127.0.0.1:{node.port}" for node in self.nodes)
        return f"postgresql://postgres@{hosts}/{database}?target_session_attrs=read-write"

    def psql(self, database: str, sql: str) -> str:
        """Runs a script on the leader and gives what it prints."""
        options = ("-AtXq", "-v", "ON_ERROR_STOP=1", "-f", "-", self.dsn(database))
        return run([binary("psql"), *options], sql).removesuffix("\n")

    def binary(self, name: str) -> Path:
        """The path of a program of PostgreSQL."""
        return binary(name)
