"""起動前の検査: what a start would refuse that can be known without a database, all of it at once.

`jukinetd` asks before it opens anything, `jukinetctl check-config` before anybody starts it: one list, so
that what the one calls sound the other takes.
"""

from collections.abc import Iterator

from jukinet_daemon.config import Config, ConfigFault, Seal, Tls, waits_for_unit
from jukinet_daemon.credentials import files_in, pair_of, require_ours
from jukinet_daemon.domain.bases import BasisFault
from jukinet_daemon.domain.identifiers import is_area_code
from jukinet_daemon.ledger.checkpoint import LedgerKey, LedgerKeyFault
from jukinet_daemon.pki.files import PkiFileError, load_chain
from jukinet_daemon.pki.peer import PeerIdentity, Role
from jukinet_daemon.schemas import read_areas, read_bases, read_offices
from jukinet_daemon.vault.keyring import KeyringFault, read_keyring

# What packaging/ ships where a prefecture's own value must stand: the key of RFC 8037 (A.2), whose private
# half anybody can read there, and the thumbprint of nothing.
PLACEHOLDERS = frozenset({"11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=", "A" * 43})


def start_faults(config: Config) -> list[str]:
    """Everything that a start with this configuration would refuse before it speaks to the database.

    A secret that systemd passes to its unit alone is judged where it can be read: in that unit.
    """
    checks = (_prefecture, _tables, _placeholders, _own_certificate, _secrets)
    return [fault for check in checks for fault in check(config)]


def own_identity(config: Config) -> PeerIdentity:
    """Whom our certificate must name."""
    return PeerIdentity(config.trust_domain, Role.PREF, config.register_)


def sealing_key(settings: Seal, keys: tuple[bytes, ...]) -> LedgerKey:
    """The key that seals the ledger. Raises ConfigFault, also for one that is not the first announced."""
    try:
        key = LedgerKey.read(settings.key.read_bytes())
    except LedgerKeyFault as fault:
        raise ConfigFault([f"seal.key: {fault}"]) from None
    except OSError as fault:
        raise ConfigFault([f"seal.key: {settings.key}: {fault.strerror}"]) from None
    if key.public != keys[0]:
        raise ConfigFault(["seal.key: is not the first of ledger.keys / [ledger] keys の最初の鍵ではない"])
    return key


def _placeholders(config: Config) -> Iterator[str]:
    values = {"ledger.keys": config.ledger.keys}
    if config.national:
        values["national.pins"] = config.national.pins
    if config.bridge:
        values["bridge.pins"] = config.bridge.pins
        values["bridge.national_pins"] = config.bridge.national_pins
    for key, held in values.items():
        if PLACEHOLDERS.intersection(held):
            yield f"{key}: 見本の値のまま。自らの値を書く / still the packaged placeholder"


def _prefecture(config: Config) -> Iterator[str]:
    if not is_area_code(config.prefecture):
        yield f"prefecture: {config.prefecture}: 検査数字が合わない / the last digit is no check digit of it"


def _tables(config: Config) -> Iterator[str]:
    rules = config.rules
    try:
        areas = read_areas(rules.areas)
        read_offices(rules.offices, read_bases(rules.bases))
    except (BasisFault, OSError) as fault:
        yield f"[rules]: {fault}"
        return
    if not areas.senders:
        yield f"[rules]: {rules.areas}: 市区町村がない / has no municipality"
    # 団体コード: the first two digits are the prefecture's, in each of its municipalities too.
    if foreign := [code for code in areas.codes if code[:2] != config.prefecture[:2]]:
        yield (
            f"prefecture: {config.prefecture}: rules.areas の {foreign[0]} はこの都道府県にない"
            f" / {foreign[0]} in rules.areas is in another prefecture"
        )


def _own_certificate(config: Config) -> Iterator[str]:
    if config.tls and config.speaks_tls:
        try:
            _require_own(config.tls, own_identity(config))
        except PkiFileError as fault:
            yield f"[tls]: {fault}"


def _require_own(tls: Tls, whose: PeerIdentity) -> None:
    if waits_for_unit(tls.key):
        require_ours(whose, tls.certificate, load_chain(tls.certificate))
    else:
        pair_of(whose, files_in(tls))


def _secrets(config: Config) -> Iterator[str]:
    try:
        if config.reads_ring and not waits_for_unit(config.keys.ring):
            read_keyring(config.keys.ring)
    except KeyringFault as fault:
        yield f"keys.ring: {fault}"
    try:
        if config.seal and not waits_for_unit(config.seal.key):
            sealing_key(config.seal, config.ledger.public_keys)
    except ConfigFault as fault:
        yield from fault.problems
