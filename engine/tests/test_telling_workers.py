# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Workers as they run: what fails in them is told once, however many there are and whichever of them dies."""

from __future__ import annotations

import time

import pytest
from sqlalchemy import text

from receivers import TOKEN, Web
from sites import wait
from test_jobs import broker, postgres, site  # noqa: F401

_FAILING = "- hosts: vps1\n  gather_facts: false\n  tasks: [{name: Look, ansible.builtin.fail: {msg: 'no answer after {{ 99999 | random }} s'}}]\n"
_WORKING = "- hosts: vps1\n  gather_facts: false\n  tasks: []\n"


@pytest.fixture
def web():
    one = Web()
    yield one
    one.close()


def test_a_check_that_fails_in_one_of_two_workers_is_told_once_and_its_end_too(site, web):  # noqa: F811
    playbook = site.place / "collections/ansible_collections/email_engine/fleet/playbooks/collect.yml"
    playbook.write_text(_FAILING)
    first, second = (site.worker("check", alert_urls=web.url, alert_name="vps3") for _ in range(2))
    site.until(site.ask("collect"), "failed")
    wait(lambda: web.got)
    # Whoever dies between sending and saying so has it sent again.
    wait(lambda: site.told("job/collect"))
    (told,) = (body for _path, body in web.got)
    assert told["title"] == "vps3: [critical] Job collect failed" and told["type"] == "failure"
    assert "no answer after" in told["message"] and "email-engine jobs add collect" in told["message"]
    first.kill()
    for _ in range(2):
        site.until(site.ask("collect"), "failed")
    time.sleep(6)
    assert len(web.got) == 1, "the same with another number"
    playbook.write_text(_WORKING)
    site.until(site.ask("collect"), "succeeded")
    wait(lambda: len(web.got) == 2)
    assert web.titles()[1] == "vps3: [over] Job collect failed"
    assert second.end() == 0
    assert not [one for one in (first, second) if TOKEN in one.output]
    with site.sessions() as session:
        rows = session.execute(text("SELECT action, target FROM audit_log WHERE actor = 'alerts' ORDER BY id")).all()
        assert [tuple(row) for row in rows] == [("alerted", "alert job/collect"), ("alert ended", "alert job/collect")]


def test_only_the_workers_of_checks_tell(site, web):  # noqa: F811
    for lane in ("converge", "stop"):
        site.worker(lane, alert_urls=web.url)
    with site.sessions() as session, session.begin():
        session.execute(
            text(
                "INSERT INTO alerts (key, kind, severity, subject, text, remedy) VALUES ('x', 'x', 'critical', 'x', 'x', 'x')"
            )
        )
    site.until(site.ask(), "succeeded")
    time.sleep(6)
    assert web.got == []
