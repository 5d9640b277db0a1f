# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Mail through the deployed platform: the hard cases, stops, restarts. Needs the lab up; deploys the lab's fleet itself."""

from __future__ import annotations

import json
import subprocess
import time
import uuid

import pytest

from ansible_collections.email_engine.fleet.tests.lab import demo
from ansible_collections.email_engine.fleet.tests.lab.deployed import (
    FEEDER,
    ONE,
    READER,
    ROOT,
    TWO,
    Mail,
    arrived,
    converge,
    held,
    paused,
    queued,
    send,
    ssh,
)

pytestmark = pytest.mark.lab


@pytest.fixture(scope="module", autouse=True)
def platform():
    converge()


ROUTED = {
    "a display name that holds another sender's address": (f'"{TWO}" <{ONE}>', "198.19.0.1"),
    "an address in angle brackets inside the display name": (f'"<{TWO}>" <{ONE}>', "198.19.0.1"),
    "a folded From": (f"SOS\r\n Holidays\r\n\t<{TWO}>", "198.19.0.2"),
    "an RFC 2047 display name": (f"=?utf-8?B?U09TIMOpdMOp?= <{TWO}>", "198.19.0.2"),
    "an RFC 2047 name that encodes another sender": (
        f"=?utf-8?Q?contact=40mail1=2Esos-holidays=2Etest?= <{TWO}>",
        "198.19.0.2",
    ),
    "upper case": (f"<{TWO.upper()}>", "198.19.0.2"),
    "a quoted comma": (f'"Holidays, SOS" <{ONE}>', "198.19.0.1"),
}


@pytest.mark.parametrize("case", ROUTED)
def test_the_from_address_alone_decides(case):
    header, ip = ROUTED[case]
    domain = "mail1.sos-holidays.test" if ip.endswith(".1") else "mail2.sos-holidays.test"
    mail = Mail(header, mail_from=f"bounce+x=gmail.test@{domain}")
    assert send(mail) == [[250, "accepted"]]
    message = arrived(mail)
    assert message and message["source_ip"] == ip and message["ehlo"] == domain
    verdicts = message["authentication_results"]
    assert (verdicts["spf"], verdicts["dmarc"]) == ("pass", "pass")
    assert (verdicts["dkim"]["result"], verdicts["dkim"]["domain"]) == ("pass", domain)


def test_a_sender_header_changes_neither_route_nor_signature():
    mail = Mail(f"<{ONE}>", f"Sender: {TWO}")
    send(mail)
    message = arrived(mail)
    assert message["source_ip"] == "198.19.0.1"
    assert message["authentication_results"]["dkim"]["domain"] == "mail1.sos-holidays.test"


def test_the_header_that_picks_a_virtual_mta_is_ignored_and_removed():
    mail = Mail(f"<{ONE}>", "X-Virtual-MTA: vmta-mail2")
    send(mail)
    message = arrived(mail)
    assert message["source_ip"] == "198.19.0.1"
    assert "x-virtual-mta" not in [name.lower() for name, _value in message["headers"]]


def test_one_click_unsubscribe_is_signed():
    mail = Mail(f"<{ONE}>", "List-Unsubscribe: <https://x.test/u>", "List-Unsubscribe-Post: List-Unsubscribe=One-Click")
    send(mail)
    signature = next(v for n, v in arrived(mail)["headers"] if n.lower() == "dkim-signature").lower()
    signed = signature.split("h=", 1)[1].split(";", 1)[0]
    assert "list-unsubscribe-post" in signed and "list-unsubscribe" in [name.strip() for name in signed.split(":")]


UNROUTED = {
    "two From addresses": f"A <{ONE}>, B <{TWO}>",
    "two plain From addresses": f"{ONE}, {TWO}",
    "a From of nobody": "nobody@mail1.sos-holidays.test",
    "a From of another tenant": "contact@client.ulixai.test",
    "a parent domain": "contact@sos-holidays.test",
    "a look-alike": f"<{ONE}.evil.test>",
    "a group": f"Everybody: {ONE};",
}


@pytest.mark.parametrize("case", UNROUTED)
def test_what_no_sender_claims_is_held(case):
    before = queued("unrouted-sos-holidays")
    mail = Mail(UNROUTED[case])
    assert send(mail) == [[250, "accepted"]]
    assert held(before)
    assert arrived(mail, seconds=1) is None


def test_the_operator_gets_a_notice_of_held_mail():
    ssh("vps2", "rm -f /var/lib/email-engine/held-notice.json")
    if not queued("unrouted-sos-holidays"):
        send(Mail("nobody@mail1.sos-holidays.test"))
        assert held(0)
    ssh("vps2", "systemctl start email-engine-held-notice.service")
    found = json.loads(ssh("internet", "python3 - ops@operator.test --search 'Held mail' --wait 30 --count 1", READER))
    assert any("unrouted-sos-holidays" in message["subject"] for message in found)


