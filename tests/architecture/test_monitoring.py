"""The alert rules and the dashboard ask only for what the program has, and say what to do."""

import json
import re
from pathlib import Path

import pytest
from prometheus_client import Counter, Histogram
from prometheus_client.metrics import MetricWrapperBase

from jukinet_daemon.service.metrics import Metrics

FOLDER = Path(__file__).parents[2] / "config" / "monitoring"
ALERTS = (FOLDER / "alerts.yml").read_text("utf-8")
DASHBOARD = json.loads((FOLDER / "dashboard.json").read_text("utf-8"))
CASES = (Path(__file__).parents[1] / "monitoring" / "alerts.test.yml").read_text("utf-8")
_SERIES = re.compile(r"jukinet_[a-z_]+")
_SELECTED = re.compile(r"(jukinet_[a-z_]+)\{([a-z_]+)=")
_BY = re.compile(r"by \(([a-z_, ]+)\)")
# What Prometheus itself adds to every sample, and a histogram to its buckets.
_GIVEN = {"instance", "job", "register", "le", "process"}


def _metrics() -> dict[str, MetricWrapperBase]:
    """Every series by its name in Prometheus."""
    found: dict[str, MetricWrapperBase] = {}
    for metric in vars(Metrics()).values():
        if isinstance(metric, Histogram):
            found |= {f"{metric._name}_{part}": metric for part in ("bucket", "sum", "count")}
        elif isinstance(metric, MetricWrapperBase):
            found[metric._name + ("_total" if isinstance(metric, Counter) else "")] = metric
    return found


def _rules() -> list[dict[str, str]]:
    """The rules of the alerts, a key a line as they are written."""
    parts = re.split(r"^ {6}- alert: ", ALERTS, flags=re.MULTILINE)[1:]
    return [
        {"alert": part.splitlines()[0]} | dict(re.findall(r"^ +([a-z]+): (.+)$", part, flags=re.MULTILINE))
        for part in parts
    ]


EXPRESSIONS = [rule["expr"] for rule in _rules()] + [
    target["expr"] for panel in DASHBOARD["panels"] for target in panel["targets"]
]


@pytest.mark.parametrize("expression", EXPRESSIONS)
def test_only_series_and_labels_that_exist(expression: str) -> None:
    metrics = _metrics()
    named = _SERIES.findall(expression)
    assert [name for name in named if name not in metrics] == []
    assert named or expression.startswith("up")
    labels = {label for name in named for label in metrics[name]._labelnames} | _GIVEN
    assert {label for _, label in _SELECTED.findall(expression)} <= labels
    assert {label for group in _BY.findall(expression) for label in group.split(", ")} <= labels


@pytest.mark.parametrize("rule", _rules(), ids=lambda rule: rule["alert"])
def test_an_alert_says_how_bad_it_is_and_what_to_do(rule: dict[str, str]) -> None:
    assert re.fullmatch(r"\{severity: (info|warning|critical)\}", rule["labels"])
    assert " / " in rule["summary"]
    assert rule["action"]


def test_every_alert_has_a_case_that_promtool_tries() -> None:
    assert {rule["alert"] for rule in _rules()} == set(re.findall(r'alertname="(\w+)"', CASES))


def test_no_two_panels_have_one_place() -> None:
    places = [(panel["gridPos"]["x"], panel["gridPos"]["y"]) for panel in DASHBOARD["panels"]]
    assert len(set(places)) == len(places)
