# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The default policy against replies that receivers are known to give, matched by PCRE as PowerMTA matches.

The replies stand in policy_replies.txt.
"""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

TESTS = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(TESTS / "standins/powermta"), str(TESTS)]
from pmta_standin import pcre, status  # noqa: E402
from policy import role_policy  # noqa: E402

POLICY = role_policy()
HARD = ("bad-mailbox", "inactive-mailbox", "bad-domain")

# (receiver, whether the queue backs off, category of its bounce, reply)
REPLIES = [
    (receiver.replace("any", ""), queue == "backoff", bounce, reply)
    for receiver, queue, bounce, reply in (
        [cell.strip() for cell in line.split(" | ", 3)]
        for line in (TESTS / "unit/policy_replies.txt").read_text(encoding="utf-8").splitlines()
        if line and not line.startswith("#")
    )
]


def compiled(match: str) -> pcre.Pattern:
    return pcre.Pattern(match[1:-1])


LISTS = {
    name: [(compiled(one["match"]), one["action"]) for one in [*provider.get("replies", ()), *POLICY["replies"]]]
    for name, provider in {**POLICY["providers"], "": {}}.items()
}
CATEGORIES = [(compiled(one["match"]), one["category"]) for one in POLICY["bounce_categories"]]


def category(reply: str) -> str:
    """As the daemon files it: status, then the reply."""
    code, text = int(reply[:3]), reply[4:]
    line = f"{status.described(status.of_reply(code, text))};smtp;{reply}"
    return next(name for pattern, name in CATEGORIES if pattern.search(line))


@pytest.mark.parametrize(("receiver", "backs_off", "bounce", "reply"), REPLIES)
def test_a_known_reply(receiver, backs_off, bounce, reply):
    action = next((did for pattern, did in LISTS[receiver] if pattern.search(reply)), None)
    assert action == ("mode=backoff" if backs_off else None)
    filed = category(reply)
    assert (filed not in (*HARD, "spam-related")) if bounce == "soft" else (filed == bounce)


@pytest.mark.parametrize("name", LISTS, ids=lambda name: name or "common")
def test_no_list_slows_down_for_a_recipient_or_for_the_senders_own_setup(name):
    for _receiver, backs_off, bounce, reply in REPLIES:
        if not backs_off and bounce in (*HARD, "policy-related", "quota-issues", "invalid-sender"):
            assert not any(pattern.search(reply) for pattern, _did in LISTS[name]), reply


def test_each_pattern_is_met_by_a_known_reply():
    replies = [reply for *_rest, reply in REPLIES]
    unmet = {
        pattern.text for entries in LISTS.values() for pattern, _did in entries if not any(map(pattern.search, replies))
    }
    assert unmet == set()


@pytest.mark.parametrize("bounce", sorted({name for _pattern, name in CATEGORIES} & set(HARD)))
def test_recipients_are_given_up_for_5xx_only(bounce):
    """A deferral that expired is filed by its expiry; whatever is temporary otherwise is not the recipient's end."""
    for *_rest, reply in REPLIES:
        if reply.startswith("4"):
            assert category(reply) != bounce, reply


def test_expiry_and_null_mx():
    def filed(line):
        return next(name for pattern, name in CATEGORIES if pattern.search(line))

    assert filed("4.4.7 (delivery time expired);smtp;450 5.1.1 user unknown") == "message-expired"
    assert filed("5.1.10 (recipient address has null MX);") == "bad-domain"
    assert filed("5.1.2 (bad destination system address);") == "bad-domain"
    assert filed("5.3.5 (system incorrectly configured);no such virtual MTA") == "bad-configuration"


def test_nothing_is_thrown_away_and_nothing_sticks():
    entries = [*POLICY["replies"], *(one for p in POLICY["providers"].values() for one in p.get("replies", ()))]
    assert {one["action"] for one in entries} == {"mode=backoff"}
    every = POLICY["domain_settings"]
    for settings in (every, *({**every, **(p.get("settings") or {})} for p in POLICY["providers"].values())):
        assert settings["backoff-to-normal-after"] not in ("never", None)
        assert settings["reenable-source-ip-after"] not in ("never", None)


def test_each_entry_names_its_source():
    for name, provider in POLICY["providers"].items():
        said = " ".join(provider["sources"])
        for setting in provider["settings"]:
            word = {"max-smtp-out": "connections", "max-rcpt-per-message": "recipients"}.get(setting, "messages")
            assert setting in said or word in said or "rate" in said, f"{name}: {setting}"
        assert not provider.get("mx") or "mx:" in said or name in ("orange", "free", "sfr")
    for one in [
        *POLICY["bounce_categories"],
        *POLICY["replies"],
        *(r for p in POLICY["providers"].values() for r in p["replies"]),
    ]:
        assert len(one["source"]) > 5
