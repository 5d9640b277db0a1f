# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""SMTP in: relaying, users, the choice of the VMTA, headers."""

from __future__ import annotations

import smtplib

import pytest
from world import RELAY, until

VMTAS = """<domain *>
    smtp-hosts {sink}
    retry-after 1s
</domain>
<virtual-mta a>
    smtp-source-host 127.0.0.21 a.sos.test
</virtual-mta>
<virtual-mta b>
    smtp-source-host 127.0.0.22 b.sos.test
</virtual-mta>
<virtual-mta c>
    smtp-source-host 127.0.0.23 c.sos.test
    smtp-source-host 127.0.0.24 d.sos.test
</virtual-mta>
<virtual-mta-pool p>
    virtual-mta a
    virtual-mta b
</virtual-mta-pool>
"""


def source(*lines: str, name: str = "127.0.0.1") -> str:
    return f"<source {name}>\n" + "".join(f"    {line}\n" for line in lines) + "</source>\n"


def ehlos(sink, count: int) -> list[str]:
    until(lambda: len(sink.received) >= count)
    return [one["ehlo"] for one in sink.received]


def test_relaying_is_denied(daemon) -> None:
    daemon.configure(
        "relay-domain in.test\nrelay-address abuse@other.test\nhost-name mta.test\n<domain *>\nsmtp-hosts [127.0.0.9]:1\n</domain>\n",
        "",
    )
    daemon.start()
    with pytest.raises(smtplib.SMTPRecipientsRefused) as refusal:
        daemon.send("u@isp.test")
    code, text = refusal.value.recipients["u@isp.test"]
    assert code == 550 and text.startswith(b"5.7.1 relaying denied")
    for accepted in ("x@in.test", "abuse@other.test", "x@mta.test"):
        daemon.send(accepted)
    assert daemon.json("show", "status")["status"]["queue"]["smtp"]["rcp"] == 3


def test_alias_forwards_only_what_may_be_relayed(daemon, sink) -> None:
    text = f"relay-domain in.test\n<domain *>\nsmtp-hosts {sink.host}\n</domain>\n"
    text += "<aliases>\nalias postmaster@in.test ops@operator.test\nalias postmaster@out.test ops@operator.test\n</aliases>\n"
    daemon.configure(text, "")
    daemon.start()
    daemon.send("postmaster@in.test")
    with pytest.raises(smtplib.SMTPRecipientsRefused):
        daemon.send("postmaster@out.test")
    assert until(lambda: [one["rcpt"] for one in sink.received]) == ["ops@operator.test"]


def test_pool_round_robin_and_identity_of_each_vmta(daemon, sink) -> None:
    daemon.configure(VMTAS.format(sink=sink.host), source("always-allow-relaying yes", "default-virtual-mta p"))
    daemon.start()
    for _ in range(4):
        daemon.send()
    assert sorted(ehlos(sink, 4)) == ["a.sos.test", "a.sos.test", "b.sos.test", "b.sos.test"]
    assert {(one["ehlo"], one["ip"]) for one in sink.received} == {
        ("a.sos.test", "127.0.0.21"),
        ("b.sos.test", "127.0.0.22"),
    }


def test_several_sources_of_one_vmta_take_turns(daemon, sink) -> None:
    daemon.configure(VMTAS.format(sink=sink.host), source("always-allow-relaying yes", "default-virtual-mta c"))
    daemon.start()
    for number in range(2):
        daemon.send()
        ehlos(sink, number + 1)
    assert {(one["ehlo"], one["ip"]) for one in sink.received} == {
        ("c.sos.test", "127.0.0.23"),
        ("d.sos.test", "127.0.0.24"),
    }


def test_default_vmta_uses_the_global_source(daemon, sink) -> None:
    daemon.configure(f"smtp-source-host 127.0.0.30 own.test\n<domain *>\nsmtp-hosts {sink.host}\n</domain>\n")
    daemon.start()
    daemon.send()
    assert ehlos(sink, 1) == ["own.test"] and sink.received[0]["ip"] == "127.0.0.30"


