"""What the documents name is there: files, make targets, commands, steps, log events, metrics, problems."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from prometheus_client import Counter
from prometheus_client.metrics import MetricWrapperBase

from jukinet_daemon.cli import jukinet_sim, jukinetctl
from jukinet_daemon.service.metrics import Metrics
from jukinet_daemon.sim.demo import screen

ROOT = Path(__file__).parents[2]
SOURCE = ROOT / "src" / "jukinet_daemon"
READMES = ("README.md", "README.ja.md")
RUNNING = "docs/operator/running.md"
LIFE = "docs/life-of-a-notice.md"
OPERATOR = sorted(str(path.relative_to(ROOT)) for path in (ROOT / "docs" / "operator").glob("*.md"))
ADRS = sorted(str(path.relative_to(ROOT)) for path in (ROOT / "docs" / "adr").glob("*.md"))
DOCUMENTS = (
    *READMES,
    "docs/architecture.md",
    "docs/bridge.md",
    "docs/security.md",
    "docs/abuse.md",
    "docs/performance.md",
    "docs/reliability.md",
    "docs/protocol.md",
    "docs/legal-bases.md",
    "docs/glossary.md",
    LIFE,
    *OPERATOR,
    *ADRS,
)
PROGRAMS = {"jukinetctl": jukinetctl.main, "jukinet-sim": jukinet_sim.main}

_BLOCK = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)
_FILE = re.compile(r"(?![/.]|build/)[\w@./-]+(?:\.(?:py|sql|toml|md|txt|csv|json|service)|/)")


def _text(document: str) -> str:
    return (ROOT / document).read_text("utf-8")


def _inline(text: str) -> list[str]:
    """What stands between single backticks, outside blocks of code."""
    return re.findall(r"`([^`\n]+)`", _BLOCK.sub("", text))


def _code(text: str) -> list[str]:
    """Every line of code: the lines of blocks, and what stands between backticks."""
    return [line for block in _BLOCK.findall(text) for line in block.splitlines()[1:-1]] + _inline(text)


@pytest.mark.parametrize("document", DOCUMENTS)
def test_every_file_and_folder_named_is_there(document: str) -> None:
    named = [word for word in _inline(_text(document)) if _FILE.fullmatch(word)]
    missing = [name for name in named if not _exists(name)]
    assert not missing


def _exists(name: str) -> bool:
    if name.startswith("NNNN_"):  # the form of a name, not a name
        return True
    name = re.sub("@(juki|fuhyo)", "@", name)  # one of a template's two
    places = [base / name for base in (ROOT, SOURCE, ROOT / "docs", ROOT / "systemd")]
    return any(place.is_dir() if name.endswith("/") else place.is_file() for place in places)


@pytest.mark.parametrize("document", DOCUMENTS)
def test_every_link_leads_somewhere(document: str) -> None:
    folder = (ROOT / document).parent
    links = re.findall(r"\]\(([^)#:]+)\)", _BLOCK.sub("", _text(document)))
    assert [link for link in links if not (folder / link).exists()] == []


@pytest.mark.parametrize("document", READMES)
def test_a_readme_is_short_and_fits_a_terminal(document: str) -> None:
    assert len(_text(document).splitlines()) < 200


@pytest.mark.parametrize("document", DOCUMENTS)
def test_every_make_target_named_is_there(document: str) -> None:
    targets = set(re.findall(r"^([a-z-]+):", _text("Makefile"), re.MULTILINE))
    named = {target for line in _code(_text(document)) for target in re.findall(r"\bmake ([a-z-]+)", line)}
    assert named <= targets


def test_every_decision_is_in_the_index_by_its_title() -> None:
    index = re.findall(r"^\| \[(\d{4})\]\((.+?)\) \| (.+?) \|", _text("docs/adr/README.md"), re.MULTILINE)
    titles = [_text(name).partition("\n")[0] for name in ADRS if not name.endswith("README.md")]
    assert [f"# {number} {title}" for number, _, title in index] == titles
    assert [f"docs/adr/{file}" for _, file, _ in index] == [name for name in ADRS if "README" not in name]


def test_every_make_target_is_explained() -> None:
    """In `make help`, which takes its lines from the Makefile, and in both READMEs."""
    makefile = _text("Makefile").replace("\\\n", " ")
    phony = {
        name for names in re.findall(r"^\.PHONY: (.*)$", makefile, re.MULTILINE) for name in names.split()
    }
    assert phony == set(re.findall(r"^([a-z-]+):.*## .+$", makefile, re.MULTILINE))
    for document in READMES:
        told = set(re.findall(r"`make ([a-z-]+)", _text(document)))
        assert phony - told == {"help"} - told, document


@pytest.mark.parametrize("document", DOCUMENTS)
def test_every_command_and_option_named_is_there(
    document: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    for program, command, options in _commands(_text(document)):
        with pytest.raises(SystemExit) as ended:
            PROGRAMS[program]([*command.split(), "--help"])
        assert ended.value.code == 0, f"{program} {command}"
        help_text = capsys.readouterr().out
        assert [option for option in options if option not in help_text] == []


def _commands(text: str) -> Iterator[tuple[str, str, list[str]]]:
    for line in _code(text):
        called = re.search(r"\b(jukinetctl|jukinet-sim) (pki [a-z-]+|ledger [a-z-]+|[a-z][a-z-]*)(.*)", line)
        if called:
            yield called[1], called[2], re.findall(r"(?<=\s)--[a-z-]+", called[3])


def test_the_readmes_name_commands() -> None:
    for document in READMES:
        named = {(program, command) for program, command, _ in _commands(_text(document))}
        assert {("jukinetctl", "status"), ("jukinet-sim", "send")} <= named


@pytest.mark.parametrize("document", READMES)
def test_a_readme_shows_the_demo_as_it_ends(document: str) -> None:
    blocks = "".join(_BLOCK.findall(_text(document)))
    assert [name for name, _ in screen._MEASURES if f"\n│ {name} " not in blocks] == []


def test_both_readmes_say_the_same() -> None:
    """The same headings' number, blocks, commands and links; only the words differ."""
    english, japanese = map(_text, READMES)
    assert english.count("\n## ") == japanese.count("\n## ")
    assert english.count("\n| ") == japanese.count("\n| ")
    assert list(_commands(english)) == list(_commands(japanese))
    blocks = [_BLOCK.findall(text)[2:] for text in (english, japanese)]
    assert blocks[0] == blocks[1]


