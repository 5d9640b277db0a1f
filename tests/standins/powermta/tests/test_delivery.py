# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Queues: limits, retries, bounces, backoff, MX, loops, and what a pause misses."""

from __future__ import annotations

import time

import pytest
from test_injection import VMTAS, source
from world import RELAY, until

ACCT = """<acct-file /var/log/pmta/acct.csv>
    records d,b
</acct-file>
<acct-file /var/log/pmta/more.csv>
    records t,tq,r
</acct-file>
"""
QUIET = source("always-allow-relaying yes", "suppress-local-dsn yes")


def domain(sink, *lines: str) -> str:
    return f"<domain *>\n    smtp-hosts {sink.host}\n" + "".join(f"    {line}\n" for line in lines) + "</domain>\n"


def test_records(daemon, sink) -> None:
    sink.answers["gone@isp.test"] = "550 5.1.1 no such user"
    sink.answers["busy@isp.test"] = "451 4.3.0 come back"
    text = (
        ACCT
        + domain(sink, "retry-after 1s")
        + "<virtual-mta a>\nsmtp-source-host 127.0.0.21 a.sos.test\n</virtual-mta>\n"
    )
    policy = source("always-allow-relaying yes", "suppress-local-dsn yes", "process-x-job yes", "default-virtual-mta a")
    daemon.configure(text, policy)
    daemon.start()
    for one in ("u", "gone", "busy"):
        daemon.send(f"{one}@isp.test", headers="X-Job: job7\r\n")
    until(lambda: any(one["type"] == "t" for one in daemon.root.records("more")))
    sink.answers.clear()
    found = until(lambda: len(records := daemon.root.records()) == 3 and records)
    by_rcpt = {one["rcpt"].partition("@")[0]: one for one in found}
    delivered, gone, busy = by_rcpt["u"], by_rcpt["gone"], by_rcpt["busy"]
    assert (delivered["type"], delivered["dsnAction"], delivered["dsnStatus"]) == ("d", "relayed", "2.0.0 (success)")
    assert delivered["queue"] == "isp.test/a" and delivered["vmta"] == "a" and delivered["jobId"] == "job7"
    assert delivered["dlvSourceIp"] == "127.0.0.21" and delivered["dlvDestinationIp"] == "127.0.0.9"
    assert delivered["orig"] == "b@bounce.test" and int(delivered["dlvSize"]) > 50
    assert (gone["type"], gone["bounceCat"]) == ("b", "bad-mailbox")
    assert (
        gone["dsnStatus"] == "5.1.1 (bad destination mailbox address)"
        and gone["dsnDiag"] == "smtp;550 5.1.1 no such user"
    )
    assert busy["type"] == "d", "delivered after its retry"
    transient = [one for one in daemon.root.records("more") if one["type"] == "t"]
    assert transient[0]["dsnAction"] == "delayed" and transient[0]["rcpt"] == "busy@isp.test"
    assert [one["rcpt"] for one in daemon.root.records("more") if one["type"] == "r"] == [
        f"{n}@isp.test" for n in ("u", "gone", "busy")
    ]
    assert not daemon.root.spooled()
    names = [path.name for path in (daemon.root.path / "var/log/pmta").glob("acct-*.csv")]
    assert names == [time.strftime("acct-%Y-%m-%d-0000.csv")]


def test_header_line_is_the_union_in_documented_order(daemon, sink) -> None:
    daemon.configure(
        "<acct-file /var/log/pmta/x.csv>\nrecords tq,d\nrecord-fields d vmta,type,header_X-A\n</acct-file>\n"
        + domain(sink)
    )
    daemon.start()
    daemon.send(headers="X-A: b\r\n")
    until(lambda: daemon.root.records("x"))
    raw = next((daemon.root.path / "var/log/pmta").glob("x-*.csv")).read_bytes()
    head, record = raw.split(b"\r\n")[:2]
    assert head == (
        b"type,timeLogged,dsnStatus,dsnDiag,dsnMta,dlvType,dlvSourceIp,dlvDestinationIp,vmta,queue,userString,header_X-A"
    )
    assert record == b"d,,,,,,,,{default},,,b"


def test_refused_connection_is_a_tq_record_and_waits(daemon) -> None:
    daemon.configure(ACCT + "<domain *>\nsmtp-hosts [127.0.0.9]:1\nretry-after 1h\n</domain>\n")
    daemon.start()
    daemon.send()
    found = until(lambda: [one for one in daemon.root.records("more") if one["type"] == "tq"])
    assert found[0]["queue"] == "isp.test/{default}" and found[0]["dsnStatus"].startswith("4.4.1")
    assert len(daemon.root.spooled()) == 1
    assert "Connection refused" in daemon.pmta("show", "queues").stdout


def test_mail_expires_even_while_its_queue_is_paused(daemon) -> None:
    daemon.configure(ACCT + "<domain *>\nsmtp-hosts [127.0.0.9]:1\nretry-after 1h\nbounce-after 3s\n</domain>\n", QUIET)
    daemon.start()
    daemon.send()
    assert daemon.pmta("pause", "queue", "*/*").stdout == "Queue(s) paused.\n"
    found = until(lambda: daemon.root.records())
    assert found[0]["dsnStatus"] == "4.4.7 (delivery time expired)" and found[0]["bounceCat"] == "message-expired"


