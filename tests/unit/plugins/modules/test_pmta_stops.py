# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A stop acts at once, is recorded before anybody could lose it, and is lifted only by its own resume."""

from __future__ import annotations

import fcntl
import json
import threading
import time

import pytest

from ansible_collections.email_engine.fleet.plugins.module_utils.pmta_transaction import STOPS, STOPS_LOCK, read_stops
from ansible_collections.email_engine.fleet.plugins.module_utils.problems import FleetError
from ansible_collections.email_engine.fleet.plugins.modules import pmta_stops

SENDERS = [
    {"name": "m1.sos.test", "vmta": "vmta-m1", "tenant": "sos", "mta": "vps2"},
    {"name": "m2.sos.test", "vmta": "vmta-m2", "tenant": "sos", "mta": "vps2"},
    {"name": "m1.two.test", "vmta": "vmta-two", "tenant": "two", "mta": "vps2"},
]
DEFAULTS = {name: option.get("default") for name, option in pmta_stops.ARGUMENTS.items()}


class Host:
    """A directory of records, and a PowerMTA with a queue for each virtual MTA."""

    def __init__(self, state):
        self.state, self.active, self.log = state, True, []
        self.queues = {f"gmail.test/{sender['vmta']}": False for sender in SENDERS}
        self.deaf, self.garbled, self.stubborn = set(), False, False
        (state / "fleet.json").write_text(json.dumps({"senders": SENDERS}))

    def command(self, words):
        if words[0] == "systemctl":
            return (0, "active", "") if self.active else (3, "inactive", "")
        words = words[3:]
        self.log.append(" ".join(words))
        if words[:2] == ["show", "queues"]:
            if self.garbled:
                return 0, "what?", ""
            rows = [name for name, paused in self.queues.items() if paused or "--paused" not in words]
            lines = [f"{name} 3 1.0 0 - - -" for name in rows]
            return 0, "\n".join([*lines, f"{len(rows)} of {len(rows)} queues."]), ""
        if words[0] == "schedule":
            return 0, "1 queue(s) scheduled.", ""
        verb, vmta = words[0], words[2][2:]
        if vmta in self.deaf:
            return 1, "", "Error: no"
        if not self.stubborn:
            for name in self.queues:
                if name.endswith(f"/{vmta}"):
                    self.queues[name] = verb == "pause"
        return 0, f"Queue(s) {verb}{'d' if verb[-1] == 'e' else 'ed'}.", ""

    def call(self, check=False, **more):
        given = {**DEFAULTS, "pmta": "/bin/true", "state_dir": str(self.state), "reason": "complaints", **more}
        return pmta_stops.run(given, check, self.command)

    def release(self, **more):
        return self.call(state="absent", **more)

    @property
    def paused(self):
        return {name.partition("/")[2] for name, paused in self.queues.items() if paused}

    @property
    def record(self):
        return json.loads((self.state / STOPS).read_text())

    def declare(self, *names):
        (self.state / STOPS).write_text(json.dumps({"version": 1, "declared": names, "runtime": {}}))


@pytest.fixture
def host(tmp_path):
    return Host(tmp_path)


@pytest.mark.parametrize(
    ("whom", "scope", "vmtas"),
    [
        ({"senders": ["m2.sos.test"]}, "sender", {"vmta-m2"}),
        ({"senders": ["VMTA-m2", "m1.two.test"]}, "sender", {"vmta-m2", "vmta-two"}),
        ({"senders": ["m2.sos.test"], "engine": True}, "engine", {"vmta-m2"}),
        ({"tenant": "sos"}, "tenant", {"vmta-m1", "vmta-m2"}),
        ({"everything": True}, "everything", {"vmta-m1", "vmta-m2", "vmta-two"}),
        ({"vmtas": ["vmta-m1"]}, "sender", {"vmta-m1"}),
    ],
)
def test_who_is_meant_is_paused_recorded_and_read_back(host, whom, scope, vmtas):
    result = host.call(**whom, by="ops")
    assert (result["changed"], result["read_back"], result["unknown"]) == (True, "yes", [])
    assert host.paused == vmtas == set(host.record["runtime"])
    for about in host.record["runtime"].values():
        assert (about[scope]["reason"], about[scope]["by"]) == ("complaints", "ops") and about[scope]["since"][
            -1
        ] == "Z"
    assert set(read_stops((host.state / STOPS).read_text()).runtime) == vmtas
    assert (host.state / STOPS).stat().st_mode & 0o777 == 0o640