PATTERNS = r"""<pattern-list by-sender>
    header from /(^|<)\s*contact@mail1\.sos\.test\s*>?\s*$/ virtual-mta=a
    mail-from /^news@/ virtual-mta=b
    rcpt-to /@third\.test$/ virtual-mta=c
</pattern-list>
"""


@pytest.mark.parametrize(
    ("message", "vmta"),
    [
        ({"sender": "contact@mail1.sos.test"}, "a"),
        ({"sender": "CONTACT@mail1.sos.test"}, "a"),
        ({"sender": "x@mail1.sos.test", "orig": "NEWS@x.test"}, "b"),
        ({"sender": "contact@mail1xsos.test"}, "{default}"),
        ({"sender": "contact@mail1.sos.test.evil.test"}, "{default}"),
        ({"sender": "z@z.test", "rcpt": ["q@isp.test", "r@third.test"]}, "c"),
        ({"sender": "z@z.test"}, "{default}"),
    ],
)
def test_pattern_list(daemon, message, vmta) -> None:
    daemon.configure(
        VMTAS.format(sink="[127.0.0.9]:1") + PATTERNS, source("always-allow-relaying yes", "pattern-list by-sender")
    )
    daemon.start()
    daemon.send(**message)
    assert {one["queue"].partition("/")[2] for one in daemon.json("list")["rcpt"]} == {vmta}


def test_nested_pattern_list_and_call_to(daemon) -> None:
    lists = """<pattern-list other>
    rcpt-to // virtual-mta=c
</pattern-list>
<pattern-list p1>
    mail-from /nested/ <pattern-list>
        rcpt-to /special/ virtual-mta=a
        * virtual-mta=b
    </pattern-list>
    header x-way /^ call$/ call-to: other
</pattern-list>
"""
    daemon.configure(VMTAS.format(sink="[127.0.0.9]:1") + lists, source("always-allow-relaying yes", "pattern-list p1"))
    daemon.start()
    daemon.send("special@isp.test", "nested@x.test")
    daemon.send("plain@isp.test", "nested@x.test")
    daemon.send("third@isp.test", "x@x.test", headers="X-Way: call\r\n")
    found = {one["rcpt"]: one["queue"] for one in daemon.json("list")["rcpt"]}
    assert found == {"special@isp.test": "isp.test/a", "plain@isp.test": "isp.test/b", "third@isp.test": "isp.test/c"}


def test_x_virtual_mta_beats_the_pattern_list_and_is_stripped(daemon, sink) -> None:
    policy = source("always-allow-relaying yes", "pattern-list by-sender", "process-x-virtual-mta yes")
    daemon.configure(VMTAS.format(sink=sink.host) + PATTERNS, policy)
    daemon.start()
    daemon.send(headers="X-Virtual-MTA: b\r\n")
    assert ehlos(sink, 1) == ["b.sos.test"]
    assert b"X-Virtual-MTA" not in sink.received[0]["content"]
    with pytest.raises(smtplib.SMTPDataError) as refusal:
        daemon.send(headers="X-Virtual-MTA: nobody\r\n")
    assert refusal.value.smtp_code == 550
    assert refusal.value.smtp_error == b"5.5.0 specified Virtual MTA 'nobody' does not exist"


def test_x_virtual_mta_leaks_when_it_is_not_processed(daemon, sink) -> None:
    daemon.configure(VMTAS.format(sink=sink.host), source("always-allow-relaying yes", "default-virtual-mta a"))
    daemon.start()
    daemon.send(headers="X-Virtual-MTA: b\r\n")
    assert ehlos(sink, 1) == ["a.sos.test"]
    assert b"X-Virtual-MTA: b" in sink.received[0]["content"]


