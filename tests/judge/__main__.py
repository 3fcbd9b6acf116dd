"""審判を行う: python -m judge --register juki --senders FOLDER --national FILE --dsn DSN [--psql PATH]."""

import argparse
import sys
from pathlib import Path

from .evidence import gather
from .tables import CopyFault, copy_tables
from .verdict import judge

MOST_SHOWN = 50


def main(arguments: list[str] | None = None) -> int:
    """Judges one register; gives 0 when nothing is wrong, 1 when something is, 2 when it cannot judge."""
    parser = argparse.ArgumentParser(prog="judge", description="送信者・記録・全国を突き合わせる / the judge")
    parser.add_argument("--register", required=True, choices=("juki", "fuhyo"))
    parser.add_argument("--senders", type=Path, required=True, help="CS の日誌 / folder of *.ndjson")
    parser.add_argument("--national", type=Path, required=True, help="全国サーバの日誌 / its journal")
    parser.add_argument("--dsn", required=True, help="ファイルのデータベース / the register's database")
    parser.add_argument("--psql", default="psql", help="psql の場所 / path of psql")
    parser.add_argument(
        "--running",
        action="store_true",
        help="まだ動いている / what is under way is not missing",
    )
    options = parser.parse_args(arguments)
    try:
        tables = copy_tables(options.psql, options.dsn)
    except (CopyFault, OSError) as fault:
        print(f"judge: 表を読めない / cannot read the tables: {fault}", file=sys.stderr)
        return 2
    journals = sorted(options.senders.glob("*.ndjson"))
    evidence = gather(journals, options.national, tables, options.register, at_rest=not options.running)
    verdict = judge(evidence)
    for finding in verdict.findings[:MOST_SHOWN]:
        print(f"! {finding}")
    print(verdict.line())
    return 0 if verdict.sound else 1


if __name__ == "__main__":
    sys.exit(main())
