# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An operator's configuration of two addresses, imported and rendered for five senders: every rule it had still holds."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.email_engine.fleet.plugins.module_utils.fleet.expand import expand
from ansible_collections.email_engine.fleet.plugins.module_utils.fleet.hosts import attach_keys
from ansible_collections.email_engine.fleet.plugins.module_utils.local.config_files import read_text
from ansible_collections.email_engine.fleet.plugins.module_utils.pmta_config import lint, parse
from ansible_collections.email_engine.fleet.plugins.module_utils.pmta_config.effective import Effective
from ansible_collections.email_engine.fleet.plugins.module_utils.pmta_config.embedded import embedded
from ansible_collections.email_engine.fleet.plugins.module_utils.pmta_fleet.render import render_host
from ansible_collections.email_engine.fleet.plugins.module_utils.pmta_import import files, import_config
from ansible_collections.email_engine.fleet.plugins.module_utils.pmta_import.fates import NEEDS
from ansible_collections.email_engine.fleet.plugins.module_utils.pmta_import.later import beats, said_again
from ansible_collections.email_engine.fleet.plugins.module_utils.pmta_import.report import markdown
from ansible_collections.email_engine.fleet.plugins.module_utils.pmta_import.stricter import amount, is_limit
from ansible_collections.email_engine.fleet.plugins.module_utils.problems import FleetError
from ansible_collections.email_engine.fleet.plugins.modules import pmta_import
from ansible_collections.email_engine.fleet.plugins.modules.pmta_import import Resolver

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[4]
sys.path[:0] = [str(ROOT / "tests/standins/powermta"), str(ROOT / "tests")]
from pmta_standin import loader, localaddr, paths, rollup  # noqa: E402
from policy import host_policy  # noqa: E402

OLD = HERE / "old/config"
# Variables of the role policy that say nothing about receivers.
FLEETS = {
    "provider_changes",
    "operator",
    "sender_defaults",
    "phases",
    "active_daily_quota",
    "prefixes",
    "dmarc",
    "dns_ttl",
    "quarantine_hold",
    # What the checks decide by.
    "warmup",
    "signals",
    "brakes",
    "dnsbl",
    "dnsbl_keys",
    "dkim_rotation",
}
# What the MX records of the receivers said.
MX = {
    "gmail.com": ["gmail-smtp-in.l.google.com"],
    "corporation.example": ["corporation-example.mail.protection.outlook.com"],
    "yahoo.com": ["mta5.am0.yahoodns.net"],
}
TRANSLATED = {"max-msg-per-hour": "max-msg-rate"}
GONE = {"dk-sign", "max-cold-virtual-mta-msg", "backoff-reroute-to-virtual-mta", *NEEDS}
SECRETS = ("s3cret-of-the-relay", "Tr0ub4dor", "abcdefghijklmnopqrstuvwxyz0123456789", "hunter2")


def imported(path=OLD, text=None, **options):
    return import_config(text or read_text(str(path)), str(path), Resolver(), ("/var/log/pmta/acct.csv",), **options)


def templated(value, secrets):
    """As Ansible would: references replaced by the vaulted values."""
    if isinstance(value, dict):
        return {key: templated(one, secrets) for key, one in value.items()}
    if isinstance(value, list):
        return [templated(one, secrets) for one in value]
    return re.sub(r"\{\{ (\w+) \}\}", lambda found: secrets[found[1]], value) if isinstance(value, str) else value


def five_senders(result):
    """The policy as it comes back from its file, rendered for five senders: (content, content with its secrets)."""
    read_back = yaml.load(files.policy_text(result.policy, "config"), Loader)
    assert read_back == result.policy
    policy = host_policy(**{k.removeprefix("policy_"): v for k, v in templated(read_back, result.secrets).items()})
    senders = [
        {
            "ip": f"198.18.1.{n}",
            "domain": f"mail{n}.new.test",
            "prefix": "contact",
            "vmta": f"new{n}",
            "status": "active",
        }
        for n in range(1, 6)
    ]
    tenant = {"name": "one", "feeders": [{"address": "198.18.2.1"}], "senders": senders}
    document = expand([tenant], policy, ["vps2"])
    keys = [
        {"domain": s["domain"], "selector": "s1", "path": f"/etc/pmta/dkim/{s['domain']}.pem", "public": "x"}
        for s in document["senders"]
    ]
    rendered = render_host(attach_keys(document, keys), "vps2", policy, {})
    return rendered["content"], rendered["content"].replace("include /etc/pmta/fleet-secrets\n", rendered["secrets"])


