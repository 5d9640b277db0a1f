# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Stops against the PowerMTA stand-in, and the playbooks that make them, with and without an engine. No lab."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from ansible_collections.email_engine.fleet.plugins.modules import pmta_stops
from ansible_collections.email_engine.fleet.tests.integration.served import KEY, fleet

STANDIN = Path(__file__).resolve().parents[1] / "standins/powermta"
sys.path[:0] = [str(STANDIN), str(STANDIN / "tests")]

import world  # noqa: E402

SENDERS = [{"name": f"m{n}.sos.test", "vmta": f"vmta-m{n}", "tenant": "sos"} for n in (1, 2)]


@pytest.fixture
def mta(tmp_path):
    """A running PowerMTA with two senders, whose mail goes to a receiver here."""
    sink, daemon = world.Sink(), world.Daemon(world.Root(tmp_path / "root", world.new_key()))
    (tmp_path / "state").mkdir()
    (tmp_path / "state/fleet.json").write_text(json.dumps({"senders": SENDERS}))
    patterns = "".join(f"header from /m{n}\\.sos\\.test/ virtual-mta=vmta-m{n}\n" for n in (1, 2))
    mtas = "".join(
        f"<virtual-mta vmta-m{n}>\nsmtp-source-host 127.0.0.1 m{n}.sos.test\n</virtual-mta>\n" for n in (1, 2)
    )
    daemon.configure(
        f"{mtas}<domain *>\nsmtp-hosts {sink.host}\nretry-after 1s\n</domain>\n<pattern-list p>\n{patterns}</pattern-list>\n",
        "<source 127.0.0.1>\nalways-allow-relaying yes\npattern-list p\n</source>\n",
    )
    daemon.start()
    yield daemon, sink, tmp_path / "state"
    daemon.kill()
    sink.stop()


def call(mta, **more):
    daemon, _sink, state = mta
    script = state.parent / "pmta"
    script.write_text(
        f'#!/bin/sh\nPYTHONPATH={STANDIN} exec {sys.executable} -m pmta_standin pmta --root {daemon.root.path} "$@"\n'
    )
    script.chmod(0o755)

    def command(words):
        if words[0] == "systemctl":
            return 0, "active", ""
        done = subprocess.run(words, capture_output=True, text=True, check=False)
        return done.returncode, done.stdout, done.stderr

    given = {name: option.get("default") for name, option in pmta_stops.ARGUMENTS.items()}
    given |= {"reason": "test", "pmta": str(script), "state_dir": str(state), **more}
    return pmta_stops.run(given, False, command)


def test_who_is_stopped_sends_nothing_and_goes_on_when_released(mta):
    daemon, sink, _state = mta
    sink.answers["*"] = "450 4.2.0 later"
    for n in (1, 2):
        daemon.send(f"r{n}@isp.test", sender=f"contact@m{n}.sos.test")
    assert world.until(lambda: {"r1@isp.test", "r2@isp.test"} <= set(sink.attempts)), "both have a queue"
    result = call(mta, senders=["m1.sos.test"])
    assert (result["changed"], result["read_back"]) == (True, "yes")
    sink.answers.clear()
    assert world.until(lambda: [one["rcpt"] for one in sink.received] == ["r2@isp.test"])
    assert not call(mta, senders=["m1.sos.test"])["changed"]
    assert not world.until(lambda: len(sink.received) > 1, 3), "its mail waits"
    assert call(mta, state="absent", senders=["m1.sos.test"])["resumed"] == ["vmta-m1"]
    assert world.until(lambda: len(sink.received) == 2)


# --- The playbooks ----------------------------------------------------------------------------------------------------


@pytest.fixture
def host(site, tmp_path):
    """This machine as vps2, for real: all that stop.yml touches there is a directory of the test's own. PowerMTA does not run."""
    site.reachable = False
    state = tmp_path / "state"
    state.mkdir()
    (state / "fleet.json").write_text(json.dumps({"senders": SENDERS}))
    site.state = state
    return site


def run(host, playbook, *more, engine=None):
    extra = ["-e", f"powermta_state_directory={host.state}", "-e", f"fleet_engine_ca_file={engine.file}"]
    done = host.play(f"playbooks/{playbook}.yml", *extra, *more)
    assert KEY not in done.output
    return done


def runtime(host):
    return json.loads((host.state / "stops.json").read_text())["runtime"]


def paused(engine):
    return [name for name, _owner, _status, stopped, _declared in engine.senders() if stopped]


