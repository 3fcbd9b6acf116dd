"""設定: one TOML file as one frozen value. config/example.toml explains every key."""

import os
import re
import tomllib
from base64 import b64decode
from collections.abc import Collection
from datetime import date, time
from ipaddress import ip_address
from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import parse_qsl, unquote, urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    TypeAdapter,
    ValidationError,
    model_validator,
)

from jukinet_daemon.config_words import FORMS, in_words

AreaCode = Annotated[str, Field(pattern=r"^[0-9]{6}$")]
CREDENTIAL = "credential:"
_PUBLIC_KEY = r"^[A-Za-z0-9+/]{43}=$"
_HOST = re.compile(r"^(?:\[([^\]]+)\]|([^:\[/][^:]*))(?::[0-9]*)?$")
Pin = Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{43}$")]


def _address(text: str) -> str:
    host, separator, port = text.rpartition(":")
    if not separator or not host or not port.isascii() or not port.isdigit() or int(port) > 65535:
        raise ValueError("住所:ポート の形でない / must be HOST:PORT")
    return text


def _guarded(dsn: str) -> str:
    """A DSN that leaves this machine only for a server that proves its name."""
    try:
        parts = urlsplit(dsn)
    except ValueError:  # it quotes the DSN, and so a password
        raise ValueError("URI でない / is not a URI") from None
    asked = dict(parse_qsl(parts.query))
    # As asyncpg reads it: after the first @, and `host` only where none stands there.
    user, at, after = parts.netloc.partition("@")
    hosts = [unquote(host) for host in _hosts(after if at else parts.netloc)]
    hosts = hosts or _hosts(asked.get("host", ""))
    # Whichever of them is the leader next gets the residents: one that is far is enough.
    if asked.get("sslmode") != "verify-full" and not all(_is_near(host) for host in hosts):
        raise ValueError(
            "この機械の外のホストには sslmode=verify-full が要る"
            " / a host that is not this machine needs sslmode=verify-full"
        )
    # Who may read the configuration may not therefore read the database.
    if "password" in asked or (at and ":" in user):
        raise ValueError(
            "合言葉を含む。passfile=/etc/jukinet/keys/FILE のファイルに置く"
            " / has a password; it belongs into a passfile"
        )
    return dsn


def _hosts(listed: str) -> list[str]:
    """The hosts of a libpq list, each with or without its port."""
    return [_HOST.sub(r"\1\2", host) for host in listed.split(",")] if listed else []


def _is_near(host: str) -> bool:
    if host.startswith("/") or host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def _local(address: str) -> str:
    if not _is_near(address.rpartition(":")[0]):
        raise ValueError(
            "この機械の中の住所 (127.0.0.1 など) に限る。相手や障害を平文で示すため"
            " / must be an address of this machine itself: it tells of peers and faults in plain HTTP"
        )
    return address


def _zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError("この機械にない時間帯 / is not a time zone of this machine") from None
    return name


def _readable(path: Path) -> Path:
    path = _credential(path)
    # A credential is passed only to the unit that needs it; whoever needs one that is missing says so.
    if not (waits_for_unit(path) or path.is_file()):
        raise ValueError(f"{path}: 読めるファイルでない / is not a file that can be read")
    return path


def waits_for_unit(path: Path) -> bool:
    """Whether a file is a credential that systemd passes to its unit, and did not pass to this process."""
    return str(path).startswith(CREDENTIAL)


def _credential(path: Path) -> Path:
    """Where systemd put a secret of this unit (LoadCredential=): `credential:keyring` and so on."""
    folder, name = os.environ.get("CREDENTIALS_DIRECTORY"), str(path).removeprefix(CREDENTIAL)
    if folder and name != str(path) and (passed := Path(folder, Path(name).name)).is_file():
        return passed
    return path


def _public_key(text: str) -> str:
    if len(b64decode(text)) != 32:
        raise ValueError(FORMS[_PUBLIC_KEY])
    return text


PublicKey = Annotated[str, Field(pattern=_PUBLIC_KEY), AfterValidator(_public_key)]
ReadableFile = Annotated[Path, AfterValidator(_readable)]
Address = Annotated[str, AfterValidator(_address)]
LocalAddress = Annotated[Address, AfterValidator(_local)]
Dsn = Annotated[str, Field(pattern=r"^postgres(ql)?://"), AfterValidator(_guarded)]


def _hour_of_day(value: object) -> object:
    """A time of day as TOML or as text; seconds since midnight are none, nor is one of another zone."""
    if not isinstance(value, (str, time)):
        raise ValueError("時刻でない / must be a time of day")  # noqa: TRY004 - pydantic takes no other
    return value


def _of_here(moment: time) -> time:
    if moment.tzinfo is not None:
        raise ValueError("時差を付けない: timezone の時刻である / without an offset: it is of `timezone`")
    return moment


HourOfDay = Annotated[time, BeforeValidator(_hour_of_day), AfterValidator(_of_here)]


class Section(BaseModel):
    """Base of the sections: frozen, nothing unknown."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True, allow_inf_nan=False)


class Duty(Section):
    """Base of the sections that open a door or begin a loop. One that is missing does neither."""


class Database(Section):
    """Where the register is kept."""

    dsn: Dsn
    synchronous_commit: Literal["on", "remote_write", "remote_apply", "local"] = "on"


class Tls(Section):
    """Our own certificate, and what peers' certificates are checked against."""

    certificate: ReadableFile
    key: ReadableFile
    ca: ReadableFile
    crl: ReadableFile


class Keys(Section):
    """The key ring of the field encryption."""

    ring: ReadableFile