def _steps_in_comments() -> dict[str, tuple[str, str]]:
    """Number -> (file, words) of every comment such as `# 7 commit: one transaction each`."""
    found: dict[str, tuple[str, str]] = {}
    for path in sorted(SOURCE.rglob("*.py")):
        for number, words in re.findall(
            r"^\s*# (\d{1,2}(?:\.\d)?) ([a-z].*)$", path.read_text("utf-8"), re.MULTILINE
        ):
            assert number not in found, f"step {number} stands twice"
            found[number] = (str(path.relative_to(SOURCE)), words)
    return found


def _steps_in_document() -> dict[str, tuple[str, str]]:
    """Number -> (title, text) of every numbered section."""
    parts = re.split(r"^#{2,3} (\d{1,2}(?:\.\d)?) (.+)$", _text(LIFE), flags=re.MULTILINE)
    return {
        number: (title, body)
        for number, title, body in zip(parts[1::3], parts[2::3], parts[3::3], strict=True)
    }


def test_the_steps_of_a_notice_are_those_of_the_comments() -> None:
    comments, sections = _steps_in_comments(), _steps_in_document()
    assert [number for number in sections if "." not in number] == [str(step) for step in range(1, 11)]
    assert set(comments) == set(sections) - {"1"}  # the first happens at the municipality
    for number, (file, words) in comments.items():
        title, body = sections[number]
        assert words.startswith(title.lower()), f"step {number}"
        assert f"`{file}`" in body, f"step {number} is in {file}"


def _first_cells(document: str, heading: str) -> dict[str, list[str]]:
    """The table below a heading: what its first column has in backticks -> the other cells."""
    section = re.split(rf"^#+ {heading}$", _text(document), flags=re.MULTILINE)[1].split("\n#")[0]
    rows = [re.split(r" *\| *", line.strip("| ")) for line in section.splitlines() if line.startswith("| `")]
    return {row[0].split("`")[1]: row[1:] for row in rows}


def test_every_log_event_is_explained() -> None:
    told = {event: cells[0] for event, cells in _first_cells(RUNNING, "Log events").items()}
    assert told == dict(_log_events())


def _log_events() -> Iterator[tuple[str, str]]:
    for path in SOURCE.rglob("*.py"):
        text = path.read_text("utf-8")
        for node in ast.walk(ast.parse(text)) if "structlog.get_logger()" in text else ():
            match node:
                case ast.Call(func=ast.Attribute(value=ast.Name(id="log"), attr=level), args=[event, *_]):
                    assert isinstance(event, ast.Constant), f"{path.name}: an event is a plain name"
                    yield str(event.value), level


def test_every_metric_is_explained() -> None:
    told = {
        name: (cells[0], set(_inline(cells[1]))) for name, cells in _first_cells(RUNNING, "Metrics").items()
    }
    assert told == {
        metric._name + ("_total" if isinstance(metric, Counter) else ""): (
            metric._type,
            set(metric._labelnames),
        )
        for metric in vars(Metrics()).values()
        if isinstance(metric, MetricWrapperBase)
    }


def test_every_problem_is_explained() -> None:
    """Each text of a judge ends in ` / some English`, which the table says what to do about."""
    texts = [
        node.value
        for name in ("status", "numbers", "silence", "compare", "pulse", "ledger_state", "shared_numbers")
        for node in ast.walk(ast.parse((SOURCE / "service" / f"{name}.py").read_text("utf-8")))
        if isinstance(node, ast.Constant)
    ]
    problems = {
        text.split(" / ")[1].rstrip(": ") for text in texts if isinstance(text, str) and " / " in text
    }
    assert set(_first_cells(RUNNING, "Problems, and what to do")) == problems
