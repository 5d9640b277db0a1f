# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The warm-up's playbooks: against a real engine, without one, while it is away; and a history on paper. No lab."""

from __future__ import annotations

import pytest

from ansible_collections.email_engine.fleet.plugins.module_utils.problems import FleetError
from ansible_collections.email_engine.fleet.plugins.modules import engine_warmup
from ansible_collections.email_engine.fleet.tests.integration.served import ROOT, fill, fleet

BOOK, SIMULATE = "playbooks/warmup.yml", "playbooks/warmup_simulate.yml"


def climbed(engine):
    """A fleet whose first sender has earned its second phase: seven full days, all of them delivered, and everything is seen and well."""
    engine.declare(fleet())
    back = "now() - interval '8 days'"
    # They went live eight days ago.
    live = "status = 'warming', phase = 'week_1', starts_as = NULL"
    engine.sql(f"UPDATE ips SET {live}, status_changed_at = {back}")
    engine.sql(f"UPDATE warmup_plans SET started_at = {back}, phase_changed_at = {back}")
    engine.sql(
        "INSERT INTO dns_checks (tenant_id, ip_id, checked_at, green) SELECT tenant_id, id, now(), 'yes' FROM ips"
    )
    engine.sql(
        "INSERT INTO dnsbl_verdicts (tenant_id, ip_id, blacklist_name, listed, checked_at, since)"
        " SELECT tenant_id, id, 'zen', 'no', now(), now() FROM ips"
    )
    engine.sql(
        "INSERT INTO dnsbl_lists (name, zone, kind, state, severity, checked_at)"
        " VALUES ('zen', 'zen.test', 'ip', 'healthy', 'critical', now())"
    )
    engine.sql(
        "INSERT INTO check_runs (name, at, state, detail) VALUES ('accounting/vps2', now(), 'ok',"
        " jsonb_build_object('complete_at', to_char(now() AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS\"+00:00\"')))"
    )
    days = "generate_series(1, 7) AS d, ips WHERE hostname = 'm1.sos.test'"
    when = "(now() AT TIME ZONE 'UTC')::date - d"
    engine.sql(
        "INSERT INTO accounting_days (tenant_id, ip_id, day, provider, attempts, delivered)"
        f" SELECT tenant_id, id, {when}, 'gmail', 50, 50 FROM {days}"
    )
    engine.sql(
        "INSERT INTO accounting_recipients (ip_id, key, day, first_at, delivered_at)"
        f" SELECT id, decode(md5(d || '/' || n), 'hex'), {when}, now() - d * interval '1 day', now() - d * interval '1 day'"
        f" FROM generate_series(1, 50) AS n, {days}"
    )


def quotas(engine):
    return engine.sql("SELECT hostname, phase, daily_quota FROM ips ORDER BY hostname")


BEFORE = [(f"m{n}.sos.test", "week_1", 50) for n in (1, 2, 3)]
AFTER = [("m1.sos.test", "week_2", 100), *BEFORE[1:]]


def asked(engine):
    return {**engine.given, "day": None}


def test_the_module_closes_the_day_once(engine):
    climbed(engine)
    shown = engine_warmup.run(asked(engine), True)
    assert not shown["changed"] and quotas(engine) == BEFORE
    assert shown["lines"][0].startswith("m1.sos.test: week_1, 50 a day (7 of 7 qualifying days;")
    result = engine_warmup.run(asked(engine), False)
    assert result["changed"] and result["job"] and quotas(engine) == AFTER
    assert result["lines"][0] == "m1.sos.test: advance, week_2, 100 a day (7 of 7 qualifying days of week_1)"
    again = engine_warmup.run(asked(engine), False)
    assert not again["changed"] and again["senders"] == [] and again["job"] is None and quotas(engine) == AFTER


def test_a_day_that_is_not_over_is_refused(engine):
    engine.declare(fleet())
    with pytest.raises(FleetError, match="is not over yet"):
        engine_warmup.run({**asked(engine), "day": "2999-01-01"}, False)


def test_the_playbook_says_what_was_decided(site, engine):
    climbed(engine)
    site.reachable = False
    ca = ("-e", f"fleet_engine_ca_file={engine.file}")
    run = site.play(BOOK, *ca)
    assert run.code == 0, run.output[-3000:]
    assert "m1.sos.test: advance, week_2, 100 a day" in run.output and quotas(engine) == AFTER
    run = site.play(BOOK, *ca)
    assert run.code == 0 and "No sender had a day to close." in run.output


def test_while_the_engine_is_away_nothing_is_promoted(site, engine):
    climbed(engine)
    site.reachable = False
    site.write("group_vars/engine/engine.yml", {"engine_https_port": 1})
    try:
        run = site.play(BOOK, "-e", f"fleet_engine_ca_file={engine.file}")
    finally:
        site.write("group_vars/engine/engine.yml", {"engine_https_port": engine.port})
    assert run.code == 2 and "127.0.0.1:1" in run.failures and quotas(engine) == BEFORE


def test_without_an_engine_it_only_proposes(scratch):
    fill(scratch)
    scratch.write("group_vars/all/vault.yml", {"vault_feeder": "x"})
    before = scratch.files()
    run = scratch.play(BOOK)
    assert run.code == 0, run.output[-3000:]
    assert "m1.sos.test: week_1, 50 a day. To week_2, 100 a day" in run.output and scratch.files() == before


def test_a_history_on_paper(scratch):
    fill(scratch)
    shipped = scratch.play(SIMULATE, "-e", f"warmup_history={ROOT}/docs/warmup-history.csv")
    assert shipped.code == 0, shipped.output[-3000:]
    assert "7 of 7 qualifying days of week_1" in shipped.output and "for certain above 5.00%" in shipped.output
    torn = scratch.write("torn.csv", "day,first,delivered_24h\n2026-01-01,50\n")
    run = scratch.play(SIMULATE, "-e", f"warmup_history={torn}")
    assert run.code == 2 and "line 2, delivered_24h: is missing" in run.output
    assert "warmup_history is missing" in scratch.play(SIMULATE).failures
    run = scratch.play(SIMULATE, "-e", f"warmup_history={torn}", "-e", "warmup_phase=week_9")
    assert "warmup_phase is week_9" in run.failures


@pytest.mark.parametrize(
    ("said", "word"),
    [
        ({"policy_phases": {"week_1": 100, "week_2": 50}}, "policy_phases.week_2: falls from 100 to 50"),
        ({"policy_phases": {"week_1": 10, "week_2": 26}}, "more than x2.5 in one step"),
        ({"policy_warmup": {"growht": 2}}, "policy_warmup.growht: is not a key"),
    ],
)
def test_a_wrong_schedule_stops_the_run_before_anything_else(scratch, said, word):
    fill(scratch)
    scratch.write("group_vars/all/vault.yml", {"vault_feeder": "x"})
    scratch.write("group_vars/all/zz_policy.yml", said)
    run = scratch.play(BOOK)
    assert run.code == 2 and word in run.failures