def test_it_stops_and_resumes_on_the_host_and_in_the_engine(host, engine):
    engine.declare(fleet())
    done = run(
        host, "stop", "-e", "stop_senders=vmta-m2", "-e", "stop_reason=complaints", "--limit", "vps2", engine=engine
    )
    assert done.code == 0, done.output[-3000:]
    assert set(runtime(host)) == {"vmta-m2"} and runtime(host)["vmta-m2"]["sender"]["reason"] == "complaints"
    assert paused(engine) == ["m2.sos.test"]
    assert engine.sql("SELECT reason FROM audit_log WHERE action = 'paused'") == [("complaints",)]
    assert run(host, "stop", "-e", '{"stop_senders": ["m2.sos.test"]}', engine=engine).changed == []
    done = run(host, "resume", "-e", "stop_senders=m2.sos.test", engine=engine)
    assert done.code == 0 and runtime(host) == {} and paused(engine) == []


def test_it_stops_while_the_engine_is_away(host, engine):
    engine.declare(fleet())
    engine.stop()
    try:
        done = run(host, "stop", "-e", "stop_tenant=sos", engine=engine)
    finally:
        engine.start()
    assert done.code == 0, done.output[-3000:]
    assert set(runtime(host)) == {"vmta-m1", "vmta-m2"}
    assert "the engine was not told" in " ".join(done.output.split()) and paused(engine) == []


def test_a_job_tells_nobody(host, engine):
    engine.declare(fleet())
    done = run(host, "stop", "-e", "stop_everything=true", "-e", "fleet_in_job=true", engine=engine)
    assert done.code == 0, done.output[-3000:]
    assert {about["everything"]["by"] for about in runtime(host).values()} == {"the engine"}
    assert engine.sql("SELECT paused FROM fleet_state") == [(False,)]
    # Nor is it an error that the engine stops who is not deployed yet.
    done = run(host, "stop", "-e", "stop_senders=m9.sos.test", "-e", "fleet_in_job=true", engine=engine)
    assert done.code == 0, done.output[-3000:]


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ([], "exactly one of"),
        (["-e", "stop_tenant=sos", "-e", "stop_everything=true"], "stop_tenant and stop_everything"),
        (["-e", "stop_senders=m1.sos.test,m9.sos.test"], "no host looked at has a sender m9.sos.test"),
    ],
)
def test_what_cannot_be_done_is_told(host, engine, more, words):
    engine.declare(fleet())
    done = run(host, "stop", *more, engine=engine)
    assert done.code != 0 and words in done.failures, done.output[-3000:]
    # Who is known is stopped all the same.
    assert (host.state / "stops.json").exists() == ("m9.sos.test" in str(more))


def test_a_host_out_of_reach_fails_and_the_engine_knows(host, engine):
    engine.declare(fleet())
    host.out_of_reach()
    done = run(host, "stop", "-e", "stop_senders=m1.sos.test", engine=engine)
    assert done.code != 0 and paused(engine) == ["m1.sos.test"], done.output[-3000:]


@pytest.fixture
def mailwizz_away(host):
    """A MailWizz at a port where nobody listens, and one host that only hands in mail, which nobody may ask anything."""
    away = {"ansible_connection": "ssh", "ansible_host": "127.0.0.1", "ansible_port": 1}
    hosts = {"vps1": {**away, "mailwizz_archive": "/srv/mailwizz.zip"}, "feeder": away}
    path = host.write("mailwizz.yml", {"mailwizz": {"hosts": hosts}})
    yield host
    path.unlink()


def test_a_mailwizz_that_is_away_delays_nothing_and_is_told_at_the_end(mailwizz_away, engine):
    engine.declare(fleet())
    done = run(mailwizz_away, "stop", "-e", "stop_senders=m1.sos.test", engine=engine)
    assert set(runtime(mailwizz_away)) == {"vmta-m1"} and paused(engine) == ["m1.sos.test"]
    assert done.code == 2, "so that an engine's stop is made again"
    assert "vps1: campaigns were not paused" in done.failures and "Run again when it answers" in done.failures
    order = [task["task"] for task in done.tasks]
    assert order.index("Tell the engine") < order.index("See whether the host answers")
    assert not [task for task in done.tasks if task["host"] == "feeder" and task["status"] not in ("skipped", "ok")]


def test_a_mailwizz_that_a_limit_leaves_out_is_named(mailwizz_away, engine):
    done = run(mailwizz_away, "stop", "-e", "stop_senders=m1.sos.test", "--limit", "vps2", engine=engine)
    assert done.code == 0, done.output[-3000:]
    assert "vps1: left out by --limit" in " ".join(done.output.split())


def test_lifting_a_stop_says_what_stays_as_it_is_in_mailwizz(mailwizz_away, engine):
    engine.declare(fleet())
    run(mailwizz_away, "stop", "-e", "stop_tenant=sos", "--limit", "vps2", engine=engine)
    done = run(mailwizz_away, "resume", "-e", "stop_tenant=sos", engine=engine)
    assert done.code == 0 and runtime(mailwizz_away) == {}, done.output[-3000:]
    assert "stay paused until a person resumes them" in " ".join(done.output.split())
