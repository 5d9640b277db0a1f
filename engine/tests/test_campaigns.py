# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Campaigns from the request to MailWizz and back, with real workers, PostgreSQL and Redis, and whatever kills or stops them."""

from __future__ import annotations

import tempfile
import time
import uuid
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import redis as redis_py
from fastapi.testclient import TestClient
from sqlalchemy import func, select, update

import servers
from disturbed_mailwizz import KEY, LOST, PAGE, Mailwizz
from email_engine.api.app import create_app
from email_engine.campaigns import reach
from email_engine.jobs.worker import Hands
from email_engine.mailwizz.wire import api_address
from email_engine.settings import Settings
from email_engine.store import campaigns, jobs, mailwizz_instances, stops
from email_engine.store.audit import Actor
from email_engine.store.mail_models import Campaign, CampaignStats, Contact, MailingList, Placement, Template
from email_engine.store.models import AuditRow, Ip, Job, Tenant
from samples import declare, fleet, make_key, sender, tenant
from sites import Site, wait
from test_jobs import broker, postgres  # noqa: F401

ROLE = servers.ROLE
WHO = Actor("test")
SENDER, OTHERS = "m1.sos.test", "m9.other.test"
CONTENT = "<p>Hello</p><a href='[UNSUBSCRIBE_URL]'>out</a> [COMPANY_FULL_ADDRESS]"
WISH = {"type": "newsletter", "name": "Spring news", "subject": "Spring", "list": "people", "template": "plain"}


@pytest.fixture
def mailwizz():
    one = Mailwizz({SENDER: "active", "m2.sos.test": "active", "m3.sos.test": "disabled"})
    yield one
    one.close()
    # Whatever happened: none went by another server than its sender's.
    assert {(address, server) for address, server in one.drawn if address != f"contact@{server}"} == set()


class Here:
    """A site, its API, and the tenants' keys."""

    def __init__(self, site, app, mailwizz):
        self.site, self.app, self.mailwizz = site, app, mailwizz
        self.client = TestClient(app)
        self.admin = make_key(app, "admin")
        wanted = [sender(1), sender(2, status="active", phase=None, weight=1), sender(3, status="standby")]
        found = declare(app, self.admin, fleet(*wanted, sender(9, "other"), tenants=[tenant(), tenant("other")]))
        assert found.status_code == 200, found.text
        self.sos, self.other = make_key(app, "sos's", "sos"), make_key(app, "other's", "other")
        with app.state.sessions() as session, session.begin():
            pepper = app.state.settings.key_pepper.get_secret_value()
            for one in session.scalars(select(Tenant)).all():
                access = mailwizz_instances.Access(api_address(mailwizz.url), KEY, None)
                mailwizz_instances.keep(session, WHO, one, pepper, access)
                about = {
                    "from_name": "SOS",
                    "from_email": f"contact@{one.name}.test",
                    "reply_to": f"re@{one.name}.test",
                }
                session.add(MailingList(tenant_id=one.id, name="people", description="", mailwizz_uid="list1", **about))
                text = {"content": CONTENT, "sha256": "0"}
                session.add(Template(tenant_id=one.id, name="plain", mailwizz_uid="template1", **text))

    def people(self, count, tenant="sos", **changes):
        with self.site.sessions() as session, session.begin():
            target = session.scalars(
                select(MailingList).join(Tenant, Tenant.id == MailingList.tenant_id).where(Tenant.name == tenant)
            ).one()
            for number in range(count):
                email = f"p{number}@{tenant}.example"
                consent = {"consent_source": "form", "consent_at": datetime.now(UTC), "consent_address": "192.0.2.1"}
                one = Contact(tenant_id=target.tenant_id, email=email, given_email=email, **{**consent, **changes})
                one.fields = {"FNAME": f"P{number}"}
                session.add(one)
                session.flush()
                session.add(Placement(tenant_id=target.tenant_id, list_id=target.id, contact_id=one.id))
            return target.id, target.tenant_id

    def ask(self, key=None, status=202, **changes):
        answer = self.client.post(
            "/api/v1/campaigns", headers=key or self.sos, json={**WISH, "sender": SENDER, **changes}
        )
        assert answer.status_code == status, answer.text
        return answer.json()

    def tell(self, number, verb, status=200, key=None):
        address = f"/api/v1/campaigns/{number}:{verb}"
        answer = self.client.post(address, headers=key or self.sos, json={"reason": "a test"})
        assert answer.status_code == status, answer.text
        return answer.json()

    def read(self, number, key=None, **query):
        answer = self.client.get(f"/api/v1/campaigns/{number}", headers=key or self.sos, params=query)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def until(self, number, *states):
        def look():
            found = self.read(number)
            return found if found["state"] in states else None

        return wait(look, 40, lambda: f"{self.read(number)}\n{self.mailwizz.asked[-20:]}\n{self._jobs()}")

    def _jobs(self):
        with self.site.sessions() as session:
            return [
                (one.kind, one.state, one.error, one.progress)
                for one in session.scalars(select(Job).order_by(Job.number))
            ]

    def idle(self):
        """Until no job of the lane waits or runs."""

        def look():
            with self.site.sessions() as session:
                wanted = select(func.count()).select_from(Job).where(Job.lane == "mail", Job.state.not_in(jobs.OVER))
                return not session.scalar(wanted)

        wait(look, 40, self._jobs)

    def stop(self, name=SENDER):
        with self.site.sessions() as session, session.begin():
            ip = session.scalars(select(Ip).where(Ip.hostname == name)).one()
            stops.sender(session, WHO, ip, True, "a test")