class Loader(yaml.SafeLoader):
    """`!unsafe` is Ansible's word for a text that is not templated."""


Loader.add_constructor("!unsafe", lambda loader, node: loader.construct_scalar(node))


def same(value):
    return tuple({"yes": "true", "no": "false"}.get(one.lower(), one) for one in value)


def asked_about(old):
    """Every receiver that the old configuration names, some below them, and one that it does not."""
    text = OLD.read_text()
    patterns = re.findall(r"<domain ([^>]+)>", text)
    named = [domain for pattern in patterns for domain in old.domains(pattern)]
    below = [f"host.{name.lstrip('[*.]')}" for name in named if name != "*"]
    literal = [name for name in named if not name.startswith(("*", "["))]
    return list(dict.fromkeys([*literal, *below, *MX, "gouv.fr", "unknown.example"]))


def lost_rules(old, new, old_vmtas, receivers):
    """(receiver, directive, before, after) of every rule that does not hold any more, or is looser than any old one."""
    lost = []
    for receiver in receivers:
        hosts = MX.get(receiver, [f"mx.{receiver}"])
        for vmta in new:
            queue = new[vmta].queue(receiver, hosts, vmta)
            after = new[vmta].settings(queue, vmta)
            befores = []
            for one in old_vmtas:
                assert old.queue(receiver, hosts, one) == queue, receiver
                befores.append(old.settings(queue, one))
            for name in {name for before in befores for name in before} - GONE:
                today = TRANSLATED.get(name, name)
                olds = [same(before[name]) for before in befores if name in before]
                if today != name:
                    olds = [(f"{value[0]}/h",) for value in olds]
                got = same(after.get(today, ()))
                differ = len(set(olds)) > 1 or len(olds) < len(befores)
                if is_limit(today) and differ:
                    limits = [amount(today, value[-1]) for value in olds]
                    wanted = min((limit for limit in limits if limit is not None), default=None)
                    if not got or wanted is not None and amount(today, got[-1]) != wanted:
                        lost.append((receiver, today, olds, got))
                elif got != olds[0]:
                    lost.append((receiver, today, olds, got))
            invented = set(after) - {TRANSLATED.get(n, n) for before in befores for n in before} - set(NEEDS)
            lost += [(receiver, name, "", after[name]) for name in invented]
    return lost


@pytest.fixture(scope="module")
def result():
    return imported()


def test_every_line_of_every_file_is_accounted_for_once(result):
    assert sorted(Path(name).name for name in result.files) == [
        "10-hotmail.conf",
        "20-empty.conf",
        "backoff",
        "config",
        "replies",
    ]
    for name in result.files:
        lines = [row.line for row in result.rows if row.file == name]
        assert lines == list(range(1, len(read_text(name).splitlines()) + 1)), name
    assert {row.verdict for row in result.rows} == {"kept", "replaced", "dropped", "comment", "blank"}
    assert all(row.why for row in result.rows if row.verdict in ("replaced", "dropped"))
    assert all(row.where for row in result.rows if row.verdict == "kept")


def test_every_old_rule_holds_for_every_new_sender(result):
    old = Effective(parse(read_text(str(OLD)), str(OLD)), Resolver())
    _content, whole = five_senders(result)
    effective = Effective(whole)
    new = {f"new{n}": effective for n in range(1, 6)}
    receivers = asked_about(old)
    assert len(receivers) > 40
    assert lost_rules(old, new, ["mta1", "mta2"], receivers) == []


def test_the_proof_sees_a_rule_that_was_lost(result):
    """One directive taken out of the policy, one loosened: both are seen."""
    old = Effective(parse(read_text(str(OLD)), str(OLD)), Resolver())
    _content, whole = five_senders(result)
    for before, after in (("    max-smtp-out 3\n", ""), ("max-msg-rate 300/h", "max-msg-rate 301/h")):
        assert before in whole
        effective = Effective(whole.replace(before, after))
        assert lost_rules(old, {"new1": effective}, ["mta1", "mta2"], asked_about(old)), before


