"""PKIs with what a forger may have: beside the issuing CA one of ours that is bound to no trust domain."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from jukinet_daemon.pki.files import write_certificates, write_crl
from jukinet_daemon.pki.issue import make_crl, make_issuing, make_root
from jukinet_daemon.sim.pki import CAS, CRL, fill_pki
from support.bad_certificates import Kit
from support.estate import DAY, Estate, validity
from support.world import FUKUOKA, TRUST_DOMAIN, Pki


def bridge_pki(folder: Path) -> tuple[Pki, Kit]:
    """A PKI of both servers, with a CA beside that is bound to no trust domain."""
    root = make_root("root", validity(3000))
    issuing = make_issuing(root, "issuing", validity(2000), TRUST_DOMAIN)
    free = make_issuing(root, "free", validity(2000))
    fill_pki(folder, root, issuing, (TRUST_DOMAIN, (FUKUOKA,)))
    (folder / CAS).unlink()
    write_certificates(folder / CAS, [ca.certificate for ca in (root, issuing, free)])
    now = datetime.now(UTC)
    write_crl(folder / CRL, *(make_crl(ca, {}, now - DAY, now + DAY, 1) for ca in (root, issuing, free)))
    return Pki(folder, issuing), Kit(issuing, free, root, "pref", "juki")


def kit_of(estate: Estate, *who: Any) -> Kit:
    """Who would be right, of an estate with a CA beside that is bound to no trust domain."""
    issuing, root, free = estate.authorities
    return Kit(issuing, free, root, *who)
