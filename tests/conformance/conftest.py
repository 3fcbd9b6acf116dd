"""Prints, at the end of a run, how many vectors were run and passed in each way."""

import pytest

from support.tally import PASSED, RUN


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if RUN:
        terminalreporter.section("適合試験 / conformance vectors")
    for way, run in sorted(RUN.items()):
        terminalreporter.line(f"{way}: {PASSED[way]} of {run} passed")
