# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A check of the blocklists: who stops by it, what ends it, and that nothing unknown or unbelieved does anything."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import func, select, text, update

import lists
from email_engine.jobs.sweep import Sweep
from email_engine.settings import Settings
from email_engine.store import dnsbl, lifecycle
from email_engine.store.models import BlacklistEvent, CheckRun, DnsblList, DnsblVerdict, Ip
from lists import EVERYBODY, OTHERS, SENDING
from members import check_dns
from samples import make_key

ONE = SENDING[0]


@pytest.fixture
def check(app, client, admin):
    lists.populate(app, client, admin)
    return lists.Check(app, client, admin)


def run(check):
    return check.within(
        lambda session: session.execute(select(CheckRun.state).where(CheckRun.name == "dnsbl")).scalar()
    )


def events(check):
    wanted = select(BlacklistEvent.blacklist_name, BlacklistEvent.target, BlacklistEvent.severity).where(
        BlacklistEvent.cleared_at.is_(None)
    )
    return check.within(lambda session: sorted(tuple(row) for row in session.execute(wanted)))


def test_a_clean_check_changes_nothing(check):
    before = check.statuses()
    answer = check()
    assert {name: value for name, value in answer.items() if value} == {}
    assert check.statuses() == before and check.jobs() == [] and check.told() == 0 and run(check) == "ok"


def test_a_listing_stops_the_sender_and_nobody_else(check):
    answer = check({ONE: "zen"})
    assert (answer["listed"], answer["stopped"], answer["again"]) == ([ONE], [ONE], False)
    found = check.statuses()
    assert found.pop(ONE) == "quarantine" and "quarantine" not in found.values()
    assert events(check) == [("zen", "198.19.0.1", "critical")]
    (incident,) = check.incidents("listing")
    assert answer["incidents"] == [incident.id] and incident.evidence["listings"][0]["codes"] == ["127.0.0.2"]
    assert incident.evidence["clean"] == ["dbl", "psbl", "uce3"]
    # The stop waits for no converge, and is the first thing to be done.
    assert check.jobs() == [("stop", "stop", [ONE]), ("converge", "converge", None)]
    assert len(answer["jobs"]) == 2
    shown = check.client.get(f"/api/v1/ips/{ONE}", headers=check.admin).json()
    assert shown["status"] == "quarantine"


def test_it_is_audited_before_it_is_executed(check):
    check({ONE: "zen"})
    moved, *_ = check.audit("moved")
    assert moved.reason == "zen lists 198.19.0.1 (127.0.0.2): a source of spam"
    assert moved.evidence["incident"] == check.incidents("listing")[0].id
    assert moved.before["status"] == "warming" and moved.after["status"] == "quarantine"
    assert all(row.id > moved.id for row in check.audit("queued"))


def test_the_same_again_is_told_once(check):
    check({ONE: "zen"})
    check.done()
    told, rows = check.told(), check.audit("moved", "opened")
    for _ in range(3):
        answer = check({ONE: "zen"})
        assert (answer["listed"], answer["stopped"], answer["incidents"], answer["jobs"]) == ([], [], [], [])
    assert check.told() == told and len(check.audit("moved", "opened")) == len(rows) and check.jobs() == []


def test_another_list_is_added_to_the_incident(check):
    check({ONE: "zen"})
    check({ONE: ["zen", "dbl"]})
    (incident,) = check.incidents("listing")
    assert [one["list"] for one in incident.evidence["listings"]] == ["zen", "dbl"]
    assert "dbl lists m1.sos.test" in check.alerts()[f"listing/{ONE}"].text


@pytest.mark.parametrize(
    ("listed", "status", "alert"),
    [
        ({"zen": "critical"}, "quarantine", "critical"),
        ({"dbl": "critical"}, "quarantine", "critical"),
        ({"psbl": "major"}, "warming", "warning"),
        ({"psbl": "major", "uce3": "major"}, "quarantine", "critical"),
        ({"psbl": "minor"}, "warming", None),
        ({"zen": "minor", "psbl": "minor"}, "warming", None),
        ({"uce3": "information"}, "warming", None),
        ({"zen": "configuration"}, "warming", None),
    ],
)
def test_what_a_severity_does(check, listed, status, alert):
    answer = check({ONE: listed})
    assert check.statuses()[ONE] == status and (answer["stopped"] == [ONE]) == (status == "quarantine")
    found = check.alerts().get(f"listing/{ONE}")
    assert (found.severity if found else None) == alert
    assert bool(check.jobs()) == (status == "quarantine")


