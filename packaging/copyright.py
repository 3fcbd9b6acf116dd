"""著作権: writes the copyright file of a package (DEP-5) from LICENSE and from what each library brings.

Usage: copyright.py LICENSE FOLDER PLACE. FOLDER has the libraries now, PLACE is where they will be.
"""

import re
import sys
from importlib.metadata import Distribution, distributions
from pathlib import Path

HEAD = """\
Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/
Upstream-Name: jukinet-daemon
Upstream-Contact: jukinet-daemon contributors <maintainers@jukinet.example>
Comment: The package holds the libraries that the programs run on, as their makers built them.

Files: *
Copyright: jukinet-daemon contributors
License: Apache-2.0
"""
POINTER = "The text of the Apache License, Version 2.0, is in /usr/share/common-licenses/Apache-2.0."
_APACHE = re.compile(
    r"[ \t]*Apache License\s+Version 2\.0, January 2004.*?END OF TERMS AND CONDITIONS"
    r"(?:.*limitations under the License\.)?",
    re.DOTALL,
)
_HOLDER = re.compile(r"^\W*(?:Copyright(?: \(c\)|©)?|©)[:,]?\s+(\S.*)", re.IGNORECASE)
# Of the Apache License: its own mention of copyright, and the form that others are to fill in.
_NO_HOLDER = re.compile(r"notice|license|\[yyyy\]|owner|holder|law\b", re.IGNORECASE)


def texts_of(library: Distribution) -> list[str]:
    """The texts of its licenses and notices."""
    named = re.compile(r"(licen[cs]e|copying|notice)", re.IGNORECASE)
    paths = [file for file in library.files or () if ".dist-info" in str(file) and named.match(file.name)]
    return [Path(str(file.locate())).read_text("utf-8") for file in sorted(paths, key=str)]


def stanza_of(library: Distribution, place: str) -> str:
    """The paragraph of one library: what is its own, who holds the rights, and the words of the license."""
    name, told, texts = library.metadata["Name"], library.metadata["License-Expression"], texts_of(library)
    files = {f"{place}/{file.parts[0]}" + "/*" * (len(file.parts) > 1) for file in library.files or ()}
    held = [found[1] for text in texts for line in text.splitlines() if (found := _HOLDER.match(line))]
    holders = [who for who in dict.fromkeys(held) if not _NO_HOLDER.search(who)] or [f"the authors of {name}"]
    words = dict.fromkeys(_APACHE.sub(POINTER, text).strip() for text in texts)
    short = told or ("Apache-2.0" if list(words) == [POINTER] else name)
    return "\n".join(
        (
            f"Files: {' '.join(sorted(path for path in files if '..' not in path))}",
            "Copyright: " + "\n           ".join(holders),
            f"License: {re.sub('[()]', '', short).replace(' AND ', ' and ').replace(' OR ', ' or ')}",
            *(f" {line.rstrip() or '.'}" for line in "\n\n".join(words).splitlines()),
            "",
        )
    )


def main(licence: str, folder: str, place: str) -> None:
    """Writes the file to standard output."""
    if _APACHE.sub("", Path(licence).read_text("utf-8")).strip():
        raise SystemExit("LICENSE is another one than this program tells of")
    found = sorted(distributions(path=[folder]), key=lambda library: library.metadata["Name"].lower())
    others = [library for library in found if library.metadata["Name"] != "jukinet-daemon"]
    own = f"License: Apache-2.0\n {POINTER}\n"
    sys.stdout.write("\n".join([HEAD, *(stanza_of(library, place) for library in others), own]))


if __name__ == "__main__":
    main(*sys.argv[1:])
