"""jukinetctl maintenance: refuses new work until a time, takes it again, or says how it stands."""

import argparse
import json
from typing import Any
from urllib.parse import urlencode

from jukinet_daemon.cli.control import CommandFault, ask
from jukinet_daemon.config import Config


def add_maintenance(parser: argparse.ArgumentParser) -> None:
    """Adds what can be done."""
    parser.add_argument("verb", choices=("on", "off", "status"), help="何をするか / what to do")
    parser.add_argument("--until", metavar="TIME", help="終わり、例 2026-11-24T22:00 / when it ends")
    parser.add_argument("--reason", default="", help="相手に示す理由 / why; shown to peers")


def maintenance(config: Config, options: argparse.Namespace) -> int:
    """Does it and says how it stands; gives 0."""
    if options.verb == "on" and not options.until:
        raise CommandFault("--until を指定してください / say when it ends")
    wanted = urlencode({"until": options.until or "", "reason": options.reason})
    method, question = {
        "on": ("POST", f"/maintenance?{wanted}"),
        "off": ("DELETE", "/maintenance"),
        "status": ("GET", "/maintenance"),
    }[options.verb]
    answer = ask(config, method, question)
    if "problem" in answer:
        raise CommandFault(answer["problem"])
    print(json.dumps(answer, ensure_ascii=False, indent=1) if options.json else _told(answer))
    return 0


def _told(answer: dict[str, Any]) -> str:
    if not answer["on"]:
        return "保守中ではない。通知を受け取る / not under maintenance: notices are taken"
    return (
        f"保守中 {answer['until']} まで、新しい通知を受け取らない / no new notices until then:"
        f" {answer['reason'] or '-'} ({answer['operator']})"
    )