class TestMajor:
    """One answer of a noisier list is looked at again."""

    def test_the_second_time_it_stops(self, check):
        first = check({ONE: "psbl"})
        assert (first["listed"], first["stopped"]) == ([], []) and len(first["incidents"]) == 1 and events(check) == []
        second = check({ONE: "psbl"})
        assert (second["listed"], second["stopped"], second["incidents"]) == ([ONE], [ONE], [])
        assert check.alerts()[f"listing/{ONE}"].severity == "critical"
        assert check.incidents("listing")[0].evidence["look_again"] == []

    def test_said_once_and_not_again_it_is_over(self, check):
        check({ONE: "psbl"})
        check()
        assert len(check.incidents()) == 1, "one clean answer is not enough"
        check()
        assert check.incidents() == [] and check.alerts() == {} and check.statuses()[ONE] == "warming"

    def test_an_unknown_answer_between_them_changes_nothing(self, check):
        check({ONE: "psbl"})
        check(unknown=["psbl"])
        assert check({ONE: "psbl"})["stopped"] == [ONE]

    def test_the_same_report_twice_is_one_answer(self, check):
        body = check.body({ONE: "psbl"})
        assert check.post(body)["stopped"] == [] == check.post(body)["stopped"]


class TestOtherSeverity:
    """A list that says something else of what it has known."""

    def test_worse_is_looked_at_as_new(self, check):
        check({ONE: {"psbl": "minor"}})
        first = check({ONE: {"psbl": "major"}})
        assert (first["stopped"], events(check)) == ([], [("psbl", "198.19.0.1", "minor")])
        second = check({ONE: {"psbl": "major"}})
        assert (second["listed"], second["stopped"]) == ([ONE], [ONE])
        assert events(check) == [("psbl", "198.19.0.1", "major")]

    def test_less_ends_what_stops_by_as_many_answers_as_any(self, check):
        check({ONE: "zen"})
        less = {ONE: {"zen": "configuration"}}
        assert check(less)["cleared"] == [] and events(check) == [("zen", "198.19.0.1", "critical")]
        check({ONE: "zen"})
        assert check(less)["cleared"] == []
        assert check(less)["cleared"] == [ONE] and events(check) == [("zen", "198.19.0.1", "configuration")]
        assert "listed no longer" in check.alerts()[f"listing/{ONE}"].subject
        (row,) = check.audit("cleared")
        assert row.evidence["list"] == "zen" and row.evidence["clean"] == 2

    def test_said_once_and_less_since_is_over(self, check):
        check({ONE: {"psbl": "major"}})
        check({ONE: {"psbl": "minor"}})
        assert len(check.incidents("listing")) == 1
        check({ONE: {"psbl": "minor"}})
        assert check.incidents("listing") == []


def test_a_minor_listing_is_told_until_it_is_over(check):
    check({ONE: {"psbl": "minor"}, SENDING[1]: "uce3"})
    (alert,) = check.alerts().values()
    assert (alert.key, alert.severity) == (f"minor/{ONE}", "info") and "psbl lists 198.19.0.1" in alert.text
    told = check.told()
    check(unknown=["psbl"], names=[ONE]), check(names=[SENDING[1]])
    assert set(check.alerts()) == {f"minor/{ONE}"} and check.told() == told
    check(), check()
    assert check.alerts() == {}


class TestFew:
    """A look at a few says nothing of the fleet's check."""

    def test_it_does_not_say_that_the_check_sees(self, check):
        blind = {"resolver": {"verdict": "blind", "reasons": ["it forwards"]}}
        check(**blind)
        check(names=[ONE])
        assert "blind/dnsbl" in check.alerts() and run(check) == "blind"
        check(names=EVERYBODY[:5])
        assert "blind/dnsbl" not in check.alerts() and run(check) == "ok"
        check(names=[ONE], **blind)
        assert check.alerts() == {} and run(check) == "ok"

    def test_it_stops_as_ever(self, check):
        check()
        assert check({ONE: "zen"}, names=[ONE])["stopped"] == [ONE]


