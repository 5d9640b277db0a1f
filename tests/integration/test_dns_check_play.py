# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""playbooks/dns_check.yml: it tells what it saw whoever is away, and whose keys it compared. No lab."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from ansible_collections.email_engine.fleet.tests.integration import name_servers
from ansible_collections.email_engine.fleet.tests.integration.served import PASSWORD, fill, fleet, free_port

ROOT = Path(__file__).resolve().parents[2]
NS = "127.0.0.88"


def nobody() -> tuple[str, str]:
    return "-e", f'{{"dns_resolver": ["127.0.0.1@{free_port()}"]}}'


def test_the_verdicts_are_told_while_the_engine_is_away(site):
    site.out_of_reach()
    run = site.play("playbooks/dns_check.yml", *nobody(), "-e", f"engine_url=https://127.0.0.1:{free_port()}")
    assert run.code != 0 and "The DNS was asked, and the engine could not be told" in run.failures, run.output[-3000:]
    assert "0 of 3 senders are green, 0 are not, 3 are unknown" in run.output


def test_a_host_that_is_away_leaves_its_keys_unknown(scratch):
    fill(scratch)
    scratch.write("group_vars/all/vault.yml", {"vault_feeder": PASSWORD})
    scratch.out_of_reach()
    run = scratch.play("playbooks/dns_check.yml", *nobody())
    assert run.code == 0, run.output[-3000:]
    assert "vps2 was not looked at, so the key that signs is unknown" in run.output
    assert "mta is unknown at vps2" in run.output and "found: vps2 was not looked at" in run.output


@pytest.mark.parametrize("published", [True, False])
def test_the_key_on_the_host_is_compared(scratch, tmp_path, published):
    """The record is of the key that lies there, or of another one."""
    if not shutil.which("knotd"):
        pytest.fail("knotd is missing: apt-get install knot")
    fill(scratch, 1)
    scratch.write("group_vars/all/vault.yml", {"vault_feeder": PASSWORD})
    given = {"domains": [{"domain": "m1.sos.test"}], "directory": str(tmp_path / "dkim")}
    (tmp_path / "arguments.json").write_text(json.dumps({"ANSIBLE_MODULE_ARGS": given}))
    module = "ansible_collections.email_engine.fleet.plugins.modules.dkim_keys"
    made = subprocess.run(
        [sys.executable, "-m", module, str(tmp_path / "arguments.json")], capture_output=True, text=True
    )
    (key,) = json.loads(made.stdout)["keys"]
    text = key["record"] if published else key["record"].replace("p=MIIB", "p=MIIC")
    pieces = " ".join(f'"{text[n : n + 200]}"' for n in range(0, len(text), 200))
    zone = (
        f"sos.test. 60 SOA ns.sos.test. h.sos.test. 1 60 60 60 60\nsos.test. 60 NS ns.sos.test.\nns.sos.test. 60 A {NS}\n"
        f"{key['selector']}._domainkey.m1.sos.test. 60 TXT {pieces}\n"
    )
    config = tmp_path / "config"
    name = "m1.sos.test" if published else "other.test"
    config.write_text(f"<virtual-mta vmta-m1>\n    smtp-source-host 198.51.100.1 {name}\n</virtual-mta>\n")
    port = name_servers.free_port(NS)
    with name_servers.Knot(tmp_path / "ns", NS, port, {"sos.test": zone}):
        run = scratch.play(
            "playbooks/dns_check.yml",
            "-e",
            json.dumps(
                {
                    "dns_resolver": [f"{NS}@{port}"],
                    "dns_servers": [{"name": "ns", "address": NS, "port": port, "suffixes": ["sos.test"]}],
                    "powermta_dkim_directory": str(tmp_path / "dkim"),
                    "powermta_config_path": str(config),
                    "powermta_service": "no-such-mta",
                }
            ),
        )
    assert run.code == 0, run.output[-3000:]
    assert "m1.sos.test" in run.output and ("dkim is" in run.output) != published, run.output[-3000:]
    assert published or ("m1.sos.test: dkim is wrong" in run.output and "found: another key" in run.output)
    # The host does not have the address; what its configuration says beside that is worse where it is another name.
    assert f"mta is {'missing' if published else 'wrong'} at vps2" in run.output
    assert ("found: 198.51.100.1 is not bound" in run.output) == published
    assert ("found: smtp-source-host 198.51.100.1 other.test" in run.output) != published


def probed(place, **mailbox):
    """As if a host had handed in one message of a sender, which the mailbox has or not."""
    given = {
        "powermta_probes": [{"id": "p1", "sender": "m1.sos.test"}],
        "powermta_probed": {"replies": [{"id": "p1", "accepted": True, "code": 250, "reply": "accepted"}]},
        "dns_check_probe_mailbox": {"address": "probe@box.test", "wait": 0, **mailbox},
    }
    (place / "probe.json").write_text(json.dumps(given))
    return "-e", f"@{place / 'probe.json'}"


SEEN = "SELECT hostname, green, edges->'mail'->>'verdict' FROM dns_checks JOIN ips ON ips.id = ip_id ORDER BY hostname"


def test_a_message_that_arrived_from_elsewhere_counts(site, engine, tmp_path):
    engine.declare(fleet())
    site.out_of_reach()
    (tmp_path / "box" / "new").mkdir(parents=True)
    received = "Received: from m1.sos.test (x [203.0.113.9]) by mx.box.test with ESMTP id 1; today"
    (tmp_path / "box" / "new" / "1").write_text(f"{received}\nSubject: probe p1\n\nx\n")
    extra = ("-e", "dns_check_fail_on=wrong", "-e", f"fleet_engine_ca_file={engine.file}")
    run = site.play("playbooks/dns_check.yml", *nobody(), *extra, *probed(tmp_path, maildir=str(tmp_path / "box")))
    assert run.code == 2 and "source_ip is wrong: 203.0.113.9" in run.failures, run.output[-3000:]
    assert engine.sql(SEEN)[:2] == [("m1.sos.test", "no", "wrong"), ("m2.sos.test", "unknown", None)]


def test_a_mailbox_that_cannot_be_read_is_unknown_and_ends_nothing(site, engine, tmp_path):
    engine.declare(fleet())
    site.out_of_reach()
    login = {"host": "127.0.0.1", "port": free_port(), "user": "u", "password": "p"}
    extra = ("-e", f"fleet_engine_ca_file={engine.file}")
    run = site.play("playbooks/dns_check.yml", *nobody(), *extra, *probed(tmp_path, **login))
    assert run.code == 0 and "0 of 3 senders are green" in run.output, run.output[-3000:]
    assert engine.sql(SEEN)[0] == ("m1.sos.test", "unknown", "unknown")


def test_a_mailbox_is_read_on_the_host_that_is_named(scratch, tmp_path):
    """As it is documented: YAML reads some words as other things than words."""
    text = (ROOT / "docs/dns-check.md").read_text().partition("dns_check_probe_mailbox:\n")[2].partition("```")[0]
    named = text.partition("# read_on: ")[0] + "read_on: box\n"
    fill(scratch)
    scratch.write("group_vars/all/vault.yml", {"vault_feeder": PASSWORD, "vault_probe_password": "p"})
    mailbox = yaml.safe_load("dns_check_probe_mailbox:\n" + named)
    assert set(map(type, mailbox["dns_check_probe_mailbox"])) == {str}
    scratch.out_of_reach()
    run = scratch.play("playbooks/dns_check.yml", *nobody(), *probed(tmp_path, **mailbox["dns_check_probe_mailbox"]))
    assert run.code == 0 and "localhost -> box" in run.output, run.output[-3000:]
