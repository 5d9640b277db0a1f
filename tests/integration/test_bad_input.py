# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Faulty inventories: the run fails, names the place and the remedy, shows no secret, and nothing has been changed."""

from __future__ import annotations

import contextlib
import copy
import socket
import subprocess
import sys
import threading
from pathlib import Path

import pytest
import yaml

PASSWORD, TSIG = "PasswordOfTheFeeder7", "U2VjcmV0T2ZUaGVOYW1lU2VydmVyLCAzMiBieXRlcy4="
REFUSING = "127.0.0.79"
# The files of these roles that change something.
ROLES = {("powermta", "tasks"), ("dns", "tasks")}
CHANGES = {"install.yml", "configure.yml", "main.yml", "ptr_list.yml"}
PREFLIGHT = {"localhost", "vps2"}


def tenant(name="sos", network="198.51.100", **given):
    """A sound tenant with three senders; *given* replaces keys of the tenant, or of its range where the range has them."""
    block = {
        "cidr": f"{network}.0/24",
        "count": 3,
        "domain": f"m{{n}}.{name}.test",
        "vmta": f"{name}-{{n}}",
        "prefixes": ["contact", "info"],
    }
    settings = {
        "name": name,
        "domain": f"{name}.test",
        "feeders": [{"user": f"mw-{name}", "password": "{{ vault_feeder }}"}],
        "ranges": [block],
    }
    for key, value in given.items():
        (block if key in {*block, "first"} and key != "domain" or key == "pattern" else settings)[key] = value
    if "pattern" in block:
        block["domain"] = block.pop("pattern")
    return settings


def sender(ip="198.51.100.99", domain="m99.sos.test", **given):
    return {"ip": ip, "domain": domain, "prefix": "x", **given}


def server(**given):
    return {
        "name": "primary",
        "address": REFUSING,
        "key_name": "fleet.",
        "key_secret": "{{ vault_dns_key_secret }}",
        "suffixes": ["sos.test", "in-addr.arpa"],
        **given,
    }


SOUND = {
    "vault_feeder": PASSWORD,
    "vault_dns_key_secret": TSIG,
    "policy_operator": "ops@operator.test",
    "fleet_tenants": [tenant()],
    "dns_servers": [server()],
    "dns_timeout": 1,
}


def deploy(scratch, *extra, playbook="site.yml", **variables):
    """site.yml with the sound variables and what replaces them. A variable that is ... is left out."""
    chosen = {name: value for name, value in {**copy.deepcopy(SOUND), **variables}.items() if value is not ...}
    path = scratch.write("group_vars/all/all.yml", chosen)
    assert "&id" not in path.read_text()
    return scratch.play(playbook, "-vvv", *extra)


def assert_refused(run, *texts, hosts=frozenset({"localhost"})):
    """Failed in the play that looks (hosts: whom it looked at), with a message that has all *texts*."""
    assert run.code != 0, run.output[-3000:]
    for text in texts:
        assert text in run.failures, f"{text!r} is not in: {run.failures}"
    assert run.hosts == hosts
    assert run.changed == []
    started = {Path(task["file"].rpartition(":")[0]) for task in run.tasks}
    assert not [file for file in started if file.parts[-3:-1] in ROLES and file.name in CHANGES]
    assert_no_secret(run)


def assert_no_secret(run):
    assert PASSWORD not in run.output and TSIG not in run.output
    assert "Traceback" not in run.output