def test_reply_patterns_and_bounce_categories_are_all_there_in_their_order(result):
    old = [*OLD.parent.glob("conf.d/*"), OLD.parent / "backoff", OLD.parent / "replies", OLD]
    text = "\n".join(path.read_text() for path in old)
    content, _whole = five_senders(result)
    for pattern in re.findall(r"^\s*reply (/.*/) ", text, re.MULTILINE):
        assert f"reply {pattern} " in content
    backoff = re.findall(r"reply (/.*?/) ", (OLD.parent / "backoff").read_text())
    listed = re.search(r"<smtp-pattern-list backoff>(.*?)</smtp", content, re.DOTALL)[1]
    kept = re.findall(r"reply (/.*?/) ", listed)
    included = re.findall(r"reply (/.*?/) ", (OLD.parent / "replies").read_text())
    assert len(kept) >= 50
    assert kept == [*dict.fromkeys(backoff), *included]
    section = re.search(r"<bounce-category-patterns>(.*?)</bounce", OLD.read_text(), re.DOTALL)[1]
    wanted = [line.split("#")[0].split() for line in section.splitlines() if line.strip().startswith("/")]
    found = re.search(r"<bounce-category-patterns>(.*?)</bounce", content, re.DOTALL)[1]
    assert [line.split("#")[0].split() for line in found.splitlines() if line.strip()] == wanted
    assert "# full boxes" in found and "# the same, said otherwise" in found


def test_other_settings_are_kept_and_the_old_identity_is_gone(result):
    content, _whole = five_senders(result)
    for line in (
        "total-max-smtp-out 800",
        "total-max-smtp-in 200",
        "log-rotate 14",
        "mx-connection-limit *.secureserver.net 20",
        "relay-domain fbl.old.example",
        "<address-list no-mail>",
        "mail-from *@news.old.example *@bounce.old.example",
        "precached-max-domains 500",
        "<acct-file /var/log/pmta/diag.csv>",
        "record-fields t timeLogged,rcpt,dsnStatus,dsnDiag,vmta",
        "deliver-only no",
    ):
        assert line in content, line
    assert content.count("<spool ") == 1
    assert content.count("<acct-file /var/log/pmta/acct.csv>") == 1
    for word in (
        "mta1",
        "mta2",
        "198.18.0.8",
        "mail1.old.example",
        "by-sender",
        "hide-message-source",
        "sync-msg",
        "<smtp-user",
    ):
        assert word not in content, word
    assert "smtp-listener 0/0:25\n" in content and "run-as-root no" in content
    assert [finding for finding in lint(content, whole=True) if finding.severity == "error"] == []


def test_the_stand_in_loads_it_and_answers_the_same(result, tmp_path, monkeypatch):
    """The judge with a parser and a table of its own, in its full strictness but for addresses and key files."""
    _content, whole = five_senders(result)
    root = tmp_path / "root"
    for folder in ("etc/pmta/dkim", "var/log/pmta", "var/spool/pmta", "var/lib/pmta"):
        (root / folder).mkdir(parents=True)
    (root / "etc/pmta/config").write_text(whole)
    key = private_key()
    for n in range(1, 6):
        (root / f"etc/pmta/dkim/mail{n}.new.test.pem").write_bytes(key)
    monkeypatch.setattr(localaddr, "present", lambda address, known: True)
    monkeypatch.setattr(loader, "_unprivileged", lambda config, places: None)
    config = loader.load(paths.Paths(str(root)))
    asked = Effective(whole)
    for receiver in asked_about(asked):
        for vmta in ("new1", "new5"):
            hosts = MX.get(receiver, [f"mx.{receiver}"])
            rolled = rollup.target(config, receiver, vmta, lambda _domain, hosts=hosts: hosts)
            queue = config.setting(rolled, vmta, "queue-to") or rolled
            assert asked.queue(receiver, hosts, vmta) == queue
            answers = {
                name: tuple(one.raw.strip('"') for one in found)
                for name, found in config.effective(queue, vmta).items()
            }
            assert asked.settings(queue, vmta) == answers, receiver


def private_key():
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import rsa

    return rsa.generate_private_key(65537, 2048).private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption()
    )


def test_passwords_are_in_the_vault_and_nowhere_else(result):
    assert result.secrets == {
        "vault_imported_auth_password_partner_queue": "s3cret-of-the-relay",
        "vault_imported_http_api_key": "abcdefghijklmnopqrstuvwxyz0123456789",
        "vault_imported_smtp_user_mailer": "Tr0ub4dor",
    }
    content, whole = five_senders(result)
    shown = [
        files.policy_text(result.policy, "config"),
        markdown(result.rows, result.notes, "config"),
        repr(result.rows),
        repr(result.notes),
        content,
    ]
    for text in shown:
        assert not [one for one in SECRETS if one in text]
    assert "auth-password s3cret-of-the-relay" in whole
    assert "auth-password (a password, not shown)" in shown[1]


