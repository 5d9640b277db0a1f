# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The page over HTTP: who gets in, whose forms count, who sees what, and that nothing a name or a reason says is more than text."""

from __future__ import annotations

import re
import time
from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import event, select, text

import lively
from email_engine.store.models import AuditRow, DnsblVerdict, DnsCheck, Incident, Ip, Job, JobLine
from email_engine.store.overview import Seen
from email_engine.web import words
from email_engine.web.session import COOKIE, HOURS, local
from samples import campaign_of, fleet, make_key, sender, tenant

HOSTILE = "</td><script>alert(1)</script><img src=x onerror=alert(1)>\"'{{7*7}}"
PAGES = ("/", "/senders/m1.sos.test", "/campaigns", "/incidents", "/incidents?closed=true", "/jobs", "/stop")


class Visitor:
    """A browser without a screen: follows redirects, keeps cookies, fills in the forms it was given."""

    def __init__(self, app):
        self.client = TestClient(app, base_url="https://engine.test")

    def get(self, path, status=200):
        answer = self.client.get(path)
        assert answer.status_code == status, (answer.status_code, answer.text)
        return answer

    def token(self, path="/login"):
        return re.search(r'name="token" value="([^"]+)"', self.get(path).text)[1]

    def post(self, path, page="/stop", **fields):
        return self.client.post(path, data={"token": self.token(page), **fields}, follow_redirects=False)

    def login(self, key, **fields):
        return self.post("/login", "/login", key=key["X-API-KEY"], **fields)


@pytest.fixture
def ids(app, client, admin):
    return lively.make(app, client, admin)


@pytest.fixture
def visitor(app, admin, ids):
    visitor = Visitor(app)
    assert visitor.login(admin).status_code == 303
    return visitor


@pytest.fixture
def other(app, ids):
    """Somebody of the tenant called other."""
    visitor = Visitor(app)
    assert visitor.login(make_key(app, "other's", "other")).status_code == 303
    return visitor


def said(answer, status):
    assert answer.status_code == status and answer.headers["content-type"].startswith("text/html"), answer.text
    return answer.text


# --- In and out -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", [*PAGES, "/jobs/00000000-0000-0000-0000-000000000000", "/senders/none.test"])
def test_nobody_sees_a_page_without_a_login(app, path):
    answer = Visitor(app).client.get(path, follow_redirects=False)
    assert answer.status_code == 303 and answer.headers["location"].startswith("/login") and not answer.content


def test_a_login_leads_to_the_page_that_was_wanted(app, admin, ids):
    visitor = Visitor(app)
    asked = visitor.client.get("/incidents?closed=true", follow_redirects=False).headers["location"]
    assert asked == "/login?after=%2Fincidents%3Fclosed%3Dtrue"
    form = visitor.get(asked).text
    assert 'name="after" value="/incidents?closed=true"' in form
    answer = visitor.login(admin, after="/incidents?closed=true")
    assert (answer.status_code, answer.headers["location"]) == (303, "/incidents?closed=true")


@pytest.mark.parametrize(
    "given",
    [
        "//evil.test",
        "///evil.test",
        "https://evil.test/",
        "/\\evil.test",
        "javascript:alert(1)",
        "/a\r\nSet-Cookie: x=1",
        "",
    ],
)
def test_a_login_leads_nowhere_else(app, admin, given):
    assert local(given) == "/"
    assert Visitor(app).login(admin, after=given).headers["location"] == "/"


def test_the_cookie_is_for_this_host_and_says_nothing(app, admin, ids):
    visitor = Visitor(app)
    told = visitor.login(admin).headers["set-cookie"]
    parts = {one.strip().lower() for one in told.split(";")[1:]}
    assert told.startswith(f"{COOKIE}=") and COOKIE.startswith("__Host-")
    assert {"httponly", "secure", "samesite=strict", "path=/"} <= parts and not any("domain" in one for one in parts)
    assert admin["X-API-KEY"].split("_", 2)[2] not in told