TENANTS = {
    "no tenant": ([], "fleet_tenants: is empty", "Describe at least one tenant"),
    "nothing": (None, "fleet_tenants: is empty", "Describe at least one tenant"),
    "a tenant instead of a list": (tenant(), "fleet_tenants: must be a list", "- item"),
    "one IP twice in a tenant": (
        [tenant(senders=[sender("198.51.100.2")])],
        "fleet_tenants[sos].senders[0].ip: 198.51.100.2 is already used by fleet_tenants[sos].ranges[0] number 2",
        "One IP is one sender",
    ),
    "one IP in two tenants": (
        [tenant(), tenant("two", "198.51.101", cidr="198.51.100.0/29")],
        "fleet_tenants[two].ranges[0] number 1.ip: 198.51.100.1 is already used by fleet_tenants[sos].ranges[0]",
        "One IP is one sender",
    ),
    "one domain twice in a tenant": (
        [tenant(senders=[sender(domain="m1.sos.test")])],
        "fleet_tenants[sos].senders[0].domain: m1.sos.test is already used by fleet_tenants[sos].ranges[0] number 1",
        "change one of the two",
    ),
    "one domain in two tenants": (
        [tenant(), tenant("two", "198.51.101", pattern="m{n}.sos.test")],
        "fleet_tenants[two].ranges[0] number 3.domain: m3.sos.test is already used by fleet_tenants[sos].ranges[0]",
        "change one of the two",
    ),
    "one virtual MTA twice in a tenant": (
        [tenant(senders=[sender(vmta="sos-1")])],
        "fleet_tenants[sos].senders[0].vmta: sos-1 is already used by fleet_tenants[sos].ranges[0] number 1",
        "change one of the two",
    ),
    "one virtual MTA in two tenants": (
        [tenant(), tenant("two", "198.51.101", vmta="sos-{n}")],
        "fleet_tenants[two].ranges[0] number 1.vmta: sos-1 is already used by fleet_tenants[sos].ranges[0] number 1",
        "change one of the two",
    ),
    "a first address outside the network": (
        [tenant(first="198.51.101.1")],
        "fleet_tenants[sos].ranges[0].first: 198.51.101.1 is not a host address of 198.51.100.0/24",
        "Correct 'first' or 'cidr'",
    ),
    "more senders than addresses": (
        [tenant(count=255)],
        "fleet_tenants[sos].ranges[0].count: 255 addresses from 198.51.100.1 do not fit",
        "Lower 'count', or add a second range",
    ),
    "a pattern that makes no host name": (
        [tenant(pattern="m_{n}.sos.test")],
        "fleet_tenants[sos].ranges[0] number 1.domain: 'm_1.sos.test' is not a host name",
        "Correct the name or its pattern",
    ),
    "an IPv6 network": (
        [tenant(cidr="2001:db8::/64")],
        "fleet_tenants[sos].ranges[0].cidr: '2001:db8::/64' is an IPv6 network; senders are IPv4",
        "Write e.g. 192.0.2.0/24",
    ),
    "an IPv6 address": (
        [tenant(senders=[sender("2001:db8::1")])],
        "fleet_tenants[sos].senders[0].ip: '2001:db8::1' is an IPv6 address",
        "Give the sender's IPv4 address",
    ),
    "an address nobody can bind": (
        [tenant(senders=[sender("127.0.0.9")])],
        "fleet_tenants[sos].senders[0].ip: '127.0.0.9' cannot be bound",
        "Give the sender's IPv4 address",
    ),
    "an unknown PowerMTA host": (
        [tenant(mta="vps9")],
        "fleet_tenants[sos].mta: 'vps9' is no host of the group powermta",
        "Hosts there: vps2",
    ),
    "a feeder that is not in a list": (
        [tenant(feeders={"user": "mw-sos", "password": PASSWORD})],
        "fleet_tenants[sos].feeders: must be a list, found a dictionary with the keys user, password",
        "Write it as '- item' lines",
    ),
    "a feeder without its keys": (
        [tenant(feeders=[["mw-sos", PASSWORD]])],
        "fleet_tenants[sos].feeders[0]: must be a dictionary, found a list",
        "Write it as key: value lines",
    ),
    "a password PowerMTA cannot read": (
        [tenant(feeders=[{"user": "mw-sos", "password": f"{PASSWORD}#"}])],
        "fleet_tenants[sos].feeders[0].password: is missing, or holds one of",
        "Set it from a vaulted variable",
    ),
}


@pytest.mark.parametrize("case", TENANTS)
def test_a_faulty_fleet_is_refused_before_any_host_is_asked(case, scratch):
    tenants, *texts = TENANTS[case]
    assert_refused(deploy(scratch, fleet_tenants=tenants), *texts)


VARIABLES = {
    "no operator": ({"policy_operator": ...}, "fleet_tenants[sos].operator: is missing", "(or policy_operator)"),
    "a TSIG key without secret": (
        {"dns_servers": [server(key_secret="")]},
        "dns_servers: key_secret of primary is empty",
        "vaulted variable",
    ),
    "a TSIG secret that is in no vault": (
        {"vault_dns_key_secret": ...},
        "dns_servers: ",
        "'vault_dns_key_secret' is undefined",
        "inventories/example/vault.example",
    ),
    "a password that is in no vault": ({"vault_feeder": ...}, "'vault_feeder' is undefined"),
}


@pytest.mark.parametrize("case", VARIABLES)
def test_a_missing_variable_is_named_before_any_host_is_asked(case, scratch):
    variables, *texts = VARIABLES[case]
    assert_refused(deploy(scratch, **variables), *texts)