@pytest.fixture
def here(postgres, broker, mailwizz):  # noqa: F811
    redis_py.Redis.from_url(broker.url).flushall()
    with tempfile.TemporaryDirectory(prefix="engine-site-") as place:
        site = Site(Path(place), servers.empty_database(postgres.place)[ROLE], broker.url)
        secrets = {"key_pepper": site.settings["key_pepper"], "session_secret": "session"}
        app = create_app(
            Settings(database=site.settings["database"], redis=broker.url, database_connections=8, **secrets)
        )
        yield Here(site, app, mailwizz)
        app.state.sessions.kw["bind"].dispose()
        site.close()


@pytest.fixture
def hands(here, monkeypatch):
    """Starts a worker's hands in this process: quicker, where nothing is killed."""
    monkeypatch.setattr(reach, "FIRST", 0.1)
    started = []

    def start(**changes):
        started.append(Hands("mail", here.site.known(**changes)))
        started[-1].start()

    yield start
    for one in started:
        one.stop()


def placements(here):
    with here.site.sessions() as session:
        rows = session.execute(
            select(Placement.state, Placement.error, Placement.subscriber_uid).order_by(Placement.contact_id)
        )
        return [tuple(row) for row in rows]


def inject(here, list_id, tenant_id):
    return here.site.ask("inject", tenant_id=tenant_id, arguments={"list": list_id})


# Injection


def test_contacts_go_in_by_batches_and_each_has_its_answer(here, hands, mailwizz):
    of = here.people(250)
    mailwizz.blacklist.add("p7@sos.example")
    mailwizz.lists["list1"]["p8@sos.example"] = {"subscriber_uid": "old8", "status": "unsubscribed"}
    mailwizz.lists["list1"]["p9@sos.example"] = {"subscriber_uid": "old9", "status": "confirmed"}
    hands(mail_batch=100)
    job = here.site.until(inject(here, *of), "succeeded")
    assert mailwizz.count("POST /lists/list1/subscribers/bulk") == 3 and len(mailwizz.lists["list1"]) == 249
    found = placements(here)
    assert found[7] == ("refused", "EMAIL: This email address is blacklisted.", None)
    assert found[8] == ("refused", "is unsubscribed in MailWizz, and stays so", "old8")
    assert found[9] == ("injected", None, "old9")
    assert sum(state == "injected" for state, *_ in found) == 248
    assert (job.progress["done"], job.progress["total"]) == (250, 250) and job.result["injected"] == 248
    with here.site.sessions() as session:
        assert session.scalar(select(Contact.status).where(Contact.email == "p8@sos.example")) == "unsubscribed"
    one = mailwizz.lists["list1"]["p0@sos.example"]
    assert (one["FNAME"], one["status"], one["details.ip_address"]) == ("P0", "confirmed", "192.0.2.1")


