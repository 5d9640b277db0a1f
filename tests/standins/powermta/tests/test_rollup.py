# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""MX roll-up: which queue mail ends in, which rules hold there, and where it goes."""

from __future__ import annotations

import time

import pytest
from test_delivery import ACCT, QUIET
from world import until


def rollups(*lines: str) -> str:
    return "<mx-rollup-list>\n" + "".join(f"    mx {line}\n" for line in lines) + "</mx-rollup-list>\n"


def domain(name: str, *lines: str) -> str:
    return f"<domain {name}>\n" + "".join(f"    {line}\n" for line in lines) + "</domain>\n"


def start(daemon, nameserver, text: str) -> None:
    daemon.environment["PMTA_STANDIN_DNS"] = nameserver
    daemon.configure(text, QUIET)
    daemon.start()


def names(daemon) -> set[str]:
    return {one["name"].partition("/")[0] for one in daemon.json("show", "queues")["queue"]}


HELD = ("smtp-hosts [127.0.0.9]:1", "retry-after 1h")


def test_mail_ends_in_the_queue_of_its_mx(daemon, nameserver) -> None:
    start(daemon, nameserver, rollups("*.mx.big.test big.rollup", "mx.own.test own.rollup") + domain("big.rollup", *HELD)
          + domain("own.rollup", *HELD) + domain("*", *HELD))  # fmt: skip
    for name in ("one.test", "two.test", "own.test", "ok.test", "missing.test"):
        daemon.send(f"u@{name}")
    assert until(lambda: len(names(daemon)) == 4 and names(daemon)) == {
        "big.rollup",
        "own.rollup",
        "ok.test",
        "missing.test",
    }
    [big] = [one for one in daemon.json("show", "queues")["queue"] if one["name"] == "big.rollup/{default}"]
    assert big["rcpt"] == 2


def test_rules_of_the_domain_give_way_to_those_of_its_roll_up(daemon, nameserver, sink) -> None:
    text = rollups("*.mx.big.test big.rollup") + domain("one.test", "max-msg-rate 100/h")
    text += domain("big.rollup", f"smtp-hosts {sink.host}", "max-msg-rate 1/h") + domain("*", "max-smtp-out 3")
    start(daemon, nameserver, text)
    for name in ("one.test", "two.test", "one.test"):
        daemon.send(f"u@{name}")
    until(lambda: sink.received)
    time.sleep(0.5)
    assert len(sink.received) == 1, "one limit for the domains together"
    shown = daemon.pmta("show", "settings", "big.rollup/{default}").stdout.splitlines()
    assert "max-msg-rate 1/h" in shown and "max-smtp-out 3" in shown


def test_a_domain_may_opt_out(daemon, nameserver) -> None:
    text = rollups("*.mx.big.test big.rollup") + domain("big.rollup", *HELD) + domain("*", *HELD)
    start(daemon, nameserver, text + domain("one.test", "disable-mx-rollup yes"))
    daemon.send("u@one.test")
    daemon.send("u@two.test")
    assert until(lambda: len(names(daemon)) == 2 and names(daemon)) == {"one.test", "big.rollup"}


def test_queue_to_of_the_roll_up_counts_and_not_that_of_the_domain(daemon, nameserver) -> None:
    text = (
        rollups("*.mx.big.test big.rollup") + domain("big.rollup", "queue-to shared.queue", *HELD) + domain("*", *HELD)
    )
    start(daemon, nameserver, text + domain("one.test", "queue-to mine.queue"))
    daemon.send("u@one.test")
    assert until(lambda: names(daemon)) == {"shared.queue"}


def test_an_exact_rule_sends_to_the_mx_it_names(daemon, nameserver, sink) -> None:
    start(daemon, nameserver, ACCT + rollups("mx.own.test own.rollup") + domain("*", f"default-smtp-port {sink.port}"))
    daemon.send("u@own.test")
    [record] = until(daemon.root.records)
    assert (record["type"], record["queue"], record["dsnMta"]) == (
        "d",
        "own.rollup/{default}",
        "mx.own.test (127.0.0.9)",
    )


def test_a_wild_card_whose_hosts_were_cleared_delivers_nothing(daemon, nameserver, sink) -> None:
    text = ACCT + rollups("*.mx.big.test big.rollup") + domain("big.rollup", f"smtp-hosts {sink.host}")
    text += '<virtual-mta a>\n<domain *>\nsmtp-hosts ""\nretry-after 1h\n</domain>\n</virtual-mta>\n'
    daemon.environment["PMTA_STANDIN_DNS"] = nameserver
    daemon.configure(text, QUIET.replace("</source>", "default-virtual-mta a\n</source>"))
    daemon.start()
    daemon.send("u@one.test")
    found = until(lambda: [one for one in daemon.root.records("more") if one["type"] == "tq"])
    assert found[0]["dsnDiag"] == "no hosts for big.rollup: smtp-hosts missing"
    assert not sink.received and len(daemon.root.spooled()) == 1


def test_rolled_up_by_ip_each_recipient_reaches_its_own_hosts(daemon, nameserver, sink) -> None:
    text = ACCT + rollups("*.mx.big.test big.rollup rollup-by-ip")
    start(daemon, nameserver, text + domain("*", f"default-smtp-port {sink.port}", "max-smtp-out 1"))
    for name in ("one.test", "two.test", "one.test"):
        daemon.send(f"u@{name}")
    found = until(lambda: len(records := daemon.root.records()) == 3 and records)
    by_rcpt = {(one["rcpt"], one["queue"], one["dsnMta"].partition(" ")[0]) for one in found}
    assert {queue for _, queue, _ in by_rcpt} == {"big.rollup/{default}"}
    assert {(rcpt, host) for rcpt, _, host in by_rcpt} == {
        ("u@one.test", "one.mx.big.test"),
        ("u@two.test", "TWO.mx.big.test"),
    }


def test_a_stopped_virtual_mta_holds_rolled_up_mail_too(daemon, nameserver, sink) -> None:
    text = rollups("*.mx.big.test big.rollup") + domain("big.rollup", f"smtp-hosts {sink.host}")
    text += "<virtual-mta a>\n" + domain("*", *HELD) + "</virtual-mta>\n"
    daemon.environment["PMTA_STANDIN_DNS"] = nameserver
    daemon.configure(text, QUIET.replace("</source>", "default-virtual-mta a\n</source>"))
    daemon.start()
    daemon.send("u@one.test")
    assert until(lambda: (q := daemon.json("show", "queues")["queue"]) and q[0]["lastError"])
    assert not sink.received


def test_a_wild_card_without_hosts_is_refused(root) -> None:
    from pmta_standin.errors import ConfigError
    from world import BASE, RELAY

    with pytest.raises(ConfigError, match="rollup-by-ip, or smtp-hosts"):
        root.load(BASE + RELAY + rollups("*.mx.big.test big.rollup"))
    root.load(BASE + RELAY + rollups("*.mx.big.test big.rollup rollup-by-ip"))
