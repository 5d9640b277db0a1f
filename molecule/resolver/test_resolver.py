# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the role leaves on the engine's host and on the MTA's, looked at from outside the role."""

from __future__ import annotations

import pytest

testinfra_hosts = ["ansible://engine", "ansible://powermta"]

ADDRESS = {"vps2": "198.18.0.12", "vps3": "198.18.0.13"}
ASK = """
import sys, dns.flags, dns.message, dns.query, dns.rcode
question = dns.message.make_query(sys.argv[2], sys.argv[3], want_dnssec=True)
answer = dns.query.udp_with_fallback(question, sys.argv[1], timeout=8)[0]
print(dns.rcode.to_text(answer.rcode()), "AD" if answer.flags & dns.flags.AD else "-")
print(*sorted(item.to_text() for rrset in answer.answer if rrset.rdtype != 46 for item in rrset))
"""


def ask(host, name, kind, resolver="127.0.0.1"):
    """(code, whether it was validated, values)."""
    head, _end, values = host.check_output(f"python3 -c '{ASK}' {resolver} {name} {kind}").partition("\n")
    code, validated = head.split()
    return code, validated == "AD", values.strip()


def test_it_runs_and_starts_at_boot(host):
    assert host.service("unbound").is_running and host.service("unbound").is_enabled


def test_it_listens_on_the_loopback_alone(host):
    lines = host.check_output("ss -Hlntu sport = :53").splitlines()
    assert {line.split()[4] for line in lines} == {"127.0.0.1:53", "[::1]:53"}
    assert {line.split()[0] for line in lines} == {"udp", "tcp"}


@pytest.mark.parametrize("resolver", ["127.0.0.1", "::1"])
def test_what_is_signed_is_validated(host, resolver):
    assert ask(host, "signed.test", "TXT", resolver) == ("NOERROR", True, '"by the lab"')


def test_what_is_signed_falsely_is_no_answer(host):
    assert ask(host, "bogus.test", "TXT") == ("SERVFAIL", False, "")
    assert ask(host, "bogus.test", "TXT", "198.18.0.55")[2] == '"nobody who validates sees this"', "so it is there"


def test_that_a_name_does_not_exist_is_validated(host):
    assert ask(host, "nothing.example", "A") == ("NXDOMAIN", True, "")


def test_it_asks_the_zones_servers_itself(host):
    own = ADDRESS[host.backend.get_hostname()]
    assert ask(host, "whoami.akamai.net", "A") == ("NOERROR", False, own)
    assert ask(host, "whoami.akamai.net", "A", "198.18.0.59")[2] == "198.18.0.55", "a resolver that forwards shows"


def test_lists_answer_through_it(host):
    assert ask(host, "2.0.0.127.zen.spamhaus.org", "A")[2] == "127.0.0.10 127.0.0.2 127.0.0.4"
    assert ask(host, "1.0.0.127.zen.spamhaus.org", "A")[0] == "NXDOMAIN"


def test_the_host_itself_asks_it(host):
    file = host.file("/etc/resolv.conf")
    assert not file.is_symlink
    assert [line.split()[1] for line in file.content_string.splitlines() if line.startswith("nameserver")] == [
        "127.0.0.1"
    ]
    assert host.check_output("getent hosts mx.gmail.test").split() == ["198.18.0.61", "mx.gmail.test"]


def test_names_of_package_mirrors_are_still_found(host):
    assert ask(host, "deb.debian.org", "A")[0] == "NOERROR"
    assert "Err:" not in host.check_output("apt-get update -q 2>&1")


def test_checks_have_what_they_need(host):
    host.check_output("/usr/bin/python3 -c 'import dns.resolver, spf'")


def test_only_root_may_steer_it(host):
    assert host.run("unbound-control status").rc == 0
    assert host.run("runuser -u nobody -- unbound-control status").rc != 0


def test_it_comes_back(host):
    host.check_output("systemctl kill -s KILL unbound")
    host.check_output("for n in $(seq 50); do systemctl -q is-active unbound && break; sleep 0.1; done")
    assert ask(host, "signed.test", "TXT")[0] == "NOERROR"