def test_again_nothing_changes_and_the_first_reason_stays(host):
    host.call(senders=["m1.sos.test"])
    before = host.record
    result = host.call(senders=["m1.sos.test"], reason="another")
    assert not result["changed"] and host.record == before


def test_a_queue_that_was_made_since_is_paused(host):
    host.call(senders=["m1.sos.test"])
    host.queues["late.test/vmta-m1"] = False
    result = host.call(senders=["m1.sos.test"])
    assert result["changed"] and host.queues["late.test/vmta-m1"]


@pytest.mark.parametrize("state", ["present", "absent"])
def test_check_mode_touches_nothing(host, state):
    if state == "absent":
        host.call(senders=["m1.sos.test"])
    files = {path.name: path.read_bytes() for path in host.state.iterdir()}
    queues, host.log = dict(host.queues), []
    result = host.call(check=True, state=state, senders=["m1.sos.test"])
    assert result["changed"] and result["diff"]["before"] != result["diff"]["after"]
    assert {path.name: path.read_bytes() for path in host.state.iterdir()} == files and host.queues == queues
    assert not [line for line in host.log if not line.startswith("show")]


def test_unknown_names_are_told_and_hold_nobody_up(host):
    result = host.call(senders=["m9.sos.test", "m1.sos.test"])
    assert result["unknown"] == ["m9.sos.test"] and host.paused == {"vmta-m1"}
    assert host.call(senders=["m9.sos.test"])["changed"] is False


def test_a_host_that_nothing_was_deployed_to_knows_nobody(tmp_path, host):
    assert host.call(senders=["m1.sos.test"], state_dir=str(tmp_path / "none"))["unknown"] == ["m1.sos.test"]
    with pytest.raises(FleetError, match="site.yml"):
        host.call(vmtas=["vmta-m1"], state_dir=str(tmp_path / "none"))


def test_wildcards_are_refused(host):
    with pytest.raises(FleetError, match="wildcards"):
        host.call(vmtas=["vmta-*"])
    assert host.log == []


def test_where_powermta_does_not_run_the_stop_is_recorded(host):
    host.active = False
    result = host.call(everything=True)
    assert set(host.record["runtime"]) == {"vmta-m1", "vmta-m2", "vmta-two"}
    assert "does not run" in result["warnings"][0] and host.log == []


def test_a_pause_that_fails_is_recorded_and_told(host):
    host.deaf = {"vmta-m1"}
    with pytest.raises(pmta_stops.Failed, match="vmta-m1 could not be paused") as failed:
        host.call(tenant="sos")
    assert failed.value.result["changed"] and set(host.record["runtime"]) == {"vmta-m1", "vmta-m2"}
    assert host.paused == {"vmta-m2"}, "the others are paused all the same"


def test_a_pause_that_is_not_listed_fails(host):
    host.stubborn = True
    with pytest.raises(pmta_stops.Failed, match="gmail.test/vmta-m1"):
        host.call(senders=["m1.sos.test"])


def test_a_list_that_cannot_be_read_is_neither_yes_nor_no(host):
    host.garbled = True
    result = host.call(senders=["m1.sos.test"])
    assert result["read_back"] == "unknown" and host.paused == {"vmta-m1"}


def test_the_record_is_damaged(host):
    (host.state / STOPS).write_text("{")
    with pytest.raises(FleetError, match="must stay stopped"):
        host.call(senders=["m1.sos.test"])