def test_strangers_cannot_relay():
    script = (
        "import smtplib;s=smtplib.SMTP('198.19.0.1',25,timeout=20);s.ehlo('x.test');s.mail('a@b.test');"
        "print([s.rcpt(a)[0] for a in ('postmaster@mail1.sos-holidays.test','dmarc@mail2.sos-holidays.test',"
        "'contact@mail1.sos-holidays.test','reader@gmail.test')])"
    )
    assert ssh("internet", f'python3 -c "{script}"').strip() == "[250, 250, 550, 550]"


def test_role_addresses_reach_the_operator():
    token = uuid.uuid4().hex
    script = (
        "import smtplib;s=smtplib.SMTP('198.19.0.3',25,timeout=20);"
        f"s.sendmail('someone@gmail.test',['abuse@mail3.sos-holidays.test'],'From: someone@gmail.test\\r\\nSubject: {token}\\r\\n\\r\\nHelp.')"
    )
    ssh("internet", f'python3 -c "{script}"')
    found = json.loads(ssh("internet", f"python3 - ops@operator.test --search {token} --wait 30 --count 1", READER))
    assert len(found) == 1 and found[0]["source_ip"] == "198.18.0.12"


@pytest.fixture
def inventory(tmp_path):
    """A copy of the lab's inventory that a test may edit; afterwards the platform is as it was."""
    copy = tmp_path / "inventory"
    subprocess.run(["cp", "-rL", str(ROOT / "inventories/lab"), str(copy)], check=True)
    yield copy
    ssh("internet", "systemctl start postfix")
    converge()
    converge()


def edit(inventory, old, new):
    path = inventory / "group_vars/all/fleet.yml"
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))


def test_a_stopped_sender_sends_nothing_and_loses_nothing(inventory):
    edit(
        inventory,
        "        status: active\n",
        "        status: active\n        overrides: {2: {status: quarantine, reasons: [listed]}}\n",
    )
    converge(inventory=inventory)
    stopped, other = Mail(f"<{TWO}>"), Mail(f"<{ONE}>")
    before = queued("vmta-mail2")
    send(stopped, other)
    assert arrived(other)["source_ip"] == "198.19.0.1"
    assert arrived(stopped, seconds=3) is None and queued("vmta-mail2") == before + 1
    # A restart forgets pauses; the recorded stop is asserted again, and the configuration holds by itself.
    ssh("vps2", "systemctl restart pmta")
    assert paused("gmail.test/vmta-mail2")
    assert arrived(stopped, seconds=3) is None and queued("vmta-mail2") == before + 1
    converge()
    assert arrived(stopped, seconds=60)["source_ip"] == "198.19.0.2"


@pytest.mark.parametrize("add", [demo.by_playbook, demo.by_count], ids=["by add_ip.yml", "by a larger count"])
def test_a_sixth_sender_under_load(inventory, add):
    demo.OUT.mkdir(parents=True, exist_ok=True)
    senders = [{"sender": f"mail{n}.sos-holidays.test"} for n in range(1, 6)]
    result = demo.add_ip(inventory, senders, add)
    assert result["ok"], result
    declared = (inventory / "group_vars/all/fleet.yml").read_text()
    assert ("198.19.0.6" in declared) == (add is demo.by_playbook)


SECOND_TENANT = """
  - name: ulixai
    routing: pool
    domain: ulixai.test
    from_email: news@ulixai.test
    feeders:
      - {user: mw-ulixai, password: a-password-of-the-lab}
    ranges:
      - cidr: 198.19.1.0/24
        count: 2
        hostname: "mta{n}.ulixai.test"
        domain: "mta{n}.ulixai.test"
        vmta: "ulixai-{n}"
        status: active
"""
LOGGED_IN = FEEDER.replace(
    "    for message in", '    smtp.login("mw-ulixai", "a-password-of-the-lab")\n    for message in'
)


