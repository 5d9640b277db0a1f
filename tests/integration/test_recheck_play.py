# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""playbooks/recheck.yml and playbooks/go_live.yml where there is nothing to do. An engine of the tests' own; no lab."""

from __future__ import annotations

import pytest

from ansible_collections.email_engine.fleet.tests.integration.served import PASSWORD, fill, fleet

ASKING = {"Check", "Ask the lists", "Look", "Read what arrived"}


def ran(run):
    return {task["task"] for task in run.tasks if task["status"] != "skipped"}


@pytest.mark.parametrize("playbook", ["recheck", "go_live"])
def test_with_an_engine_and_nothing_to_do(site, engine, playbook):
    engine.declare(fleet())
    site.out_of_reach()
    run = site.play(f"playbooks/{playbook}.yml", "-e", f"fleet_engine_ca_file={engine.file}")
    assert run.code == 0, run.output[-3000:]
    assert run.hosts == {"localhost"} or not ran(run) & ASKING, run.output[-3000:]
    assert playbook == "go_live" or "No incident is open." in run.output


@pytest.mark.parametrize("playbook", ["recheck", "go_live"])
def test_without_an_engine(scratch, playbook):
    fill(scratch)
    scratch.write("group_vars/all/vault.yml", {"vault_feeder": PASSWORD})
    scratch.out_of_reach()
    run = scratch.play(f"playbooks/{playbook}.yml")
    assert run.code == 0, run.output[-3000:]
    assert not ran(run) & ASKING
