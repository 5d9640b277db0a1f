# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""playbooks/release.yml, retire_ip.yml and warmup.yml: refused, done, done again, and what check mode tells. An engine of the tests' own; no lab."""

from __future__ import annotations

import contextlib
import threading
from datetime import datetime, timezone

import pytest

from ansible_collections.email_engine.fleet.plugins.modules import engine_report
from ansible_collections.email_engine.fleet.tests.integration.served import PASSWORD, fill, fleet, free_port

M1, M2, M3 = "m1.sos.test", "m2.sos.test", "m3.sos.test"


@contextlib.contextmanager
def worker(engine):
    """Jobs are done as soon as they are asked for."""
    over = threading.Event()

    def work():
        while not over.wait(0.3):
            engine.sql("UPDATE jobs SET state = 'succeeded', finished_at = now() WHERE state = 'queued'")

    thread = threading.Thread(target=work)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def play(site, engine, playbook, *more):
    extra = [word for one in more for word in ("-e", one)]
    with worker(engine):
        return site.play(f"playbooks/{playbook}.yml", "-e", f"fleet_engine_ca_file={engine.file}", *extra)


def release(site, engine, *senders):
    return play(site, engine, "release", f"release_senders={','.join(senders)}", "release_reason=mended")


def retire(site, engine, senders, *more):
    return play(site, engine, "retire_ip", f"retire_ip_senders={senders}", "retire_ip_reason=gone", *more)


LIST = {
    "name": "spamhaus",
    "zone": "zen.spamhaus.org",
    "kind": "ip",
    "state": "healthy",
    "detail": None,
    "severity": "critical",
}


def sound(engine, *names):
    """Their DNS is green, and a list says that they are clean."""
    clean = {"list": "spamhaus", "verdict": "clean", "codes": [], "meaning": None, "severity": None, "detail": None}
    senders = [{"name": name, "verdicts": [{**clean, "target": "198.51.100.1"}]} for name in names]
    report = {"checked_at": datetime.now(timezone.utc).isoformat(), "round": "first", "lists": [LIST], "controls": []}
    resolver = {"verdict": "healthy", "reasons": []}
    given = {**engine.given, "applied": None, "dns": None, "accounting": None}
    engine_report.run({**given, "dnsbl": {**report, "resolver": resolver, "senders": senders}}, False)
    engine.sql("DELETE FROM jobs")
    for name in names:
        where = f"FROM ips WHERE hostname = '{name}'"
        engine.sql(
            f"INSERT INTO dns_checks (ip_id, tenant_id, green, checked_at) SELECT id, tenant_id, 'yes', now() {where}"
        )


def status(engine):
    return {name: found for name, _owner, found, *_rest in engine.senders()}


def jobs(engine):
    return engine.sql("SELECT count(*) FROM jobs")[0][0]


@pytest.fixture
def quarantined(site, engine):
    engine.declare(fleet())
    engine.sql(f"UPDATE ips SET status = 'quarantine' WHERE hostname IN ('{M1}', '{M2}')")
    site.out_of_reach()
    return site


def test_a_release_that_is_refused_keeps_nobody_else(quarantined, engine):
    """The first is refused, with what is missing; the second is released and waited for; the third has nothing to be released of."""
    sound(engine, M2)
    run = release(quarantined, engine, M1, "nobody.sos.test", M2, M3)
    assert run.code != 0
    assert "its DNS was not seen" in run.failures and "no healthy list has answered for it" in run.failures
    assert "nobody.sos.test" in run.failures
    assert status(engine) == {M1: "quarantine", M2: "warming", M3: "warming"}
    assert f"{M2}: warming" in run.output and f"{M3}: warming already" in run.output
    assert "Wait for the engine's jobs" in [task["task"] for task in run.tasks] and jobs(engine) == 1
    # What was refused is mended; what was done is not done again.
    sound(engine, M1)
    run = release(quarantined, engine, M1, M2)
    assert run.code == 0, run.output[-3000:]
    assert f"{M1}: warming" in run.output and f"{M2}: warming already" in run.output
    moved = engine.sql("SELECT target FROM audit_log WHERE action = 'moved' ORDER BY id")
    assert moved == [(f"sender {M2}",), (f"sender {M1}",)]
    run = release(quarantined, engine, M1, M2)
    assert run.code == 0 and run.changed == [], run.output[-3000:]


