# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How the PHP program is run: as the web server's user, with nothing secret among its arguments."""

from __future__ import annotations

import getpass
import json
import os

import pytest

from ansible_collections.email_engine.fleet.plugins.module_utils.local import mailwizz_changes
from ansible_collections.email_engine.fleet.plugins.module_utils.local.mailwizz_program import Program
from ansible_collections.email_engine.fleet.plugins.module_utils.mailwizz.stops import Whom
from ansible_collections.email_engine.fleet.plugins.module_utils.problems import FleetError

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