class TestConfiguration:
    def test_it_is_told_and_moves_nothing(self, check):
        answer = check({ONE: {"zen": "configuration"}})
        (incident,) = check.incidents()
        assert (incident.kind, answer["incidents"]) == ("configuration", [incident.id])
        assert (answer["listed"], answer["stopped"], answer["started"], answer["jobs"]) == ([], [], [], [])
        assert check.statuses()[ONE] == "warming"

    def test_it_is_closed_by_evidence(self, check):
        check({ONE: {"zen": "configuration"}})
        check(unknown=["zen"])
        check()
        assert len(check.incidents()) == 1
        check()
        assert check.incidents() == []
        (closed,) = check.audit("closed")
        assert "no longer" in closed.reason


class TestClearing:
    def test_it_needs_sound_answers_in_a_row(self, check):
        check({ONE: "zen"})
        for given in ({}, {"unknown": ["zen"]}, {}):
            assert check(**given)["cleared"] == []
        assert events(check) != []
        assert check()["cleared"] == [ONE] and events(check) == []

    def test_a_list_that_fails_its_test_clears_nothing(self, check):
        check({ONE: "zen"})
        for state in ("failed", "blind", "unknown"):
            for _ in range(3):
                assert check(states={"zen": state})["cleared"] == []
        assert events(check) != []

    def test_it_never_releases(self, check):
        check({ONE: "zen"})
        for _ in range(4):
            check()
        assert check.statuses()[ONE] == "quarantine" and len(check.incidents("listing")) == 1
        alert = check.alerts()[f"listing/{ONE}"]
        assert alert.subject == f"{ONE} is listed no longer" and "a person releases it" in alert.text

    def test_a_person_closes_and_releases(self, check):
        check({ONE: "zen"})
        move = {"event": "release", "reason": "mended"}
        url = f"/api/v1/ips/{ONE}:move"
        reasons = check.client.post(url, headers=check.admin, json=move).json()["reasons"]
        assert len(reasons) == 2, reasons
        check(), check()
        check.close(check.incidents("listing")[0])
        assert f"listing/{ONE}" not in check.alerts()
        check.done()
        found = check.client.post(url, headers=check.admin, json=move).json()
        assert found["sender"]["status"] == "warming"
        # On the host the engine's own stop is lifted, and no other.
        assert check.jobs() == [("resume", "converge", [ONE])]

    def test_the_policy_says_how_many(self, app, client, admin):
        lists.populate(app, client, admin, clears=3)
        check = lists.Check(app, client, admin)
        check({ONE: "zen"})
        assert [check()["cleared"] for _ in range(3)] == [[], [], [ONE]]


class TestUnasked:
    """A listing of whose end no check would hear ends with the incident that an admin closes."""

    def after(self, check, **more):
        check({ONE: "zen"})
        check(**more)
        check.close(check.incidents("listing")[0])
        return [row.evidence["why"] for row in check.audit("cleared")]

    @pytest.mark.parametrize("state", ["failed", "blind", "unknown"])
    def test_a_list_that_is_not_healthy(self, check, state):
        assert self.after(check, states={"zen": state}) == [f"the list is {state}"] and events(check) == []

    def test_a_list_that_is_asked_no_longer(self, check, monkeypatch):
        check({ONE: "zen"})
        monkeypatch.delitem(lists.LISTS, "zen")
        check()
        check.close(check.incidents("listing")[0])
        assert events(check) == []
        (row,) = check.audit("cleared")
        assert row.evidence["why"] == "the list is asked no longer" and row.evidence["target"] == "198.19.0.1"

    def test_an_address_that_the_sender_has_no_longer(self, check):
        check({ONE: "zen"})
        moved = text(f"UPDATE ips SET address = '198.19.9.9' WHERE hostname = '{ONE}'")
        check.within(lambda session: session.execute(moved))
        check.close(check.incidents("listing")[0])
        assert events(check) == [] and check.audit("cleared")[0].evidence["why"] == "the sender has it no longer"

    def test_a_check_that_closes_an_incident_ends_none(self, check):
        check({ONE: {"psbl": "major", "zen": "minor"}})
        for _ in range(2):
            check(states={"zen": "failed"})
        assert check.incidents() == [] and events(check) == [("zen", "198.19.0.1", "minor")]

    def test_what_a_healthy_list_says_stays(self, check):
        assert self.after(check, listed={ONE: "zen"}) == []
        assert events(check) == [("zen", "198.19.0.1", "critical")]


