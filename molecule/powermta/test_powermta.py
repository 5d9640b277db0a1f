# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the role leaves on a host, looked at from outside the role."""

from __future__ import annotations

import json

import pytest

SENDING = ("198.19.1.1", "198.19.1.2")


def test_the_service_runs_and_starts_at_boot(host):
    service = host.service("pmta")
    assert service.is_running and service.is_enabled


@pytest.mark.parametrize("socket", ["tcp://198.18.0.12:2525", "tcp://198.19.1.1:25", "tcp://198.18.0.12:25"])
def test_it_listens(host, socket):
    assert host.socket(socket).is_listening or host.socket("tcp://0.0.0.0:25").is_listening and socket.endswith(":25")


def test_submission_is_on_the_management_address_only(host):
    listening = host.check_output("ss -Hltn sport = :2525").split()
    assert [word for word in listening if word.endswith(":2525")] == ["198.18.0.12:2525"]


def test_the_sending_addresses_are_bound_as_single_addresses(host):
    shown = json.loads(host.check_output("ip -json -4 address show dev host0"))
    bound = {a["local"]: a["prefixlen"] for link in shown for a in link["addr_info"]}
    assert {ip: bound.get(ip) for ip in SENDING} == dict.fromkeys(SENDING, 32)


@pytest.mark.parametrize("target", ["198.18.0.61", "192.0.2.1"])
def test_none_of_them_is_the_hosts_own_source(host, target):
    route = json.loads(host.check_output(f"ip -json route get {target}"))[0]
    assert route["prefsrc"] == "198.18.0.12"


@pytest.mark.parametrize(
    ("path", "mode", "group"),
    [
        ("/etc/pmta/config", 0o640, "pmta"),
        ("/etc/pmta/license", 0o640, "pmta"),
        ("/etc/pmta/dkim", 0o750, "pmta"),
        ("/var/lib/email-engine", 0o750, "pmta"),
    ],
)
def test_nobody_else_reads(host, path, mode, group):
    file = host.file(path)
    assert (file.mode, file.user, file.group) == (mode, "root", group)


def test_each_domain_has_a_key_that_the_mta_alone_reads(host):
    keys = host.file("/etc/pmta/dkim").listdir()
    pems = sorted(name for name in keys if name.endswith(".pem"))
    assert [name.split(".", 1)[1] for name in pems] == ["one.ulixai.test.pem", "two.ulixai.test.pem"]
    for name in pems:
        file = host.file(f"/etc/pmta/dkim/{name}")
        assert (file.mode, file.user, file.group) == (0o640, "root", "pmta")
        assert "2048 bit" in host.check_output(
            f"openssl rsa -in /etc/pmta/dkim/{name} -noout -text 2>/dev/null | head -1"
        )


def test_powermta_itself_accepts_the_configuration(host):
    assert host.run("pmta test config").rc == 0
    names = [
        line.split()[0] for line in host.check_output("pmta show vmtas --maxitems=100").splitlines() if line.strip()
    ]
    assert {"one", "two", "unrouted-role-test"} <= set(names)


def test_the_stopped_sender_is_paused_again_after_a_restart(host):
    host.check_output("systemctl restart pmta")
    host.check_output("systemctl is-active email-engine-stops.service")
    assert host.service("email-engine-stops").is_running
    assert "198.19.1.2" in host.file("/etc/pmta/config").content_string
    assert host.run("pmta show settings gmail.com/two").stdout.count("[127.0.0.1]:9") == 1


def test_port_25_refuses_what_is_not_a_role_address(host):
    script = (
        "import smtplib;s=smtplib.SMTP('198.19.1.1',25,timeout=20);s.ehlo('x.test');s.mail('a@b.test');"
        "print([s.rcpt(a)[0] for a in ('postmaster@one.ulixai.test','abuse@two.ulixai.test','who@one.ulixai.test','a@gmail.test')])"
    )
    assert host.check_output(f'python3 -c "{script}"') == "[250, 250, 550, 550]"