@pytest.mark.parametrize("key", ["", "zzz", "ee_00000000_" + "x" * 43, "é"])
def test_a_wrong_key_stays_outside(app, ids, key):
    visitor = Visitor(app)
    text = said(visitor.post("/login", "/login", key=key), 401)
    assert "unknown, expired or revoked" in text and (not key or key not in text)
    assert visitor.client.get("/", follow_redirects=False).status_code == 303


# The last one: the row was given another key, as with a new engine_admin_key in the vault.
@pytest.mark.parametrize("end", ["revoked_at = now()", "expires_at = now()", "hash = repeat('0', 64)"])
def test_an_ended_key_is_out_at_once(app, visitor, end):
    visitor.get("/")
    with app.state.sessions() as session, session.begin():
        session.execute(text(f"UPDATE api_keys SET {end}"))
    answer = visitor.client.get("/", follow_redirects=False)
    assert (answer.status_code, answer.headers["location"]) == (303, "/login")


@pytest.mark.parametrize("change", [lambda value: value[:-2] + "xx", lambda value: "x" + value, lambda value: ""])
def test_a_forged_cookie_is_nobodys(visitor, change):
    value = visitor.client.cookies[COOKIE]
    visitor.client.cookies.clear()
    visitor.client.cookies.set(COOKIE, change(value), domain="engine.test", path="/")
    assert visitor.client.get("/", follow_redirects=False).status_code == 303


def test_another_secret_ends_all_sessions(app, visitor):
    app.state.settings.session_secret = type(app.state.settings.session_secret)("another")
    assert visitor.client.get("/", follow_redirects=False).status_code == 303


def test_a_session_ends_by_itself(visitor, monkeypatch):
    visitor.get("/")
    later = time.time() + HOURS * 3600 + 2
    # The browser would forget the cookie, too.
    cookie = {"Cookie": f"{COOKIE}={visitor.client.cookies[COOKIE]}"}
    stranger = TestClient(visitor.client.app, base_url="https://engine.test", headers=cookie, follow_redirects=False)
    assert stranger.get("/").status_code == 200
    monkeypatch.setattr("itsdangerous.timed.time.time", lambda: later)
    assert stranger.get("/").status_code == 303


def test_out_is_out(visitor):
    answer = visitor.post("/logout")
    assert (answer.status_code, answer.headers["location"]) == (303, "/login")
    assert COOKIE not in visitor.client.cookies
    assert visitor.client.get("/", follow_redirects=False).status_code == 303


def test_a_login_is_tried_so_often_a_minute(app, admin):
    visitor = Visitor(app)
    answers = [visitor.post("/login", "/login", key="ee_a_b").status_code for _ in range(12)]
    assert answers == [401] * 10 + [429] * 2
    refused = visitor.login(admin)
    assert refused.status_code == 429 and 0 < int(refused.headers["retry-after"]) <= 60
    # As a minute later.
    app.state.redis.delete("requests:login-testclient")
    assert visitor.login(admin).status_code == 303


def test_without_a_secret_nobody_gets_in(app):
    app.state.settings.session_secret = None
    assert "session_secret" in said(Visitor(app).client.get("/login"), 503)


# --- Forms ------------------------------------------------------------------------------------------------------------

FORMS = [
    ("/senders/m1.sos.test/pause", {"reason": "test"}),
    ("/senders/m3.sos.test/resume", {"reason": "test"}),
    ("/senders/m1.sos.test/move", {"event": "rest", "reason": "test"}),
    ("/stop/everything/pause", {"reason": "test"}),
    ("/stop/everything/resume", {"reason": "test"}),
    ("/stop/tenants/sos/pause", {"reason": "test"}),
    ("/stop/tenants/sos/resume", {"reason": "test"}),
    ("/incidents/1/acknowledge", {}),
    ("/incidents/1/close", {"cause": "test"}),
    *(
        (f"/campaigns/{'0' * 8}-{'0' * 4}-{'0' * 4}-{'0' * 4}-{'0' * 12}/{verb}", {"reason": "test"})
        for verb in ("pause", "resume", "cancel")
    ),
    ("/logout", {}),
    ("/login", {"key": "x"}),
]