def test_a_tenant_closes_no_incident_that_keeps_it_from_going_on(app, check):
    mine = make_key(app, "sos's", "sos")
    check({ONE: "zen", SENDING[1]: "zen"})
    check({SENDING[2]: {"zen": "configuration"}})
    for kind, status in (("listing", 403), ("held", 403), ("configuration", 200)):
        url = f"/api/v1/incidents/{check.incidents(kind)[0].id}"
        assert check.client.post(f"{url}:acknowledge", headers=mine).status_code == 200, kind
        answer = check.client.post(f"{url}:close", headers=mine, json={"cause": "I say so"})
        assert answer.status_code == status, kind
    check.close(check.incidents("held")[0])
    assert check.incidents("held") == []


class TestBlind:
    @pytest.mark.parametrize(
        "given",
        [
            {"resolver": {"verdict": "blind", "reasons": ["it forwards to a public resolver"]}},
            {"states": dict.fromkeys(lists.LISTS, "failed")},
            {"states": dict.fromkeys(lists.LISTS, "unknown")},
            {"lists": []},
        ],
    )
    def test_it_is_told_and_nothing_else_changes(self, check, given):
        check({ONE: "zen"})
        before, known = check.statuses(), events(check)
        for name in (SENDING[1], *OTHERS):
            answer = check({name: "zen"}, **given)
            assert not any(answer[part] for part in ("listed", "stopped", "cleared", "again", "incidents", "jobs"))
        assert check.statuses() == before and events(check) == known and run(check) == "blind"
        assert check.alerts()["blind/dnsbl"].severity == "critical"
        check()
        assert "blind/dnsbl" not in check.alerts() and run(check) == "ok"

    def test_a_list_that_failed_is_told_by_itself(self, check):
        check(states={"psbl": "failed", "uce3": "blind"})
        assert set(check.alerts()) == {"list/psbl", "list/uce3"}
        wanted = select(DnsblList.name, DnsblList.state)
        states = check.within(lambda session: dict(session.execute(wanted).all()))
        assert states == {"zen": "healthy", "dbl": "healthy", "psbl": "failed", "uce3": "blind"}
        check(states={"psbl": "unknown"})
        assert set(check.alerts()) == {"list/psbl"}
        check()
        assert check.alerts() == {}

    def test_what_a_failed_list_says_counts_for_nothing(self, check):
        assert check({ONE: "zen"}, states={"zen": "failed"})["stopped"] == []
        wanted = select(DnsblVerdict.listed, func.count()).where(DnsblVerdict.blacklist_name == "zen")
        said = check.within(lambda session: dict(session.execute(wanted.group_by(DnsblVerdict.listed)).all()))
        assert said == {"unknown": len(EVERYBODY)}


def listed(check, name=ONE):
    return check.within(
        lambda session: lifecycle.look(session, session.scalars(select(Ip).where(Ip.hostname == name)).one())[0].listed
    )


