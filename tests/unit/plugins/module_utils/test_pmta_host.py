# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a configuration needs of its host: the verdict for everything that can be seen, not be there, or not be known."""

from __future__ import annotations

import base64
import ipaddress
import os
import pathlib
import subprocess
import tempfile
from types import SimpleNamespace

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa as judge
from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.email_engine.fleet.plugins.module_utils.local import host_facts
from ansible_collections.email_engine.fleet.plugins.module_utils.pmta_config import host
from ansible_collections.email_engine.fleet.plugins.module_utils.pmta_config.host import Path, Unknown
from ansible_collections.email_engine.fleet.plugins.module_utils.pmta_config.lint import lint_report
from ansible_collections.email_engine.fleet.plugins.module_utils.pmta_config.rsa import Public

DIM = Unknown("in the dark")
KEY, OTHER = (judge.generate_private_key(65537, 1024) for _key in range(2))
PUBLIC = Public(KEY.public_key().public_numbers().n, 65537)
STRONG = Public((1 << 2047) + 1, 65537)


def spki(key):
    form = serialization.PublicFormat.SubjectPublicKeyInfo
    return base64.b64encode(key.public_key().public_bytes(serialization.Encoding.DER, form)).decode()


CONFIG = """
run-as-root no
<domain *>
    dkim-sign yes
</domain>
<virtual-mta m1>
    smtp-source-host 203.0.113.5 m1.a.example
    domain-key s1,a.example,/k/s1.pem
</virtual-mta>
"""
RECORD, ADDRESS, NAME = "s1._domainkey.a.example", "203.0.113.5", "m1.a.example"
GOOD = {
    "paths": {"/k/s1.pem": Path(True)},
    "keys": {"/k/s1.pem": PUBLIC},
    "bound": ("127.0.0.0/8", "203.0.113.5/32"),
    "txt": {RECORD: [f"v=DKIM1; k=rsa; p={spki(KEY)}"]},
    "reverse": {ADDRESS: [NAME]},
    "forward": {NAME: [ADDRESS]},
}


def found(config=CONFIG, **seen):
    """(severity, rule) of the host's rules; a weak key is normal here, because strong ones take long to make."""
    observed = host.Observed(**{**GOOD, **seen})
    report = lint_report(config, whole=False, observe=lambda _needed: observed)
    findings = [item for item in report.findings if item.rule.startswith("host-")]
    return [(item.severity, item.rule) for item in findings if "1024 bits" not in item.message]


def test_nothing_to_say_where_all_is_well():
    assert found() == []


def test_without_looking_nothing_is_said():
    assert [item for item in lint_report(CONFIG, whole=False).findings if item.rule.startswith("host")] == []


def test_what_is_asked_for():
    config = CONFIG + (
        "log-file /l/log\n<spool /s>\n</spool>\n<acct-file /a/acct.csv>\nmove-to /m\n</acct-file>\n"
        '<acct-file "|/p/prog -x">\n</acct-file>\nsmtp-server-tls-certificate /c.pem secret\npickup /in /bad\n'
        "domain-key s2,*,/k/any.pem\ndomain-key s3,b.example,{vault}:/v1/x:key\ninclude-headers-from c:\\x\n"
        "smtp-source-host 10/8 b.example\nhttp-access 192.0.2.9 admin\n"
    )
    asked = []
    lint_report(config, whole=False, observe=lambda needed: asked.append(needed) or host.Observed(**GOOD))
    assert asked == [
        host.Needed(
            user="pmta",
            keys=("/k/s1.pem", "/k/any.pem"),
            paths={
                **dict.fromkeys(("/l", "/s", "/a", "/m", "/in", "/bad"), "directory"),
                "/p/prog": "program",
                "/c.pem": "file",
            },
            networks={"203.0.113.5/32": (NAME,), "10.0.0.0/8": ("b.example",)},
            txt=(RECORD, "s3._domainkey.b.example"),
        )
    ]