def test_two_tenants_cannot_reach_each_other(inventory):
    """The second in routing `pool`, logging in from a host that is nobody's feeder address."""
    fleet = inventory / "group_vars/all/fleet.yml"
    fleet.write_text(fleet.read_text().rstrip() + SECOND_TENANT)
    (inventory / "group_vars/powermta/login.yml").write_text("powermta_allow_plain_auth: true\n")
    converge(inventory=inventory)

    def log_in_and_send(*mails):
        return json.loads(ssh("vps3", f"python3 -c '{LOGGED_IN}'", json.dumps([mail.wire for mail in mails])))

    ours = [
        Mail('"Ulixai" <news@ulixai.test>', "X-Virtual-MTA: vmta-mail1", mail_from="b@ulixai.test") for _n in range(4)
    ]
    assert log_in_and_send(*ours) == [[250, "accepted"]] * 4
    messages = [arrived(mail) for mail in ours]
    assert {message["source_ip"] for message in messages} == {"198.19.1.1", "198.19.1.2"}
    for message in messages:
        verdicts = message["authentication_results"]
        assert (verdicts["spf"], verdicts["dmarc"], verdicts["dkim"]["domain"]) == ("pass", "pass", "ulixai.test")
        assert message["client_name"] == message["ehlo"]
    foreign = Mail(f"<{ONE}>")
    assert log_in_and_send(foreign) == [[250, "accepted"]]
    before = queued("unrouted-sos-holidays")
    stolen = Mail("<news@ulixai.test>")
    assert send(stolen) == [[250, "accepted"]] and held(before)
    assert queued("unrouted-ulixai") == 1
    assert arrived(foreign, seconds=1) is None and arrived(stolen, seconds=1) is None
    shown = ssh(
        "vps2", "stat -c '%a %U %G' /etc/pmta/fleet-secrets; cat /etc/pmta/config; journalctl --no-pager | tail -n 2000"
    )
    assert shown.startswith("640 root pmta\n") and "a-password-of-the-lab" not in shown
    ssh("vps2", "pmta delete --queue='*/unrouted-ulixai'")


def test_a_removed_sender_keeps_everything_until_its_queue_is_empty(inventory):
    waiting = Mail("<noreply@mail5.sos-holidays.test>", mail_from="b@mail5.sos-holidays.test")
    ssh("internet", "systemctl stop postfix")
    send(waiting)
    edit(inventory, "count: 5", "count: 4")
    for _run in range(2):
        converge(inventory=inventory)
        assert queued("vmta-mail5") == 1
        assert "198.19.0.5/32" in ssh("vps2", "ip -4 address show")
        assert (
            ssh("vps2", "python3 -c 'import socket; print(socket.gethostbyname(\"mail5.sos-holidays.test\"))'").strip()
            == "198.19.0.5"
        )
    before = queued("unrouted-sos-holidays")
    send(Mail("<noreply@mail5.sos-holidays.test>"))
    assert held(before), "new mail of a removed sender is held"
    ssh("internet", "systemctl start postfix")
    ssh("vps2", "pmta schedule '*/vmta-mail5'")
    message = arrived(waiting, seconds=60)
    assert message["source_ip"] == "198.19.0.5" and message["authentication_results"]["dkim"]["result"] == "pass"
    converge(inventory=inventory)
    assert queued("vmta-mail5") is None
    assert "198.19.0.5/32" not in ssh("vps2", "ip -4 address show")
    lookup = "python3 -c 'import socket; socket.gethostbyname(\"mail5.sos-holidays.test\")' 2>&1 || true"
    assert "gaierror" in ssh("vps2", lookup)


def test_what_powermta_refuses_is_taken_back(inventory):
    """The linter has nothing against a zero here; PowerMTA does, and says so only when it reads the file."""
    config = ssh("vps2", "cat /etc/pmta/config")
    path = inventory / "group_vars/all/policy.yml"
    path.write_text(path.read_text().replace("max-smtp-out: 10", "max-smtp-out: 0"))
    said = converge(inventory=inventory, expect=2)
    assert "PowerMTA found the configuration wrong: Error in line" in said and '"restored": true' in said
    assert ssh("vps2", "cat /etc/pmta/config") == config
    mail = Mail(f"<{ONE}>")
    send(mail)
    assert arrived(mail)["source_ip"] == "198.19.0.1"


def test_a_start_never_meets_an_unproven_file():
    """As after kill -9 between rename and reload: the marker and the last good copy are there, the new file is not proven."""
    config = ssh("vps2", "cat /etc/pmta/config")
    ssh(
        "vps2",
        "cd /var/lib/email-engine && mkdir -p last-good && cp -p /etc/pmta/config last-good/config.test"
        " && echo 'nonsense here' > /etc/pmta/config"
        " && printf 'restore\\t/var/lib/email-engine/last-good/config.test\\t/etc/pmta/config\\n' > pending",
    )
    ssh("vps2", "systemctl restart pmta")
    assert ssh("vps2", "cat /etc/pmta/config") == config
    assert ssh("vps2", "systemctl is-active pmta").strip() == "active"


def test_addresses_and_service_survive_a_reboot():
    subprocess.run([str(ROOT / "bin/lab"), "reboot", "vps2"], check=True, capture_output=True, timeout=180)
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and ssh("vps2", "systemctl is-active pmta || true").strip() != "active":
        time.sleep(1)
    bound = ssh("vps2", "ip -4 -o address show dev host0")
    assert all(f"198.19.0.{n}/32" in bound for n in range(1, 6))
    assert "src 198.18.0.12" in ssh("vps2", "ip route get 198.18.0.61")
    mail = Mail(f"<{ONE}>")
    send(mail)
    assert arrived(mail)["source_ip"] == "198.19.0.1"
    assert "changed=0" in converge().rpartition("vps2")[2]