class TestSeenClean:
    """Whom every list that can stop has called clean, and nobody else."""

    def test_who_was_never_asked_about_is_unknown(self, check):
        assert listed(check) == "unknown"
        check(names=[SENDING[1]])
        assert listed(check) == "unknown" and listed(check, SENDING[1]) == "no"

    @pytest.mark.parametrize(
        ("unknown", "says"),
        [((), "no"), (["zen"], "unknown"), (["dbl"], "unknown"), (["zen", "dbl"], "unknown"), (["psbl", "uce3"], "no")],
    )
    def test_one_that_can_stop_and_is_unknown_is_enough(self, check, unknown, says):
        check(unknown=unknown)
        assert listed(check) == says

    @pytest.mark.parametrize(("name", "says"), [("zen", "unknown"), ("dbl", "unknown"), ("uce3", "no")])
    @pytest.mark.parametrize("state", ["failed", "blind", "unknown"])
    def test_a_list_that_is_out(self, check, name, says, state):
        check()
        check(states={name: state})
        assert listed(check) == says
        alert = check.alerts().get(f"list/{name}")
        if state == "unknown":
            assert alert is None
        else:
            held = "nobody is promoted or released" in alert.text
            assert (held, alert.severity) == ((True, "warning") if says == "unknown" else (False, "info"))

    def test_it_holds_up_a_release(self, check):
        check({ONE: "zen"}), check(), check()
        check.close(check.incidents("listing")[0])
        check(states={"zen": "failed"})
        move = {"event": "release", "reason": "mended"}
        answer = check.client.post(f"/api/v1/ips/{ONE}:move", headers=check.admin, json=move)
        assert answer.status_code == 409 and "one that can stop it has not" in answer.json()["reasons"][0]

    def test_it_holds_up_a_failover(self, check):
        check(states={"dbl": "blind"})
        assert check({ONE: "zen"}, states={"dbl": "blind"})["started"] == []
        assert "one that can stop it has not" in check.alerts()["failover/sos"].text

    def test_a_list_that_is_asked_no_longer_holds_up_nobody(self, check):
        check(states={"dbl": "failed"})
        body = check.body(states={"dbl": "failed"})
        body["lists"] = [one for one in body["lists"] if one["name"] != "dbl"]
        for one in body["senders"]:
            one["verdicts"] = [said for said in one["verdicts"] if said["list"] != "dbl"]
        check.post(body)
        assert listed(check) == "no" and check.alerts() == {}

    def test_without_critical_lists_the_major_ones_say_so(self, check):
        body = check.body(unknown=["zen"])
        body["lists"] = [one for one in body["lists"] if one["severity"] != "critical"]
        check.post(body)
        assert listed(check) == "no"
        body = check.body(unknown=["psbl"])
        body["lists"] = [one for one in body["lists"] if one["severity"] != "critical"]
        check.post(body)
        assert listed(check) == "unknown"

    def test_what_was_said_long_ago_is_unknown(self, check):
        check()
        check.within(lambda s: s.execute(text("UPDATE dnsbl_verdicts SET checked_at = now() - interval '25 hours'")))
        assert listed(check) == "unknown"

    def test_the_last_of_several_targets_counts(self, check):
        body = check.body()
        (mine,) = [one["verdicts"] for one in body["senders"] if one["name"] == ONE]
        mine.append({"list": "dbl", "target": "sos.test", "verdict": "unknown"})
        check.post(body)
        assert listed(check) == "unknown" and listed(check, SENDING[1]) == "no"


