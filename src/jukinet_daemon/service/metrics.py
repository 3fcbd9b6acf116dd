"""計数: what Prometheus reads. Names and units by its conventions; labels never carry a personal value."""

from collections.abc import Iterable
from itertools import product

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
_NOTICES = (1, 2, 4, 8, 16, 32, 64, 128, 256, 512)


class Metrics:
    """The counters and gauges of one process."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._add_bridge()
        self._add_files()
        self._add_watch()
        self._add_health()
        self._add_ledger()
        self.notices = Counter(
            "jukinet_notices", "Answers given to notices", ["code"], registry=self.registry
        )
        self.parcels_refused = Counter(
            "jukinet_parcels_refused", "Parcels not read", ["code"], registry=self.registry
        )
        self.peers_refused = Counter(
            "jukinet_peers_refused", "Peers not admitted", ["door", "reason"], registry=self.registry
        )
        self.connections = Gauge("jukinet_connections", "Open connections", ["door"], registry=self.registry)
        self.lanes_depth = Gauge("jukinet_lanes_parcels", "Parcels waiting", registry=self.registry)
        self.batch_seconds = Histogram(
            "jukinet_batch_seconds", "Time to durable answers", registry=self.registry, buckets=_SECONDS
        )
        self.batch_notices = Histogram(
            "jukinet_batch_notices", "Notices in a batch", registry=self.registry, buckets=_NOTICES
        )
        self.relayed = Counter(
            "jukinet_relayed",
            "Records that the national server has receipted",
            ["outcome"],
            registry=self.registry,
        )
        self.relay_up = Gauge("jukinet_relay_up", "Whether the relay has a line", registry=self.registry)
        self.outbox_depth = Gauge(
            "jukinet_outbox_records", "Records waiting for the national server", registry=self.registry
        )
        self.outbox_age = Gauge(
            "jukinet_outbox_oldest_seconds", "Age of the oldest waiting record", registry=self.registry
        )
        self.held = Gauge("jukinet_held_notices", "Notices waiting for an operator", registry=self.registry)
        self.last_parcel = Gauge(
            "jukinet_last_parcel_timestamp_seconds",
            "When a municipality last sent",
            ["municipality"],
            registry=self.registry,
        )

    def _add_watch(self) -> None:
        self.numbers_missing = Gauge(
            "jukinet_missing_parcels",
            "Parcel numbers of a municipality that never came",
            ["municipality"],
            registry=self.registry,
        )
        self.silent = Gauge(
            "jukinet_silent_seconds",
            "Service time since a municipality, silent beyond its usual pattern, last sent",
            ["municipality"],
            registry=self.registry,
        )

        self.shared_numbers = Gauge(
            "jukinet_shared_numbers",
            "Individual numbers that the records of more than one resident show",
            registry=self.registry,
        )
        self.shared_numbers_age = Gauge(
            "jukinet_shared_numbers_age_seconds",
            "Time since all residents were looked at for shared numbers",
            registry=self.registry,
        )

    def _add_health(self) -> None:
        self.duty_up = Gauge(
            "jukinet_duty_up",
            "Whether a process does what a section of the configuration asks for, its door open",
            ["duty"],
            registry=self.registry,
        )
        self.pulse_up = Gauge("jukinet_pulse_up", "Whether beats are durable", registry=self.registry)
        self.pulse_seconds = Gauge("jukinet_pulse_seconds", "Time of a beat", registry=self.registry)

    def _add_files(self) -> None:
        self.not_after = Gauge(
            "jukinet_certificate_expiry_timestamp_seconds",
            "When a certificate or CRL ends",
            ["name"],
            registry=self.registry,
        )
        self.credentials_up = Gauge(
            "jukinet_credentials_up",
            "Whether the files can be used: our certificate and key (own), CAs and CRLs (trust)",
            ["half"],
            registry=self.registry,
        )

    def _add_ledger(self) -> None:
        self.ledger_size = Gauge("jukinet_ledger_leaves", "Leaves that are sealed", registry=self.registry)
        self.ledger_witnessed = Gauge(
            "jukinet_ledger_witnessed_leaves",
            "Leaves below the newest checkpoint that a municipality has returned",
            registry=self.registry,
        )
        self.ledger_unsealed = Gauge(
            "jukinet_ledger_unsealed_seconds",
            "Age of the oldest leaf that is not sealed",
            registry=self.registry,
        )
        self.ledger_unwitnessed = Gauge(
            "jukinet_ledger_unwitnessed_seconds",
            "Service time for which leaves have lacked a witness",
            registry=self.registry,
        )
        self.ledger_conflicts = Gauge(
            "jukinet_ledger_conflicts",
            "Checkpoints of a municipality that the ledger does not have",
            registry=self.registry,
        )

    def _add_bridge(self) -> None:
        self.bridge_requests = Counter(
            "jukinet_bridge_requests", "Persons asked for on the bridge", ["code"], registry=self.registry
        )
        self.bridge_answers = Counter(
            "jukinet_bridge_answers",
            "Requests of the other server answered at the bridge",
            ["code"],
            registry=self.registry,
        )
        self.bridge_erased = Counter(
            "jukinet_bridge_erased", "Cases whose numbers were erased", ["why"], registry=self.registry
        )


def from_zero(counter: Counter, *values: Iterable[str]) -> None:
    """Shows a counter's series, each of so many labels, before anything is counted.

    Prometheus finds no increase in a series that begins at 1: the first event would raise no alarm.
    """
    for labels in product(*values):
        counter.labels(*labels)