def rows(app):
    with app.state.sessions() as session:
        return session.query(AuditRow).count()


@pytest.mark.parametrize(("path", "fields"), FORMS)
def test_a_form_of_another_site_does_nothing(app, visitor, other, path, fields):
    before = rows(app)
    strange = other.token("/stop")
    for token in ({}, {"token": ""}, {"token": "é"}, {"token": strange}):
        answer = visitor.client.post(path, data={**fields, **token}, follow_redirects=False)
        assert "not yours" in said(answer, 403)
    answer = visitor.client.post(path, files={"token": b"x"}, data=fields, follow_redirects=False)
    assert answer.status_code == 403
    assert rows(app) == before and visitor.get("/").status_code == 200


def test_every_form_that_acts_carries_a_token(visitor, ids):
    found = 0
    for path in (*PAGES, f"/jobs/{ids['running']}", "/senders/m3.sos.test"):
        for form in re.findall(r"<form[^>]*method=\"post\".*?</form>", visitor.get(path).text, re.DOTALL):
            assert 'name="token" value="' in form, form
            found += 1
    assert found > 15


def test_every_route_that_acts_asks_for_the_token(app):
    web = app.router.default
    acting = [
        (route.path, route.dependant) for route in web_routes(web) if "POST" in (getattr(route, "methods", None) or ())
    ]
    assert len(acting) == len(FORMS) + 1
    for path, dependant in acting:
        assert "same_page" in {one.call.__name__ for one in dependant.dependencies}, path


def web_routes(web):
    for route in web.router.routes:
        inner = getattr(route, "original_router", None)
        yield from (inner.routes if inner is not None else [route])


def test_a_sender_is_stopped_and_goes_on(app, visitor):
    answer = visitor.post("/senders/m1.sos.test/pause", reason="bounces & more")
    assert answer.status_code == 303
    where = answer.headers["location"]
    shown = visitor.get(where).text
    assert "Stopped." in shown and "bounces &amp; more" in shown
    job = re.search(r"job=([0-9a-f-]{36})", where)[1]
    assert f'href="/jobs/{job}"' in shown and "stop" in visitor.get(f"/jobs/{job}").text
    again = visitor.post("/senders/m1.sos.test/pause", reason="x")
    assert "done=paused-before" in again.headers["location"]
    with app.state.sessions() as session:
        ip = session.scalars(select(Ip).where(Ip.hostname == "m1.sos.test")).one()
        row = session.scalars(select(AuditRow).where(AuditRow.action == "paused").order_by(AuditRow.id.desc())).first()
    assert ip.paused and (row.actor, row.reason, row.target) == ("key admin", "bounces & more", "sender m1.sos.test")
    assert visitor.post("/senders/m1.sos.test/resume", reason="mended").status_code == 303
    assert "Why stop it?" in visitor.get("/senders/m1.sos.test").text


def test_a_tenant_and_everything_are_stopped_and_go_on(visitor):
    for path, word in (("/stop/tenants/sos", "sos"), ("/stop/everything", "everything")):
        assert "Stopped." in visitor.get(visitor.post(f"{path}/pause", reason="test").headers["location"]).text
        assert f"Let {word} go on" in visitor.get("/stop").text
        assert "is stopped" in visitor.get("/").text
        assert "It goes on." in visitor.get(visitor.post(f"{path}/resume", reason="test").headers["location"]).text
        assert f"Let {word} go on" not in visitor.get("/stop").text


def test_an_incident_is_acknowledged_and_closed(visitor):
    assert "nobody looks after it yet" in visitor.get("/incidents").text
    assert visitor.post("/incidents/1/acknowledge").status_code == 303
    assert "admin looks after it" in visitor.get("/incidents").text
    assert "cause" in said(visitor.post("/incidents/1/close", cause="x"), 422)
    assert (
        "The incident is closed."
        in visitor.get(visitor.post("/incidents/1/close", cause="a bought list").headers["location"]).text
    )
    assert "Cause: a bought list" in visitor.get("/incidents?closed=true").text
    assert "closed it: a bought list" in said(visitor.post("/incidents/1/close", cause="another"), 409)