@pytest.mark.parametrize(("line", "user"), [("", "root"), ("run-as-root yes\n", "root"), ("run-as-root No\n", "pmta")])
def test_who_reads(line, user):
    assert host.needed(lint_report(line).facts).user == user


ERROR, WARNING = "error", "warning"
P, K = "/k/s1.pem", "host-key-"


@pytest.mark.parametrize(
    ("seen", "verdict"),
    [
        ({"paths": {P: Path(False)}}, [(ERROR, K + "missing")]),
        ({"paths": {P: Path(DIM)}}, [(WARNING, "host-unchecked")]),
        ({"paths": {}}, [(WARNING, "host-unchecked")]),
        ({"paths": {P: Path(True, False)}}, [(ERROR, K + "unreadable")]),
        ({"paths": {P: Path(True, DIM)}}, [(WARNING, "host-unchecked")]),
        ({"paths": {P: Path(True, True, True)}}, [(WARNING, K + "exposed")]),
        ({"keys": {P: "it holds no private key"}}, [(ERROR, K + "invalid")]),
        ({"keys": {P: DIM}}, [(WARNING, "host-unchecked")]),
        ({"keys": {}}, [(WARNING, "host-unchecked")]),
        ({"bound": ()}, [(ERROR, "host-address-unbound")]),
        ({"bound": DIM}, [(WARNING, "host-unchecked")]),
        ({"bound": ("203.0.113.0/24",)}, []),
        ({"bound": ("203.0.113.6/32", "2001:db8::1/128")}, [(ERROR, "host-address-unbound")]),
        ({"reverse": {ADDRESS: []}}, [(WARNING, "host-reverse-name")]),
        ({"reverse": {ADDRESS: ["x.example"]}}, [(WARNING, "host-reverse-name")]),
        ({"reverse": {ADDRESS: ["x.example", NAME + "."]}}, []),
        ({"reverse": {ADDRESS: DIM}}, [(WARNING, "host-unchecked")]),
        ({"forward": {NAME: []}}, [(WARNING, "host-reverse-name")]),
        ({"forward": {NAME: ["203.0.113.6"]}}, [(WARNING, "host-reverse-name")]),
        ({"forward": {NAME: DIM}}, [(WARNING, "host-unchecked")]),
        # One cause, one warning, however much it hides.
        (
            {"keys": {P: DIM}, "bound": DIM, "txt": {RECORD: DIM}},
            [(WARNING, "host-unchecked")],
        ),
        (
            {"keys": {P: DIM}, "bound": Unknown("other")},
            [(WARNING, "host-unchecked"), (WARNING, "host-unchecked")],
        ),
    ],
)
def test_verdicts(seen, verdict):
    assert found(**seen) == verdict


R = "host-record-"


@pytest.mark.parametrize(
    ("texts", "verdict"),
    [
        ([], [(ERROR, R + "missing")]),
        (DIM, [(WARNING, "host-unchecked")]),
        (["v=spf1 -all"], [(ERROR, R + "mismatch")]),
        (["v=DKIM1; p="], [(ERROR, R + "revoked")]),
        ([f"p={spki(OTHER)}"], [(ERROR, R + "mismatch")]),
        ([f"p={spki(KEY)}"], []),
        ([f"k=rsa; p= {spki(KEY)[:9]} \t{spki(KEY)[9:]} ; t=s"], []),
        ([f"v=DKIM1; h=sha1:sha256; s=*; p={spki(KEY)};"], []),
        ([f"v=DKIM1; h=sha1; p={spki(KEY)}"], [(ERROR, R + "mismatch")]),
        ([f"v=DKIM1; s=tlsrpt; p={spki(KEY)}"], [(ERROR, R + "mismatch")]),
        ([f"v=DKIM2; p={spki(KEY)}"], [(ERROR, R + "mismatch")]),
        ([f"v=DKIM1; k=ed25519; p={spki(KEY)}"], [(ERROR, R + "mismatch")]),
        (["v=DKIM1; p=AAAA"], [(ERROR, R + "mismatch")]),
        ([f"p={spki(KEY)}", "unrelated"], []),
        ([f"p={spki(KEY)}", f"p={spki(OTHER)}"], [(ERROR, R + "mismatch")]),
    ],
)
def test_published_records(texts, verdict):
    assert found(txt={RECORD: texts}) == verdict


