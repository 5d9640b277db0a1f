# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What accounting rows count as: outcomes, times, providers, header, names, signals."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.email_engine.fleet.plugins.module_utils.accounting import outcomes, signals
from ansible_collections.email_engine.fleet.plugins.module_utils.accounting.header import REQUIRED, counted, read_header
from ansible_collections.email_engine.fleet.plugins.module_utils.accounting.names import gaps
from ansible_collections.email_engine.fleet.plugins.module_utils.accounting.providers import Providers
from ansible_collections.email_engine.fleet.plugins.module_utils.accounting.times import Minutes
from ansible_collections.email_engine.fleet.plugins.module_utils.problems import FleetError

MX = "mx.example.org (198.51.100.4)"


# --- Outcomes ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "category", "diagnostic", "receiver", "address", "attempt", "bounced", "counts_as"),
    [
        (
            "5.1.1 (bad destination mailbox address)",
            "bad-mailbox",
            "smtp;550 no such user",
            MX,
            "",
            True,
            True,
            "bad-mailbox",
        ),
        ("5.2.1 (x)", "inactive-mailbox", "smtp;550 disabled", MX, "198.51.100.4", True, True, "inactive-mailbox"),
        # Only the reply says that somebody was there.
        ("5.1.1 (x)", "bad-mailbox", "SMTP;550 no", "", "", True, True, "bad-mailbox"),
        # The sender's, not the recipient's.
        ("5.7.1 (x)", "spam-related", "smtp;550 blocked", MX, "", True, False, "spam-related"),
        ("5.7.26 (x)", "policy-related", "smtp;550 SPF", MX, "", True, False, "policy-related"),
        ("5.2.2 (x)", "quota-issues", "smtp;552 full", MX, "", True, False, "quota-issues"),
        ("5.0.0 (x)", "", "smtp;554 no", MX, "", True, False, "other"),
        # Nobody was asked.
        ("5.3.5 (no such virtual MTA)", "bad-configuration", "", "", "", False, False, "bad-configuration"),
        ("5.1.2 (bad destination system)", "bad-domain", "", "", "", False, False, "bad-domain"),
        # The end of a long wait repeats what its last attempt was told.
        ("4.4.7 (delivery time expired)", "message-expired", "smtp;421 later", MX, "", False, False, "message-expired"),
        ("5.4.7 (delivery time expired)", "bad-mailbox", "smtp;421 later", MX, "", False, False, "message-expired"),
        ("4.2.2 (mailbox full)", "bad-mailbox", "smtp;452 full", MX, "", False, False, "bad-mailbox"),
        # 5.4.71 is not 5.4.7.
        ("5.4.71 (x)", "bad-mailbox", "smtp;550 x", MX, "", True, True, "bad-mailbox"),
    ],
)
def test_bounces(status, category, diagnostic, receiver, address, attempt, bounced, counts_as):
    found = outcomes.bounce(status, category, outcomes.remote(diagnostic, receiver, address))
    assert (found.attempt, found.bounced, found.category) == (attempt, bounced, counts_as)
    assert not (found.delivered or found.deferred or found.complaint)


def test_the_other_types():
    assert outcomes.delivery("smtp") == outcomes.delivery("") == outcomes.Outcome(attempt=True, delivered=True)
    assert outcomes.delivery("file") == outcomes.delivery("discard") == outcomes.NOTHING
    assert outcomes.transient(True) == outcomes.Outcome(attempt=True, deferred=True)
    assert outcomes.transient(False) == outcomes.NOTHING
    assert outcomes.remote_bounce("5.1.1 (x)", "bad-mailbox") == outcomes.Outcome(bounced=True, category="bad-mailbox")
    assert outcomes.remote_bounce("4.2.2 (x)", "bad-mailbox").bounced is False
    assert all(outcomes.feedback(one).complaint for one in ("abuse", "fraud", "", "Virus"))
    assert not any(outcomes.feedback(one).complaint for one in ("not-spam", "Auth-Failure", "dmarc"))