@pytest.mark.parametrize("answer", [LOST, PAGE, (429, "application/json", '{"status": "error", "error": "slow down"}')])
@pytest.mark.parametrize("after", [False, True])
def test_a_batch_whose_answer_was_lost_is_sent_again_and_nobody_twice(here, hands, mailwizz, answer, after):
    of = here.people(30)
    mailwizz.disturb("POST", "bulk", after=after, answer=answer)
    hands()
    here.site.until(inject(here, *of), "succeeded")
    uids = [uid for state, _, uid in placements(here) if state == "injected"]
    assert len(uids) == len(set(uids)) == 30 == len(mailwizz.lists["list1"])


def test_who_does_not_want_mail_is_not_brought_there(here, hands, mailwizz):
    of = here.people(3, status="complained")
    hands()
    here.site.until(inject(here, *of), "succeeded")
    assert placements(here) == [("refused", "the contact is complained", None)] * 3 and not mailwizz.lists["list1"]


def test_a_cancelled_injection_stops_between_batches(here, hands, mailwizz):
    of = here.people(30)
    held = mailwizz.disturb("POST", "bulk", after=True, keep=True)
    hands(mail_batch=10)
    job = inject(here, *of)
    assert held.met.wait(20)
    with here.site.sessions() as session, session.begin():
        assert jobs.cancel(session, Actor("key admin"), session.get_one(Job, job.id))
    time.sleep(1)  # the hold hears of it with its next beat
    held.go_on.set()
    done = here.site.until(job, "cancelled")
    assert "goes on there when it is asked for again" in done.result["note"]
    assert [state for state, *_ in placements(here)].count("injected") == 10 == len(mailwizz.lists["list1"])


# Campaigns


def test_a_campaign_arrives_in_mailwizz(here, hands, mailwizz):
    here.people(12)
    hands()
    later = (datetime.now(UTC) + timedelta(days=2)).replace(microsecond=0)
    asked = here.ask(send_at=later.astimezone().isoformat(), options={"url_tracking": True})
    assert asked["campaign"]["state"] == "preparing" and asked["job"]["href"].startswith("/api/v1/jobs/")
    found = here.until(asked["campaign"]["id"], "scheduled")
    (twin,) = mailwizz.campaigns.values()
    assert found["mailwizz_uid"] == twin["campaign_uid"]
    assert twin["name"] == f"Spring news [ee:{uuid.UUID(found['id']).hex[:12]}]"
    assert (twin["status"], twin["from_email"], twin["delivery_servers"]) == (
        "pending-sending",
        f"contact@{SENDER}",
        "1",
    )
    assert (twin["send_at"], twin["reply_to"]) == (later.strftime("%Y-%m-%d %H:%M:%S"), "re@sos.test")
    assert (twin["options.url_tracking"], twin["template.content"]) == ("yes", CONTENT)
    assert mailwizz.drawn == [(f"contact@{SENDER}", SENDER)]
    assert found["progress"]["injected"] == found["progress"]["total"] == 12
    job = here.client.get(asked["job"]["href"], headers=here.sos).json()
    assert wait(lambda: here.client.get(asked["job"]["href"], headers=here.sos).json()["state"] == "succeeded")
    assert (job["progress"]["done"], job["progress"]["total"]) == (12, 12)


