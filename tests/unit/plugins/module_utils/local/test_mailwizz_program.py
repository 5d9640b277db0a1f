# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How the PHP program is run: as the web server's user, with nothing secret among its arguments."""

from __future__ import annotations

import getpass
import json
import os
import subprocess

import pytest

from ansible_collections.email_engine.fleet.plugins.module_utils.local import mailwizz_changes, mailwizz_program
from ansible_collections.email_engine.fleet.plugins.module_utils.local.mailwizz_program import Program
from ansible_collections.email_engine.fleet.plugins.module_utils.mailwizz.stops import Whom
from ansible_collections.email_engine.fleet.plugins.module_utils.problems import FleetError
from ansible_collections.email_engine.fleet.plugins.modules import mailwizz_stop

STATE = {
    "columns": [],
    "groups": [{"id": 1, "name": "fleet-sos", "options": {}}],
    "customers": [{"id": 1, "group_id": 1, "email": "x@x.test"}],
    "keys": [],
    "servers": [
        {
            "id": 1,
            "customer_id": 1,
            "type": "smtp-pmta",
            "status": "active",
            "mark": {"sender": "m1"},
            "headers": [],
            "password": "",
            "attributes": {"name": "m1", "from_email": None},
        }
    ],
    "assigned": [],
    "campaigns": [],
}


@pytest.fixture
def place(tmp_path):
    (tmp_path / "apps").mkdir()
    for name in ("php", "fleet.php", "apps/init.php"):
        (tmp_path / name).write_text("")
    return tmp_path


class Runner:
    """Answers by command; remembers what it was given."""

    def __init__(self, **answers):
        self.answers, self.calls = answers, []

    def __call__(self, words, document):
        self.calls.append((words, document))
        answer = self.answers[words[-2]]
        return 0, f"email_engine.fleet: {json.dumps(answer)}\n", ""


def program(place, runner, user=None):
    return Program(str(place), str(place / "php"), user or getpass.getuser(), str(place / "fleet.php"), runner)


def test_what_is_asked_goes_in_on_standard_input(place):
    runner = Runner(tenants={"ok": True})
    assert program(place, runner).ask("tenants", {"password": "hush"}) == {"ok": True}
    ((words, document),) = runner.calls
    assert "hush" not in " ".join(words) and json.loads(document) == {"password": "hush"}
    assert words[-2:] == ["tenants", str(place)]


def test_root_becomes_the_web_servers_user(place, monkeypatch):
    runner = Runner(info={})
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    program(place, runner, "nobody").ask("info", {})
    assert runner.calls[0][0][:4] == ["runuser", "-u", "nobody", "--"]


def test_who_is_not_root_cannot_become_another(place, monkeypatch):
    monkeypatch.setattr(os, "geteuid", lambda: 4711)
    with pytest.raises(FleetError, match="only root can run MailWizz as nobody"):
        program(place, Runner(), "nobody").ask("info", {})


def test_a_user_that_is_none_is_named(place):
    with pytest.raises(FleetError, match="wwwdata is no user"):
        program(place, Runner(), "wwwdata").ask("info", {})


@pytest.mark.parametrize("name", ["php", "fleet.php", "apps/init.php"])
def test_what_is_missing_is_named_with_its_remedy(place, name):
    (place / name).unlink()
    asked = program(place, Runner(info={"installed": True}))
    assert not asked.ready()
    with pytest.raises(FleetError, match=f"{name}: is not there"):
        asked.ask("info", {})


@pytest.mark.parametrize("code", [124, 137])
def test_who_does_not_answer_is_named(place, code):
    asked = program(place, lambda _words, _document: (code, "", ""))
    with pytest.raises(FleetError, match=r"command state.*did not answer within 300 s"):
        asked.ask("state", {})


def test_a_program_that_hangs_is_ended(place, monkeypatch):
    """The real thing, with a PHP that sleeps."""
    (place / "php").write_text("#!/bin/sh\nexec sleep 60\n")
    (place / "php").chmod(0o755)
    monkeypatch.setattr(mailwizz_program, "LIMIT", 1)

    def runner(words, document):
        done = subprocess.run(words, input=document, capture_output=True, text=True, check=False, timeout=30)
        return done.returncode, done.stdout, done.stderr

    with pytest.raises(FleetError, match="did not answer within 1 s"):
        program(place, runner).ask("info", {})


def stop_there(place, runner):
    about = {"senders": ["m1"], "tenant": None, "everything": False, "reason": "x"}
    return mailwizz_stop.run(about, False, program(place, runner))


def test_where_no_mailwizz_is_installed_nobody_is_stopped(place):
    (place / "fleet.php").unlink()
    result = stop_there(place, Runner())
    assert (result["changed"], result["unknown"]) == (False, ["m1"])
    assert "no MailWizz is installed" in result["warnings"][0]


def test_an_installed_mailwizz_without_the_program_is_an_error(place):
    (place / "apps/common/config").mkdir(parents=True)
    (place / "apps/common/config/main-custom.php").write_text("")
    (place / "fleet.php").unlink()
    with pytest.raises(FleetError, match="fleet.php: is not there"):
        stop_there(place, Runner())


def test_a_mailwizz_that_never_rests_is_an_error(place):
    runner = Runner(state=STATE, servers={"stale": True})
    with pytest.raises(FleetError, match="campaigns started each of the 5 times"):
        mailwizz_changes.halt(program(place, runner), Whom(everything=True), "x", False)
    assert len(runner.calls) == 2 * mailwizz_changes.TRIES


def test_a_stop_in_check_mode_only_looks(place):
    runner = Runner(state=STATE, info={"installed": True})
    result = mailwizz_changes.halt(program(place, runner), Whom(("m1",)), "x", True)
    assert result["changed"] and result["servers"] == ["m1"]
    assert [words[-2] for words, _document in runner.calls] == ["state"]