def test_a_state_is_changed_as_far_as_its_conditions_hold(visitor):
    offered = re.findall(r'<option value="(\w+)">\w+: it becomes (\w+)', visitor.get("/senders/m2.sos.test").text)
    assert offered == [("release", "warming"), ("retire", "retired")]
    refused = said(visitor.post("/senders/m2.sos.test/move", event="release", reason="delisted"), 409)
    assert "open incident" in refused
    answer = visitor.post("/senders/m6.other.test/move", event="retire", reason="sold")
    assert answer.status_code == 303 and "done=moved" in answer.headers["location"]
    assert "retiring" in visitor.get("/senders/m6.other.test").text


def test_a_job_is_cancelled(app, visitor, ids):
    path = f"/jobs/{ids['running']}"
    assert visitor.post(f"{path}/cancel").status_code == 303
    shown = visitor.get(path).text
    assert "asked to end" in shown and "Cancel the job" not in shown
    assert "is over" in said(visitor.post(f"/jobs/{ids['finished']}/cancel"), 409)


@pytest.mark.parametrize(
    ("path", "fields", "status", "word"),
    [
        ("/senders/m1.sos.test/pause", {}, 422, "reason"),
        ("/senders/m1.sos.test/pause", {"reason": ""}, 422, "reason"),
        ("/senders/m1.sos.test/pause", {"reason": "x" * 501}, 422, "reason"),
        ("/senders/m1.sos.test/pause", {"reason": "\0"}, 422, "NUL"),
        ("/senders/none.test/pause", {"reason": "x"}, 404, "no sender none.test"),
        ("/senders/m1.sos.test/move", {"event": "fly", "reason": "x"}, 422, "event"),
        ("/stop/tenants/nobody/pause", {"reason": "x"}, 404, "no tenant nobody"),
        ("/incidents/999/close", {"cause": "some cause"}, 404, "no incident 999"),
        ("/incidents/x/close", {"cause": "some cause"}, 422, "number"),
    ],
)
def test_a_refusal_is_a_page_that_says_why(visitor, path, fields, status, word):
    assert word in said(visitor.post(path, **fields), status)


@pytest.mark.parametrize("path", ["/?page=0", "/?page=x", "/jobs/x", "/jobs?page=0", "/senders/m1.sos.test?before=0"])
def test_a_senseless_address_is_refused_by_name(visitor, path):
    assert "not valid" in said(visitor.client.get(path), 422)


def test_what_is_not_there_is_a_page_or_a_problem(visitor):
    assert "Not Found" in said(visitor.client.get("/nothing"), 404)
    assert visitor.client.get("/api/v1/nothing").headers["content-type"] == "application/problem+json"
    assert visitor.client.delete("/api/v1/audit").status_code == 405
    assert visitor.client.put("/stop").status_code == 405


# --- Whose -----------------------------------------------------------------------------------------------------------


def test_a_tenant_sees_its_own_only(other, ids):
    for path in ("/", "/incidents", "/jobs", "/stop", "/senders/m6.other.test", f"/jobs/{ids['running']}"):
        shown = other.get(path).text
        assert ".sos." not in shown and ">sos<" not in shown, path
    shown = other.get("/").text
    assert "m6.other.test" in shown and "m1.sos.test" not in shown and re.search(r"<b>2</b> senders", shown)
    assert "m1.sos" not in other.get("/?tenant=sos").text and "m1.sos" not in other.get("/?text=sos").text
    theirs = said(other.client.get("/senders/m1.sos.test"), 404)
    assert theirs.replace("m1.sos", "none") == said(other.client.get("/senders/none.test"), 404)
    assert said(other.client.get(f"/jobs/{ids['finished']}"), 404)
    assert said(other.client.get(f"/jobs/{ids['finished']}/live"), 404)