STEPS = [
    ("POST", "bulk", False),
    ("POST", "bulk", True),
    ("GET", "delivery-servers", True),
    ("POST", "/campaigns$", False),
    ("POST", "/campaigns$", True),
    ("PUT", r"/campaigns/\w+$", False),
    ("PUT", r"/campaigns/\w+$", True),
]


@pytest.mark.parametrize(("method", "path", "after"), STEPS)
def test_a_worker_that_is_killed_at_any_step_leaves_one_campaign(here, hands, mailwizz, method, path, after):
    here.people(20)
    held = mailwizz.disturb(method, path, after=after, answer=LOST, keep=True)
    worker = here.site.worker("mail", mail_batch=10)
    asked = here.ask()
    assert held.met.wait(30), worker.output[-2000:]
    worker.kill()
    held.go_on.set()
    hands(mail_batch=10)
    here.until(asked["campaign"]["id"], "scheduled")
    here.idle()
    assert mailwizz.statuses() == ["pending-sending"] and mailwizz.count("PUT /campaigns/camp0") in (1, 2)
    assert len(mailwizz.lists["list1"]) == 20
    assert {state for state, *_ in placements(here)} == {"injected"}


def test_a_lost_answer_to_the_draft_makes_no_second_one(here, hands, mailwizz):
    here.people(2)
    mailwizz.disturb("POST", "/campaigns$", after=True, answer=LOST)
    hands()
    here.until(here.ask()["campaign"]["id"], "scheduled")
    assert mailwizz.statuses() == ["pending-sending"]


def test_two_campaigns_at_once(here, hands, mailwizz):
    here.people(16)
    hands(mail_batch=4)
    asked = [here.ask(name=f"News {number}")["campaign"]["id"] for number in range(3)]
    for number in asked:
        here.until(number, "scheduled")
    assert mailwizz.statuses() == ["pending-sending"] * 3 and len(mailwizz.lists["list1"]) == 16
    # One of a tenant at a time.
    assert mailwizz.count("POST /lists/list1/subscribers/bulk") == 4


@pytest.mark.parametrize(
    ("method", "path", "after", "left"),
    [
        ("POST", "bulk", True, []),
        ("POST", "/campaigns$", True, ["draft"]),
        # Between the last look and the answer: the look after it sees the stop.
        ("PUT", r"/campaigns/\w+$", False, ["paused"]),
        ("PUT", r"/campaigns/\w+$", True, ["paused"]),
    ],
)
def test_a_stop_meets_a_campaign_that_is_prepared(here, hands, mailwizz, method, path, after, left):
    here.people(5)
    held = mailwizz.disturb(method, path, after=after, keep=True)
    hands()
    asked = here.ask()["campaign"]["id"]
    assert held.met.wait(20)
    # It waits for no MailWizz.
    here.stop()
    assert here.read(asked)["state"] == "paused" and "a test" in here.read(asked)["paused_reason"]
    held.go_on.set()
    here.idle()
    assert mailwizz.statuses() == left and here.read(asked)["state"] == "paused"
    refused = here.tell(asked, "resume", 409)
    assert SENDER in refused["detail"] and "is paused: a test" in refused["detail"]
    answer = here.client.post(f"/api/v1/ips/{SENDER}:resume", headers=here.admin, json={"reason": "over"})
    assert answer.status_code == 200
    here.tell(asked, "resume")
    here.until(asked, "scheduled")
    here.idle()
    assert mailwizz.statuses() == ["pending-sending"]


@pytest.mark.parametrize("whom", ["/api/v1/tenants/sos", "/api/v1/fleet"])
def test_stops_of_more_than_a_sender_pause_campaigns(here, whom):
    here.people(1)
    asked = here.ask()["campaign"]["id"]
    assert here.client.post(f"{whom}:pause", headers=here.admin, json={"reason": "enough"}).status_code == 200
    found = here.read(asked)
    assert (found["state"], found["paused_reason"]) == ("paused", "its sender is stopped: enough")
    with here.site.sessions() as session:
        row = session.scalars(select(AuditRow).where(AuditRow.target == f"campaign {found['number']}")).all()[-1]
        assert (row.action, row.before, row.after) == ("paused", {"state": "preparing"}, {"state": "paused"})


