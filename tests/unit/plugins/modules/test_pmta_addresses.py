# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The hands of pmta_addresses: what is written when, what is started, what is told. The kernel itself is in tests/integration."""

from __future__ import annotations

import pytest

from ansible_collections.email_engine.fleet.plugins.module_utils.addresses import keeper
from ansible_collections.email_engine.fleet.plugins.module_utils.addresses.host import Bound, Host, Link
from ansible_collections.email_engine.fleet.plugins.module_utils.addresses.plan import plan
from ansible_collections.email_engine.fleet.plugins.module_utils.addresses.record import Entry, Record
from ansible_collections.email_engine.fleet.plugins.module_utils.problems import FleetError
from ansible_collections.email_engine.fleet.plugins.modules import pmta_addresses

LINKS = {"eth0": Link("eth0", None, True, False)}
OLD, NEW = Entry("198.19.0.1", "eth0"), Entry("198.19.0.2", "eth0")
BEFORE = Host(LINKS, (Bound(OLD.ip, 32, "eth0", 254),), (), ())
AFTER = Host(LINKS, (Bound(NEW.ip, 32, "eth0", 254),), (), ())


class FakeModule:
    """Runs nothing; answers by exit code and remembers the commands."""

    def __init__(self, code: int = 0):
        self.code, self.commands = code, []

    def get_bin_path(self, name, required):
        return name

    def run_command(self, command, check_rc=False):
        self.commands.append(" ".join(command))
        return self.code, "", ""


@pytest.fixture
def made():
    return plan([{"ip": NEW.ip, "interface": "eth0"}], None, Record((OLD,)), BEFORE)


def test_the_record_is_written_before_the_kernel_changes_and_closed_after(made, tmp_path, monkeypatch):
    path = str(tmp_path / "addresses.json")
    seen = []
    monkeypatch.setattr(keeper, "carry_out", lambda commands: seen.append((keeper.recall(path), list(commands))) or "")
    monkeypatch.setattr(keeper, "look", lambda: AFTER)
    pmta_addresses.carry_out(made, path, BEFORE)
    assert seen == [
        (
            Record((NEW,), (OLD,)),
            ["address del 198.19.0.1/32 dev eth0", "address add 198.19.0.2/32 dev eth0 scope host"],
        )
    ]
    assert keeper.recall(path) == Record((NEW,))


def test_what_the_kernel_refused_is_told_and_stays_recorded(made, tmp_path, monkeypatch):
    path = str(tmp_path / "addresses.json")
    monkeypatch.setattr(keeper, "carry_out", lambda commands: "Operation not permitted")
    monkeypatch.setattr(keeper, "look", lambda: BEFORE)
    with pytest.raises(FleetError, match=r"address del 198\.19\.0\.1.*Operation not permitted"):
        pmta_addresses.carry_out(made, path, BEFORE)
    assert keeper.recall(path) == Record((NEW,), (OLD,))


def test_a_complaint_about_what_is_right_afterwards_is_no_failure(made, tmp_path, monkeypatch):
    monkeypatch.setattr(keeper, "carry_out", lambda commands: "RTNETLINK answers: No such process")
    monkeypatch.setattr(keeper, "look", lambda: AFTER)
    pmta_addresses.carry_out(made, str(tmp_path / "addresses.json"), BEFORE)


def test_no_unit_is_asked_for_where_no_systemd_runs(monkeypatch, tmp_path):
    module = FakeModule(3)
    monkeypatch.setattr(pmta_addresses, "_SYSTEMD", str(tmp_path / "none"))
    assert pmta_addresses.idle_units(module) == []
    pmta_addresses.start_units(module, "/", True)
    assert module.commands == []


@pytest.mark.parametrize(("code", "idle"), [(0, 0), (3, 2)])
def test_idle_units_are_found(monkeypatch, tmp_path, code, idle):
    monkeypatch.setattr(pmta_addresses, "_SYSTEMD", str(tmp_path))
    assert len(pmta_addresses.idle_units(FakeModule(code))) == idle


def test_a_renewed_program_is_reloaded_and_restarted(monkeypatch, tmp_path):
    monkeypatch.setattr(pmta_addresses, "_SYSTEMD", str(tmp_path))
    boot, watch = "email-engine-addresses.service", "email-engine-addresses-watch.service"
    expected = {
        ("/", True): ["systemctl daemon-reload", f"systemctl start {boot}", f"systemctl restart {watch}"],
        ("/", False): [f"systemctl start {boot}", f"systemctl start {watch}"],
        ("/mnt/image", True): [],
    }
    for (root, renewed), commands in expected.items():
        module = FakeModule()
        pmta_addresses.start_units(module, root, renewed)
        assert module.commands == commands


def test_files_are_stale_once(tmp_path):
    stale = pmta_addresses.stale_files(str(tmp_path))
    pmta_addresses.write_files(stale)
    assert pmta_addresses.stale_files(str(tmp_path)) == {}
    program = tmp_path / "usr/local/sbin/email-engine-addresses"
    program.chmod(0o644)
    (tmp_path / "etc/systemd/system/multi-user.target.wants/email-engine-addresses.service").unlink()
    assert len(pmta_addresses.stale_files(str(tmp_path))) == 2