def test_a_tenant_stops_its_own_and_no_more(app, other):
    before = rows(app)
    for path in ("/senders/m1.sos.test/pause", "/stop/tenants/sos/pause"):
        said(other.post(path, reason="x"), 404)
    for path in (
        "/stop/everything/pause",
        "/stop/everything/resume",
        "/stop/tenants/other/resume",
        "/senders/m6.other.test/resume",
    ):
        assert "Admins only" in said(other.post(path, reason="x"), 403)
    said(other.post("/senders/m6.other.test/move", event="retire", reason="x"), 403)
    said(other.post("/incidents/1/acknowledge"), 404)
    said(other.post("/incidents/1/close", cause="mine"), 404)
    assert rows(app) == before
    assert other.post("/senders/m6.other.test/pause", reason="mine").status_code == 303
    assert other.post("/stop/tenants/other/pause", reason="mine").status_code == 303
    assert "An admin lets it go on" in other.get("/senders/m6.other.test").text


def test_a_tenant_is_shown_no_host_and_no_log(app, other, ids):
    shown = other.get(f"/jobs/{ids['running']}").text
    live = other.get(f"/jobs/{ids['running']}/live").text
    for hidden in ("vps2", "Let queues go on", "Lift the stops"):
        assert hidden not in shown and hidden not in live
    assert "step 1 of 2" in shown
    said(other.post(f"/jobs/{ids['running']}/cancel"), 403)


# --- What is shown ----------------------------------------------------------------------------------------------------


def test_the_fleet_at_a_glance(visitor):
    shown = visitor.get("/").text
    for count, what in ((7, "senders"), (3, "may send"), (1, "stopped"), (1, "listed"), (1, "DNS not as wanted")):
        assert re.search(rf"<b>{count}</b> {what}", shown), what
    assert re.search(r"<b>1</b> DNS unknown", shown) and re.search(r"<b>2</b> open incidents", shown)
    assert "12,345" in shown and "bounces of Orange are under investigation" in shown
    assert "SPF not as wanted" in shown and "listed: zen.spamhaus.org" in shown and "unknown: never checked" in shown


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("tenant=other", "67"),
        ("status=active", "36"),
        ("text=198.19.0.5", "5"),
        ("text=M2.SOS", "2"),
        ("text=%25", ""),
        ("attention=true", "23"),
        ("tenant=sos&status=active", "3"),
        ("page=2", ""),
    ],
)
def test_the_table_is_filtered(visitor, query, names):
    found = re.findall(r'<th scope="row"><a href="/senders/m(\d)', visitor.get(f"/?{query}").text)
    assert "".join(sorted(found)) == names


def test_a_sender_has_its_facts_and_its_history(visitor):
    shown = visitor.get("/senders/m2.sos.test").text
    for part in (
        "198.19.0.2",
        "contact@m2.sos.test",
        "on vps2",
        "Publish at m2.sos.test TXT",
        "missing",
        "warming → quarantine",
    ):
        assert part in shown, part
    plan = visitor.get("/senders/m1.sos.test").text
    assert "50 a day, on the way to 50,000" in plan and "bounced 1.20 %" in plan and "complained unknown" in plan


def test_a_retired_sender_keeps_its_history(app, visitor):
    with app.state.sessions() as session, session.begin():
        session.execute(text("UPDATE ips SET status = 'retired' WHERE hostname = 'm7.other.test'"))
    shown = visitor.get("/senders/m7.other.test").text
    assert "is retired" in shown and "declared" in shown and "Stop this sender" not in shown
    assert "m7.other" not in visitor.get("/").text