def test_a_sender_that_may_send_no_longer_is_noticed_without_a_stop(here, hands, mailwizz):
    here.people(1)
    hands()
    asked = here.ask()["campaign"]["id"]
    here.until(asked, "scheduled")
    with here.site.sessions() as session, session.begin():
        session.execute(update(Ip).where(Ip.hostname == SENDER).values(status="resting"))
    assert "status is resting" in here.until(asked, "paused")["paused_reason"]
    here.idle()
    assert mailwizz.statuses() == ["paused"]


def test_what_mailwizz_says_is_told_and_a_failure_is_tried_again(here, hands, mailwizz):
    here.people(2)
    mailwizz.servers[SENDER] = "disabled"
    hands()
    asked = here.ask()["campaign"]["id"]
    found = here.until(asked, "failed")
    assert f"the delivery server {SENDER} as disabled" in found["error"] and "converge.yml" in found["error"]
    mailwizz.servers[SENDER] = "active"
    page = (403, "text/html", "<html><title>403 Forbidden</title></html>")
    mailwizz.disturb("POST", "/campaigns$", answer=page)
    here.tell(asked, "resume")
    found = here.until(asked, "failed")
    assert "403 Forbidden" in found["error"] and not mailwizz.campaigns
    here.tell(asked, "resume")
    here.until(asked, "scheduled")
    assert mailwizz.statuses() == ["pending-sending"]


def test_two_servers_of_one_name_are_none(here, hands, mailwizz, monkeypatch):
    here.people(1)
    rows = [
        {"server_id": str(n), "type": "smtp-pmta", "name": SENDER, "hostname": "x", "status": "active"} for n in (1, 2)
    ]
    monkeypatch.setattr(mailwizz, "_servers", lambda query: mailwizz._page(rows, query))
    hands()
    assert "2 delivery servers" in here.until(here.ask()["campaign"]["id"], "failed")["error"]


def test_pause_resume_and_cancel(here, hands, mailwizz):
    here.people(2)
    hands()
    asked = here.ask()["campaign"]["id"]
    here.until(asked, "scheduled")
    (uid,) = mailwizz.campaigns
    for verb, state, there in (
        ("pause", "paused", "paused"),
        ("pause", "paused", "paused"),
        ("resume", "scheduled", "pending-sending"),
    ):
        assert here.tell(asked, verb)["campaign"]["state"] == state
        here.idle()
        assert mailwizz.campaigns[uid]["status"] == there
    here.tell(asked, "resume", 409)
    mailwizz.campaigns[uid] |= {"status": "sending", "processed": "1"}
    assert here.tell(asked, "cancel")["campaign"]["state"] == "cancelled"
    here.idle()
    # What was sent stays told of.
    assert mailwizz.campaigns[uid]["status"] == "sent"
    for verb in ("pause", "resume", "cancel"):
        here.tell(asked, verb, 409)
    nobody = here.ask(name="Never sent")["campaign"]["id"]
    here.until(nobody, "scheduled")
    here.tell(nobody, "cancel")
    here.idle()
    assert list(mailwizz.campaigns) == [uid]


def test_a_campaign_waits_for_its_delivery_server(here, hands, mailwizz):
    """Of one that is disabled still, MailWizz would draw the tenant's others."""
    here.people(1)
    hands()
    asked = here.ask()["campaign"]["id"]
    here.until(asked, "scheduled")
    here.tell(asked, "pause")
    here.idle()
    mailwizz.servers[SENDER] = "disabled"
    here.tell(asked, "resume")
    here.idle()
    found = here.read(asked)
    assert found["state"] == "paused" and "as disabled" in found["paused_reason"]
    assert mailwizz.statuses() == ["paused"]
    mailwizz.servers[SENDER] = "active"
    here.tell(asked, "resume")
    here.idle()
    assert mailwizz.statuses() == ["pending-sending"]


