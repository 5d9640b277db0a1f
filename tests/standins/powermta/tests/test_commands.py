# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""pmta: validation, reload, lists, exit status, shapes."""

from __future__ import annotations

import json
import os
import pwd
import re

import pytest
from test_injection import VMTAS, source
from world import BASE, RELAY, until


def test_test_config_needs_no_daemon(daemon) -> None:
    daemon.root.config(BASE + RELAY)
    good = daemon.pmta("test", "config")
    assert (good.returncode, "Error" in good.stdout + good.stderr) == (0, False)
    daemon.root.config(BASE + RELAY + "max-smtp-out 4\n")
    bad = daemon.pmta("test", "config")
    assert bad.returncode == 1 and bad.stderr.startswith("Error in line 9 of /etc/pmta/config: ")


def test_without_a_daemon(daemon) -> None:
    said = daemon.pmta("show", "status")
    assert said.returncode == 2 and "Error" in said.stderr


def test_refused_reload_keeps_the_old_configuration(daemon, sink) -> None:
    daemon.configure(VMTAS.format(sink=sink.host), source("always-allow-relaying yes", "default-virtual-mta a"))
    daemon.start()
    good = (daemon.root.path / "etc/pmta/config").read_text()
    daemon.root.config(good + "nonsense yes\n")
    said = daemon.pmta("reload")
    assert (
        said.returncode == 1
        and "Error in line" in said.stderr
        and "Configuration reloaded." not in said.stdout + said.stderr
    )
    daemon.send()
    assert until(lambda: sink.received)[0]["ehlo"] == "a.sos.test"
    assert daemon.stop() == 0
    with pytest.raises(AssertionError, match="unknown directive: nonsense"):
        daemon.start()
    assert "nonsense" in (daemon.root.path / "var/log/pmta/pmta-startuperr.log").read_text()


def test_no_start_without_licence(daemon) -> None:
    daemon.configure("")
    (daemon.root.path / "etc/pmta/license").unlink()
    with pytest.raises(AssertionError, match="licence"):
        daemon.start()


def test_reload_opens_and_closes_listeners(daemon, sink) -> None:
    daemon.configure("")
    daemon.start()
    from world import free_port

    old, daemon.port = daemon.port, free_port()
    daemon.configure("")
    assert daemon.pmta("reload").returncode == 0
    daemon.send()
    daemon.port = old
    with pytest.raises(ConnectionRefusedError):
        daemon.send()


def test_show_vmtas_is_cut_at_ten(daemon) -> None:
    daemon.configure("".join(f"<virtual-mta v{n:02}>\n</virtual-mta>\n" for n in range(30)))
    daemon.start()
    lines = daemon.pmta("show", "vmtas").stdout.splitlines()
    assert lines[0].split() == ["name", "domains", "#rcpt", "%", "total", "kbytes", "conn"]
    assert lines[-1] == "10 of 31 virtual MTAs." and len(lines) == 12
    assert len(daemon.json("show", "vmtas")["vmta"]) == 10
    assert daemon.pmta("show", "vmtas", "--maxitems=1000").stdout.splitlines()[-1] == "31 of 31 virtual MTAs."
    assert len(daemon.json("show", "vmtas", "--maxitems=1000")["vmta"]) == 31


def test_show_settings(daemon) -> None:
    text = "<domain gmail.test>\nmax-msg-rate 5/h\n</domain>\n"
    text += "<virtual-mta a>\nmax-smtp-msg-rate 50/d\n<domain *>\nmax-smtp-out 2\ndkim-sign yes\n</domain>\n</virtual-mta>\n"
    daemon.configure(text)
    daemon.start()
    found = dict(line.split(" ", 1) for line in daemon.pmta("show", "settings", "gmail.test/a").stdout.splitlines())
    assert (found["max-msg-rate"], found["max-smtp-out"], found["dkim-sign"], found["bounce-after"]) == (
        "5/h",
        "2",
        "true",
        "4d12h",
    )
    assert daemon.json("show", "settings", "x.test/a")["settings"]["max-msg-rate"] == "unlimited"
    assert daemon.pmta("show", "settings", "x.test/nobody").returncode == 1
    assert "max-smtp-msg-rate 50/d" in daemon.pmta("show", "vmta-settings", "a").stdout