def test_line_endings_make_no_difference(result, tmp_path):
    for path in [*OLD.parent.rglob("*")]:
        copy = tmp_path / path.relative_to(OLD.parent)
        copy.parent.mkdir(exist_ok=True, parents=True)
        if path.is_file():
            copy.write_bytes(path.read_bytes().replace(b"\r\n", b"\n").replace(b"\n", b"\r\n"))
    other = imported(tmp_path / "config")
    assert other.policy == result.policy
    assert [row[1:] for row in other.rows] == [row[1:] for row in result.rows]


RULE = "<domain a.b>\nmax-smtp-out 1\n</domain>"


def verdicts(text, **options):
    """(verdict, where, why) of each line of a small configuration, and the policy."""
    found = imported(text=text, **options)
    return [row[3:] for row in found.rows], found


@pytest.mark.parametrize(
    ("line", "verdict", "word"),
    [
        ("run-as-root no", "replaced", "role"),
        ("pickup /var/spool/in /var/spool/bad", "dropped", "SMTP"),
        ("domain-key a,b.c,/d", "replaced", "key"),
        ("http-redirect-to-https no", "replaced", "monitor"),
        ("sync-msg-create no", "dropped", "not documented"),
        ("name-server 192.0.2.1", "kept", ""),
        ("relay-domain a.b", "replaced", "role addresses"),
        ("# only words", "comment", ""),
    ],
)
def test_global_lines(line, verdict, word):
    rows, _result = verdicts(line + "\n")
    assert rows[0][0] == verdict and word in rows[0][2]


def test_undocumented_lines_stay_if_asked_for():
    text = "<domain *>\nbounce-address a@b.c\n</domain>\n"
    assert verdicts(text)[1].policy["policy_domains"] == {}
    assert "bounce-address" not in verdicts(text)[1].policy["policy_domain_settings"]
    assert verdicts(text, keep_undocumented=True)[1].policy["policy_domain_settings"]["bounce-address"] == "a@b.c"


def test_a_cold_virtual_mta_rules_nobody():
    text = (
        "<virtual-mta warm>\ncold-virtual-mta fresh\n<domain *>\nmax-msg-rate 100/h\n</domain>\n</virtual-mta>\n"
        "<virtual-mta fresh>\n<domain *>\nmax-msg-rate 1/h\n</domain>\n</virtual-mta>\n"
    )
    rows, result = verdicts(text)
    assert result.policy["policy_virtual_mta_domains"] == {"*": {"max-msg-rate": "100/h"}}
    assert [row[0] for row in rows[6:]] == ["dropped"] * 5


def test_what_one_virtual_mta_alone_did_with_its_mail_is_no_rule_for_all():
    text = (
        "<virtual-mta a>\n<domain *>\ntype discard\n</domain>\n</virtual-mta>\n"
        "<virtual-mta b>\n<domain x.y>\nmax-smtp-out 2\n</domain>\n</virtual-mta>\n"
    )
    assert verdicts(text)[1].policy["policy_virtual_mta_domains"] == {"x.y": {"max-smtp-out": 2}}


def test_a_tag_given_twice_is_joined_and_the_stricter_limit_counts():
    text = "<domain a.b>\nmax-smtp-out 2\nretry-after 1m\n</domain>\n<domain A.b>\nmax-smtp-out 5\nretry-after 2m\n</domain>\n"
    rows, result = verdicts(text)
    assert result.policy["policy_domains"] == {"a.b": {"max-smtp-out": 2, "retry-after": "2m"}}
    assert [row[0] for row in rows] == ["kept", "kept", "dropped", "kept", "kept", "dropped", "kept", "kept"]


def test_rules_under_a_roll_up_are_kept_and_told_of(result):
    told = {row.text for row in result.rows if "not in effect before" in row.why}
    assert {"<domain gmail.com>", "max-msg-rate 2000/h"} <= told
    assert not [text for text in told if "hotmail" in text or "rollup" in text]