def test_a_lost_answer_to_the_last_word_leaves_nothing_that_is_sent(here, hands, mailwizz, monkeypatch):
    """It acted in MailWizz, and the engine gave up."""
    here.people(2)
    mailwizz.disturb("PUT", r"/campaigns/\w+$", after=True, answer=LOST)
    monkeypatch.setattr(reach, "PATIENCE", -1)
    hands()
    asked = here.ask()["campaign"]["id"]
    here.until(asked, "failed")
    here.idle()
    assert mailwizz.statuses() == ["paused"]
    # Even where MailWizz acts on it later.
    next(iter(mailwizz.campaigns.values()))["status"] = "pending-sending"
    with here.site.sessions() as session, session.begin():
        (due,) = campaigns.due(session)
        assert str(due) == asked
    here.read(asked, fresh="true")
    wait(lambda: mailwizz.statuses() == ["paused"], 20)
    here.idle()
    here.read(asked, fresh="true")
    here.idle()
    with here.site.sessions() as session:
        assert campaigns.due(session) == []


def test_a_stop_pauses_in_a_mailwizz_that_no_playbook_reaches(here, hands, mailwizz):
    here.people(1)
    hands()
    asked = here.ask()["campaign"]["id"]
    here.until(asked, "scheduled")
    here.idle()
    here.stop()
    here.idle()
    assert here.read(asked)["state"] == "paused" and mailwizz.statuses() == ["paused"]


def test_what_mailwizz_does_not_know_is_not_cancelled(here, hands, mailwizz):
    here.people(1)
    hands()
    asked = here.ask()["campaign"]["id"]
    here.until(asked, "scheduled")
    here.idle()
    known, lists = dict(mailwizz.campaigns), dict(mailwizz.lists)
    mailwizz.campaigns.clear()
    mailwizz.lists.clear()
    # Another MailWizz, or one that was set back: nothing was read.
    here.read(asked, fresh="true")
    here.idle()
    assert here.read(asked)["state"] == "scheduled"
    mailwizz.lists.update(lists)
    here.read(asked, fresh="true")
    here.idle()
    found = here.read(asked)
    assert (found["state"], found["paused_reason"]) == ("paused", "MailWizz does not know it any more")
    mailwizz.campaigns.update(known)
    here.read(asked, fresh="true")
    wait(lambda: mailwizz.statuses() == ["paused"], 20)
    here.idle()


def test_a_sender_has_room_or_nothing_is_sent(here, hands, mailwizz):
    """Its quota is 50: of what is more, MailWizz would send the rest by another server."""
    here.people(30)
    here.ask()
    refused = here.ask(name="More", status=409)
    assert "Split the list" in refused["detail"]
    (why,) = refused["senders"]
    assert why["reason"].startswith(
        "daily quota has no room for 30 recipients: 20 left of 50 (0 sent today, 30 promised"
    )
    # Who chooses, chooses who has room.
    assert here.ask(name="More", sender=None)["campaign"]["sender"] == "m2.sos.test"
    with here.site.sessions() as session, session.begin():
        session.execute(update(Ip).where(Ip.hostname == SENDER).values(daily_quota=29))
    hands()
    number = here.client.get("/api/v1/campaigns", headers=here.sos).json()["items"][0]["id"]
    failed = here.until(number, "failed")
    assert failed["error"].startswith(f"Nothing was sent: {SENDER}: daily quota has no room for 30 recipients")
    here.idle()
    assert [address for address, _ in mailwizz.drawn] == ["contact@m2.sos.test"]
    assert here.tell(number, "resume", 409)["title"] == "The sender has no room"


