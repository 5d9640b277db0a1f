# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The sender on its MTA host: bound, alone in its virtual MTA's smtp-source-host with the name of EHLO, and loaded."""

from __future__ import annotations

import pytest

from ansible_collections.email_engine.fleet.plugins.module_utils.dns_verdict.facts import facts_of
from ansible_collections.email_engine.fleet.plugins.module_utils.dns_verdict.mta import hosts_of, judge_mta
from ansible_collections.email_engine.fleet.plugins.module_utils.pmta_config.effective import Effective
from ansible_collections.email_engine.fleet.plugins.module_utils.problems import FleetError

IP, NAME, IP6 = "198.18.0.1", "mail.one.test", "2001:db8::1"
SOUND = {"bound": ["127.0.0.0/8", f"{IP}/32"], "sources": {"vmta-1": [f"{IP} {NAME}"]}, "loaded": ["vmta-1"]}


def sender(**changes) -> dict:
    ptr = {"method": "manual", "zone": None}
    one = {"name": NAME, "tenant": "one", "ip": IP, "hostname": NAME, "domain": NAME, "from_email": f"news@{NAME}"}
    return {**one, "ptr": ptr, "status": "standby", "mta": "vps2", "vmta": "vmta-1", **changes}


def judged(mtas: dict, **changes):
    tenant = {"name": "one", "routing": "by_sender", "domain": NAME, "dmarc": {"policy": "none", "rua": []}}
    [facts] = facts_of({"version": 1, "tenants": [tenant], "senders": [sender(**changes)], "gone": []})
    return judge_mta(facts, hosts_of(mtas))


def lines(*texts: str) -> dict:
    return {"sources": {"vmta-1": list(texts)}}


@pytest.mark.parametrize(
    ("seen", "verdict", "found"),
    [
        ({}, "ok", "bound"),
        (lines(f"{IP} {NAME.upper()}."), "ok", ""),
        ({"bound": ["198.18.0.0/24"]}, "ok", ""),  # a local route
        ({"sources": {"VMTA-1": [f"{IP} {NAME}"]}, "loaded": ["Vmta-1"]}, "ok", ""),
        ({"bound": []}, "missing", f"{IP} is not bound"),
        ({"bound": ["198.18.0.2/32", f"{IP6}/128"]}, "missing", "is not bound"),
        ({"bound": None}, "unknown", "does not tell its addresses"),
        (lines(f"198.18.0.2 {NAME}"), "wrong", "198.18.0.2"),
        (lines(f"{IP} other.test"), "wrong", "other.test"),
        (lines(IP), "wrong", IP),
        (lines(f"{NAME} {IP}"), "wrong", NAME),
        (lines("198.18.0.0/24 mail.one.test"), "wrong", "/24"),
        (lines(f"{IP} {NAME}", f"198.18.0.2 {NAME}"), "wrong", "198.18.0.2"),
        (lines(f"{IP} {NAME} more"), "wrong", "more"),
        (lines(), "missing", "no smtp-source-host"),
        ({"sources": {}}, "missing", "no virtual MTA vmta-1"),
        ({"sources": {"vmta-2": [f"{IP} {NAME}"]}}, "missing", "no virtual MTA vmta-1"),
        ({"sources": None}, "unknown", "cannot be read"),
        ({"loaded": []}, "wrong", "has not loaded"),
        ({"loaded": None}, "unknown", "does not run"),
        # The worst counts: what is not known hides no fault, and a fault hides no worse one.
        ({"bound": None, "sources": {}}, "missing", "no virtual MTA"),
        ({"bound": [], "loaded": None}, "missing", "is not bound"),
        ({"bound": [], **lines(f"{IP} other.test")}, "wrong", "other.test"),
        ({"loaded": None, **lines(f"{IP} other.test")}, "wrong", "other.test"),
    ],
)
def test_the_truth_table(seen, verdict, found):
    edge = judged({"vps2": {**SOUND, **seen}})
    assert edge.verdict == verdict and found in edge.found, edge
    assert IP in edge.wanted and NAME in edge.wanted and "vmta-1" in edge.wanted
    assert (edge.server, bool(edge.remedy)) == (("", False) if verdict == "ok" else ("vps2", True)), edge


@pytest.mark.parametrize("mtas", [{}, {"vps2": None}, {"other": SOUND}])
def test_a_host_that_was_not_looked_at_is_unknown(mtas):
    edge = judged(mtas)
    assert (edge.verdict, edge.server) == ("unknown", "vps2") and "vps2 was not looked at" in edge.found and edge.remedy


def test_a_document_that_does_not_name_the_host_is_unknown():
    assert judged({"vps2": SOUND}, mta=None).verdict == "unknown"


def test_ipv6_in_any_spelling():
    seen = {**SOUND, "bound": ["2001:db8:0::1/128"], **lines(f"2001:DB8:0:0::1 {NAME}")}
    assert judged({"vps2": seen}, ip=IP6).verdict == "ok"


@pytest.mark.parametrize(
    "seen", ["text", {}, {**SOUND, "bound": ["zonk"]}, {**SOUND, "sources": []}, {**SOUND, "loaded": 7}]
)
def test_what_is_not_what_was_seen_is_refused(seen):
    with pytest.raises(FleetError, match="mtas.vps2"):
        hosts_of({"vps2": seen})


def test_sources_of_a_configuration():
    """Their own lines, wherever they stand; no line of a pool, of the file or of a receiver."""
    text = (
        "smtp-source-host 192.0.2.9 host.test\n<virtual-mta A>\n SMTP-Source-Host 192.0.2.1 a.test\n include more\n</virtual-mta>\n"
        "<virtual-mta b>\n max-smtp-msg-rate 1/d\n</virtual-mta>\n<virtual-mta-pool p>\n virtual-mta a\n</virtual-mta-pool>\n"
        "include others\n"
    )
    files = {
        "more": "smtp-source-host 192.0.2.2 a.test\n",
        "others": "<virtual-mta a>\nsmtp-source-host 192.0.2.3 a.test\n</virtual-mta>\n",
    }
    found = Effective(text, lambda name, _file: [(name, files[name])]).sources
    assert found == {"a": ["192.0.2.1 a.test", "192.0.2.2 a.test", "192.0.2.3 a.test"], "b": []}
