# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A standby begins beside a listing: one of the same tenant, at its own cap, within the budget; and what happens when none may."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import create_engine, text, update

import lists
from email_engine.store.models import Ip
from lists import OTHERS, RESERVES, SENDING
from members import check_dns

ONE, TWO = SENDING[:2]


@pytest.fixture
def check(app, client, admin):
    lists.populate(app, client, admin)
    return lists.Check(app, client, admin)


def standing(check, name, **changes):
    check.within(lambda session: session.execute(update(Ip).where(Ip.hostname == name).values(**changes)))


def ago(database, days):
    """What was audited happened so long before. The log only grows, so that it takes its owner, and no trigger."""
    engine = create_engine(database["owner"])
    with engine.begin() as connection:
        connection.execute(text("ALTER TABLE audit_log DISABLE TRIGGER only_grows"))
        connection.execute(text(f"UPDATE audit_log SET at = at - interval '{days} days'"))
        connection.execute(text("ALTER TABLE audit_log ENABLE TRIGGER only_grows"))
    engine.dispose()


def test_one_reserve_begins_at_its_own_cap(check):
    answer = check({ONE: "zen"})
    assert answer["started"] == RESERVES[:1] and answer["held"] == []
    begun = check.sender(RESERVES[0])
    assert (begun.status, begun.phase, begun.daily_quota, begun.reserve) == ("warming", "week_1", 50, False)
    assert check.statuses()[RESERVES[1]] == "standby"
    start = check.audit("moved")[-1]
    assert start.target == f"sender {RESERVES[0]}"
    assert start.evidence["beside"] == ONE and start.evidence["after_listing"] is True


def test_the_mail_of_the_listed_one_stays_its_own(check):
    before = check.client.get("/api/v1/fleet", headers=check.admin).json()["senders"]
    check({ONE: "zen"})
    after = check.client.get("/api/v1/fleet", headers=check.admin).json()["senders"]
    same = ("ip", "from_email", "vmta", "domain", "pool", "mta", "hostname")
    assert [[one[key] for key in same] for one in before] == [[one[key] for key in same] for one in after]


def test_one_alert_tells_of_both(check):
    check({ONE: "zen"})
    (alert,) = check.alerts().values()
    assert alert.key == f"listing/{ONE}" and alert.severity == "critical"
    assert (
        "It is stopped" in alert.text and f"{RESERVES[0]} begins for new campaigns, in week_1 at 50 a day" in alert.text
    )
    told = alert.text
    for _ in range(2):
        check({ONE: "zen"})
    assert [one.text for one in check.alerts().values()] == [told]


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"declared": False}, "it has no standby"),
        ({"paused": True}, "it has no standby"),
        ({"status": "retired"}, "it has no standby"),
    ],
)
def test_who_is_no_standby_for_it(check, changes, why):
    for name in RESERVES:
        standing(check, name, **changes)
    answer = check({ONE: "zen"})
    assert answer["started"] == [] and answer["held"] == [] and answer["stopped"] == [ONE]
    assert why in check.alerts()["failover/sos"].text


def test_whose_dns_is_not_green_waits(check):
    for green in ("no", "unknown"):
        check_dns(check.client, check.admin, green, *RESERVES, at="2099-01-01T00:00:00Z")
    answer = check({ONE: "zen"})
    assert answer["started"] == [] and "its DNS was not seen" in check.alerts()["failover/sos"].text


def test_whom_no_list_was_asked_about_waits(check):
    """One that takes over beside a listing has to be seen clean; another one that was is taken."""
    answer = check({ONE: "zen"}, names=[ONE, RESERVES[1]])
    assert answer["started"] == [RESERVES[1]]


def test_a_listed_standby_is_none(check):
    """And with it the tenant has two that are listed."""
    answer = check({ONE: "zen", RESERVES[0]: "dbl"})
    assert answer["started"] == [] and answer["held"] == ["sos"]