class Rules(Section):
    """House rules where law or its reading leaves room."""

    resident_code_check: Literal["refuse", "warn", "off"] = "warn"
    areas: ReadableFile | None = None
    bases: ReadableFile | None = None
    offices: ReadableFile | None = None


class NoticesDoor(Duty):
    """The door for municipal CS."""

    listen: Address
    parcels_in_flight: Annotated[int, Field(ge=1, le=64)] = 8
    batch_notices: Annotated[int, Field(ge=1, le=2000)] = 256
    workers: Annotated[int, Field(ge=1, le=16)] = 3


class National(Duty):
    """The national server that records are relayed to."""

    url: str = Field(pattern=r"^wss://")
    pins: tuple[Pin, ...] = ()
    parcel_notices: Annotated[int, Field(ge=1, le=500)] = 200


class Bridge(Duty):
    """The bridge to the other server: our door, theirs, and the key each must have."""

    listen: Address
    peer: str = Field(pattern=r"^https://")
    pins: Annotated[tuple[Pin, ...], Field(min_length=1)]
    hold_minutes: Annotated[int, Field(ge=1, le=60)] = 10
    socket: Path | None = None
    national: Annotated[str, Field(pattern=r"^https://")] | None = None
    national_pins: tuple[Pin, ...] = ()


class Watch(Section):
    """What is watched: missing numbers, silence in service hours, disks, the database's pulse."""

    grace_seconds: Annotated[float, Field(ge=0, le=86400)] = 60.0
    service_begins: HourOfDay = time(8, 30)
    service_ends: HourOfDay = time(17, 15)
    closed_days: frozenset[date] = frozenset()
    paths: tuple[Path, ...] = (Path("/"),)
    patience_seconds: Annotated[float, Field(gt=0, le=60)] = 1.4

    @model_validator(mode="after")
    def _a_day_has_hours(self) -> "Watch":
        if self.service_begins >= self.service_ends:
            raise ValueError("service_begins が service_ends より前でない / must lie before service_ends")
        return self


class Ledger(Section):
    """What opens the checkpoints of our ledger, the key in use first; how long they may lack a witness."""

    keys: tuple[PublicKey, ...] = ()
    patience_minutes: Annotated[float, Field(gt=0, le=10080)] = 60.0

    @property
    def public_keys(self) -> tuple[bytes, ...]:
        """The keys as bytes."""
        return tuple(b64decode(key) for key in self.keys)


class Seal(Duty):
    """The loop that seals the ledger."""

    key: ReadableFile
    interval_seconds: Annotated[float, Field(gt=0, le=10)] = 2.0


class HealthDoor(Duty):
    """The door for people and monitors on this host."""

    listen: LocalAddress


class ControlDoor(Duty):
    """The door for operators on this host."""

    socket: Path


class Config(Section):
    """The whole configuration of one process. A door or loop without its section is not opened."""

    register_: Literal["juki", "fuhyo"] = Field(alias="register")
    prefecture: AreaCode
    trust_domain: str = Field(pattern=r"^[a-z0-9.-]+$")
    timezone: Annotated[str, AfterValidator(_zone)] = "Asia/Tokyo"
    database: Database
    tls: Tls | None = None
    keys: Keys
    rules: Rules = Rules()
    watch: Watch = Watch()
    ledger: Ledger = Ledger()
    notices: NoticesDoor | None = None
    national: National | None = None
    bridge: Bridge | None = None
    seal: Seal | None = None
    health: HealthDoor | None = None
    control: ControlDoor | None = None

    @property
    def duties(self) -> tuple[str, ...]:
        """The sections that open a door or begin a loop."""
        return tuple(name for name in type(self).model_fields if isinstance(getattr(self, name), Duty))

    @property
    def speaks_tls(self) -> bool:
        """Whether a door or loop of this process has a certificate; another never reads the TLS files."""
        return any((self.notices, self.national, self.bridge))

    @property
    def reads_ring(self) -> bool:
        """Whether a door or loop of this process seals or opens fields; another never reads the ring."""
        return self.speaks_tls or self.control is not None

    def only(self, names: Collection[str]) -> "Config":
        """The same without the doors and loops of other sections, which other processes open."""
        return self.model_copy(update={name: None for name in self.duties if name not in names})

    @model_validator(mode="after")
    def _tls_where_needed(self) -> "Config":
        if self.speaks_tls and self.tls is None:
            raise ValueError(
                "[notices]、[national]、[bridge] には [tls] が要る"
                " / [tls] is needed for [notices], [national] and [bridge]"
            )
        return self

    @model_validator(mode="after")
    def _keys_where_sealed(self) -> "Config":
        if self.seal and not self.ledger.keys:
            raise ValueError(
                "[seal] の鍵の公開の半分が [ledger] keys に要る"
                " / [seal] needs the public half of its key in [ledger] keys"
            )
        return self


class ConfigFault(ValueError):
    """A configuration cannot be used. `problems` lists everything that is wrong, a sentence each."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


_ADAPTER = TypeAdapter(Config)


def load_config(path: Path) -> Config:
    """Reads and checks a configuration and the files it names. Raises ConfigFault with all problems."""
    try:
        table = tomllib.loads(path.read_text("utf-8"))
    except OSError as fault:
        raise ConfigFault([f"{path}: {fault.strerror}"]) from None
    except ValueError as fault:  # also what the parser does not call its own: a number of 5,000 digits
        raise ConfigFault([f"{path}: TOML でない / not TOML: {fault}"]) from None
    except RecursionError:
        raise ConfigFault([f"{path}: TOML でない / not TOML: nested too deeply"]) from None
    try:
        return _ADAPTER.validate_python(table)
    except ValidationError as invalid:
        raise ConfigFault([in_words(error) for error in invalid.errors()]) from None