def test_a_retirement_at_once_and_again(site, engine):
    engine.declare(fleet())
    site.out_of_reach()
    # A number, as YAML has it.
    run = retire(site, engine, M1, '{"retire_ip_days": 0}')
    assert run.code == 0, run.output[-3000:]
    assert status(engine)[M1] == "retiring" and f"{M1}: retiring" in run.output
    run = retire(site, engine, M1, '{"retire_ip_days": 0}')
    assert run.code == 0 and run.changed == [] and f"{M1}: retiring already" in run.output


def test_a_retirement_over_days_and_again(site, engine):
    engine.declare(fleet())
    site.out_of_reach()
    for said, changed in ((f"{M1}: warming, less each day", True), (f"{M1}: warming, less each day already", False)):
        run = retire(site, engine, M1, "retire_ip_days=3")
        assert run.code == 0 and said in run.output and bool(run.changed) == changed, run.output[-3000:]
    assert engine.sql("SELECT count(*) FROM warmup_plans WHERE down_until IS NOT NULL") == [(1,)]
    # It may still go at once.
    run = retire(site, engine, M1, "retire_ip_days=0")
    assert run.code == 0 and status(engine)[M1] == "retiring", run.output[-3000:]


def test_a_retirement_that_is_refused_says_why(site, engine):
    engine.declare(fleet())
    engine.sql(f"UPDATE ips SET status = 'quarantine' WHERE hostname = '{M1}'")
    site.out_of_reach()
    run = retire(site, engine, M1)
    assert run.code != 0 and "its queue was not seen: is PowerMTA running?" in run.failures
    assert status(engine)[M1] == "quarantine" and jobs(engine) == 0
    run = play(site, engine, "retire_ip", f"retire_ip_senders={M1}")
    assert run.code != 0 and "at least one is missing" in run.failures


def test_the_engine_goes_away(site, engine):
    engine.declare(fleet())
    site.out_of_reach()
    run = retire(site, engine, M1, f"engine_url=https://127.0.0.1:{free_port()}")
    assert run.code != 0 and "the engine does not answer" in run.failures


def test_check_mode_tells_what_would_be(site, engine):
    """In check mode the engine is asked, and changes nothing."""
    engine.declare(fleet())
    engine.sql(f"UPDATE ips SET status = 'quarantine' WHERE hostname = '{M1}'")
    run = release(site, engine, M1, M2)
    assert run.code == 0 and f"{M1}: warming" in run.output and f"{M2}: warming already" in run.output, run.output
    run = release(site, engine, M1, "nobody.sos.test")
    assert run.code != 0 and "nobody.sos.test" in run.failures
    run = retire(site, engine, f"{M1},{M2}")
    assert run.code == 0 and f"{M1}: retired" in run.output and f"{M2}: warming, less each day" in run.output
    engine.sql(f"UPDATE ips SET status = 'standby' WHERE hostname = '{M1}'")
    run = release(site, engine, M1)
    assert run.code != 0 and "release does not apply to a sender that is standby" in run.failures
    assert status(engine) == {M1: "standby", M2: "warming", M3: "warming"} and jobs(engine) == 0


def test_check_mode_shows_the_warm_up_as_it_is(site, engine):
    engine.declare(fleet())
    run = play(site, engine, "warmup")
    assert run.code == 0 and "The engine was not asked to close the day" in run.output, run.output[-3000:]
    assert f"{M1}: week_1, 50 a day (" in run.output
    assert engine.sql("SELECT count(*) FROM warmup_daily_stats") == [(0,)] and jobs(engine) == 0


@pytest.mark.parametrize("playbook", ["dns_check", "rotate_dkim"])
def test_a_limit_that_leaves_out_the_control_node_is_refused(site, engine, playbook):
    run = site.play(f"playbooks/{playbook}.yml", "--limit", "vps2")
    assert run.code != 0 and "localhost read no fleet in this run" in run.failures, run.output[-3000:]


def test_checks_run_on_the_always_on_host(scratch):
    """Without an engine, the first host of the group scheduler asks, and it asks the resolver of its own."""
    fill(scratch)
    scratch.write("group_vars/all/vault.yml", {"vault_feeder": PASSWORD})
    scratch.write(
        "scheduler.yml", {"scheduler": {"hosts": {"always": {"ansible_host": "127.0.0.1", "ansible_port": 1}}}}
    )
    scratch.out_of_reach()
    run = scratch.play("playbooks/rbl_check.yml")
    assert run.code != 0 and "localhost -> always" in run.output, run.output[-3000:]
    listed = scratch.play("playbooks/resolver.yml", "--list-hosts")
    assert "always" in listed.output