def test_another_tenants_standby_is_none(check):
    answer = check({OTHERS[0]: "zen"})
    assert answer["started"] == [] and "it has no standby" in check.alerts()["failover/other"].text
    assert [check.statuses()[name] for name in RESERVES] == ["standby", "standby"]


def test_a_fault_of_the_set_up_starts_nobody(check):
    assert check({ONE: {"zen": "configuration"}})["started"] == []


def test_the_second_listing_of_a_tenant_holds_it(check):
    check({ONE: "zen"})
    answer = check({ONE: "zen", TWO: "zen"})
    assert (answer["stopped"], answer["started"], answer["held"]) == ([TWO], [], ["sos"])
    (held,) = check.incidents("held")
    assert "2 senders of sos are listed" in held.summary and check.alerts()["hold/sos"].severity == "critical"
    third = check({ONE: "zen", TWO: "zen", SENDING[2]: "zen"})
    assert (third["stopped"], third["held"]) == ([SENDING[2]], []) and len(check.incidents("held")) == 1
    check.close(held)
    assert "hold/sos" not in check.alerts()


def test_two_at_once_hold_it(check):
    answer = check({ONE: "zen", TWO: "zen"})
    assert (sorted(answer["stopped"]), answer["started"], answer["held"]) == ([ONE, TWO], [], ["sos"])


def test_the_budget_is_one_in_seven_days(check):
    assert check({ONE: "zen"})["started"] == RESERVES[:1]
    check(), check()
    check.close(check.incidents("listing")[0])
    answer = check({TWO: "zen"})
    assert (answer["started"], answer["held"]) == ([], ["sos"])
    assert "has used its 1 automatic start in 7 days" in check.incidents("held")[0].summary


def test_after_seven_days_there_is_a_new_one(check, database):
    assert check({ONE: "zen"})["started"] == RESERVES[:1]
    check(), check()
    check.close(check.incidents("listing")[0])
    ago(database, 7)
    assert check({TWO: "zen"})["started"] == RESERVES[1:]


def test_the_policy_sets_the_budget(app, client, admin):
    lists.populate(app, client, admin, tenant_starts=0)
    check = lists.Check(app, client, admin)
    answer = check({ONE: "zen"})
    assert (answer["started"], answer["held"], answer["stopped"]) == ([], ["sos"], [ONE])


def test_the_platforms_budget_holds_no_tenant(app, client, admin):
    lists.populate(app, client, admin, platform_least=0, platform_share=0)
    check = lists.Check(app, client, admin)
    answer = check({ONE: "zen"})
    assert (answer["started"], answer["held"]) == ([], [])
    assert "the platform has used its" in check.alerts()["failover/sos"].text


def test_a_held_tenant_starts_nobody_and_its_senders_go_on(check):
    check({ONE: "zen", TWO: "zen"})
    assert [check.statuses()[name] for name in SENDING[2:]] == ["warming"] * 3
    check_dns(check.client, check.admin, "yes", *RESERVES)
    assert [check.statuses()[name] for name in RESERVES] == ["standby", "standby"]


@pytest.mark.parametrize("same", [True, False])
def test_many_reports_at_once_start_one(check, same):
    """Of the same listing, or of two of the tenant's senders: never two standbys, never two incidents of one."""
    names = [ONE] * 6 if same else [ONE, TWO] * 3
    bodies = [check.body({name: "zen"}) for name in names]
    with ThreadPoolExecutor(6) as pool:
        answers = list(pool.map(check.post, bodies))
    assert sum(len(answer["started"]) for answer in answers) == 1
    assert [check.statuses()[name] for name in RESERVES].count("warming") == 1
    assert len(check.incidents("listing")) == len(set(names)) and len(check.incidents("held")) == (0 if same else 1)


def test_who_was_resting_is_replaced_by_nobody(check):
    standing(check, ONE, status="resting")
    answer = check({ONE: "zen"})
    assert (answer["stopped"], answer["started"], answer["held"]) == ([ONE], [], [])
