"""拒否の理由と手当て: what each refusal of a certificate means, and what to do about it."""

from collections.abc import Mapping

from jukinet_daemon.pki.refusal import Refusal

_NEW = "相手に正しい証明書を発行し直す / issue the peer a new certificate"
_CRL = "新しい CRL を発行して配る / publish and hand out a newer CRL: jukinetctl pki crl"
_BUNDLE = "ca のファイルにその CA を加えるか、相手の CA を確かめる / compare the peer's CA with our bundle"
_NOT_THIS_DOOR = (
    "相手の接続先と証明書の名前を確かめる / compare the name in the certificate with whom this door admits"
)
_CLOCK = "両方の時計を確かめ、正しければ証明書を更新する / compare both clocks; if right, renew"

REMEDIES: Mapping[Refusal, str] = {
    Refusal.NO_CERTIFICATE: "相手に鍵と証明書を設定する / the peer shows none: configure one",
    Refusal.UNKNOWN_CA: _BUNDLE,
    Refusal.UNKNOWN_ROOT: _BUNDLE,
    Refusal.SELF_SIGNED: _NEW,
    Refusal.BAD_SIGNATURE: "証明書が書き換えられている。出所を調べる / altered: find out by whom",
    Refusal.EXPIRED: _CLOCK,
    Refusal.NOT_YET_VALID: _CLOCK,
    Refusal.REVOKED: "失効している。取り違えなら発行し直す / it was revoked; if by mistake, issue anew",
    Refusal.CRL_MISSING: "相手の CA の CRL を crl のファイルに加える / add the CRL of the peer's CA",
    Refusal.CRL_EXPIRED: _CRL,
    Refusal.CRL_NOT_YET_VALID: "時計を確かめる / compare clocks: the CRL lies ahead",
    Refusal.CRL_UNUSABLE: _CRL,
    Refusal.CHAIN_TOO_LONG: _NEW,
    Refusal.ISSUER_NOT_A_CA: "CA でない者の署名。出所を調べる / signed by one who is no CA",
    Refusal.WRONG_PURPOSE: _NEW,
    Refusal.WEAK_KEY: _NEW,
    Refusal.WEAK_SIGNATURE: _NEW,
    Refusal.UNKNOWN_CRITICAL: _NEW,
    Refusal.KEY_NOT_HELD: "鍵を持たない者が示した。出所を調べる / shown without its key",
    Refusal.OUTSIDE_CONSTRAINTS: _NEW,
    Refusal.AGAINST_RFC5280: _NEW,
    Refusal.UNVERIFIED: "openssl verify で調べる / look at it with openssl verify",
    Refusal.UNREADABLE_EXTENSIONS: _NEW,
    Refusal.SIGNING_CERTIFICATE: "CA の証明書を使っている / it is a CA's: the peer must use its own",
    Refusal.NO_URI: _NEW,
    Refusal.SEVERAL_URIS: _NEW,
    Refusal.NOT_OUR_FORM: _NEW,
    Refusal.KEY_NOT_P256: _NEW,
    Refusal.WRONG_TRUST_DOMAIN: _NOT_THIS_DOOR,
    Refusal.WRONG_ROLE: _NOT_THIS_DOOR,
    Refusal.WRONG_NAME: _NOT_THIS_DOOR,
    Refusal.MISSING_CLIENT_USAGE: _NEW,
    Refusal.MISSING_SERVER_USAGE: _NEW,
    Refusal.NOT_PINNED: "pins に相手の新しい指紋を加える / add the peer's new thumbprint to the pins",
    Refusal.CROWDING: "接続が多すぎる。相手を調べる / too many connections: look at the peer",
}