@pytest.mark.parametrize(
    ("text", "where", "what"),
    [
        ("include lost.conf\n", "config:1", "there is no such file"),
        ("include lost/*.conf\n", "config:1", "no file matches"),
        ("\ninclude config\n", "config:2", "includes itself"),
        ("max-smtp-outt 5\n", "config:1", "not a PowerMTA directive"),
        ("<domain *>\nmax-smtp-out many\n</domain>\n", "config:2", "argument-value"),
        ("<domain *>\nsmtp-pattern-list none\n</domain>\n", "config:2", "smtp-pattern-list-undefined"),
        ("<virtual-mta a>\n<domain *>\nmax-smtp-out 5\n</domain>\n", "config:1", "never closed"),
        ("<nosuch x>\n</nosuch>\n", "config:1", "not a PowerMTA tag"),
    ],
)
def test_what_cannot_be_kept_truly_is_refused_with_its_place(text, where, what):
    with pytest.raises(FleetError) as error:
        imported(text=text)
    problem = error.value.problems[0]
    assert where in problem.where and what in problem.what and problem.remedy


def test_a_copy_is_read_with_its_own_includes(tmp_path):
    """By full path as on the old host, from beside the file that names it, and from beside the main file; never what this computer has there."""
    home, copy = tmp_path / "etc/pmta", tmp_path / "old"
    for folder in (home, copy / "isp", copy / "conf.d"):
        folder.mkdir(parents=True)
    (copy / "config").write_text(f"include {home}/isp/*.conf\ninclude conf.d/a\n")
    (copy / "isp/gmail.conf").write_text("<domain gmail.com>\nmax-smtp-out 3\n</domain>\n")
    (copy / "conf.d/a").write_text("include b\ninclude isp/free\n")
    (copy / "conf.d/b").write_text("<domain sfr.fr>\nmax-smtp-out 2\n</domain>\n")
    (copy / "isp/free").write_text("<domain free.fr>\nmax-smtp-out 1\n</domain>\n")
    params = dict.fromkeys(("accounting", "keep_undocumented", "drop_errors"), ()) | {
        "path": str(copy / "config"),
        "home": f"{home}/",
    }
    result = pmta_import.run(params)
    limits = {pattern: one["max-smtp-out"] for pattern, one in result.policy["policy_domains"].items()}
    assert limits == {"gmail.com": 3, "sfr.fr": 2, "free.fr": 1}
    (home / "isp").mkdir()
    (home / "isp/gmail.conf").write_text("<domain gmail.com>\nmax-smtp-out 30\n</domain>\n")
    assert pmta_import.run(params).policy == result.policy
    (copy / "isp/gmail.conf").unlink()
    with pytest.raises(FleetError, match="import_config_home"):
        pmta_import.run(params)
    # In its own place everything is read from there.
    (home / "config").write_text(f"include {home}/isp/*.conf\n")
    found = pmta_import.run(params | {"path": str(home / "config")})
    assert found.policy["policy_domains"]["gmail.com"] == {"max-smtp-out": 30}


@pytest.mark.parametrize("text", ["", "\n# nothing\n", "source 0/0\n", "postmaster a@b.c\nhttp-mgmt-port 8080\n"])
def test_a_file_without_a_rule_does_not_take_the_default_policy_away(text):
    with pytest.raises(FleetError, match="holds nothing that would be kept"):
        pmta_import.wanted_files(imported(text=text or "\n", drop_errors=True), "config")


def test_the_way_to_let_wrong_lines_go_is_named():
    with pytest.raises(FleetError, match="import_config_drop_errors=true"):
        imported(text="<domain *>\nmax-smtp-out many\n</domain>\n")


def test_what_takes_the_way_of_a_message_out_of_it_is_not_offered():
    lines = [
        "hide-message-source yes",
        "remove-received-headers true",
        "add-received-header no",
        "remove-header Received",
    ]
    rows, _result = verdicts("\n".join([RULE, "<source 0/0>", *lines, "</source>\n"]))
    assert [row[0] for row in rows[4:8]] == ["dropped"] * 4
    rows, _result = verdicts(f"{RULE}\n<source 0/0>\nadd-received-header yes\nremove-header X-Mailer\n</source>\n")
    assert [row[0] for row in rows[4:6]] == ["replaced"] * 2
    rows, result = verdicts("<domain *>\nmax-smtp-out 1\nremove-header received,X-Old\n</domain>\n")
    assert rows[2][0] == "dropped" and "remove-header" not in result.policy["policy_domain_settings"]


def test_limits_of_old_addresses_are_told_of_and_those_of_every_address_stay():
    text = "<domain *>\nsource-ip-max-msg-rate 192.0.2.1 10/h\nsource-ip-max-smtp-out 0/0 3\n</domain>\n"
    rows, result = verdicts(text)
    assert rows[1][0] == "replaced" and "old addresses" in rows[1][2] and rows[2][0] == "kept"
    assert result.policy["policy_domain_settings"] == {"source-ip-max-smtp-out": "0/0 3", **NEEDS}