# --- Times ------------------------------------------------------------------------------------------------------------


@given(
    st.datetimes(datetime(1971, 1, 1), datetime(2100, 1, 1)).map(lambda at: at.replace(microsecond=0)),
    st.integers(-14 * 60, 14 * 60),
)
def test_days_and_hours_are_those_of_utc(at, minutes):
    local = at.replace(tzinfo=timezone(timedelta(minutes=minutes)))
    utc = local.astimezone(timezone.utc)
    found = Minutes().of(f"{local:%Y-%m-%d %H:%M:%S%z}")
    assert (found.day, found.hour) == (f"{utc:%Y-%m-%d}", f"{utc:%Y-%m-%dT%H}")
    assert Minutes().epoch(f"{local:%Y-%m-%d %H:%M:%S%z}") == int(utc.timestamp())


@pytest.mark.parametrize(
    "text",
    ["", "2026-01-05 10:00:02", "1767607202", "Mon Jan  5 10:00:02 2026", "05/01/2026 10:00:02+0000", "2026-02-30 10:00:00+0000",
     "2026-01-05 24:00:00+0000", "2026-01-05 10:00:02+9999", "٢026-01-05 10:00:02+0000"],
)  # fmt: skip
def test_what_is_no_time_is_not_guessed(text):
    minutes = Minutes()
    minutes.of("2026-01-05 10:00:02+0000")
    assert minutes.of(text) is None


def test_other_ways_of_writing_an_offset():
    assert Minutes().of("2026-01-05T23:30:00Z") == Minutes().of("2026-01-06 01:30:59+02:00")


# --- Providers --------------------------------------------------------------------------------------------------------


def test_providers():
    found = Providers(
        {
            "gmail": {"domains": ["gmail.com"]},
            "yahoo": {"domains": ["yahoo.com"]},
            "microsoft": {"domains": ["hotmail.com"]},
        }
    )
    assert found.of("u@GMAIL.com") == found.of("u@gmail.com.") == found.of('"a@b"@gmail.com') == "gmail"
    assert found.of("u@company.example", "gmail.rollup/vmta-1") == "gmail"
    assert (
        found.of("u@company.example", "nobody.rollup/vmta-1")
        == found.of("u@company.example", "company.example/v")
        == "other"
    )
    assert found.of("nonsense") == found.of("") == "other"
    assert found.of_feedback("", "Yahoo!-Mail-Feedback/2.0", "arf", "") == "yahoo"
    assert found.of_feedback("", "", "jmrp", "") == "microsoft"
    assert found.of_feedback("u@gmail.com", "Yahoo!-Mail-Feedback/2.0") == "gmail"
    assert found.of_feedback("", "Unknown/1", "arf", "") == "other"


# --- Header -----------------------------------------------------------------------------------------------------------

FULL = "type,timeLogged,timeQueued,orig,rcpt,orcpt,dsnAction,dsnStatus,dsnDiag,dsnMta,bounceCat,vmta,dlvSourceIp"


def test_columns_are_found_by_name():
    names = FULL.split(",")
    assert read_header("\ufeff" + ",".join(reversed(names)) + "\r\n", REQUIRED, "x").columns["type"] == len(names) - 1


@pytest.mark.parametrize("kind", REQUIRED)
def test_a_missing_column_is_named_with_its_file(kind):
    for column in REQUIRED[kind]:
        line = FULL.replace(f",{column}", "", 1)
        with pytest.raises(FleetError) as error:
            read_header(line, [kind], "/var/log/pmta/acct-1.csv")
        assert "/var/log/pmta/acct-1.csv" in str(error.value) and column in str(error.value)


@pytest.mark.parametrize(
    "line", ["", "hello", "d,2026-01-05 10:00:00+0000,x", '"type,timeLogged', FULL + ",rcpt", "\0\1\2"]
)
def test_what_is_no_header_is_refused(line):
    with pytest.raises(FleetError):
        read_header(line, ["d"], "x")