class TestMass:
    """Ten senders: three at once are many."""

    MANY = dict.fromkeys([*SENDING[:2], OTHERS[0]], "zen")

    def test_first_nothing_is_done(self, check):
        before = check.statuses()
        answer = check(self.MANY)
        assert answer["again"] and not any(answer[part] for part in ("listed", "stopped", "incidents", "jobs"))
        assert check.statuses() == before and events(check) == [] and check.incidents() == []
        assert set(check.alerts()) == {"mass/dnsbl"} and run(check) == "distrusted"
        wanted = select(func.count()).select_from(DnsblVerdict).where(DnsblVerdict.listed == "yes")
        assert check.within(lambda session: session.scalar(wanted)) == 0

    @pytest.mark.parametrize(
        ("controls", "says"),
        [
            ({}, "zen was asked about nothing that must not be listed"),
            ({"zen": "listed"}, "zen lists what must not be listed"),
            ({"zen": "unknown"}, "zen gave no answer about what must not be listed"),
            ({"psbl": "clean"}, "zen was asked about nothing"),
            ({"psbl": "clean", "zen": "listed"}, "zen lists what must not be"),
        ],
    )
    def test_unproven_it_is_not_believed(self, check, controls, says):
        before = check.statuses()
        answer = check(self.MANY, round="again", controls=controls)
        assert answer["distrusted"] and not any(answer[part] for part in ("listed", "stopped", "held", "jobs"))
        assert check.statuses() == before and check.incidents() == [] and run(check) == "distrusted"
        alert = check.alerts()["blind/dnsbl"]
        assert "not believed" in alert.subject and says in alert.text
        assert ("policy_dnsbl.controls, and" in alert.remedy) == ("nothing" in says)

    def test_proven_they_stop_their_tenants_are_held_and_no_standby_starts(self, check):
        answer = check(self.MANY, round="again", controls=dict.fromkeys(lists.LISTS, "clean"))
        assert sorted(answer["stopped"]) == sorted(self.MANY) and sorted(answer["held"]) == ["other", "sos"]
        assert answer["started"] == [] and not answer["distrusted"]
        assert check.statuses()["m6.sos.test"] == "standby"
        assert {"hold/sos", "hold/other"} <= set(check.alerts()) and len(check.incidents("held")) == 2
        # All of them in one stop.
        assert [job for job in check.jobs() if job[0] == "stop"] == [("stop", "stop", sorted(self.MANY))]

    def test_one_list_that_lists_everybody_goes_alone(self, check):
        """And what a list that was clean about the controls says is taken as ever."""
        many = {**dict.fromkeys(EVERYBODY, "psbl"), ONE: ["psbl", "dbl"]}
        answer = check(many, round="again", controls={"psbl": "listed", "dbl": "clean", "zen": "clean"})
        assert (answer["stopped"], answer["distrusted"]) == ([ONE], False)
        assert list(check.statuses().values()).count("quarantine") == 1
        assert events(check) == [("dbl", ONE, "critical")]

    def test_what_did_not_persist_is_nothing(self, check):
        assert check(self.MANY)["again"]
        answer = check(round="again", controls=dict.fromkeys(lists.LISTS, "clean"))
        assert not any(answer[part] for part in ("listed", "stopped", "distrusted", "held"))
        assert run(check) == "ok" and check.alerts() == {}

    def test_what_is_known_is_no_news(self, check):
        for name in self.MANY:
            check({name: "zen"})
        assert not check(self.MANY)["again"]

    def test_what_is_only_information_is_no_mass(self, check):
        answer = check(dict.fromkeys(EVERYBODY, "uce3"))
        assert not answer["again"] and answer["stopped"] == [] and check.incidents() == []

    @pytest.mark.parametrize("severity", ["minor", "information"])
    def test_what_stops_nobody_is_no_mass(self, check, severity):
        answer = check({name: {"psbl": severity} for name in EVERYBODY})
        assert not answer["again"] and "mass/dnsbl" not in check.alerts()

    def test_a_server_in_the_pbl_is_no_doubt(self, check):
        body = check.body(self.MANY, round="again", controls=dict.fromkeys(lists.LISTS, "clean"))
        pbl = {"list": "zen", "target": "192.0.2.9", "verdict": "listed", "severity": "configuration"}
        body["controls"].append(pbl)
        assert sorted(check.post(body)["stopped"]) == sorted(self.MANY)

    def test_a_server_in_the_sbl_is(self, check):
        body = check.body(self.MANY, round="again", controls=dict.fromkeys(lists.LISTS, "clean"))
        body["controls"].append({"list": "zen", "target": "192.0.2.9", "verdict": "listed", "severity": "critical"})
        assert check.post(body)["distrusted"]

    def test_a_domain_that_all_lie_under_is_one_change(self, check):
        body = check.body()
        for one in body["senders"]:
            said = {"list": "dbl", "target": "shared.test", "verdict": "listed", "severity": "critical"}
            one["verdicts"].append({**said, "codes": ["127.0.1.2"], "meaning": "spam"})
        answer = check.post(body)
        assert not answer["again"] and sorted(answer["stopped"]) == [*sorted([*SENDING, *OTHERS])]
        assert answer["started"] == []

    def test_worse_of_what_is_known_is_news(self, check):
        """All are in the PBL; that many are in the SBL now is looked at again as ever."""
        check({name: {"zen": "configuration"} for name in EVERYBODY}, round="again", controls={"zen": "clean"})
        assert check.incidents("configuration") != []
        answer = check(self.MANY)
        assert answer["again"] and answer["stopped"] == []

    def test_who_is_looked_at_again_is_one_of_the_many(self, check):
        """By the next answer it is no news any more, and yet no standby starts."""
        many = dict.fromkeys(self.MANY, "psbl")
        controls = dict.fromkeys(lists.LISTS, "clean")
        answer = check(many, round="again", controls=controls)
        assert answer["stopped"] == [] and sorted(answer["held"]) == ["other", "sos"]
        third = check(many)
        assert sorted(third["stopped"]) == sorted(self.MANY) and third["started"] == []

    def began(self, check, minutes):
        began = update(CheckRun).where(CheckRun.name == "dnsbl").values(at=func.now() - timedelta(minutes=minutes))
        check.within(lambda session: session.execute(began))

    def test_a_second_round_that_is_lost_is_asked_for(self, app, check, tmp_path):
        assert check(self.MANY)["again"]
        due = lambda: check.within(dnsbl.again_due)  # noqa: E731
        sweep = Sweep(app.state.sessions, Settings(database="none", redis="none", key_pepper="pepper", work=tmp_path))
        self.began(check, 14)
        assert not due()
        self.began(check, 16)
        assert due()
        for _ in range(2):
            check.within(sweep._checks)
        assert [job for job in check.jobs() if job[0] == "dnsbl_check"] == [("dnsbl_check", "check", None)]
        check.at = datetime.now(UTC) - timedelta(seconds=30)
        check(round="again", controls=dict.fromkeys(lists.LISTS, "clean"))
        assert not due() and check.alerts() == {} and run(check) == "ok"

    def test_the_size_counts(self, app, client, admin):
        lists.populate(app, client, admin, size=20)
        check = lists.Check(app, client, admin)
        assert not check(dict.fromkeys(EVERYBODY[:3], "zen"))["again"]


