# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Accounting files of the stand-in of PowerMTA, as the role configures them, collected by the playbook into a real engine. No lab."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest
import yaml

from ansible_collections.email_engine.fleet.plugins.module_utils.pmta_fleet.settings import directives
from ansible_collections.email_engine.fleet.plugins.modules import pmta_accounting
from ansible_collections.email_engine.fleet.tests.integration.served import fill, fleet

ROOT = Path(__file__).resolve().parents[2]
STANDIN = ROOT / "tests/standins/powermta"
ACCOUNTING = yaml.safe_load((ROOT / "roles/powermta/defaults/main.yml").read_text())["powermta_accounting"]


@pytest.fixture(scope="module")
def logged(tmp_path_factory):
    """Directory with what the stand-in logged of: two delivered, one refused, one deferred and delivered then, one that met nobody."""
    sys.path[:0] = [str(STANDIN), str(STANDIN / "tests")]
    import world

    root = world.Root(tmp_path_factory.mktemp("pmta"), world.new_key())
    daemon, sink = world.Daemon(root), world.Sink()
    files = "".join(
        f"<acct-file {path}>\n"
        + "".join(f"{one.name} {' '.join(map(_quoted, one.args))}\n" for one in directives(settings))
        + "</acct-file>\n"
        for path, settings in ACCOUNTING.items()
    )
    vmtas = "".join(
        f"<virtual-mta vmta-m{n}>\nsmtp-source-host 127.0.0.2{n} m{n}.sos.test\n</virtual-mta>\n" for n in (1, 2)
    )
    patterns = "<bounce-category-patterns>\n/^5\\.1\\.1/ bad-mailbox\n// other\n</bounce-category-patterns>\n"
    hosts = f"<domain *>\nsmtp-hosts {sink.host}\nretry-after 1s\n</domain>\n<domain away.test>\nsmtp-hosts [127.0.0.9]:1\nretry-after 1h\n</domain>\n"
    feeder = (
        "<source 127.0.0.1>\nalways-allow-relaying yes\nprocess-x-virtual-mta yes\nsuppress-local-dsn yes\n</source>\n"
    )
    sink.answers["gone@isp.test"], sink.answers["busy@isp.test"] = "550 5.1.1 no such user", "451 4.3.0 come back"
    try:
        daemon.configure(files + patterns + vmtas + hosts, feeder)
        daemon.start()
        for name, vmta in (
            ("u@gmail.test", 1),
            ("gone@isp.test", 1),
            ("busy@isp.test", 1),
            ("u@away.test", 1),
            ("v@isp.test", 2),
        ):
            daemon.send(name, headers=f"X-Virtual-MTA: vmta-m{vmta}\r\n")
        world.until(lambda: any(one["type"] == "t" for one in root.records("transient")))
        sink.answers.pop("busy@isp.test")
        world.until(lambda: len(root.records("acct")) == 4)
    finally:
        daemon.kill()
        sink.stop()
    return root.path / "var/log/pmta"


def _quoted(word):
    return word if " " not in word else f'"{word}"'


def read(place, **more):
    files = {str(place / Path(path).name): settings for path, settings in ACCOUNTING.items()}
    senders = [{"name": f"m{n}.sos.test", "vmta": f"vmta-m{n}", "domain": f"m{n}.sos.test", "ip": ""} for n in (1, 2)]
    params = {"files": files, "cursors": [], "senders": senders, "providers": {"gmail": {"domains": ["gmail.test"]}}}
    usual = {
        "former": [],
        "tracked": ["m1.sos.test"],
        "recipient_salt": "x",
        "since": None,
        "max_rows": 10**6,
        "max_recipients": 10**6,
    }
    return pmta_accounting.run({**params, **usual, **more})


def test_what_the_stand_in_logs_is_understood(logged):
    report = read(logged)["report"]
    assert (report["problems"], report["gaps"], report["strays"]) == ([], [], {})
    assert sum(one["bad_rows"] for one in report["files"]) == 0
    sums = {(one["sender"], one["provider"]): one for one in report["days"]}
    other = sums["m1.sos.test", "other"]
    deferred = other["deferred"]
    # Whoever was never reached was not attempted.
    assert deferred >= 1 and other["attempts"] == 2 + deferred
    assert (other["delivered"], other["bounced"], other["bounces"]) == (1, 1, {"bad-mailbox": 1})
    assert sums["m1.sos.test", "gmail"]["delivered"] == sums["m2.sos.test", "other"]["delivered"] == 1
    # The deferral and the delivery, which stand in two files, are one message; three were tried, two arrived.
    seen = report["recipients"]["m1.sos.test"]
    assert len(seen) == 3 and sum(done is not None for _key, _first, done in seen) == 2