def test_queue_rate_and_reload_opens_a_new_window(daemon, sink) -> None:
    daemon.configure(domain(sink, "max-msg-rate 2/h"))
    daemon.start()
    for number in range(5):
        daemon.send(f"u{number}@isp.test")
    until(lambda: len(sink.received) == 2)
    time.sleep(0.7)
    assert len(sink.received) == 2
    daemon.send("u@other.test")
    until(lambda: len(sink.received) == 3)
    assert daemon.pmta("reload").stdout == "Configuration reloaded.\n"
    until(lambda: len(sink.received) == 5)
    time.sleep(0.5)
    assert len(sink.received) == 5, "two more of isp.test after the reload"


def test_vmta_rate_counts_attempted_recipients_of_all_domains(daemon, sink) -> None:
    text = (
        domain(sink)
        + "<virtual-mta a>\nsmtp-source-host 127.0.0.21 a.sos.test\nmax-smtp-msg-rate 3/d\n</virtual-mta>\n"
    )
    daemon.configure(text, source("always-allow-relaying yes", "default-virtual-mta a", "suppress-local-dsn yes"))
    sink.answers["*"] = "550 5.1.1 no"
    daemon.start()
    for number in range(6):
        daemon.send(f"u@d{number}.test")
    until(lambda: len(sink.attempts) == 3)
    time.sleep(0.7)
    assert len(sink.attempts) == 3


def test_max_smtp_out(daemon, sink) -> None:
    sink.delay = 0.4
    daemon.configure(domain(sink, "max-smtp-out 2", "max-msg-per-connection 1"))
    daemon.start()
    for number in range(4):
        daemon.send(f"u{number}@isp.test")
    until(lambda: len(sink.received) == 4)
    assert sink.most == 2


PATTERN = """<smtp-pattern-list isp>
    reply /too many errors/ mode=backoff
    reply /over quota/ bounce-rcpt
    reply /blocked/ mode=backoff,disable-source-ip,reenable-after=1h
</smtp-pattern-list>
"""


def test_backoff_by_reply_and_by_hand(daemon, sink) -> None:
    sink.answers["u@isp.test"] = "421 4.7.0 Too many errors"
    daemon.configure(PATTERN + domain(sink, "smtp-pattern-list isp", "retry-after 1s", "backoff-retry-after 1h"))
    daemon.start()
    daemon.send()
    mode = until(lambda: (q := daemon.json("show", "queues")["queue"]) and q[0]["mode"] == "backoff" and q[0]["mode"])
    assert mode == "backoff"
    time.sleep(1.5)
    assert len(sink.attempts) == 1, "backoff-retry-after is an hour"
    sink.answers.clear()
    assert daemon.pmta("set", "queue", "--mode=normal", "isp.test/{default}").returncode == 0
    daemon.pmta("schedule", "--retry-recipients", "isp.test/{default}")
    assert until(lambda: len(sink.received)) == 1


def test_bounce_rcpt_bounces_a_4xx(daemon, sink) -> None:
    sink.answers["u@isp.test"] = "452 4.2.2 over quota"
    daemon.configure(PATTERN + ACCT + domain(sink, "smtp-pattern-list isp"), QUIET)
    daemon.start()
    daemon.send()
    found = until(daemon.root.records)
    assert (found[0]["type"], found[0]["dsnStatus"], found[0]["bounceCat"]) == (
        "b",
        "4.2.2 (mailbox full)",
        "quota-issues",
    )


def test_disabled_source(daemon, sink) -> None:
    sink.answers["u@isp.test"] = "450 4.7.1 you are blocked"
    text = PATTERN + domain(sink, "smtp-pattern-list isp", "retry-after 4s", "backoff-retry-after 4s")
    text += "<virtual-mta a>\nsmtp-source-host 127.0.0.21 a.sos.test\nsmtp-source-host 127.0.0.22 b.sos.test\n</virtual-mta>\n"
    daemon.configure(text, source("always-allow-relaying yes", "default-virtual-mta a"))
    daemon.start()
    daemon.send()
    first = until(lambda: daemon.json("show", "disabled", "sources")["source"])[0]
    assert first["queue"] == "isp.test/a"
    sink.answers.clear()
    until(lambda: sink.received)
    assert sink.received[0]["ip"] != first["ip"]
    assert daemon.pmta("enable", "source", first["ip"], "isp.test/a").returncode == 0
    assert daemon.pmta("enable", "source", first["ip"], "isp.test/a").returncode == 1
    assert daemon.pmta("disable", "source", "--reenable-after=1h", "127.0.0.21", "isp.test/a").returncode == 0
    assert daemon.pmta("disable", "source", "127.0.0.22", "isp.test/a").returncode == 0
    listed = daemon.pmta("show", "disabled", "sources").stdout.splitlines()
    assert [line.split()[:2] for line in listed[1:]] == [
        ["127.0.0.21", "isp.test/a"],
        ["127.0.0.22", "isp.test/a"],
        ["2", "of"],
    ]
    assert "0 of 0" in daemon.pmta("show", "disabled", "sources", "*/b").stdout
    assert "2 of 2" in daemon.pmta("show", "disabled", "sources", "*/a").stdout
    assert "1 of 2" in daemon.pmta("show", "disabled", "sources", "--maxitems=1").stdout
    daemon.send("v@isp.test")
    time.sleep(1)
    assert len(sink.received) == 1