def test_a_record_is_judged_even_where_the_key_cannot_be_read():
    assert (ERROR, R + "revoked") in found(keys={P: DIM}, txt={RECORD: ["p="]})
    assert found(paths={P: Path(False)}, txt={RECORD: [f"p={spki(OTHER)}"]}) == [(ERROR, K + "missing")]


@pytest.mark.parametrize(("bits", "severity"), [(512, ERROR), (1023, ERROR), (1024, WARNING), (2047, WARNING)])
def test_weak_keys(bits, severity):
    weak = Public((1 << (bits - 1)) + 1, 65537)
    observed = host.Observed(**{**GOOD, "keys": {P: weak}, "txt": {RECORD: DIM}})
    findings = lint_report(CONFIG, whole=False, observe=lambda _needed: observed).findings
    assert [item.severity for item in findings if item.rule == "host-key-weak"] == [severity]
    observed = observed._replace(keys={P: STRONG})
    findings = lint_report(CONFIG, whole=False, observe=lambda _needed: observed).findings
    assert [item for item in findings if item.rule == "host-key-weak"] == []


@pytest.mark.parametrize(
    ("config", "path", "severity"),
    [
        ("<spool /x>\n</spool>\n", "/x", WARNING),
        ("log-file /x/log\n", "/x", WARNING),
        ("<acct-file /x/a.csv>\n</acct-file>\n", "/x", WARNING),
        ('<acct-file "|/x/prog">\n</acct-file>\n', "/x/prog", ERROR),
        ("smtp-server-tls-certificate /x/c.pem\n", "/x/c.pem", ERROR),
    ],
)
@pytest.mark.parametrize(
    ("seen", "rule"), [(Path(False), "host-file-missing"), (Path(True, False), "host-file-unreadable")]
)
def test_other_files(config, path, severity, seen, rule):
    assert found(config, paths={path: seen}) == [(severity, rule)]
    assert found(config, paths={path: Path(True)}) == []


def said(config=CONFIG, **seen):
    observed = host.Observed(**{**GOOD, **seen})
    findings = lint_report(config, whole=False, observe=lambda _needed: observed).findings
    return [item.message for item in findings if item.rule.startswith("host-") and "1024 bits" not in item.message]


def test_what_is_hidden_is_counted():
    lines = "".join(f"domain-key s{n},*,/k/{n}.pem\n" for n in range(5))
    paths = {f"/k/{n}.pem": Path(DIM) for n in range(5)}
    assert said(lines, paths=paths) == ["/k/0.pem, /k/1.pem, /k/2.pem and 2 more not checked: in the dark"]
    three = "".join(lines.splitlines(True)[:3])
    assert said(three, paths=paths) == ["/k/0.pem, /k/1.pem, /k/2.pem not checked: in the dark"]


def test_addresses_are_named_as_they_are_meant():
    assert said(bound=()) == [f"{ADDRESS} is not bound on this host"]
    wide = CONFIG.replace(ADDRESS, "203.0.113.0/24")
    assert said(wide, bound=()) == ["no address of 203.0.113.0/24 is bound on this host"]


def test_several_records_are_told_apart_from_one():
    assert "one of 2 there" in said(txt={RECORD: [f"p={spki(KEY)}", f"p={spki(OTHER)}"]})[0]
    assert "there" not in said(txt={RECORD: [f"p={spki(OTHER)}"]})[0]