def test_a_request_without_its_key_sent_twice_makes_one(here):
    here.ask()
    assert "Spring news" in here.ask(status=409)["detail"]
    with here.site.sessions() as session:
        assert session.scalar(select(func.count()).select_from(Campaign)) == 1


def test_a_template_that_changes_meanwhile_changes_no_mail(here, hands, mailwizz):
    here.people(1)
    asked = here.ask()["campaign"]["id"]
    with here.site.sessions() as session, session.begin():
        session.execute(update(Template).values(content="<p>Another</p>"))
    hands()
    here.until(asked, "scheduled")
    assert [one["template.content"] for one in mailwizz.campaigns.values()] == [CONTENT]


def test_a_draft_that_somebody_made_of_it_is_prepared_anew(here, hands, mailwizz):
    here.people(1)
    hands()
    asked = here.ask()["campaign"]["id"]
    here.until(asked, "scheduled")
    here.idle()
    (twin,) = mailwizz.campaigns.values()
    twin["status"] = "draft"
    here.read(asked, fresh="true")
    assert here.until(asked, "paused")["paused_reason"] == "it was made a draft in MailWizz"
    here.idle()
    here.tell(asked, "resume")
    here.until(asked, "scheduled")
    here.idle()
    assert mailwizz.statuses() == ["pending-sending"]
    twin["status"] = "pending-approve"
    here.tell(asked, "pause")
    here.idle()
    assert mailwizz.statuses() == ["paused"]


def test_a_pause_that_failed_is_asked_for_again(here, hands, mailwizz, monkeypatch):
    here.people(1)
    hands()
    asked = here.ask()["campaign"]["id"]
    here.until(asked, "scheduled")
    here.idle()
    mailwizz.disturb("GET", r"/campaigns/\w+$", answer=PAGE)
    monkeypatch.setattr(reach, "SHORT", -1)
    here.tell(asked, "pause")
    here.idle()
    follows = lambda: [state for kind, state, *_ in here._jobs() if kind == "campaign_follow"]  # noqa: E731
    assert mailwizz.statuses() == ["pending-sending"] and follows() == ["failed"]
    with here.site.sessions() as session, session.begin():
        campaigns.look(session)
    assert follows() == ["failed"]
    with here.site.sessions() as session, session.begin():
        ago = func.now() - timedelta(seconds=61)
        session.execute(update(Job).where(Job.kind == "campaign_follow", Job.state == "failed").values(finished_at=ago))
    with here.site.sessions() as session, session.begin():
        campaigns.look(session)
    wait(lambda: mailwizz.statuses() == ["paused"], 20)
    here.idle()


def test_of_follows_one_tenant_has_one_hand(here):
    with here.site.sessions() as session, session.begin():
        first, other = session.scalars(select(Tenant.id).order_by(Tenant.id)).all()
    for tenant_id, count in ((first, 2), (other, 1)):
        for number in range(count):
            here.site.ask("campaign_follow", tenant_id=tenant_id, arguments={"campaign": f"{tenant_id}/{number}"})
    taken = []
    for _hand in range(3):
        with here.site.sessions() as session, session.begin():
            job = jobs.claim(session, "mail", "test")
            taken.append(job and job.tenant_id)
    assert taken == [first, other, None]