def test_a_stop_does_not_wait_for_whoever_holds_the_record(host, monkeypatch):
    monkeypatch.setattr(pmta_stops, "PATIENCE", 0.1)
    with open(host.state / STOPS_LOCK, "a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        stop = threading.Thread(target=host.call, kwargs={"senders": ["m1.sos.test"]})
        stop.start()
        end = time.monotonic() + 5
        while not host.paused and time.monotonic() < end:
            time.sleep(0.01)
        assert host.paused == {"vmta-m1"} and not (host.state / STOPS).exists()
        # What a converge does that lifts this sender's stop at the same time.
        host.queues["gmail.test/vmta-m1"] = False
    stop.join(5)
    assert host.paused == {"vmta-m1"} == set(host.record["runtime"])


# --- Going on ---------------------------------------------------------------------------------------------------------


def test_it_goes_on_and_its_mail_is_tried_at_once(host):
    host.call(tenant="sos")
    host.log = []
    result = host.release(tenant="sos")
    assert (result["changed"], result["resumed"], result["held"]) == (True, ["vmta-m1", "vmta-m2"], {})
    assert host.paused == set() and host.record["runtime"] == {}
    assert "schedule */vmta-m1" in host.log


@pytest.mark.parametrize("engine", [True, False])
def test_the_engine_never_lifts_a_persons_stop_nor_a_person_the_engines(host, engine):
    one = {"senders": ["m1.sos.test"]}
    host.call(**one)
    host.call(**one, engine=True)
    result = host.release(**one, engine=engine)
    assert (result["resumed"], host.paused) == ([], {"vmta-m1"})
    assert result["held"] == {"vmta-m1": ["sender" if engine else "engine"]}
    assert host.release(**one, engine=not engine)["resumed"] == ["vmta-m1"]
    assert host.release(tenant="sos")["changed"] is False


def test_each_stop_is_lifted_by_its_own_resume(host):
    host.call(senders=["m1.sos.test"])
    host.call(tenant="sos")
    host.call(everything=True)
    result = host.release(everything=True)
    assert result["resumed"] == ["vmta-two"]
    assert result["held"] == {"vmta-m1": ["sender", "tenant"], "vmta-m2": ["tenant"]}
    assert host.release(senders=["m1.sos.test"])["held"] == {"vmta-m1": ["tenant"]}
    assert host.release(tenant="sos")["resumed"] == ["vmta-m1", "vmta-m2"]
    assert host.paused == set()


def test_what_is_declared_stopped_stays_stopped(host):
    host.declare("vmta-m1", "vmta-m2")
    host.call(senders=["m1.sos.test"])
    result = host.release(senders=["m1.sos.test", "m2.sos.test"])
    assert (result["resumed"], result["held"]) == ([], {"vmta-m1": ["declared"], "vmta-m2": ["declared"]})
    assert "vmta-m1" in host.paused and host.record["declared"] == ["vmta-m1", "vmta-m2"]


@pytest.mark.parametrize("by_hand", [["vmta-m1"], {"vmta-m1": {}}, {"vmta-m1": "a note"}, {"vmta-m1": {"why": "x"}}])
def test_a_stop_by_hand_is_the_senders_own(host, by_hand):
    (host.state / STOPS).write_text(json.dumps({"version": 1, "declared": [], "runtime": by_hand}))
    assert host.release(everything=True)["resumed"] == []
    assert host.release(senders=["m1.sos.test"])["resumed"] == ["vmta-m1"]


def test_what_could_not_be_resumed_stays_recorded(host):
    host.call(tenant="sos")
    host.deaf = {"vmta-m1"}
    with pytest.raises(pmta_stops.Failed, match="Still recorded as stopped"):
        host.release(tenant="sos")
    assert set(host.record["runtime"]) == {"vmta-m1"} and host.paused == {"vmta-m1"}


def test_other_stops_survive(host):
    host.call(senders=["m1.two.test"])
    host.call(senders=["m1.sos.test"])
    host.release(senders=["m1.sos.test"])
    assert set(host.record["runtime"]) == {"vmta-two"}