def test_a_key_of_a_pool_is_told_once_and_at_its_first_line():
    lines = "".join(f"<virtual-mta v{n}>\ndomain-key s1,a.example,{P}\n</virtual-mta>\n" for n in range(9))
    observed = host.Observed(**{**GOOD, "paths": {P: Path(False)}})
    findings = lint_report(lines, whole=False, observe=lambda _needed: observed).findings
    assert [(item.rule, item.line) for item in findings if item.rule == "host-key-missing"] == [("host-key-missing", 2)]


def test_silencing_covers_the_host_and_is_idle_without_it():
    config = CONFIG.replace("domain-key", "# pmta-lint: ignore host-record-missing: not published yet\n    domain-key")
    assert found(config, txt={RECORD: []}) == []
    rules = [item.rule for item in lint_report(config, whole=False).findings]
    assert "silence-unused" not in rules


def test_private_addresses_have_no_names_to_judge():
    config = CONFIG.replace(ADDRESS, "10.0.0.5")
    assert found(config, bound=("10.0.0.5/32",), reverse={}, forward={}) == []


@settings(max_examples=300, deadline=None)
@given(
    st.integers(0, 2**32 - 1),
    st.integers(8, 32),
    st.lists(st.tuples(st.integers(0, 2**32 - 1), st.sampled_from((24, 32))), max_size=5),
)
def test_local_addresses_are_those_of_both(number, prefix, bound):
    network = ipaddress.ip_network((number, prefix), strict=False)
    here = [ipaddress.ip_network((address, length), strict=False) for address, length in bound]
    # Half of the time something inside.
    here += [ipaddress.ip_network((int(network.network_address) | 1, 32))] if number % 2 and prefix < 32 else []
    found = {ipaddress.ip_address(text) for text in host.local_in(str(network), map(str, here))}
    for address in found:
        assert address in network and any(address in one for one in here)
    singles = {one.network_address for one in here if one.prefixlen == 32 and one.network_address in network}
    assert singles - {ipaddress.ip_address("127.0.0.1")} <= found


# Looking ---------------------------------------------------------------------------------------------------------------


class Dns:
    """A resolver that knows nothing."""

    def ask_all(self, questions):
        return dict.fromkeys(questions, DIM)


def look(user="root", keys=(), paths=(), networks=()):
    needed = host.Needed(user, tuple(keys), dict(paths), dict.fromkeys(networks, ("a.example",)), ())
    return host_facts.observe(needed, Dns())


def test_the_addresses_of_this_host_are_those_the_kernel_prints():
    bound = host_facts.bound_here()
    printed = subprocess.run(["hostname", "-I"], check=True, capture_output=True, text=True).stdout.split()
    assert all(host.local_in(str(ipaddress.ip_network(address)), bound) == [address] for address in printed)
    assert "127.0.0.0/8" in bound
    assert host.local_in("192.0.2.77/32", bound) == []


def test_the_kernels_listing():
    listing = """Main:
  +-- 0.0.0.0/0 3 0 5
     |-- 0.0.0.0
        /0 universe UNICAST
     +-- 10.0.0.0/24 2 0 2
        |-- 10.0.0.0
           /24 link UNICAST
        |-- 10.0.0.7
           /32 host LOCAL
        |-- 10.0.0.255
           /32 link BROADCAST
     |-- 203.0.113.0
        /24 host LOCAL
"""
    assert host_facts._ipv4(listing.splitlines()) == ["10.0.0.7/32", "203.0.113.0/24"]


def test_a_key_is_looked_at_and_only_its_public_half_is_kept(tmp_path):
    path = tmp_path / "key.pem"
    form = serialization.PrivateFormat.PKCS8
    path.write_bytes(KEY.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption()))
    path.chmod(0o600)
    (tmp_path / "text").write_text("no key")
    seen = look(keys=[str(path), str(tmp_path / "text"), str(tmp_path / "none"), str(tmp_path)])
    assert seen.keys[str(path)] == PUBLIC
    assert "no private key" in seen.keys[str(tmp_path / "text")]
    assert [seen.paths[str(tmp_path / name)].there for name in ("key.pem", "none", "")] == [True, False, False]
    assert str(KEY.private_numbers().p) not in repr(seen)


