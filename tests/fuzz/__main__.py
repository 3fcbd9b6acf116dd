"""長い試し: python -m fuzz [--seconds N] [TARGET ...]: atheris on each parser, guided by coverage.

Each target runs as a process of its own, as many at once as there are processors. What breaks one is left in
build/fuzz/TARGET/ as a file.
"""

import argparse
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from functools import partial
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

    names = options.target or list(TARGETS)
    with ThreadPoolExecutor(os.cpu_count()) as processors:
        held_out = list(processors.map(partial(_child, seconds=options.seconds), names))
    broken = [name for name, held in zip(names, held_out, strict=True) if not held]
    print(f"破れた的 / broken: {', '.join(broken) or 'なし / none'}")
    return 1 if broken else 0


def _child(name: str, seconds: int) -> bool:
    """Whether a target held out."""
    folder = FOLDER / name
    (folder / "corpus").mkdir(parents=True, exist_ok=True)
    log = folder / "log"
    limits = (f"-max_total_time={seconds}", "-timeout=30", "-rss_limit_mb=2048", "-max_len=65536")
    command = (sys.executable, "-m", "fuzz", _ONE, name, f"-artifact_prefix={folder}/", *limits)
    with log.open("wb") as file:
        done = subprocess.run((*command, str(folder / "corpus")), stdout=file, stderr=file, check=False)
    said = log.read_text("utf-8", "replace").strip().splitlines()
    print(f"{name}: {said[-1] if said else '-'}", flush=True)
    if done.returncode:
        print(f"{name}: 破れた / broken, see {log}", flush=True)
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