def test_history_has_pages(app, visitor):
    with app.state.sessions() as session, session.begin():
        for number in range(120):
            session.add(AuditRow(actor="test", action=f"step-{number:03}", target="sender m1.sos.test"))
    seen, path = [], "/senders/m1.sos.test"
    while path:
        shown = visitor.get(path).text
        seen += re.findall(r"step-(\d+)", shown)
        older = re.search(r'href="\?before=(\d+)#history"', shown)
        path = older and f"/senders/m1.sos.test?before={older[1]}"
    assert [int(one) for one in seen] == list(range(119, -1, -1))


def test_live_parts_are_the_new_ones(app, visitor, ids):
    with app.state.sessions() as session, session.begin():
        last = session.scalars(select(JobLine.id).order_by(JobLine.id.desc())).first()
        session.add(JobLine(job_id=ids["running"], step=0, text="the newest line"))
    shown = visitor.get(f"/jobs/{ids['running']}/live?after={last}").text
    assert "the newest line" in shown and "PLAY [" not in shown and 'data-over="no"' in shown
    assert 'data-over="yes"' in visitor.get(f"/jobs/{ids['finished']}/live").text
    assert "PLAY [" in visitor.get(f"/jobs/{ids['running']}").text


def test_without_scripts_a_running_job_reloads_itself(visitor, ids):
    reload = '<noscript><meta http-equiv="refresh"'
    assert reload in visitor.get(f"/jobs/{ids['running']}").text
    assert reload not in visitor.get(f"/jobs/{ids['finished']}").text


class Tags(HTMLParser):
    def __init__(self, text):
        super().__init__()
        self.seen, self.attributes = set(), set()
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.seen.add(tag)
        self.attributes |= {name for name, _value in attrs}


def test_whatever_is_said_stays_text(app, visitor, ids):
    """Hostile texts in every place that holds one; the pages have no more tags than without them, and show them as they are."""
    with app.state.sessions() as session, session.begin():
        ip = session.scalars(select(Ip).where(Ip.hostname == "m1.sos.test")).one()
        ip.sender_name, ip.reasons, ip.paused, ip.phase, ip.mta, ip.vmta_name = (
            HOSTILE,
            [HOSTILE],
            True,
            HOSTILE,
            HOSTILE,
            HOSTILE,
        )
        for one in session.scalars(select(DnsCheck).where(DnsCheck.ip_id == ip.id)):
            bad = {"verdict": HOSTILE, "wanted": HOSTILE, "found": HOSTILE, "server": HOSTILE, "remedy": HOSTILE}
            one.green, one.edges = (
                "no",
                {HOSTILE: bad, "spf": {"verdict": "wrong", "wanted": [HOSTILE], "found": {HOSTILE: HOSTILE}}},
            )
        session.add(
            DnsblVerdict(
                tenant_id=ip.tenant_id, ip_id=ip.id, blacklist_name=HOSTILE, listed="yes", checked_at=lively.NOW
            )
        )
        session.add(
            Incident(tenant_id=ip.tenant_id, ip_id=ip.id, kind=HOSTILE, summary=HOSTILE, evidence={HOSTILE: [HOSTILE]})
        )
        session.add(
            Incident(
                tenant_id=ip.tenant_id,
                ip_id=ip.id,
                kind="x",
                summary="x",
                closed_at=lively.NOW,
                closed_by=HOSTILE,
                cause=HOSTILE,
            )
        )
        session.add(
            AuditRow(
                actor=HOSTILE,
                action=HOSTILE,
                target="sender m1.sos.test",
                reason=HOSTILE,
                before={HOSTILE: HOSTILE},
                after={HOSTILE: [HOSTILE]},
            )
        )
        job = session.get(Job, ids["running"])
        job.subject = job.error = job.asked_by = job.cancel_asked_by = HOSTILE
        job.progress = {
            "step": HOSTILE,
            "playbook": HOSTILE,
            "play": HOSTILE,
            "task": HOSTILE,
            "hosts": {HOSTILE: {"ok": 1}},
        }
        job.result = {
            HOSTILE: HOSTILE,
            "changes": [{"host": HOSTILE, "task": HOSTILE}],
            "steps": [{"playbook": HOSTILE, "status": HOSTILE, "seconds": HOSTILE}],
        }
        session.add(JobLine(job_id=job.id, step=0, host=HOSTILE, outcome=HOSTILE, text=HOSTILE))
        session.execute(text("UPDATE tenants SET held_reason = :it WHERE name = 'sos'"), {"it": HOSTILE})
    shown = 0
    for path in (
        *PAGES,
        f"/jobs/{job.id}",
        f"/jobs/{job.id}/live",
        "/?text=" + HOSTILE.replace("&", "%26").replace("#", "%23"),
    ):
        page = visitor.get(path).text
        tags = Tags(page)
        assert "onerror" not in tags.attributes and "style" not in tags.attributes, path
        assert "<script>" not in page and "<img src=x" not in page, path
        shown += "&lt;script&gt;alert(1)&lt;/script&gt;" in page and "{{7*7}}" in page
    assert shown >= 8
    answer = visitor.client.get("/login?after=/" + HOSTILE.replace("&", "%26"))
    assert "<script>alert" not in answer.text
    assert "<script>alert" not in visitor.client.get(f"/?done={HOSTILE}&job={HOSTILE}").text