def test_a_program_that_takes_accounting_records_is_among_what_the_new_host_needs():
    notes = verdicts('<acct-file "|/opt/feed --token=x1y2">\nrecords d\n</acct-file>\n')[1].notes
    assert any("/opt/feed" in note and "new host" in note for note in notes) and "x1y2" not in repr(notes)


def test_a_trap_that_is_kept_is_named():
    rows, result = verdicts("<domain *>\nmax-smtp-out 3\nrequire-starttls yes\n</domain>\n")
    assert rows[2][0] == "kept" and "warning starttls-required" in rows[2][2] and rows[1][2] == ""
    assert result.policy["policy_domain_settings"]["require-starttls"] is True


def test_a_password_that_a_hash_cut_is_told_of():
    rows, result = verdicts(f"{RULE}\n<smtp-user u>\npassword abc#def\n</smtp-user>\n")
    assert "abc" in result.secrets.values() and "cut" in rows[4][2] and "def" not in repr(result.notes)
    assert any("cut" in note for note in result.notes)
    rows, result = verdicts(f"{RULE}\n<smtp-user u>\npassword abc # old\n</smtp-user>\n")
    assert "cut" not in rows[4][2]


def test_a_virtual_mtas_rule_for_all_that_may_beat_a_receivers_is_told_of():
    text = (
        "<domain a.b>\nmax-msg-rate 10/h\n</domain>\n<domain c.d>\nmax-msg-rate 9/h\n</domain>\n<domain e.f>\nmax-smtp-out 1\n</domain>\n"
        "<virtual-mta v>\n<domain *>\nmax-msg-rate 500/h\n</domain>\n<domain c.d>\nmax-msg-rate 9/h\n</domain>\n</virtual-mta>\n"
    )
    notes = verdicts(text)[1].notes
    told = [note for note in notes if "max-msg-rate" in note]
    assert len(told) == 1 and "a.b" in told[0] and "c.d" not in told[0] and "e.f" not in told[0]
    assert not [note for note in verdicts(text.replace("500/h", "5/h"))[1].notes if "max-msg-rate" in note]


def test_errors_in_what_is_replaced_are_nobodys_concern():
    text = "<virtual-mta a>\nsmtp-source-host mail.a.b 192.0.2.1\n</virtual-mta>\n<source 0/0>\nlisten-on-tcp yes\n</source>\n"
    assert [row[0] for row in verdicts(text)[0]] == ["replaced"] * 6


def test_wrong_lines_can_be_left_out():
    rows, result = verdicts("<domain *>\nmax-smtp-out many\nmax-msg-rate 5/h\n</domain>\nfoo bar\n", drop_errors=True)
    assert [row[0] for row in rows] == ["kept", "dropped", "kept", "kept", "dropped"]
    assert result.policy["policy_domain_settings"] == {"max-msg-rate": "5/h", **NEEDS}


@pytest.mark.parametrize(
    "line",
    [
        "password hunter2",
        'password "hunter2 and"',
        "passwrd hunter2",
        "password=hunter2",
        "#password hunter2",
        "source a # password hunter2",
        "password {hunter2}",
    ],
)
def test_no_report_and_no_error_shows_a_password(line):
    for text in (f"<smtp-user u>\n{line}\n</smtp-user>\n", f"{line}\n", f"<smtp-user u> {line} </smtp-user>\n"):
        try:
            shown = repr(imported(text=text).rows) + repr(imported(text=text).notes)
        except FleetError as error:
            shown = str(error)
        assert "hunter2" not in shown, text


