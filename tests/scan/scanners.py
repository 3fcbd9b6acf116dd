"""走査の道具: runs sslyze and testssl.sh on one door each and says what they found."""

import asyncio
import json
import os
from dataclasses import dataclass
from pathlib import Path

from jukinet_daemon.pki.groups import VARIABLE
from scan.targets import Target

# What a door on a dedicated line, under a CA of its own, shows by design. All else is a finding.
ALLOWED = {
    "certificate_path_validation": "sslyze looks for a host name; peers are known by their SPIFFE URI",
    "cert_chain_of_trust": "the CA is the network's own, in no browser's store",
    "cert_trust": "peers are known by their SPIFFE URI, not by a host name (RFC 6125 does not apply)",
    "cert_revocation": "the CRL reaches each server as a file; nobody fetches one over a dedicated line",
    "cert_crlDistributionPoints": "as above",
    "cert_ocspURL": "as above",
    "cert_commonName": "the name of a certificate is its URI SAN",
    "cert_subjectAltName": "as above",
    "DNS_CAArecord": "no DNS on a dedicated line",
    "HSTS": "no browser comes here",
    "HPKP": "as above",
    "security_headers": "as above",
    "scanTime": "not a finding",
    "engine_problem": "about the scanner's own OpenSSL",
}
_SEVERE = {"LOW", "MEDIUM", "HIGH", "CRITICAL", "WARN", "FATAL"}


@dataclass(frozen=True)
class Verdict:
    """What one scanner says of one door."""

    scanner: str
    door: str
    said: str
    findings: tuple[str, ...]


async def sslyze(python: Path, target: Target) -> Verdict:
    """Whether a door is what Mozilla calls intermediate, seen by a peer with a certificate."""
    text = await _run(
        str(python), "-m", "sslyze", f"--cert={target.certificate}", f"--key={target.key}", "--certinfo",
        f"--certinfo_ca_file={target.ca}", "--mozilla_config=intermediate", target.address,
    )  # fmt: skip
    judged = [line.strip() for line in text.partition("COMPLIANCE AGAINST")[2].splitlines()]
    verdict = next((line for line in judged if line.startswith(target.address)), text[-500:])
    issues = [line.removeprefix("* ") for line in judged if line.startswith("* ")]
    findings = [issue for issue in issues if issue.split(":")[0] not in ALLOWED]
    looked = verdict.endswith("Compliant.") if not issues else "Not compliant" in verdict
    said = f"Mozilla intermediate, {len(issues)} allowed"
    return Verdict("sslyze", target.name, said, tuple(findings) if looked else (verdict, *findings))


async def testssl(folder: Path, target: Target) -> Verdict:
    """What testssl.sh finds at the door's twin above its allow list."""
    report = folder / f"testssl-{target.name.replace(' ', '-')}.json"
    await _run(
        "testssl", "--color", "0", "--quiet", "--warnings", "off", "--nodns", "none",
        "--jsonfile", str(report), "-p", "-s", "-f", "-P", "-S", "-U", target.twin,
    )  # fmt: skip
    entries = json.loads(report.read_text("utf-8"))
    above = [entry for entry in entries if entry["severity"] in _SEVERE]
    findings = tuple(
        f"{entry['id']} {entry['severity']}: {entry['finding']}"
        for entry in above
        if entry["id"].split(" ")[0] not in ALLOWED
    )
    return Verdict("testssl.sh", target.name, f"{len(entries)} checks, {len(above)} allowed", findings)


async def _run(*command: str) -> str:
    # Scanners bring an OpenSSL of their own, which must try what ours would not.
    environment = {name: value for name, value in os.environ.items() if name != VARIABLE}
    process = await asyncio.create_subprocess_exec(
        *command, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT, env=environment
    )
    text, _ = await process.communicate()
    return text.decode("utf-8", "replace")