def test_headers_let_nothing_foreign_in(visitor, ids):
    for path in (*PAGES, "/login", f"/jobs/{ids['running']}", "/nothing", "/static/style.css", "/static/live.js"):
        headers = visitor.client.get(path).headers
        policy = dict(part.strip().partition(" ")[::2] for part in headers["content-security-policy"].split(";"))
        assert policy["default-src"] == "'none'" and policy["frame-ancestors"] == policy["base-uri"] == "'none'", path
        assert {policy[name] for name in ("script-src", "style-src", "img-src", "connect-src", "form-action")} == {
            "'self'"
        }
        assert headers["x-content-type-options"] == "nosniff" and headers["referrer-policy"] == "no-referrer"
        kept = "immutable" if path.startswith("/static/") else "no-store"
        assert kept in headers["cache-control"], path


def test_pages_name_no_other_origin(visitor, ids):
    for path in (*PAGES, "/login", f"/jobs/{ids['running']}"):
        page = visitor.get(path).text
        assert not re.findall(r'(?:src|href|action)="(?:https?:)?//', page), path
        assert not re.findall(r"<style|<script(?! src=\"/static/)|\son\w+=|javascript:", page), path


def test_assets_change_their_address_with_their_content(visitor):
    page = visitor.get("/").text
    style = re.search(r'href="(/static/style\.css\?v=[0-9a-f]{12})"', page)[1]
    assert visitor.get(style).headers["content-type"].startswith("text/css")
    assert said(visitor.client.get("/static/../app.py"), 404) and said(visitor.client.get("/static/%2e%2e/app.py"), 404)


# --- 1,000 senders ----------------------------------------------------------------------------------------------------


def test_a_large_fleet_stays_light(app, client, admin):
    senders = [sender(n, "sos" if n % 2 else "other", ip=f"198.19.{n // 250}.{n % 250 + 1}") for n in range(1, 1001)]
    lively.declare(client, admin, fleet(*senders, tenants=[tenant(), tenant("other")]))
    visitor = Visitor(app)
    visitor.login(admin)
    seen = []
    bind = app.state.sessions.kw["bind"]
    event.listen(bind, "before_cursor_execute", lambda *_: seen.append(1))
    visitor.get("/")
    queries, begin = len(seen), time.perf_counter()
    answer = visitor.get("/?page=20")
    took = time.perf_counter() - begin
    assert "951 to 1000 of 1,000" in answer.text and len(answer.content) < 120_000 and queries < 25
    # Generous: other work runs beside the tests.
    assert took < 2
    names = [
        name
        for number in range(1, 21)
        for name in re.findall(r'<th scope="row"><a href="/senders/([^"]+)"', visitor.get(f"/?page={number}").text)
    ]
    assert len(names) == len(set(names)) == 1000


# --- Words ------------------------------------------------------------------------------------------------------------


