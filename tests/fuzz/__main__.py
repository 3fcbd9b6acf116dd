"""長い試し: python -m fuzz [--seconds N] [TARGET ...]: atheris on each parser, guided by coverage.

Each target runs as a process of its own. What breaks one is left in build/fuzz/TARGET/ as a file.
"""

import argparse
import subprocess
import sys
from pathlib import Path

FOLDER = Path("build/fuzz")
_ONE = "--one"


def main(arguments: list[str]) -> int:
    """Runs the targets, one after the other; gives 0 only if nothing escaped from any."""
    if arguments[:1] == [_ONE]:
        return _one(arguments[1], arguments[2:])
    parser = argparse.ArgumentParser(prog="fuzz", description="読み手を試す / every parser under atheris")
    parser.add_argument("--seconds", type=int, default=60, help="的ごとの秒数 / for each target")
    parser.add_argument("target", nargs="*", help="的の名 / only these")
    options = parser.parse_args(arguments)
    from fuzz.targets import TARGETS

    broken = [name for name in options.target or TARGETS if not _child(name, options.seconds)]
    print(f"破れた的 / broken: {', '.join(broken) or 'なし / none'}")
    return 1 if broken else 0


def _child(name: str, seconds: int) -> bool:
    """Whether a target held out."""
    print(f"{name}: {seconds} s ...", flush=True)
    folder = FOLDER / name
    (folder / "corpus").mkdir(parents=True, exist_ok=True)
    log = folder / "log"
    limits = (f"-max_total_time={seconds}", "-timeout=30", "-rss_limit_mb=2048", "-max_len=65536")
    command = (sys.executable, "-m", "fuzz", _ONE, name, f"-artifact_prefix={folder}/", *limits)
    with log.open("wb") as file:
        done = subprocess.run((*command, str(folder / "corpus")), stdout=file, stderr=file, check=False)
    print(log.read_text("utf-8", "replace").strip().splitlines()[-1])
    if done.returncode:
        print(f"{name}: 破れた / broken, see {log}")
    return done.returncode == 0


def _one(name: str, limits: list[str]) -> int:
    import atheris

    with atheris.instrument_imports(include=["jukinet_daemon", "json", "tomllib"]):
        from fuzz.targets import TARGETS

    target = TARGETS[name]
    for number, seed in enumerate(target.corpus):
        Path(limits[-1], f"seed-{number}").write_bytes(seed)

    def run(data: bytes) -> None:
        target.run(data)

    atheris.Setup([sys.argv[0], *limits], run)
    atheris.Fuzz()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
