"""すべての的: each parser of the tree that reads what others wrote."""

from . import (
    bridge,
    certificate,
    envelope,
    frames,
    json_text,
    ledger,
    notice,
    parcel,
    process,
    relayed,
    reply,
    settings,
    tally,
    words,
)
from .target import Target

TARGETS: dict[str, Target] = {
    target.name: target
    for target in (
        json_text.TARGET,
        parcel.TARGET,
        notice.TARGET,
        envelope.TARGET,
        reply.TARGET,
        relayed.TARGET,
        tally.TARGET,
        ledger.CHECKPOINT,
        ledger.LEAF_PROOF,
        ledger.VERIFIER,
        frames.TARGET,
        certificate.CERTIFICATE,
        certificate.PKI_FILES,
        settings.KEYRING,
        settings.CONFIG,
        bridge.TARGET,
        process.PROCESS_REPORT,
        process.PROCESS_METRICS,
        process.KEY_RING_TOLD,
        words.NAMES,
        words.DATES,
    )
}
