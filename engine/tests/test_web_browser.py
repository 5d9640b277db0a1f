# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The page in headless Chromium, from uvicorn, PostgreSQL and Redis as they are: what an operator does, on a desk and on a phone."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlsplit

import axe_core_python
import pytest
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import Select, WebDriverWait
from sqlalchemy import select

import lively
from browser import chromium, served
from email_engine.store import alerts
from email_engine.store.models import Incident, Ip, Job, JobLine
from lively import NOW
from samples import make_key

AXE = Path(axe_core_python.__file__).with_name("axe.min.js")
PHONE = 360


class Page:
    """A browser on the page of one application."""

    def __init__(self, driver, url):
        self.driver, self.url = driver, url

    def open(self, path):
        self.driver.get(self.url + path)
        return self

    def find(self, css):
        return self.driver.find_element(By.CSS_SELECTOR, css)

    @property
    def text(self):
        return self.find("body").text

    def login(self, key):
        self.open("/login")
        self.find("#key").send_keys(key["X-API-KEY"])
        self.find("button.main").click()
        assert self.until(lambda: self.find("h1").text == "Fleet")

    def until(self, what, seconds=15):
        return WebDriverWait(self.driver, seconds, 0.1, ignored_exceptions=[Exception]).until(lambda _: what())

    def press(self, css, **fields):
        """Fill in the form that the button belongs to, and press it; wait for the page that comes."""
        button = self.find(css)
        form = button.find_element(By.XPATH, "ancestor::form")
        for name, value in fields.items():
            form.find_element(By.NAME, name).send_keys(value)
        self.driver.execute_cdp_cmd("Runtime.evaluate", {"expression": "document.documentElement.id = 'before'"})
        button.click()
        self.until(lambda: not self.driver.find_elements(By.CSS_SELECTOR, "html#before"))

    def requested(self):
        """Addresses that were asked for since the last call."""
        entries = [json.loads(one["message"])["message"] for one in self.driver.get_log("performance")]
        return {one["params"]["request"]["url"] for one in entries if one["method"] == "Network.requestWillBeSent"}


@pytest.fixture(params=["with scripts", "without scripts"])
def scripts(request):
    return request.param == "with scripts"


@pytest.fixture
def ids(app, client, admin):
    return lively.make(app, client, admin)


@pytest.fixture
def url(app, ids):
    with served(app) as url:
        yield url


@pytest.fixture
def desk(url, admin):
    with chromium() as driver:
        page = Page(driver, url)
        page.login(admin)
        yield page


def paths(ids):
    fleet = ["/", "/?tenant=sos&attention=true", "/?text=nobody"]
    return [*fleet, "/senders/m1.sos.test", "/senders/m2.sos.test", "/senders/m3.sos.test", "/senders/m4.sos.test",
            "/incidents", "/incidents?closed=true", "/alerts", "/alerts?closed=true", "/jobs", *(f"/jobs/{one}" for one in ids.values()), "/stop",
            "/stop?done=paused", "/senders/none.test"]  # fmt: skip


def test_what_an_operator_does(app, url, admin, scripts):
    with chromium(javascript=scripts) as driver:
        page = Page(driver, url)
        page.open("/incidents")
        page.find("#key").send_keys("ee_00000000_wrong")
        page.find("button.main").click()
        page.until(lambda: "unknown, expired or revoked" in page.text)
        page.login(admin)
        assert "m1.sos.test" in page.text and "7\nsenders" in page.text

        Select(page.find("#status")).select_by_visible_text("warming")
        page.press(".filter button")
        assert [one.text for one in driver.find_elements(By.CSS_SELECTOR, "tbody th a")] == ["m1.sos.test"]

        page.find("tbody th a").click()
        page.until(lambda: page.find("h1").text == "m1.sos.test")
        page.press("button.danger", reason="complaints are rising")
        assert "Stopped." in page.find("[role=status]").text and "complaints are rising" in page.find(".badges").text
        page.press("button.main", reason="it was a test")
        assert "It goes on." in page.find("[role=status]").text

        page.open("/incidents")
        first = ".incident:first-of-type"
        page.press(f"{first} form:not(.why) button")
        assert "admin looks after it" in page.find(first).text
        page.press(f"{first} .why button", cause="a bought list")
        assert "The incident is closed." in page.text and "zen.spamhaus.org" not in page.text
        page.open("/incidents?closed=true")
        assert "Cause: a bought list" in page.text

        page.open("/stop")
        page.press("button.danger", reason="a drill")
        assert "Let everything go on" in page.text
        page.open("/")
        assert "Everything is stopped." in page.text

        page.press(".who button")
        assert page.find("#key").is_displayed()
        page.open("/")
        assert page.driver.current_url.endswith("/login")
    with app.state.sessions() as session:
        incident = session.scalars(select(Incident).order_by(Incident.id)).first()
        assert (incident.cause, incident.closed_by) == ("a bought list", "admin")
        assert not session.scalars(select(Ip).where(Ip.hostname == "m1.sos.test")).one().paused