def test_headers_removed_job_and_received(daemon, sink) -> None:
    policy = source(
        "always-allow-relaying yes", "process-x-job yes", "remove-header X-Secret,X-Mailer", "add-received-header no"
    )
    daemon.configure(VMTAS.format(sink=sink.host), policy)
    daemon.start()
    daemon.send(headers="X-Job: job7\r\nX-Secret: a\r\n folded\r\nX-Kept: yes\r\n")
    until(lambda: sink.received)
    content = sink.received[0]["content"]
    assert b"X-Kept: yes" in content
    assert not any(name in content for name in (b"X-Job", b"X-Secret", b"folded", b"Received"))


USERS = """<smtp-user mw-a>
    password "secret one"
    source auth-a
</smtp-user>
<smtp-user mw-b>
    password other
</smtp-user>
<source auth-a>
    always-allow-relaying yes
    require-auth true
    default-virtual-mta a
</source>
<source {auth}>
    always-allow-relaying yes
    default-virtual-mta b
</source>
"""


def test_users_have_their_own_source(daemon, sink) -> None:
    policy = source("allow-auth yes", "allow-unencrypted-plain-auth yes", name="0/0")
    daemon.configure(VMTAS.format(sink=sink.host) + USERS, policy)
    daemon.start()
    with pytest.raises(smtplib.SMTPRecipientsRefused):
        daemon.send()
    with pytest.raises(smtplib.SMTPAuthenticationError):
        daemon.send(login=("mw-a", "other"))
    daemon.send(login=("mw-a", "secret one"))
    daemon.send(login=("mw-b", "other"))
    assert sorted(ehlos(sink, 2)) == ["a.sos.test", "b.sos.test"]


@pytest.mark.parametrize("lines", [("allow-auth yes",), ("allow-unencrypted-plain-auth yes",)])
def test_auth_in_clear_needs_both_settings(daemon, lines) -> None:
    daemon.configure(VMTAS.format(sink="[127.0.0.9]:1") + USERS, source(*lines, name="0/0"))
    daemon.start()
    with pytest.raises(smtplib.SMTPNotSupportedError):
        daemon.send(login=("mw-b", "other"))


def test_require_auth(daemon) -> None:
    daemon.configure("", source("always-allow-relaying yes", "require-auth yes"))
    daemon.start()
    with pytest.raises(smtplib.SMTPSenderRefused) as refusal:
        daemon.send()
    assert refusal.value.smtp_code == 530


def test_listener_names_a_source(daemon, sink) -> None:
    text = VMTAS.format(sink=sink.host) + source("always-allow-relaying yes", "default-virtual-mta b", name="feeder")
    daemon.configure(text, source("default-virtual-mta a"))
    config = daemon.root.path / "etc/pmta/config"
    config.write_text(config.read_text().replace(f":{daemon.port}\n", f":{daemon.port} source=feeder\n"))
    daemon.start()
    daemon.send()
    assert ehlos(sink, 1) == ["b.sos.test"]


def test_message_size(daemon) -> None:
    daemon.configure("", source("always-allow-relaying yes", "max-message-size 10k"))
    daemon.start()
    daemon.send(body="x" * 70 + "\r\n" + "y" * 70)
    with pytest.raises((smtplib.SMTPDataError, smtplib.SMTPSenderRefused)) as refusal:
        daemon.send(body="\r\n".join(["x" * 70] * 300))
    assert refusal.value.smtp_code == 552


def test_null_sender_is_kept(daemon, sink) -> None:
    daemon.configure(VMTAS.format(sink=sink.host))
    daemon.start()
    daemon.send(orig="")
    assert until(lambda: sink.received)[0]["orig"] in ("", "<>", None)


def test_relay_source_is_not_an_open_relay(daemon) -> None:
    assert "127.0.0.1" in RELAY
    daemon.configure("", source("always-allow-relaying yes", name="10.9.9.9"))
    daemon.start()
    with pytest.raises(smtplib.SMTPRecipientsRefused):
        daemon.send()