@pytest.fixture
def place():
    """A directory that every user may enter; those of pytest are closed."""
    with tempfile.TemporaryDirectory() as name:
        os.chmod(name, 0o755)
        yield pathlib.Path(name)


@pytest.fixture
def users(monkeypatch):
    """A user pmta (1234) in the group 1300."""
    monkeypatch.setattr(host_facts.pwd, "getpwnam", lambda name: SimpleNamespace(pw_uid=1234, pw_gid=1300))
    monkeypatch.setattr(host_facts.os, "getgrouplist", lambda name, group: [group])


@pytest.mark.skipif(os.geteuid() != 0, reason="gives files away")
@pytest.mark.parametrize(
    ("owner", "group", "mode", "readable", "exposed"),
    [
        (1234, 0, 0o400, True, False),
        (1234, 0, 0o044, False, True),
        (0, 1300, 0o040, True, False),
        (0, 1300, 0o404, False, True),
        (0, 0, 0o640, False, False),
        (0, 0, 0o644, True, True),
    ],
)
def test_who_may_read_as_the_kernel_sees_it(place, users, owner, group, mode, readable, exposed):
    path = place / "key"
    path.touch()
    os.chown(path, owner, group)
    path.chmod(mode)
    assert look("pmta", paths={str(path): "file"}).paths[str(path)] == Path(True, readable, exposed)
    # The kernel is the judge.
    script = f"import os; os.setgroups([]); os.setgid(1300); os.setuid(1234); open({str(path)!r})"
    assert (subprocess.run(["python3", "-c", script], capture_output=True, check=False).returncode == 0) == readable
    assert look("root", paths={str(path): "file"}).paths[str(path)].allowed is True


def test_a_closed_directory_above_closes_the_file(place, users):
    (place / "closed").mkdir()
    (place / "closed/key").touch(0o644)
    (place / "closed").chmod(0o700)
    path = str(place / "closed/key")
    assert look("pmta", paths={path: "file"}).paths[path] == Path(True, False, False)


def test_an_unknown_user_is_unknown(tmp_path):
    (tmp_path / "key").touch()
    path = str(tmp_path / "key")
    assert isinstance(host_facts._look(path, "file", host_facts._user("nobody-of-this-name")).allowed, Unknown)


def test_kinds_of_paths(tmp_path):
    (tmp_path / "file").touch(0o644)
    (tmp_path / "program").touch(0o755)
    seen = look(
        paths={
            str(tmp_path): "directory",
            str(tmp_path / "file"): "program",
            str(tmp_path / "program"): "program",
            "/dev/null": "file",
            "a\0b": "file",
        }
    ).paths
    assert [(path.there, path.allowed) for path in seen.values()] == [
        (True, True),
        (True, False),
        (True, True),
        (False, True),
        (False, True),
    ]


def test_names_are_asked_for_of_addresses_that_are_bound_and_public(monkeypatch):
    monkeypatch.setattr(host_facts, "bound_here", lambda: ("203.0.113.5/32", "10.0.0.1/32", "2001:db8::5/128"))
    seen = look(networks=["203.0.113.0/24", "10.0.0.0/8", "192.0.2.0/24", "2001:db8::/64"])
    assert set(seen.reverse) == {"203.0.113.5", "2001:db8::5"}
    assert seen.forward == {"a.example": DIM}


def test_addresses_of_both_families_belong_to_a_name():
    answers = {("a", "A"): ["192.0.2.1"], ("a", "AAAA"): ["2001:db8::1"], ("b", "A"): DIM, ("b", "AAAA"): ["::1"]}
    both = host_facts._forward(answers)
    assert both["a"] == ["192.0.2.1", "2001:db8::1"]
    assert both["b"] == DIM