def test_pause_misses_queues_made_later_and_is_lost_at_a_restart(daemon, sink) -> None:
    daemon.configure("<domain *>\nsmtp-hosts [127.0.0.9]:1\nretry-after 1s\n</domain>\n")
    daemon.start()
    daemon.send()
    until(lambda: daemon.json("show", "queues")["queue"])
    daemon.pmta("pause", "queue", "*/*")
    daemon.configure(domain(sink, "retry-after 1s"))
    assert daemon.pmta("reload").returncode == 0
    daemon.send("u@later.test")
    daemon.send("v@isp.test")
    assert until(lambda: [one["rcpt"] for one in sink.received]) == ["u@later.test"]
    time.sleep(1.5)
    assert len(sink.received) == 1
    assert [one["name"] for one in daemon.json("show", "queues", "--paused")["queue"]] == ["isp.test/{default}"]
    assert daemon.stop() == 0
    daemon.start()
    assert until(lambda: len(sink.received) == 3), "the pause is gone with the restart"


def test_paused_job(daemon, sink) -> None:
    daemon.configure(domain(sink), source("always-allow-relaying yes", "process-x-job yes"))
    daemon.start()
    daemon.pmta("pause", "job", "j1")
    daemon.send("u@isp.test", headers="X-Job: j1\r\n")
    daemon.send("v@isp.test", headers="X-Job: j2\r\n")
    assert until(lambda: [one["rcpt"] for one in sink.received]) == ["v@isp.test"]
    assert "j1" in daemon.pmta("show", "jobs").stdout
    daemon.pmta("resume", "job", "j1")
    assert until(lambda: len(sink.received) == 2)


def test_removed_vmta_bounces_its_mail(daemon) -> None:
    held = VMTAS.format(sink="[127.0.0.9]:1").replace("retry-after 1s", "retry-after 1h")
    daemon.configure(
        ACCT + held, source("always-allow-relaying yes", "default-virtual-mta c", "suppress-local-dsn yes")
    )
    daemon.start()
    daemon.send()
    daemon.configure(ACCT, source("always-allow-relaying yes"))
    assert daemon.pmta("reload").returncode == 0
    found = until(daemon.root.records)
    assert (found[0]["type"], found[0]["vmta"]) == ("b", "c")
    assert found[0]["dsnStatus"].startswith("5.3.5") and found[0]["dsnDiag"] == "no such virtual MTA"
    assert not daemon.root.spooled()


def test_bounce_sends_a_notification_to_the_envelope_sender(daemon, sink) -> None:
    sink.answers["gone@isp.test"] = "550 5.1.1 no such user"
    daemon.configure(domain(sink), RELAY)
    daemon.start()
    daemon.send("gone@isp.test")
    report = until(lambda: sink.received)[0]
    assert report["rcpt"] == "b@bounce.test"
    assert b"Final-Recipient: rfc822;gone@isp.test" in report["content"] and b"Status: 5.1.1" in report["content"]


def test_mail_that_leads_back_here_bounces(daemon) -> None:
    daemon.configure(
        ACCT + f"relay-domain in.test\n<domain in.test>\nsmtp-hosts [127.0.0.1]:{daemon.port}\n</domain>\n", QUIET
    )
    daemon.start()
    daemon.send("x@in.test")
    assert until(daemon.root.records)[0]["dsnStatus"] == "5.4.6 (routing loop detected)"


def test_queue_to_shares_one_limit(daemon, sink) -> None:
    text = 'domain-macro ms a.test,b.test\n<domain $ms>\nqueue-to "ms.queue"\n</domain>\n'
    text += f"<domain ms.queue>\nsmtp-hosts {sink.host}\nmax-msg-rate 1/h\n</domain>\n"
    daemon.configure(text)
    daemon.start()
    daemon.send("u@a.test")
    daemon.send("u@b.test")
    until(lambda: sink.received)
    time.sleep(0.5)
    assert len(sink.received) == 1


@pytest.mark.parametrize(
    ("name", "status"),
    [("nullmx.test", "5.1.10"), ("missing.test", "5.1.2"), ("ok.test", None), ("noanswer.test", None)],
)
def test_mx(daemon, sink, nameserver, name, status) -> None:
    daemon.environment["PMTA_STANDIN_DNS"] = nameserver
    daemon.configure(ACCT + f"<domain *>\ndefault-smtp-port {sink.port}\n</domain>\n", QUIET)
    daemon.start()
    daemon.send(f"u@{name}")
    if status:
        assert until(daemon.root.records)[0]["dsnStatus"].startswith(status)
    else:
        assert until(daemon.root.records)[0]["dlvDestinationIp"] == "127.0.0.9", (
            "the preferred MX is dead, the second takes it"
        )
