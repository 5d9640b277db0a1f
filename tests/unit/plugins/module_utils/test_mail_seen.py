# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the headers of a message that arrived say about its sender."""

from __future__ import annotations

import pytest

from ansible_collections.email_engine.fleet.plugins.module_utils import mail_seen

SENDER = {"name": "m1.test", "ip": "192.0.2.1", "hostname": "m1.test", "domain": "m1.test"}
POSTFIX = "from m1.test (m1.test [192.0.2.1]) (using TLSv1.3) by mx.gmail.test (Postfix) with ESMTPS id 1; date"
GOOGLE = "from m1.test (m1.test. [192.0.2.1]) by mx.google.com with ESMTPS id 1 for <x@y>; date"
INSIDE = "by 2002:a05:6a10:1234 with SMTP id 1; date"
INNER = "from relay.gmail.test (relay.gmail.test [10.0.0.1]) by store.gmail.test with LMTP id 2; date"
GOOD = [{"domain": "m1.test", "selector": "s1", "verdict": "yes", "why": ""}]
BAD = [{"domain": "m1.test", "selector": "s1", "verdict": "no", "why": "the signature is not by the published key"}]
BLIND = [{"domain": "m1.test", "selector": "s1", "verdict": "unknown", "why": "no answer for its key"}]


@pytest.mark.parametrize(
    ("received", "signatures", "expected"),
    [
        ([POSTFIX], GOOD, ("ok", "ok", "ok")),
        ([INSIDE, GOOGLE], GOOD, ("ok", "ok", "ok")),
        ([INNER, POSTFIX], GOOD, ("ok", "ok", "ok")),
        ([POSTFIX.replace("192.0.2.1]", "192.0.2.99]")], GOOD, ("wrong", "unknown", "ok")),
        # The name in EHLO may say anything; the address that connected is what counts.
        ([POSTFIX.replace("from m1.test (m1.test [192.0.2.1])", "from [192.0.2.1] (x [192.0.2.99])")], GOOD, ("wrong", "unknown", "ok")),
        ([POSTFIX.replace("from m1.test ", "from localhost ")], GOOD, ("ok", "wrong", "ok")),
        ([INSIDE], GOOD, ("unknown", "unknown", "ok")),
        ([], GOOD, ("unknown", "unknown", "ok")),
        ([POSTFIX], BAD, ("ok", "ok", "wrong")),
        ([POSTFIX], BLIND, ("ok", "ok", "unknown")),
        ([POSTFIX], [], ("ok", "ok", "missing")),
        ([POSTFIX], [{**GOOD[0], "domain": "other.test"}], ("ok", "ok", "missing")),
        ([POSTFIX], [*BAD, *GOOD], ("ok", "ok", "ok")),
    ],
)  # fmt: skip
def test_the_hop_and_the_signature_of_the_sender_count(received, signatures, expected):
    found = mail_seen.judge(SENDER, received, signatures)
    assert tuple(found[edge]["verdict"] for edge in ("source_ip", "ehlo", "dkim")) == expected, found
    assert found["received"]["verdict"] == "ok"


def test_what_did_not_arrive_is_missing_and_what_was_not_taken_unknown():
    assert mail_seen.lost(True, "accepted")["received"]["verdict"] == "missing"
    found = mail_seen.lost(False, "5.7.1 not a feeder")
    assert found["received"]["verdict"] == "unknown" and "not a feeder" in found["received"]["found"]
    rows = [
        {"sender": "m1.test", "edges": found},
        {"sender": "m2.test", "edges": mail_seen.judge(SENDER, [POSTFIX], GOOD)},
    ]
    assert mail_seen.lines(rows)[0] == "1 of 2 messages arrived as they should" and len(mail_seen.lines(rows)) == 2


def test_only_who_may_send_is_asked_to():
    base = {
        "from_email": "c@m.test",
        "from_name": None,
        "domain": "m.test",
        "tenant": "t",
        "daily_quota": 50,
        "paused": False,
    }
    senders = [
        {**base, "name": "a", "mta": "vps2", "status": "active"},
        {**base, "name": "b", "mta": "vps2", "status": "standby"},
        {**base, "name": "c", "mta": "vps2", "status": "warming", "paused": True},
        {**base, "name": "d", "mta": "vps9", "status": "active"},
    ]
    document = {"senders": senders, "tenants": [{"name": "t", "feeders": [{"address": "192.0.2.5"}, {"user": "mw"}]}]}
    (message,) = mail_seen.probe_messages(document, "probe@box.test", "run", "vps2")
    assert (message["sender"], message["user"], message["rcpt_to"]) == ("a", "mw", ["probe@box.test"])
    document["tenants"][0]["feeders"].pop()
    assert mail_seen.probe_messages(document, "probe@box.test", "run", "vps2")[0]["user"] is None


def test_every_line_says_what_to_do():
    off = mail_seen.judge(SENDER, [POSTFIX.replace("192.0.2.1]", "192.0.2.99]")], [])
    rows = [
        {"sender": "m1.test", "edges": one} for one in (off, mail_seen.lost(True, ""), mail_seen.lost(False, "530 no"))
    ]
    told = mail_seen.lines(rows)[1:]
    assert len(told) == 5 and all(line.rpartition(". ")[0] and line.endswith((".", ").")) for line in told), told
    assert "smtp-source-host" in told[0] and "530 no. Read what PowerMTA answered" in told[-1]


EDGE = {"verdict": "ok", "wanted": "", "found": "", "server": "", "remedy": ""}
ARRIVED = mail_seen.judge(SENDER, [POSTFIX], GOOD)


@pytest.mark.parametrize(
    ("edges", "dns", "verdict", "green"),
    [
        (ARRIVED, "yes", "ok", "yes"),
        (ARRIVED, "unknown", "ok", "unknown"),
        (mail_seen.judge(SENDER, [POSTFIX], BAD), "yes", "wrong", "no"),
        (mail_seen.judge(SENDER, [POSTFIX], BAD), "unknown", "wrong", "no"),
        (mail_seen.judge(SENDER, [POSTFIX], []), "yes", "wrong", "no"),
        (mail_seen.judge(SENDER, [POSTFIX], BLIND), "yes", "unknown", "unknown"),
        # It may come yet, or not have been sent at all.
        (mail_seen.lost(True, ""), "yes", "unknown", "unknown"),
        (mail_seen.lost(False, "530 no"), "yes", "unknown", "unknown"),
        (mail_seen.lost(False, "530 no"), "no", "unknown", "no"),
        # The mailbox could not be read.
        (None, "yes", "unknown", "unknown"),
    ],
)
def test_what_arrived_is_an_edge_more(edges, dns, verdict, green):
    checked = [{"name": name, "green": dns, "edges": {"a": EDGE}} for name in ("m1.test", "m2.test")]
    result = {"msg": "no such login"} if edges is None else {"senders": [{"sender": "m1.test", "edges": edges}]}
    first, second = mail_seen.merged(checked, [{"sender": "m1.test"}], result)
    edge = first["edges"]["mail"]
    assert (edge["verdict"], first["green"]) == (verdict, green)
    assert bool(edge["found"]) == bool(edge["remedy"]) == (verdict != "ok")
    assert edges is not None or "no such login" in edge["found"]
    # Who sent nothing is as it was.
    assert second == checked[1]