def test_scripts_are_off_where_they_should_be(url):
    with chromium(javascript=False) as driver:
        driver.get("data:text/html,<title>off</title><script>document.title = 'on'</script>")
        assert driver.title == "off"


def advance(app, number, **changes):
    with app.state.sessions() as session, session.begin():
        job = session.get(Job, number)
        for name, value in changes.items():
            setattr(job, name, value)
        session.add(JobLine(job_id=number, step=1, host="vps2", outcome="changed", text=f"line of {changes['state']}"))


def test_a_job_is_watched_as_it_runs(app, desk, ids):
    desk.open(f"/jobs/{ids['running']}")
    desk.driver.execute_script("window.unchanged = true")
    assert "step 1 of 2: resume" in desk.text
    advance(app, ids["running"], state="running", step=1, progress={"step": 2, "steps": 2, "playbook": "converge"})
    desk.until(lambda: "step 2 of 2: converge" in desk.text and "line of running" in desk.text)
    advance(app, ids["running"], state="succeeded", finished_at=NOW + timedelta(seconds=30))
    desk.until(lambda: "succeeded" in desk.find("#state").text and "line of succeeded" in desk.text)
    assert desk.text.count("line of running") == 1 and desk.text.count("PLAY [") == 1
    assert desk.driver.execute_script("return window.unchanged") is True
    desk.requested()
    with pytest.raises(Exception, match="Timeout|timeout|Message"):
        desk.until(lambda: any("/live" in one for one in desk.requested()), seconds=4)


def test_a_job_is_watched_without_scripts(app, url, admin, ids):
    with chromium(javascript=False) as driver:
        page = Page(driver, url)
        page.login(admin)
        page.open(f"/jobs/{ids['running']}")
        advance(app, ids["running"], state="succeeded", finished_at=NOW + timedelta(seconds=30))
        page.until(lambda: "succeeded" in page.find("#state").text)


def test_a_job_whose_session_ended_says_nothing_new(app, desk, ids):
    desk.open(f"/jobs/{ids['running']}")
    desk.driver.delete_all_cookies()
    advance(app, ids["running"], state="running", progress={"step": 2, "steps": 2, "playbook": "converge"})
    desk.requested()
    desk.until(lambda: any("/login" in one for one in desk.requested()))
    assert "step 1 of 2" in desk.text and "API key" not in desk.text


# Colours do not depend on the width, nor the layout on the colours.
@pytest.mark.parametrize(("width", "dark"), [(1280, False), (PHONE, True)])
def test_everybody_can_use_it(url, admin, ids, width, dark):
    """axe finds no violation, nothing is wider than the screen, no page asks another origin or breaks its own policy."""
    with chromium(width, 740, dark=dark) as driver:
        page = Page(driver, url)
        found = {"/login": judge(page.open("/login"))}
        page.login(admin)
        for path in paths(ids):
            found[path] = judge(page.open(path))
        assert {path: one for path, one in found.items() if one} == {}
        assert {urlsplit(one).netloc for one in page.requested() if not one.startswith("data:")} == {
            urlsplit(url).netloc
        }
        said = [one["message"] for one in driver.get_log("browser") if one["level"] == "SEVERE"]
        assert [one for one in said if "/senders/none.test" not in one] == []