HOST = {
    "no package": ({"powermta_package": None}, "powermta_package: is not set", "name both in the inventory"),
    "a package that is not there": (
        {"powermta_package": "/nowhere/powermta.deb"},
        "powermta_package: no file /nowhere/powermta.deb",
        "on the control node",
    ),
    "a directory for a package": ({"powermta_package": "/usr"}, "powermta_package: no file /usr", "name both"),
    "a licence that is not there": (
        {"powermta_license": "/nowhere/license"},
        "powermta_license: no file /nowhere/license",
        "on the control node",
    ),
    "a short host name": (
        {"powermta_management_host_name": "vps2"},
        "powermta_management_host_name (a full host name, found 'vps2')",
        "set ",
    ),
    "the host's own address as a sender": (
        {"powermta_management_address": "198.51.100.2"},
        "addresses, 198.51.100.2: is this host's own address",
        "Send from other addresses",
    ),
    "an interface that is not there": ({"powermta_interface": "nosuch0"}, "'nosuch0'"),
}


@pytest.mark.parametrize("case", HOST)
def test_a_host_that_cannot_be_served_is_refused(case, scratch):
    variables, *texts = HOST[case]
    scratch.write("host_vars/vps2.yml", variables)
    run = deploy(scratch)
    for text in texts:
        assert text in run.output
    assert_refused(run, hosts=PREFLIGHT)


@contextlib.contextmanager
def dns_server(answer):
    """A name server on REFUSING: *answer* makes the reply from the query, or is None for silence. Yields its port."""
    link = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    link.bind((REFUSING, 0))
    link.settimeout(0.1)
    stop = threading.Event()

    def serve():
        while not stop.is_set():
            with contextlib.suppress(socket.timeout):
                query, asker = link.recvfrom(65535)
                if answer:
                    link.sendto(answer(query), asker)

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        yield link.getsockname()[1]
    finally:
        stop.set()
        thread.join()
        link.close()


def refusal(query):
    """RFC 1035 4.1.1: the identifier, a response, code 5 (REFUSED), and nothing else."""
    return query[:2] + b"\x80\x05" + bytes(8)


@pytest.mark.parametrize(
    ("answer", "texts"),
    [
        (refusal, ("refuses", "Allow queries, transfers and updates of this zone to the TSIG key")),
        (None, ("does not answer", "a firewall lets UDP and TCP through")),
    ],
    ids=["refuses", "is silent"],
)
def test_a_name_server_that_does_not_take_updates(answer, texts, scratch):
    with dns_server(answer) as port:
        run = deploy(scratch, dns_servers=[server(port=port)])
    assert_refused(run, f"server primary ({REFUSING} port {port}): ", *texts, hosts=PREFLIGHT)


def test_a_name_server_that_is_not_there(scratch):
    with dns_server(None) as port:
        pass
    run = deploy(scratch, dns_servers=[server(port=port)])
    assert_refused(run, "cannot be reached", "Check its address and port, and that it runs", hosts=PREFLIGHT)


def test_a_zone_file_that_could_not_be_written(scratch, tmp_path):
    run = deploy(scratch, dns_servers=[], dns_zone_file_directory=str(tmp_path), dns_zone_file_zones=["sos.test"])
    assert_refused(
        run, "100.51.198.in-addr.arpa PTR: under none of the zones sos.test", "Name the zone", hosts=PREFLIGHT
    )


# -- add_ip ----------------------------------------------------------------------------------------------------------

NEW = ("-e", "add_ip_ip=198.51.100.50", "-e", "add_ip_domain=m50.sos.test")
TWO = [tenant(), tenant("two", "198.51.101")]


def add_ip(scratch, *extra, **variables):
    return deploy(scratch, *extra, playbook="playbooks/add_ip.yml", **variables)