def test_how_long_ago():
    now = datetime(2026, 11, 22, tzinfo=UTC)
    for seconds, said in (
        (0, "just now"),
        (59, "just now"),
        (60, "1 min ago"),
        (7199, "1 h ago"),
        (90000, "1 d ago"),
        (-120, "in 2 min"),
    ):
        assert words.ago(now - timedelta(seconds=seconds), now) == said
    assert words.ago(None) == "never"


def verdict(name, listed, age=0):
    return DnsblVerdict(blacklist_name=name, listed=listed, checked_at=lively.NOW - timedelta(hours=age))


@pytest.mark.parametrize(
    ("lists", "events", "said"),
    [
        ([], [], ("unknown", "unknown: never checked")),
        ([verdict("a", "no"), verdict("b", "no")], [], ("good", "on none of 2")),
        ([verdict("a", "no"), verdict("b", "unknown")], [], ("plain", "on none of 1, 1 unknown")),
        ([verdict("a", "unknown")], [], ("unknown", "unknown: no list answered")),
        ([verdict("a", "yes"), verdict("b", "no")], [], ("bad", "listed: a")),
        ([verdict("a", "no", 25)], [], ("unknown", "unknown: last checked 1 d ago")),
        ([verdict("a", "yes", 25)], [], ("unknown", "unknown: last checked 1 d ago")),
        ([verdict("a", "unknown")], ["a"], ("bad", "listed: a")),
    ],
)
def test_listings_in_words(lists, events, said):
    assert words.listings(Seen({}, 0, None, lists, events, 0, None), lively.NOW) == said


@pytest.mark.parametrize(
    ("green", "edges", "age", "said"),
    [
        ("yes", {"a": {"verdict": "ok"}}, 0, ("good", "all as wanted")),
        ("no", {"spf": {"verdict": "wrong"}, "a": {"verdict": "missing"}}, 0, ("bad", "A, SPF not as wanted")),
        ("no", {}, 0, ("bad", "something not as wanted")),
        ("unknown", {"ptr": {"verdict": "unknown"}}, 0, ("unknown", "unknown: PTR")),
        ("yes", {"a": {"verdict": "ok"}}, 72, ("unknown", "unknown: last checked 3 d ago")),
    ],
)
def test_dns_in_words(green, edges, age, said):
    check = DnsCheck(green=green, edges=edges, checked_at=lively.NOW - timedelta(hours=age))
    assert words.dns(check, lively.NOW) == said


def test_campaigns_and_their_buttons(app, visitor, ids):
    with app.state.sessions() as session, session.begin():
        ip = session.scalars(select(Ip).where(Ip.hostname == "m1.sos.test")).one()
        one = campaign_of(session, ip, name=HOSTILE)
        one.state, one.paused_reason = "paused", HOSTILE
        number = one.id
    shown = visitor.get("/campaigns").text
    assert "<script>alert" not in shown and "7*7" in shown and "paused" in shown and "m1.sos.test" in shown
    answer = visitor.post(f"/campaigns/{number}/resume", "/campaigns", reason="it may go on")
    assert answer.status_code == 303 and "done=resumed" in answer.headers["location"]
    assert "preparing" in visitor.get("/campaigns").text
    assert visitor.post(f"/campaigns/{number}/pause", "/campaigns", reason="not yet").status_code == 303
    assert "not yet" in visitor.get("/campaigns").text
    assert visitor.post(f"/campaigns/{number}/cancel", "/campaigns", reason="no more").status_code == 303
    assert "cancelled" in visitor.get("/campaigns").text
    assert visitor.post(f"/campaigns/{number}/resume", "/campaigns", reason="again").status_code == 409
    other = Visitor(app)
    assert other.login(make_key(app, "other's", "other")).status_code == 303
    assert HOSTILE[:8] not in other.get("/campaigns").text and "No campaign yet" in other.get("/campaigns").text
    assert other.post(f"/campaigns/{number}/cancel", "/stop", reason="theirs").status_code == 404