def test_numbers_and_states_follow_mailwizz(here, hands, mailwizz, monkeypatch):
    monkeypatch.setattr(campaigns, "OFTEN", 0)
    here.people(4)
    hands()
    asked = here.ask()["campaign"]["id"]
    here.until(asked, "scheduled")
    here.idle()
    (uid,) = mailwizz.campaigns

    def seen(status, **numbers):
        mailwizz.campaigns[uid] |= {"status": status, **{name: str(value) for name, value in numbers.items()}}
        job = here.read(asked, fresh=True)["reading"]
        wait(lambda: here.client.get(job["href"], headers=here.sos).json()["state"] == "succeeded")
        here.idle()
        return here.read(asked)

    found = seen("sending", processed=3)
    assert (found["state"], found["progress"]["processed"], found["stats"]["campaign_status"]) == (
        "sending",
        3,
        "sending",
    )
    found = seen("paused")
    assert (found["state"], found["paused_reason"]) == ("paused", "it was paused in MailWizz")
    # What stands still here is not let go there.
    found = seen("sending")
    assert found["state"] == "paused" and mailwizz.campaigns[uid]["status"] == "paused"
    here.tell(asked, "resume")
    here.idle()
    found = seen("sent", processed=4)
    assert found["state"] == "sent" and found["ended_at"] and found["progress"]["delivered"] == 4
    with here.site.sessions() as session:
        assert session.scalar(select(func.count()).select_from(CampaignStats)) == 1


# The API


def test_the_sender_is_chosen_or_nobody_and_each_reason_is_told(here):
    here.people(1)
    assert here.ask(sender=None)["campaign"]["sender"] in (SENDER, "m2.sos.test")
    found = here.ask(sender="m3.sos.test", status=409)
    assert found["senders"] == [{"sender": "m3.sos.test", "reason": "status is standby"}]
    found = here.ask(sender=None, type="marketing", status=409)
    assert [one["sender"] for one in found["senders"]] == [SENDER, "m2.sos.test", "m3.sos.test"]
    assert here.ask(sender=OTHERS, status=404)["detail"] == f"sos has no sender {OTHERS}"
    here.stop()
    assert here.ask(status=409)["senders"][0]["reason"] == "is paused: a test"
    with here.site.sessions() as session:
        assert session.scalar(select(func.count()).select_from(Campaign)) == 1


def test_of_a_tenant_only_its_own_is_there(here):
    asked = here.ask()["campaign"]["id"]
    for verb in ("pause", "resume", "cancel"):
        here.tell(asked, verb, 404, here.other)
    for path in (f"/api/v1/campaigns/{asked}", "/api/v1/campaigns?tenant=sos"):
        assert here.client.get(path, headers=here.other).status_code == 404
    assert here.client.get("/api/v1/campaigns", headers=here.other).json()["items"] == []
    assert here.ask(key=here.other, tenant="sos", status=404)
    assert len(here.client.get("/api/v1/campaigns?state=preparing", headers=here.admin).json()["items"]) == 1
    assert here.ask(key=here.admin, status=422)["detail"].startswith("body.tenant")
    assert here.ask(key=here.admin, tenant="other", sender=None)["campaign"]["sender"] == OTHERS


def test_a_request_that_is_sent_twice_makes_one(here):
    keyed = {**here.sos, "Idempotency-Key": "once"}
    first, second = (here.ask(key=keyed) for _ in range(2))
    assert first == second
    with here.site.sessions() as session:
        assert session.scalar(select(func.count()).select_from(Campaign)) == 1


@pytest.mark.parametrize(
    ("changes", "status", "words"),
    [
        ({"list": "none"}, 404, "no list none"),
        ({"template": "none"}, 404, "no template none"),
        ({"html": CONTENT}, 422, "either template or html"),
        ({"template": None}, 422, "either template or html"),
        ({"template": None, "html": "<p>no way out</p>"}, 422, "UNSUBSCRIBE_URL"),
        ({"name": "a\nb"}, 422, "cannot be shown"),
        ({"reply_to": "nobody"}, 422, "reply_to"),
        ({"options": {"cronjob": "x"}}, 422, "cronjob"),
    ],
)
def test_what_cannot_be_a_campaign_is_refused_in_words(here, changes, status, words):
    assert words in here.ask(status=status, **changes)["detail"]


def test_without_a_mailwizz_there_is_no_campaign(here):
    with here.site.sessions() as session, session.begin():
        found = session.scalars(select(Tenant).where(Tenant.name == "sos")).one()
        mailwizz_instances.forget(session, WHO, found)
    assert "converge.yml" in here.ask(status=409)["detail"]