def test_json_envelope_and_versions(daemon) -> None:
    daemon.configure("")
    daemon.start()
    said = json.loads(daemon.pmta("--json", "show", "status").stdout)
    assert (said["status"], said["message"]) == ("success", "")
    assert said["data"]["mta"]["product"]["version"] == "5.0r8"
    assert set(said["data"]["status"]) == {"traffic", "conn", "resolver", "queue", "spool", "status"}
    assert re.match(r"PowerMTA v5\.0r8 \(.+\)\.$", daemon.pmta("show", "ver").stdout.strip())
    assert "product: PowerMTA" in daemon.pmta("show", "license").stdout
    bad = daemon.pmta("--json", "show", "settings", "x.test/nobody")
    assert bad.returncode == 1 and json.loads(bad.stdout)["status"] == "error"


@pytest.mark.parametrize(
    "words",
    [
        ["validate"],
        ["check", "config"],
        ["show"],
        ["show", "nothing"],
        ["pause", "queue"],
        ["pause", "queue", "a b/c d"],
        ["delete"],
        ["show", "vmtas", "--bogus"],
        ["show", "vmtas", "--maxitems=all"],
        ["set", "queue", "--mode=slow", "*/*"],
        ["disable", "source", "nowhere", "a.b/c"],
        ["disable", "source", "127.0.0.1", "*/c"],
        ["rotate", "everything"],
        ["test", "config", "/tmp/other"],
        ["--xml", "show", "status"],
    ],
)
def test_wrong_commands_fail(daemon, words) -> None:
    daemon.configure("")
    daemon.start()
    said = daemon.pmta(*words)
    assert said.returncode != 0 and "Error" in said.stderr


def test_list_delete_and_rotate(daemon) -> None:
    daemon.configure(
        "<acct-file /var/log/pmta/acct.csv>\nrecords r\n</acct-file>\n<domain *>\nsmtp-hosts [127.0.0.9]:1\n</domain>\n"
    )
    daemon.start()
    for rcpt in ("u@isp.test", "v@isp.test", "w@other.test"):
        daemon.send(rcpt)
    assert daemon.pmta("list", "isp.test/*").stdout.splitlines()[-1] == "2 of 2 recipients."
    assert daemon.pmta("delete", "--queue=isp.test/*").stdout == "2 recipient(s) deleted.\n"
    assert [one["name"] for one in daemon.json("show", "topqueues")["queue"]] == ["other.test/{default}"]
    assert len(daemon.root.spooled()) == 1
    assert daemon.pmta("rotate", "acct").returncode == 0
    names = sorted(path.name[-8:] for path in (daemon.root.path / "var/log/pmta").glob("acct-*.csv"))
    assert names == ["0000.csv", "0001.csv"]


@pytest.mark.skipif(os.geteuid() != 0, reason="asks what another user may read, which needs root")
def test_without_root_keys_must_be_readable_and_the_spool_writable(root) -> None:
    from pmta_standin import machine
    from pmta_standin.errors import ConfigError

    user = next(one.pw_name for one in pwd.getpwall() if one.pw_name == "nobody")
    path = root.path / "etc/pmta/dkim/mail1.pem"
    for folder in (root.path, *root.path.parents):
        if folder.owner() == "root" and folder != folder.parent:
            os.chmod(folder, folder.stat().st_mode | 0o055)
    os.chmod(path, 0o600)
    text = (BASE + RELAY).replace("run-as-root yes", "run-as-root no") + "domain-key s,a.b,/etc/pmta/dkim/mail1.pem\n"
    saved, machine.USER = machine.USER, user
    try:
        with pytest.raises(ConfigError, match="cannot read key /etc/pmta/dkim/mail1.pem"):
            root.load(text)
        os.chmod(path, 0o644)
        with pytest.raises(ConfigError, match="cannot write /var/spool/pmta"):
            root.load(text)
        os.chmod(root.path / "var/spool/pmta", 0o777)
        root.load(text)
    finally:
        machine.USER = saved
