"""The ceremony by the command line: what it makes runs a server, what it must not do it refuses."""

import json
import re
import shlex
import stat
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding

from conftest import HouseMaker
from jukinet_daemon.cli.jukinetctl import main
from jukinet_daemon.cli.pki import ISSUING_DAYS
from jukinet_daemon.outward import PeerFault, call
from jukinet_daemon.pki.authority import make_request
from jukinet_daemon.pki.book import load_book, save_book
from jukinet_daemon.pki.ending import endings
from jukinet_daemon.pki.files import PkiFileError, load_certificate, load_crls, load_key
from jukinet_daemon.pki.peer import PeerIdentity, Role, thumbprint
from jukinet_daemon.pki.tls import TlsFiles
from support.estate import Estate
from support.notices import juki_change
from support.world import FUKUOKA, TRUST_DOMAIN, CsLine, until

WORD = "open sesame, and once more"


class Office:
    """A room with an offline root, an issuing CA, and the peers' hosts."""

    def __init__(self, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.folder, self._capsys = folder, capsys
        self.root, self.issuing, self.hosts = folder / "root", folder / "issuing", folder / "hosts"
        self.hosts.mkdir()
        self.word = folder / "word"
        self.word.write_text(WORD + "\n")

    def do(self, verb: str, *arguments: Any) -> Any:
        self._capsys.readouterr()  # what a server in this process may have logged
        assert main(["pki", verb, *map(str, arguments), "--json"]) == 0
        return json.loads(self._capsys.readouterr().out)

    def refused(self, verb: str, *arguments: Any) -> str:
        self._capsys.readouterr()
        assert main(["pki", verb, *map(str, arguments)]) == 1
        told = self._capsys.readouterr().err
        why = told.partition("cannot be done: ")[2] or told
        assert re.search("[ぁ-ん]", why), "the reason too is told in both languages"
        return told

    def ceremony(self) -> None:
        domain = ("--trust-domain", TRUST_DOMAIN)
        secret = ("--passphrase-file", self.word)
        self.do("init-root", self.root, "--name", "root", *domain, *secret)
        self.do("init-issuing", self.issuing, "--name", "issuing", *domain)
        out = ("--out", self.folder / "issuing.pem")
        csr = ("--csr", self.issuing / "ca.csr")
        self.do("sign-issuing", self.root, *csr, "--name", "issuing", *out, *secret)
        self.do("accept-issuing", self.issuing, "--certificate", out[1], "--root", self.root / "ca.pem")
        self.do("crl", self.root, "--days", 400, *secret)
        self.publish()
        bundle = (self.root / "ca.pem").read_bytes() + (self.issuing / "ca.pem").read_bytes()
        (self.folder / "ca.pem").write_bytes(bundle)

    def publish(self) -> Any:
        """A new list of the issuing CA, and the file of both lists as docs/operator/pki.md makes it."""
        done = self.do("crl", self.issuing)
        lists = [(folder / "ca.crl").read_bytes() for folder in (self.issuing, self.root)]
        (self.folder / "peers.crl").write_bytes(b"".join(lists))
        return done

    def who(self, role: str, name: str) -> tuple[str, ...]:
        return ("--role", role, "--name", name, "--trust-domain", TRUST_DOMAIN)

    def peer(self, role: str, name: str, verb: str = "issue") -> TlsFiles:
        host = self.hosts / f"{verb}-{role}-{name}"
        host.mkdir()
        asked = self.do("request", host, *self.who(role, name))
        certificate = host / "certificate.pem"
        self.do(verb, self.issuing, *self.who(role, name), "--csr", asked["request"], "--out", certificate)
        return TlsFiles(certificate, Path(asked["key"]), self.folder / "ca.pem", self.folder / "peers.crl")


@pytest.fixture
def office(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Office:
    made = Office(tmp_path, capsys)
    made.ceremony()
    return made


async def test_what_the_ceremony_makes_runs_a_server_until_it_is_revoked(
    office: Office, open_house: HouseMaker, tmp_path: Path
) -> None:
    server, cs = office.peer("pref", "juki"), office.peer("cs", FUKUOKA)
    tls = {"certificate": server.certificate, "key": server.key, "ca": server.ca, "crl": server.crl}
    house = await open_house("juki", national=False, tls=tls)
    caller = Estate(tmp_path / "other").caller(cs)
    async with call(house.notices_url, caller) as conversation:
        line = CsLine("juki", FUKUOKA, caller, conversation)
        (answer,) = await line.tell(juki_change())
        assert answer.outcome == "ACCEPTED"
        serial = f"{load_certificate(cs.certificate).serial_number:x}"
        office.do("revoke", office.issuing, serial, "--reason", "key_compromise")
        assert office.publish()["number"] == 2
        house.daemon.trust.look()

        async def lost() -> bool:
            return conversation.lost.is_set()

        await until(lost)
    with pytest.raises(PeerFault):
        async with call(house.notices_url, caller):
            pass
    (entry,) = load_crls(cs.crl)[0]
    assert entry.extensions.get_extension_for_class(x509.CRLReason).value.reason.name == "key_compromise"


def test_nothing_secret_is_open_and_the_root_key_is_encrypted(office: Office) -> None:
    files = office.peer("cs", FUKUOKA)
    for path in (office.root / "ca.key", office.issuing / "ca.key", files.key, office.issuing / "book.json"):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(office.root.stat().st_mode) == 0o700
    assert b"ENCRYPTED" in (office.root / "ca.key").read_bytes()
    with pytest.raises(PkiFileError, match="no passphrase was given"):
        load_key(office.root / "ca.key")
    with pytest.raises(PkiFileError, match="does not open"):
        load_key(office.root / "ca.key", b"another word")
    assert load_key(office.root / "ca.key", WORD.encode())


@pytest.mark.parametrize("word", [None, "", "half a word", " " * 20, "１２３４５６７８９０１"])
def test_a_root_key_is_never_written_without_a_passphrase_of_some_length(
    office: Office, tmp_path: Path, word: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "another"
    asked = ("--passphrase",) if word is not None else ()
    monkeypatch.setattr("getpass.getpass", lambda _prompt: word)
    arguments = (folder, "--name", "root", "--trust-domain", TRUST_DOMAIN, *asked)
    told = office.refused("init-root", *arguments)
    assert ("shorter than 20 characters" if word is not None else "is encrypted") in told
    assert not folder.exists()
    if word is not None:
        assert "shorter than" in office.refused("init-issuing", *arguments)
        assert not folder.exists()


def test_the_root_signs_no_ca_that_could_not_be_told_from_another(office: Office, tmp_path: Path) -> None:
    out, secret = ("--out", tmp_path / "again.pem"), ("--passphrase-file", office.word)
    same_key = ("--csr", office.issuing / "ca.csr", "--name", "issuing 2")
    told = office.refused("sign-issuing", office.root, *same_key, *out, *secret)
    assert "this key has a certificate already" in told
    office.do("init-issuing", tmp_path / "other", "--name", "root", "--trust-domain", TRUST_DOMAIN)
    for name in ("root", " Root "):
        same_name = ("--csr", tmp_path / "other" / "ca.csr", "--name", name)
        told = office.refused("sign-issuing", office.root, *same_name, *out, *secret)
        assert "the name of the root" in told
    assert not (tmp_path / "again.pem").exists()
    assert [row["who"] for row in office.do("list", office.root)] == ["CA issuing"]


def test_the_issuing_ca_is_bound_to_its_trust_domain(office: Office) -> None:
    issuing = load_certificate(office.issuing / "ca.pem")
    constraints = issuing.extensions.get_extension_for_class(x509.NameConstraints)
    assert constraints.critical
    assert [name.value for name in constraints.value.permitted_subtrees or ()] == [TRUST_DOMAIN]
    assert issuing.extensions.get_extension_for_class(x509.BasicConstraints).value.path_length == 0


def test_the_book_tells_what_was_issued_what_ends_and_what_was_revoked(office: Office) -> None:
    office.peer("pref", "juki")
    first = office.peer("cs", FUKUOKA)
    second = office.peer("cs", FUKUOKA, "renew")
    rows = office.do("list", office.issuing)
    assert [row["who"].rpartition("/")[2] for row in rows] == ["juki", FUKUOKA, FUKUOKA]
    shown = office.do("show", second.certificate)
    assert [row["who"] for row in shown] == [f"spiffe://{TRUST_DOMAIN}/cs/{FUKUOKA}", "CA CN=issuing"]
    assert shown[0]["serial"] == rows[2]["serial"]
    assert office.do("expiring", office.issuing, "--days", 30) == []
    ending = [row["serial"] for row in office.do("expiring", office.issuing, "--days", 400)]
    assert ending == ["1", *(row["serial"] for row in rows)]
    office.do("revoke", office.issuing, rows[1]["serial"].upper(), "--reason", "superseded")
    ending.remove(rows[1]["serial"])
    assert [row["serial"] for row in office.do("expiring", office.issuing, "--days", 400)] == ending
    assert (
        load_certificate(first.certificate).public_key() != load_certificate(second.certificate).public_key()
    )
    assert "revoked already" in office.refused(
        "revoke", office.issuing, rows[1]["serial"], "--reason", "superseded"
    )


def test_the_calendar_knows_the_ca_its_list_and_what_has_ended(office: Office) -> None:
    def ending(at: float, days: int | None = None) -> list[str]:
        now = datetime.now(UTC) + timedelta(days=at)
        return [found.who for found in endings(office.issuing, days, now)]

    juki, cs, crl = (
        f"spiffe://{TRUST_DOMAIN}/pref/juki",
        f"spiffe://{TRUST_DOMAIN}/cs/{FUKUOKA}",
        "CRL CN=issuing",
    )
    office.peer("pref", "juki")
    office.peer("cs", FUKUOKA)
    # The list of 35 days is due after a week, once it has ended too.
    assert [ending(at) for at in (0, 6, 8, 36)] == [[], [], [crl], [crl]]
    assert ending(336) == [crl]
    assert ending(338) == [crl, juki, cs]
    assert ending(398) == [crl, juki, cs]
    # The CA itself in its last fifth; and once it has ended.
    assert ending(0.79 * ISSUING_DAYS) == [crl, juki, cs]
    assert ending(0.81 * ISSUING_DAYS) == ["CA CN=issuing", crl, juki, cs]
    assert ending(1.01 * ISSUING_DAYS, 0) == ["CA CN=issuing", crl, juki, cs]
    # Whoever names the days is told of all that ends within them, and of nothing else.
    assert [ending(0, days) for days in (30, 36, 400)] == [[], [crl], [crl, juki, cs]]
    assert ending(0.81 * ISSUING_DAYS, 60) == [crl, juki, cs]
    (office.issuing / "ca.crl").unlink()
    (row,) = office.do("expiring", office.issuing)
    assert (row["who"], row["not_after"], row["days_left"]) == (crl, "まだない / none yet", None)


def test_what_has_ended_and_was_renewed_needs_nobody(office: Office) -> None:
    office.peer("cs", FUKUOKA)
    book = load_book(office.issuing)
    ended = replace(
        book.entries[0], serial="abc", not_after=(datetime.now(UTC) - timedelta(hours=1)).isoformat()
    )
    save_book(office.issuing, replace(book, entries=(ended, *book.entries)))
    assert office.do("expiring", office.issuing) == []
    save_book(office.issuing, replace(book, entries=(ended,)))
    (row,) = office.do("expiring", office.issuing)
    assert (row["serial"], row["days_left"]) == ("abc", -1)


def test_what_it_must_not_do_it_refuses(office: Office, tmp_path: Path) -> None:
    files = office.peer("cs", FUKUOKA)
    csr = files.key.with_suffix(".csr")
    out = ("--out", tmp_path / "out.pem")
    cs = office.who("cs", FUKUOKA)
    assert "use `renew`" in office.refused("issue", office.issuing, *cs, "--csr", csr, *out)
    assert "make a new key" in office.refused("renew", office.issuing, *cs, "--csr", csr, *out)
    other = office.who("cs", "401005")
    assert "does not ask for" in office.refused("issue", office.issuing, *other, "--csr", csr, *out)
    assert "no certificate in use" in office.refused("renew", office.issuing, *other, "--csr", csr, *out)
    assert "File exists" in office.refused(
        "init-issuing", office.issuing, "--name", "again", "--trust-domain", TRUST_DOMAIN
    )
    assert "File exists" in office.refused("request", files.key.parent, *cs)
    assert "issued no certificate" in office.refused(
        "revoke", office.issuing, "abc", "--reason", "superseded"
    )
    assert "no passphrase was given" in office.refused("crl", office.root)
    assert "not of our form" in office.refused("request", tmp_path, *office.who("cs", "福岡市"))
    assert not out[1].exists()


def test_both_ends_compare_one_digest(office: Office, capsys: pytest.CaptureFixture[str]) -> None:
    host = office.hosts
    asked = office.do("request", host, *office.who("cs", FUKUOKA))
    csr = x509.load_pem_x509_csr(Path(asked["request"]).read_bytes())
    digest = sha256(csr.public_bytes(Encoding.DER)).hexdigest()
    out = ("--csr", asked["request"], "--out", host / "cs.pem")
    issued = office.do("issue", office.issuing, *office.who("cs", FUKUOKA), *out)
    (shown,) = office.do("show", asked["request"])
    assert asked["sha256"] == shown["sha256"] == issued["request_sha256"] == digest
    assert shown["asks_for"] == asked["identity"]
    (of_ca,) = office.do("show", office.issuing / "ca.csr")
    assert of_ca["asks_for"] == "CA CN=issuing"
    assert main(["pki", "show", asked["request"]]) == 0
    assert " ".join(digest[at : at + 4] for at in range(0, 64, 4)) in capsys.readouterr().out


def test_what_a_person_is_shown_has_thumbprints_and_lists(
    office: Office, capsys: pytest.CaptureFixture[str]
) -> None:
    certificate = office.peer("cs", FUKUOKA).certificate
    (serial,) = (row["serial"] for row in office.do("list", office.issuing))
    office.do("revoke", office.issuing, serial, "--reason", "superseded")
    office.publish()
    assert main(["pki", "show", str(certificate)]) == 0
    assert thumbprint(load_certificate(certificate)) in capsys.readouterr().out
    assert main(["pki", "show", str(office.folder / "peers.crl")]) == 0
    told = capsys.readouterr().out
    assert all(part in told for part in ("CN=issuing", "CN=root", serial))
    assert main(["pki", "list", str(office.issuing)]) == 0
    assert serial in capsys.readouterr().out
    assert "not one kind" in office.refused("show", office.issuing / "ca.key")


@pytest.mark.parametrize(("role", "name"), [("cs", "401308"), ("cs", "401315"), ("pref", "foo")])
def test_nobody_is_certified_who_cannot_be(office: Office, tmp_path: Path, role: str, name: str) -> None:
    who = office.who(role, name)
    made = make_request(tmp_path, "asked", PeerIdentity(TRUST_DOMAIN, Role(role), name))
    out = ("--csr", made, "--out", tmp_path / "out.pem")
    told = [office.refused("request", tmp_path, *who)]
    told += [office.refused(verb, office.issuing, *who, *out) for verb in ("issue", "renew")]
    assert all(f"{name}: " in line for line in told)
    assert not (tmp_path / "out.pem").exists()
    assert office.do("list", office.issuing) == []


def test_another_prefecture_brings_its_municipalities(office: Office, tmp_path: Path) -> None:
    table = tmp_path / "areas.csv"
    table.write_text("code,name,designated_city\n131016,千代田区,\n", "utf-8")
    office.do("request", tmp_path, *office.who("cs", "131016"))
    office.do("request", tmp_path, *office.who("cs", "131024"))
    listed = ("--areas", table)
    told = office.refused("request", tmp_path / "x", *office.who("cs", "131024"), *listed)
    assert "not among the senders" in told
    who = office.who("cs", "131016")
    assert "has no municipality" in office.refused("request", tmp_path, *who, "--areas", office.word)
    assert "nowhere.csv" in office.refused("request", tmp_path, *who, "--areas", tmp_path / "nowhere.csv")


@pytest.mark.parametrize("days", ["0", "-1", "１", "x"])
def test_a_list_of_no_days_is_not_one_of_the_usual(office: Office, days: str) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["pki", "crl", str(office.issuing), "--days", days])
    assert ended.value.code == 64
    assert load_book(office.issuing).crl_number == 1


def test_the_next_command_is_one_that_runs(
    office: Office, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = office.do("init-issuing", tmp_path / "next", "--name", "issuing 2", "--trust-domain", TRUST_DOMAIN)
    monkeypatch.chdir(tmp_path / "next")
    words = shlex.split(made["next"].replace("ROOT_FOLDER", str(office.root)))
    words[words.index("--passphrase") :] = ["--passphrase-file", str(office.word)]
    assert main(words[1:]) == 0


def test_what_cannot_be_written_is_not_issued(office: Office, tmp_path: Path) -> None:
    """The book forgets nothing: who stood in it without a certificate could not be issued one again."""
    asked = office.do("request", tmp_path, *office.who("cs", "401005"))
    secret = ("--passphrase-file", office.word)
    other = ("--name", "other", "--trust-domain", TRUST_DOMAIN)
    csr = office.do("init-issuing", tmp_path / "other", *other)["request"]
    issues = {
        office.issuing: ("issue", *office.who("cs", "401005"), "--csr", asked["request"]),
        office.root: ("sign-issuing", "--name", "other", "--csr", csr, *secret),
    }
    (tmp_path / "there.pem").write_text("another", "utf-8")
    for folder, (verb, *wanted) in issues.items():
        book = load_book(folder)
        for out, told in (("none/a.pem", "No such file"), ("there.pem", "File exists")):
            assert told in office.refused(verb, folder, *wanted, "--out", tmp_path / out)
        assert load_book(folder) == book
        office.do(verb, folder, *wanted, "--out", tmp_path / f"{verb}.pem")
    assert (tmp_path / "there.pem").read_text("utf-8") == "another"


def test_a_request_for_more_than_one_name_is_refused(office: Office, tmp_path: Path) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    names: list[x509.GeneralName] = [
        x509.UniformResourceIdentifier(f"spiffe://{TRUST_DOMAIN}/cs/401005"),
        x509.DNSName("prefecture.example"),
    ]
    greedy = (
        x509.CertificateSigningRequestBuilder()
        .subject_name(x509.Name([]))
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .sign(key, SHA256())
    )
    path = tmp_path / "greedy.csr"
    path.write_bytes(greedy.public_bytes(Encoding.PEM))
    told = office.refused(
        "issue", office.issuing, *office.who("cs", "401005"), "--csr", path, "--out", tmp_path / "x.pem"
    )
    assert "and nothing else" in told


def test_a_root_signs_its_own_list_and_that_counts_for_the_whole_chain(office: Office) -> None:
    done = office.do("crl", office.root, "--days", 400, "--passphrase-file", office.word)
    assert done["number"] == 2
    assert load_crls(office.root / "ca.crl")[0].is_signature_valid(
        load_certificate(office.root / "ca.pem").public_key()  # type: ignore[arg-type]  # it is EC
    )