@pytest.mark.parametrize(
    ("line", "inside"),
    [
        ('<acct-file "|/bin/feed --password=hunter2 -x">\nrecords d\n</acct-file>\n', "-x"),
        ('<acct-file "|/bin/feed --api-token hunter2">\nrecords d\n</acct-file>\n', "/bin/feed"),
        ('<acct-file "|env DB_PASSWORD=hunter2 /bin/feed">\nrecords d\n</acct-file>\n', "/bin/feed"),
        ('<acct-file "|/bin/feed --pass \\"hunter2 and more\\" -x">\nrecords d\n</acct-file>\n', "-x"),
        ('<acct-file "|/bin/feed --fmt={{x}} --password=hunter2">\nrecords d\n</acct-file>\n', "{{x}}"),
        (
            "<acct-file a>\nrecords d\nhttp-webhook-url https://u:hunter2@hooks.example/x\n</acct-file>\n",
            "hooks.example",
        ),
        (
            "<acct-file a>\nrecords d\nhttp-webhook-url https://hooks.example/x?token=hunter2\n</acct-file>\n",
            "hooks.ex",
        ),
        ("<domain a.b>\ntype http-delivery\nhttp-delivery-url https://u:hunter2@a.b/api\n</domain>\n", "a.b/api"),
        ('<domain a.b>\ntype pipe\ncommand "/bin/x --secret hunter2 $from"\n</domain>\n', "$from"),
        ("<vault>\ntoken hunter2\n</vault>\n", ""),
    ],
)
def test_a_secret_inside_another_value_goes_to_the_vault_and_comes_back(line, inside):
    """Nothing shows it; the configuration has it again, in the file that nobody is shown."""
    result = imported(text=f"<domain x.y>\nmax-smtp-out 1\n</domain>\n{line}")
    policy = files.policy_text(result.policy, "config")
    content, whole = five_senders(result)
    for shown in (
        repr(result.rows),
        repr(result.notes),
        markdown(result.rows, result.notes, "config"),
        policy,
        content,
    ):
        assert "hunter2" not in shown
    if inside:
        same_line = next(one for one in line.splitlines() if "hunter2" in one)
        assert same_line in whole and inside in same_line


@pytest.mark.parametrize(
    "text", ["smtp-hosts [192.0.2.1]:587;mx.a.b", "https://u@hooks.example:81/x", "/bin/x --password-file /etc/p"]
)
def test_what_only_looks_like_a_secret_stays(text):
    assert embedded(text) == []


def test_quoted_passwords_reach_the_vault_as_they_are_typed():
    text = '<smtp-user u>\npassword "a \\"b\\" {{ c }}"\n</smtp-user>\n<domain a.b>\nauth-password "p q"\n</domain>\n'
    result = imported(text=text)
    read = yaml.load(files.vault_text(result.secrets), Loader)
    assert read == {"vault_imported_smtp_user_u": 'a "b" {{ c }}', "vault_imported_auth_password_a_b": '"p q"'}


def test_text_of_the_old_file_is_never_a_template():
    text = '<domain a.b>\nbackoff-notify ""\n</domain>\n<smtp-pattern-list x>\nreply /{{ lookup(1) }}/ mode=backoff\n</smtp-pattern-list>\n'
    written = files.policy_text(imported(text=text).policy, "config")
    assert "!unsafe '/{{ lookup(1) }}/'" in written


def test_a_file_tells_whether_it_was_edited(result):
    text = files.policy_text(result.policy, "config")
    assert not files.edited(text)
    assert files.edited(text.replace("max-smtp-out: 3", "max-smtp-out: 30"))
    assert files.edited("") and files.edited("policy_macros: {}\n")
    assert not files.edited(files.report_text("a\nb\n")) and files.edited(files.report_text("a\nb\n") + "c")
    wanted = files.vault_text({"a": "b"})
    states = [files.state(known, wanted) for known in (wanted, "", files.vault_text({"a": "c"}), wanted + "x: y\n")]
    assert states == ["same", "new", "outdated", "edited"]


def test_what_the_fleet_needs_and_writes_is_what_the_roles_say():
    policy = yaml.safe_load((ROOT / "roles/policy/defaults/main.yml").read_text())
    assert {name: policy["policy_domain_settings"][name] for name in NEEDS} == NEEDS
    module = yaml.safe_load(pmta_import.DOCUMENTATION)["options"]["accounting"]["default"]
    assert module == list(
        yaml.safe_load((ROOT / "roles/powermta/defaults/main.yml").read_text())["powermta_accounting"]
    )


def test_an_import_says_every_variable_of_the_receivers_so_that_nothing_of_the_default_mixes_in(result):
    policy = yaml.safe_load((ROOT / "roles/policy/defaults/main.yml").read_text())
    the_platforms = {name for name in policy if name.removeprefix("policy_") in FLEETS}
    assert set(result.policy) == set(policy) - the_platforms