ADDED = {
    "nothing": ((), [tenant()], "add_ip_ip and add_ip_domain: at least one is missing", "-e add_ip_ip=ADDRESS"),
    "no domain": (NEW[:2], [tenant()], "add_ip_ip and add_ip_domain: at least one is missing"),
    "an IP that is owned": (
        ("-e", "add_ip_ip=198.51.100.2", *NEW[2:]),
        [tenant()],
        "add_ip_ip: 198.51.100.2 belongs to m2.sos.test",
        "Name an address and a domain that no sender has",
    ),
    "a domain that is owned": (
        (*NEW[:2], "-e", "add_ip_domain=m2.sos.test"),
        [tenant()],
        "add_ip_domain: m2.sos.test belongs to m2.sos.test",
        "Name an address and a domain that no sender has",
    ),
    "no tenant where there are two": (NEW, TWO, "add_ip_tenant: is missing", "Choose one of sos, two"),
    "an unknown tenant": (
        (*NEW, "-e", "add_ip_tenant=three"),
        TWO,
        "add_ip_tenant: 'three' is no tenant of the inventory",
        "Choose one of sos, two",
    ),
    "an IPv6 address": (
        ("-e", "add_ip_ip=2001:db8::1", *NEW[2:]),
        [tenant()],
        "fleet_tenants[sos].senders[0].ip: '2001:db8::1' is an IPv6 address",
    ),
}


@pytest.mark.parametrize("case", ADDED)
def test_add_ip_refuses(case, scratch):
    extra, tenants, *texts = ADDED[case]
    scratch.out_of_reach()
    run = add_ip(scratch, *extra, fleet_tenants=tenants, dns_servers=[])
    assert_refused(run, *texts)
    assert b"198.51.100.50" not in b"".join(scratch.files().values())


LINES = ("- ip: 198.51.100.50\n  domain: m50.sos.test\n  prefix: info", "tenant sos in fleet_tenants", "commit")


def declare(scratch, tenants):
    """The tenants in a file of their own, as an inventory has them."""
    return scratch.write("group_vars/all/fleet.yml", {"fleet_tenants": tenants})


def test_add_ip_into_a_read_only_inventory(scratch):
    """Read-only as a mount: root may write every file there is."""
    declare(scratch, [tenant()])
    scratch.out_of_reach()
    folder = str(scratch.inventory)
    variables = {key: value for key, value in SOUND.items() if key not in ("fleet_tenants", "dns_servers")}
    scratch.write("group_vars/all/all.yml", variables)
    before = scratch.files()
    script = 'mount --bind "$0" "$0" && mount -o remount,ro,bind "$0" && exec "$@"'
    prefix = ("unshare", "--mount", "sh", "-c", script, folder)
    run = scratch.play("playbooks/add_ip.yml", "-vvv", *NEW, prefix=prefix)
    assert_refused(run, *LINES, f"{folder}/group_vars/all/fleet.yml: is read-only")
    assert scratch.files() == before


def test_add_ip_into_a_vaulted_file(scratch, tmp_path):
    path = declare(scratch, [tenant()])
    password = tmp_path / "password"
    password.write_text("of the vault\n")
    vault = [str(Path(sys.executable).parent / "ansible-vault"), "encrypt", "--vault-password-file", str(password)]
    subprocess.run([*vault, str(path)], check=True, capture_output=True)
    before = path.read_bytes()
    scratch.out_of_reach()
    run = add_ip(scratch, *NEW, "--vault-password-file", str(password), fleet_tenants=..., dns_servers=[])
    assert_refused(run, *LINES)
    assert path.read_bytes() == before


def test_add_ip_twice(scratch):
    """The second run finds the sender and leaves the inventory alone."""
    path = declare(scratch, [tenant()])
    path.write_text("# Kept.\n" + path.read_text())
    scratch.out_of_reach()
    first = add_ip(scratch, *NEW, fleet_tenants=..., dns_servers=[])
    once = path.read_text()
    assert first.changed == ["Write the inventory"] and "unreachable" in {task["status"] for task in first.tasks}
    (declared,) = yaml.safe_load(once)["fleet_tenants"]
    assert once.startswith("# Kept.\n")
    assert declared["senders"] == [{"ip": "198.51.100.50", "domain": "m50.sos.test", "prefix": "info"}]
    assert {key: declared[key] for key in tenant()} == tenant()
    second = add_ip(scratch, *NEW, fleet_tenants=..., dns_servers=[])
    assert second.changed == [] and "unreachable" in {task["status"] for task in second.tasks}
    assert path.read_text() == once
    for run in (first, second):
        assert_no_secret(run)


def test_add_ip_in_check_mode_shows_and_writes_nothing(scratch):
    path = declare(scratch, [tenant()])
    before = path.read_bytes()
    scratch.write("host_vars/vps2.yml", {"powermta_package": None})
    run = add_ip(scratch, *NEW, fleet_tenants=..., dns_servers=[])
    assert run.named("Write the inventory")["changed"] and "198.51.100.50" in str(
        run.named("Write the inventory")["diff"]
    )
    assert path.read_bytes() == before
    assert_no_secret(run)
