"""計数の表示: the metrics of this process and of the others of its register as one text for Prometheus."""

import re
from collections.abc import Iterator, Mapping

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.metrics_core import Metric
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.registry import Collector

from jukinet_daemon.store.processes import duties_of

# The process that hears the others tells of all duties and of the pulse, and the relay of its line. From any
# other, which may be in wrong hands, it would hide that a unit or the database is dead.
_TOLD_HERE = frozenset({"jukinet_duty_up", "jukinet_pulse_up"})
_TOLD_BY = {"jukinet_relay_up": "national"}
# Characters. The parser's time grows with the square of a line's labels.
_LONGEST_LINE = 4096
_LABEL = re.compile("[a-zA-Z_][a-zA-Z0-9_]*")


def exposition(registry: CollectorRegistry, others: Mapping[str, str]) -> bytes:
    """The metrics of a registry, and the texts of other processes with the label `process` on each sample.

    Of the others those metrics alone are shown that the registry has too: the processes are of one program.
    """
    joined = CollectorRegistry()
    joined.register(_Joined(registry, others))
    return generate_latest(joined)


class _Joined(Collector):
    def __init__(self, registry: CollectorRegistry, others: Mapping[str, str]) -> None:
        self._registry = registry
        self._others = others

    def collect(self) -> Iterator[Metric]:
        families = {family.name: family for family in self._registry.collect()}
        for process, text in self._others.items():
            for told in _families(text):
                family = families.get(told.name)
                if family is None or not _may_tell(process, told.name):
                    continue
                for sample in told.samples:
                    family.add_sample(sample.name, sample.labels | {"process": process}, sample.value)
        yield from families.values()


def _may_tell(process: str, name: str) -> bool:
    duty = _TOLD_BY.get(name)
    return name not in _TOLD_HERE and (duty is None or duty in duties_of(process))


def _families(text: str) -> list[Metric]:
    """What another process tells; nothing where it is not as ours write it, so that the rest is told.

    The parser takes more than Prometheus does, to whom one bad sample spoils all: names in quotes, which
    come out as other names, and numbers that are no float.
    """
    if any(len(line) > _LONGEST_LINE for line in text.splitlines()):
        return []
    try:
        families = list(text_string_to_metric_families(text))
        samples = [sample for family in families for sample in family.samples]
        sound = all(_LABEL.fullmatch(label) for sample in samples for label in sample.labels)
        for sample in samples:
            float(sample.value)
    except (ValueError, IndexError, KeyError, OverflowError):
        return []
    return families if sound else []