def test_an_older_report_says_nothing(check):
    old = check.body({ONE: "zen"})
    check(), check()
    answer = check.post(old)
    assert answer["stopped"] == [] and check.statuses()[ONE] == "warming" and check.incidents() == []
    check({ONE: "zen"})
    clean = [check.body(checked_at=old["checked_at"]) for _ in range(3)]
    assert all(check.post(body)["cleared"] == [] for body in clean)


def test_a_clock_that_runs_ahead_hides_nothing(check):
    check(checked_at="2099-01-01T00:00:00Z")
    at = check.within(lambda session: session.execute(select(func.now())).scalar()).isoformat()
    assert check({ONE: "zen"}, checked_at=at)["stopped"] == [ONE]


def test_who_does_not_send_is_stopped_by_nothing(check):
    standby = "m6.sos.test"
    answer = check({standby: "zen"})
    assert (answer["listed"], answer["stopped"], answer["jobs"]) == ([standby], [], [])
    assert check.statuses()[standby] == "standby" and len(check.incidents("listing")) == 1
    check_dns(check.client, check.admin, "yes", standby)
    move = {"event": "start", "reason": "x"}
    answer = check.client.post(f"/api/v1/ips/{standby}:move", headers=check.admin, json=move)
    assert "it is listed" in answer.json()["reasons"][0]


@pytest.mark.parametrize("status", ["active", "resting", "retiring"])
def test_whoever_holds_mail_is_stopped(check, status):
    check.within(lambda s: s.execute(text(f"UPDATE ips SET status = '{status}' WHERE hostname = '{ONE}'")))
    assert check({ONE: "zen"})["stopped"] == [ONE] and check.statuses()[ONE] == "quarantine"


def test_names_nobody_has_and_a_second_listing_after_the_release(check):
    answer = check({"m99.sos.test": "zen"}, names=["m99.sos.test", ONE])
    assert answer["unknown"] == ["m99.sos.test"] and answer["stopped"] == []


def test_two_reports_at_once_are_one_listing(check):
    bodies = [check.body({ONE: "zen"}) for _ in range(6)]
    with ThreadPoolExecutor(6) as pool:
        answers = list(pool.map(check.post, bodies))
    assert sum(len(answer["stopped"]) for answer in answers) == 1
    assert sum(len(answer["incidents"]) for answer in answers) == 1
    assert len(check.incidents("listing")) == 1 and len(events(check)) == 1
    assert [job[0] for job in check.jobs()].count("stop") == 1


def test_a_stop_waits_for_nobody_who_converges(check):
    """What holds up whole-fleet changes is a declaration of seconds; a running converge holds nothing here."""
    check.within(
        lambda s: s.execute(text("INSERT INTO jobs (kind, state, asked_by) VALUES ('converge', 'running', 'x')"))
    )
    check({ONE: "zen"})
    assert ("stop", "stop", [ONE]) in check.jobs()


def test_a_long_text_keeps_no_listing_out(check):
    body = check.body({ONE: "zen"})
    body["resolver"]["reasons"] = ["x" * 5000]
    body["lists"][0]["detail"] = body["senders"][0]["verdicts"][0]["detail"] = "x" * 5000
    for verdict in body["senders"][0]["verdicts"]:
        verdict["meaning"] = "x" * 5000
    answer = check.client.post("/api/v1/checks/dnsbl", headers=check.admin, json=body)
    assert answer.status_code == 200 and answer.json()["stopped"] == [ONE]


def test_what_is_no_report_is_refused(check):
    for changes in (
        {"round": "third"},
        {"checked_at": "yesterday"},
        {"resolver": {"verdict": "fine"}},
        {"lists": [{"name": "zen", "zone": "z", "kind": "ip", "state": "odd"}]},
        {"senders": [{"name": ONE, "verdicts": [{"list": "zen", "target": "x", "verdict": "maybe"}]}]},
    ):
        answer = check.client.post("/api/v1/checks/dnsbl", headers=check.admin, json={**check.body(), **changes})
        assert answer.status_code == 422, changes