def test_a_type_that_stands_in_two_files_counts_from_the_first():
    files = {
        "/a.csv": {"records": "d,b"},
        "|/bin/x": {"records": "d"},
        "/b.csv": {"Records": "delivery,transient,tq"},
        "/c.csv": None,
    }
    assert counted(files) == {"/a.csv": ("d", "b"), "/b.csv": ("t",), "/c.csv": ()}
    with pytest.raises(FleetError, match="x, which is no record type"):
        counted({"/a.csv": {"records": "d,x"}})


# --- Names ------------------------------------------------------------------------------------------------------------


LOST = "acct-{}.csv is gone: what came after it until 2026-01-05 may be lost"


def names(*numbers, day="2026-01-05"):
    return [f"acct-{day}-{number:04d}.csv" for number in numbers]


@pytest.mark.parametrize(
    ("seen", "known", "said"),
    [
        (names(0, 1, 2), [], []),
        (names(0, 2), [], ["never seen: acct-2026-01-05-0001.csv"]),
        # It was read, and is gone since.
        (names(0, 2), names(1), []),
        # A first look finds a day that begins late; once an earlier day is known it would have begun with 0.
        (names(3, 4), [], []),
        (names(1), names(0, day="2026-01-04"), ["never seen: acct-2026-01-05-0000.csv", LOST.format("2026-01-04-0000")]),
        # An old day of which PowerMTA deletes one after the other.
        (names(2, 3, day="2026-01-01") + names(0), names(0, 3, day="2026-01-01"), []),
        (names(2, 4, day="2026-01-01"), [], ["never seen: acct-2026-01-01-0003.csv"]),
        # Nothing was read for so long that everything known is gone.
        (names(0), names(7, day="2025-12-01"), [LOST.format("2025-12-01-0007")]),
        (names(0, 9), [], ["never seen: " + ", ".join(names(1, 2, 3, 4, 5)) + " and 3 more"]),
        (["acct.csv", "acct-copy.csv", "acct-2026-01-05-x.csv"], [], []),
    ],
)  # fmt: skip
def test_gaps(seen, known, said):
    assert gaps("acct", ".csv", seen, known, "2026-01-04") == said


# --- Signals ----------------------------------------------------------------------------------------------------------

TOLD = {"complaints": {"yahoo": "fed"}, "silent_after": {"complaints": 24}}


@pytest.mark.parametrize(
    ("signal", "provider", "age", "expected", "state"),
    [
        ("complaints", "yahoo", 1, True, "fed"),
        ("complaints", "yahoo", 24, True, "fed"),
        ("complaints", "yahoo", 25, True, "silent"),
        ("complaints", "yahoo", None, True, "silent"),
        # Nobody got mail, so nobody complains.
        ("complaints", "yahoo", None, False, "fed"),
        ("complaints", "gmail", None, True, "not_available"),
        ("complaints", "gmail", 1, True, "not_available"),
        ("bounces", "gmail", 4, True, "silent"),
        ("opens", "other", 0, True, "not_available"),
    ],
)
def test_states(signal, provider, age, expected, state):
    assert signals.state(TOLD, signal, provider, age, expected) == state


@pytest.mark.parametrize(
    ("policy", "where"),
    [
        ({"complaint": {}}, "policy_signals.complaint"),
        ({"complaints": {"gmial": "fed"}}, "policy_signals.complaints.gmial"),
        ({"complaints": {"gmail": True}}, "policy_signals.complaints.gmail"),
        ({"opens": "fed"}, "policy_signals.opens"),
        ({"silent_after": {"opens": 0}}, "policy_signals.silent_after.opens"),
        ({"silent_after": {"clicks": 5}}, "policy_signals.silent_after.clicks"),
        ([], "policy_signals"),
    ],
)
def test_what_makes_no_sense_is_named(policy, where):
    assert [one.where for one in signals.check(policy, ["gmail"])] == [where]


def test_the_defaults_make_sense():
    assert signals.check(signals.DEFAULTS, []) == signals.check({}, []) == []