def test_files_that_replace_what_was_imported_are_named():
    text = "---\n# policy_macros: {}\npolicy_providers:\n  policy_replies: x\n"
    read = {
        "group_vars/all/policy.yml": True,
        "group_vars/all/10_before/z.yml": False,
        "group_vars/all/10_more/a.yml": True,
        "group_vars/all/30_mine/a.yaml": True,
        "group_vars/all/00_policy.yml": False,
        "group_vars/all/policy.yml~": False,
        "group_vars/all/.policy.yml": False,
        "group_vars/all/policy.md": False,
        "group_vars/all.yml": False,
        "group_vars/powermta.yml": True,
        "group_vars/powermta/00.json": True,
        "group_vars/powermta": True,
        "host_vars/vps2.example.org/a.yml": True,
        "host_vars/all.example.org": True,
        files.POLICY_FILE: False,
    }
    assert {name: beats(name) for name in read} == read
    policy = ["policy_macros", "policy_providers", "policy_replies"]
    said = said_again(policy, dict.fromkeys(read, text))
    assert [one.split()[0] for one in said] == sorted(name for name, true in read.items() if true)
    assert all("imported as policy_providers:" in one for one in said)
    assert said_again(policy, {"group_vars/x.json": '{"policy_macros": {}}', "group_vars/y": "dns_ttl: 1"}) == [
        "group_vars/x.json is read later and replaces what was imported as policy_macros: take that out there, unless it is meant"
    ]


_ALONE = """
import sys
sys.path[:0] = [{here!r}]
from test_import import imported
inside = "<domain $m>\\nmax-msg-rate 5/h\\n</domain>"
for n, rate in ((1, 5), (2, 3)):
    inside += "\\n<virtual-mta v%d>\\n<domain $m>\\nmax-smtp-out %d\\n</domain>\\n</virtual-mta>" % (n, rate)
text = "domain-macro m a.b,c.d,e.f,g.h\\n<virtual-mta w>\\n<domain a.b>\\nmax-smtp-out 2\\n</domain>\\n"
text += "<domain c.d>\\nmax-smtp-out 1\\n</domain>\\n</virtual-mta>\\n"
result = imported(text=text + inside + "\\n")
print(imported(), result)
"""


def test_every_process_writes_the_same_files():
    script = _ALONE.format(here=str(HERE))
    texts = {
        subprocess.run(
            [sys.executable, "-c", script],
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("1", "2", "3", "4")
    }
    assert len(texts) == 1


# Any configuration -----------------------------------------------------------------------------------------------------

PATTERNS = ("a.example", "b.example", "*.example", "[*.]b.example", "*", "$m")
DIRECTIVES = {
    "max-smtp-out": ("1", "5", "20"),
    "max-msg-rate": ("1/h", "100/h", "2000/d", "unlimited"),
    "retry-after": ("10m", "1h"),
    "use-starttls": ("yes", "no"),
}
LINES = st.dictionaries(st.sampled_from(sorted(DIRECTIVES)), st.integers(0, 1))
TAGS = st.dictionaries(st.sampled_from(PATTERNS), LINES, max_size=4)


def tag_lines(tags):
    out = []
    for pattern, settings in tags.items():
        lines = [f"{name} {DIRECTIVES[name][value]}" for name, value in settings.items()]
        out += [f"<domain {pattern}>", *lines, "</domain>"]
    return out


@given(top=TAGS, first=TAGS, second=TAGS, pool=TAGS, own=st.sampled_from(["first", "second", "pool"]))
def test_no_limit_is_lost_or_loosened_whatever_the_old_virtual_mtas_said(top, first, second, pool, own):
    text = ["domain-macro m c.example,d.example", *tag_lines(top)]
    for name, tags in (("v1", first), ("v2", second)):
        # The product refuses a virtual MTA in two pools with <domain> tags; both kinds of scope are tried.
        text += [f"<virtual-mta {name}>", *(tag_lines(tags) if own != "pool" else []), "</virtual-mta>"]
    text += [
        "<virtual-mta-pool p>",
        "virtual-mta v1",
        *(tag_lines(pool) if own != "first" else []),
        "</virtual-mta-pool>",
    ]
    source = "\n".join(text) + "\n"
    old = Effective(source)
    result = imported(text=source)
    _content, whole = five_senders(result)
    new = Effective(whole)
    for receiver in ("a.example", "b.example", "x.b.example", "c.example", "d.example", "e.example", "other.test"):
        befores = [old.settings(receiver, vmta) for vmta in ("v1", "v2")]
        after = new.settings(receiver, "new1")
        for name in {name for before in befores for name in before}:
            values = [same(before[name]) if name in before else None for before in befores]
            if not is_limit(name):
                assert same(after[name]) in values
                continue
            limits = [amount(name, value[0]) for value in values if value is not None]
            limited = [limit for limit in limits if limit is not None]
            assert amount(name, after[name][0]) == (min(limited) if limited else None), (receiver, name)