def playbook(scratch, logged, *extra):
    scratch.reachable = False
    files = {str(logged / Path(path).name): settings for path, settings in ACCOUNTING.items()}
    scratch.write("group_vars/powermta/accounting.yml", {"powermta_accounting": files})
    return scratch.play("playbooks/collect.yml", *extra)


def sums(engine):
    return engine.sql(
        "SELECT hostname, sum(attempts) - sum(deferred), sum(delivered), sum(bounced) FROM accounting_days"
        " JOIN ips ON ips.id = ip_id GROUP BY hostname ORDER BY hostname"
    )


WANTED = [("m1.sos.test", 3, 2, 1), ("m2.sos.test", 1, 1, 0)]


def test_the_playbook_brings_it_to_the_engine_once(site, engine, logged):
    engine.declare(fleet())
    ca = ("-e", f"fleet_engine_ca_file={engine.file}")
    for _ in range(2):
        run = playbook(site, logged, *ca)
        assert run.code == 0, run.output[-3000:]
        assert sums(engine) == WANTED
    assert engine.sql("SELECT count(*), sum(bad_rows) FROM accounting_files") == [(2, 0)]
    assert engine.sql("SELECT name, state FROM check_runs") == [("accounting/vps2", "ok")]
    assert "@" not in "".join(task["message"] for task in run.tasks if "message" in task)


@pytest.mark.parametrize(("in_job", "code"), [(False, 2), (True, 0)])
def test_what_is_there_and_not_counted_fails_a_run_by_hand_and_is_an_alert(
    site, engine, logged, tmp_path, in_job, code
):
    engine.declare(fleet())
    for path in logged.glob("*.csv"):
        content = path.read_bytes()
        (tmp_path / path.name).write_bytes(
            content.replace(b"bounceCat", b"bouncePet", 1) if b"bounceCat" in content else content
        )
    extra = ("-e", f"fleet_engine_ca_file={engine.file}", "-e", json.dumps({"fleet_in_job": in_job}))
    run = playbook(site, tmp_path, *extra)
    assert run.code == code and ("bounceCat missing" in run.failures) == (code == 2), run.output[-3000:]
    assert engine.sql("SELECT key FROM alerts WHERE closed_at IS NULL AND kind = 'accounting'") == [
        ("accounting/vps2",)
    ]


def test_the_last_rows_of_who_retired_are_counted(site, engine, logged):
    engine.declare(fleet())
    engine.sql("UPDATE ips SET status = 'retired' WHERE hostname = 'm2.sos.test'")
    run = playbook(site, logged, "-e", f"fleet_engine_ca_file={engine.file}")
    assert run.code == 0, run.output[-3000:]
    assert sums(engine) == WANTED


def test_without_an_engine_the_sums_of_today_are_shown(scratch, logged):
    fill(scratch)
    scratch.write("group_vars/all/vault.yml", {"vault_feeder": "x"})
    run = playbook(scratch, logged)
    assert run.code == 0, run.output[-3000:]
    assert "m1.sos.test: " in run.output and "2 delivered" in run.output and "engine_report" not in run.output


def test_while_the_engine_is_away_the_sums_are_shown_and_the_run_fails(site, engine, logged):
    engine.declare(fleet())
    site.write("group_vars/engine/engine.yml", {"engine_https_port": 1})
    try:
        run = playbook(site, logged, "-e", f"fleet_engine_ca_file={engine.file}")
    finally:
        site.write("group_vars/engine/engine.yml", {"engine_https_port": engine.port})
    assert run.code == 2 and "the engine could not be told" in run.failures
    assert "m1.sos.test: " in run.output and sums(engine) == []


def test_an_mta_that_is_away_is_named_and_the_others_go_on(site, engine, logged):
    engine.declare(fleet())
    hosts = yaml.safe_load((site.inventory / "hosts.yml").read_text())
    hosts["all"]["children"]["powermta"]["hosts"]["vps9"] = {
        "ansible_connection": "ssh",
        "ansible_host": "127.0.0.1",
        "ansible_port": 1,
    }
    site.write("hosts.yml", hosts)
    # The fleet names the MTA of each sender, where there are several.
    fill(site, mta="vps2")
    try:
        run = playbook(site, logged, "-e", f"fleet_engine_ca_file={engine.file}")
    finally:
        site.in_reach()
    assert run.code != 0 and "vps9" in run.failures and "vps2" not in run.failures.partition("vps9")[0][-60:]
    assert sums(engine) == WANTED