def judge(page):
    """What is wrong with a page."""
    # By the protocol, which the page's policy does not bind; its own scripts are bound.
    page.driver.execute_cdp_cmd("Runtime.evaluate", {"expression": AXE.read_text()})
    run = "axe.run().then(found => found.violations.map(one => `${one.id}: ${one.nodes.map(node => node.html).join(' | ')}`))"
    found = page.driver.execute_cdp_cmd(
        "Runtime.evaluate", {"expression": run, "awaitPromise": True, "returnByValue": True}
    )["result"]["value"]
    wide, screen = page.driver.execute_script("return [document.documentElement.scrollWidth, window.innerWidth]")
    return [*found, *([f"{wide} px wide on {screen}"] if wide > screen else [])]


def test_the_judge_sees_what_is_wrong(desk):
    desk.open("/")
    desk.driver.execute_script(
        "document.querySelector('label').remove(); document.querySelector('h1').style.width = '3000px'"
    )
    found = judge(desk)
    assert any(one.startswith(("label", "select-name")) for one in found) and any("px wide" in one for one in found)


def test_the_keyboard_reaches_everything(desk):
    desk.open("/senders/m1.sos.test")
    desk.driver.execute_cdp_cmd(
        "Input.dispatchKeyEvent", {"type": "keyDown", "key": "Tab", "code": "Tab", "windowsVirtualKeyCode": 9}
    )
    assert desk.driver.switch_to.active_element.text == "Skip to content"
    outline = "return getComputedStyle(document.activeElement).outlineStyle"
    seen = []
    for _ in range(14):
        assert desk.driver.execute_script(outline) != "none"
        desk.driver.execute_cdp_cmd(
            "Input.dispatchKeyEvent", {"type": "keyDown", "key": "Tab", "code": "Tab", "windowsVirtualKeyCode": 9}
        )
        seen.append(
            desk.driver.switch_to.active_element.text or desk.driver.switch_to.active_element.get_attribute("name")
        )
    assert {"Fleet", "Incidents", "Jobs", "Stop", "Log out", "reason", "Stop this sender"} <= set(seen)


def test_a_tenant_on_a_phone(app, url):
    with chromium(PHONE, 740) as driver:
        page = Page(driver, url)
        page.login(make_key(app, "other's", "other"))
        assert "m6.other.test" in page.text and "sos" not in page.text
        page.open("/senders/m6.other.test")
        page.press("button.danger", reason="from the train")
        assert "An admin lets it go on." in page.text
        page.open("/stop")
        assert "Stop everything" not in page.text and "Stop other" in page.text


def test_hostile_texts_run_nothing(app, desk, ids):
    hostile = "<script>document.title='owned'</script><img src=x onerror=\"document.title='owned'\">"
    with app.state.sessions() as session, session.begin():
        ip = session.scalars(select(Ip).where(Ip.hostname == "m1.sos.test")).one()
        ip.reasons, ip.paused, ip.sender_name = [hostile], True, hostile
        session.add(JobLine(job_id=ids["running"], step=0, text=hostile))
        alerts.tell(session, key=hostile, kind="x", severity="info", subject=hostile, text=hostile, remedy=hostile)
        session.add(
            Incident(tenant_id=ip.tenant_id, ip_id=ip.id, kind="x", summary=hostile, evidence={hostile: hostile})
        )
    for path in ("/", "/senders/m1.sos.test", "/incidents", "/alerts", f"/jobs/{ids['running']}"):
        desk.open(path)
        assert "onerror" in desk.text and desk.driver.title != "owned"
    with app.state.sessions() as session, session.begin():
        session.add(JobLine(job_id=ids["running"], step=0, text="late " + hostile))
    desk.until(lambda: "late <script>" in desk.text)
    assert desk.driver.title != "owned"


def test_the_policy_stops_what_is_injected(desk):
    """Were something to slip through the templates after all."""
    desk.open("/")
    desk.driver.execute_script(
        "const one = document.createElement('div');"
        "one.innerHTML = '<img src=/x onerror=\"document.title=`owned`\">';"
        "document.body.append(one);"
        "const two = document.createElement('script'); two.textContent = 'document.title = `owned`'; document.body.append(two);"
    )
    desk.until(
        lambda: len([one for one in desk.driver.get_log("browser") if "Content Security Policy" in one["message"]]) > 0
    )
    assert desk.driver.title != "owned"
