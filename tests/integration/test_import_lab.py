# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A configuration of two addresses, imported and deployed for the lab's five senders: PowerMTA shows every rule it had.

What it had is asked of a second PowerMTA (the stand-in, on this machine) that runs the old configuration. Needs the lab up.
"""

from __future__ import annotations

import csv
import json
import os
import re
import shutil
import socket
import subprocess
import sys
import time

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from ansible_collections.email_engine.fleet.tests.lab import client
from ansible_collections.email_engine.fleet.tests.lab.deployed import (
    ONE,
    ROOT,
    TWO,
    Mail,
    arrived,
    converge,
    send,
    ssh,
)

pytestmark = pytest.mark.lab

OLD = ROOT / "tests/unit/plugins/module_utils/pmta_import/old"
STANDIN = ROOT / "tests/standins/powermta"
SECRETS = ("s3cret-of-the-relay", "Tr0ub4dor", "abcdefghijklmnopqrstuvwxyz0123456789", "hunter2")
SENDERS = [f"vmta-mail{n}" for n in range(1, 6)]

# What keeps the stand-in, stricter than the product where nobody says, from loading the old configuration on this machine;
# nothing of it is a rule for a receiver but `dk-sign`, which PowerMTA 5 has no more.
ADAPTED = (
    (r"^( *include) (?:\.\./)?", r"\1 /etc/pmta/"),  # relative
    (r", # Microsoft\n +", ","),  # a list over two lines
    (r"\n *(dk-sign|sync-msg-\w+|remove-received-headers|source \{auth\}).*", ""),  # not in today's guides
    (r"(smtp-source-host) 198\.18\.0\.", r"\1 127.0.0."),  # addresses that this machine has
    (r"smtp-listener 0/0:25\n", ""),
    (r"smtp-listener 127.0.0.1:2525", "smtp-listener 127.0.0.1:PORT"),
)

# Receiver: what its MX records say. Every provider of the old configuration, domains of macros (one within another, one in the
# middle of a name), both kinds of wild card, roll-ups by a wild card, a queue with another name, and one that nobody named.
RECEIVERS = {
    "hotmail.com": [],
    "hotmail.fr": [],
    "yahoo.fr": [],
    "orange.fr": [],
    "free.fr": [],
    "sfr.fr": [],
    "laposte.net": [],
    "webmail.net": [],
    "gmail.com": ["gmail-smtp-in.l.google.com"],
    "via-google.sos-holidays.test": ["aspmx.l.google.com"],
    "via-office.sos-holidays.test": ["via-office.mail.protection.outlook.com"],
    "cs.college.edu": [],
    "gouv.fr": [],
    "ville.gouv.fr": [],
    "relay.partner.example": [],
    "unknown.example": [],
}
ENDS = {
    "gmail.com": "google.rollup",
    "via-google.sos-holidays.test": "google.rollup",
    "via-office.sos-holidays.test": "office.rollup",
    "relay.partner.example": "partner.queue",
}
# Where what is shown differs from before, and has to. For every receiver: the fleet's signing; no cold virtual MTAs, no reroute.
FLEETS = {
    "dkim-identity": ["strict-from"],
    "dkim-headers": ["List-Unsubscribe,List-Unsubscribe-Post"],
    "max-cold-virtual-mta-msg": ["0/d"],
    "backoff-reroute-to-virtual-mta": None,
}
# One: the old virtual MTAs differed, and the strictest counts; or PowerMTA 5 has another name for it.
HOTMAIL = {"max-msg-rate": ["300/h"]}
YAHOO = {"max-msg-per-hour": None, "max-msg-rate": ["900/h"]}
OTHERWISE = {"hotmail.com": HOTMAIL, "hotmail.fr": HOTMAIL, "free.fr": {"max-msg-rate": ["60/h"]}, "yahoo.fr": YAHOO}

# Runs where a configuration is loaded, in the stand-in's own code: the queue in which mail ends, and what `show` does not show.
LOOK = """
import json, sys
sys.dont_write_bytecode = True
sys.path.insert(0, "/usr/lib/powermta-standin")
from pmta_standin import loader, paths, rollup
job = json.loads(sys.stdin.read())
config = loader.load(paths.Paths(job["root"]))
queues = {}
for receiver, hosts in job["receivers"].items():
    for vmta in job["vmtas"]:
        end = rollup.target(config, receiver, vmta, lambda name: hosts)
        queues.setdefault(receiver, {})[vmta] = config.setting(end, vmta, "queue-to") or end
def lines(tag):
    return {block.name: [s.name + " " + s.raw for s in block.settings] for block in config.top.inside(tag)}
print(json.dumps({"queues": queues, "replies": lines("smtp-pattern-list"), "bounces": lines("bounce-category-patterns")}))
"""


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def settings(text):
    """What `show settings` printed: {directive: [value, ...]}, values without the quotes of the file."""
    found = {}
    for line in text.splitlines():
        name, _blank, value = line.partition(" ")
        found.setdefault(name, []).append(value.strip('"'))
    return found


class Before:
    """The old configuration, running below a directory of its own."""

    def __init__(self, root):
        self.root = root
        self.environment = {**os.environ, "PYTHONPATH": str(STANDIN)}
        for folder in ("etc", "var/log/pmta", "var/spool/pmta", "var/lib/pmta", "run/pmta"):
            (root / folder).mkdir(parents=True)
        etc = root / "etc/pmta"
        shutil.copytree(OLD, etc)
        for path in etc.rglob("*"):
            if path.is_file():
                text = path.read_text()
                for pattern, by in ADAPTED:
                    text = re.sub(pattern, by, text, flags=re.MULTILINE)
                path.write_text(text.replace("PORT", str(free_port())))
        shutil.copy(STANDIN / "license.sample", etc / "license")
        shutil.copy(STANDIN / "debian/config-defaults", etc)
        key = rsa.generate_private_key(65537, 2048).private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption()
        )
        for name in ("old", "mail1"):
            (etc / f"{name}.pem").write_bytes(key)

    def __enter__(self):
        self.process = subprocess.Popen(self.command("pmtad"), env=self.environment, stderr=subprocess.PIPE, text=True)
        until = time.monotonic() + 15
        while self.ask("show", "version").returncode:
            assert self.process.poll() is None, self.process.stderr.read()
            assert time.monotonic() < until, "the old configuration does not come up"
            time.sleep(0.2)
        return self

    def __exit__(self, *_error):
        self.process.kill()
        self.process.communicate()

    def command(self, program):
        return [sys.executable, "-m", "pmta_standin", program, "--root", str(self.root)]

    def ask(self, *words):
        return subprocess.run([*self.command("pmta"), *words], env=self.environment, capture_output=True, text=True)

    def look(self):
        job = json.dumps({"root": str(self.root), "receivers": RECEIVERS, "vmtas": ["mta1", "mta2"]})
        command = [sys.executable, "-c", LOOK]
        done = subprocess.run(command, env=self.environment, input=job, capture_output=True, text=True, check=True)
        return json.loads(done.stdout)


@pytest.fixture(scope="module")
def before(tmp_path_factory):
    """{"queues", "replies", "bounces", "settings": {receiver: [of mta1, of mta2]}} of the old configuration."""
    with Before(tmp_path_factory.mktemp("old") / "root") as old:
        found = old.look()
        found["settings"] = {}
        for receiver, ends in found["queues"].items():
            shown = [old.ask("show", "settings", f"{end}/{vmta}") for vmta, end in ends.items()]
            assert [done.returncode for done in shown] == [0, 0], shown
            found["settings"][receiver] = [settings(done.stdout) for done in shown]
    return found


@pytest.fixture(scope="module")
def imported(tmp_path_factory):
    """What the import and two runs of site.yml said, and where they wrote. Afterwards the platform is as it was."""
    place = tmp_path_factory.mktemp("import")
    inventory, word = place / "inventory", place / "word"
    shutil.copytree(ROOT / "inventories/lab", inventory)
    word.write_text("a word of the test\n")
    vault = ["--vault-password-file", str(word)]
    options = ["-e", f"import_config={OLD / 'config'}", "-e", f"import_config_vault_password_file={word}"]
    said = converge("-v", *options, inventory=inventory, playbook="playbooks/import_config.yml")
    # The lab's own providers would stand in for the operator's.
    own = inventory / "group_vars/all/policy.yml"
    assert "group_vars/all/policy.yml is read later and replaces what was imported as policy_providers:" in said
    own.write_text(own.read_text().partition("policy_providers:")[0])
    try:
        yield {
            "place": inventory / "group_vars/all",
            "import": said,
            "first": converge("-v", *vault, inventory=inventory),
            "second": converge("-v", *vault, inventory=inventory),
        }
    finally:
        converge()


@pytest.fixture(scope="module")
def after(imported):
    """As `before`, of what runs on vps2: settings are {receiver: {virtual MTA: ...}}."""
    job = json.dumps({"root": "", "receivers": RECEIVERS, "vmtas": SENDERS})
    found = json.loads(ssh("vps2", f"python3 -c '{LOOK}'", job))
    asked = [(receiver, vmta, end) for receiver, ends in found["queues"].items() for vmta, end in ends.items()]
    queues = " ".join(f"{end}/{vmta}" for _receiver, vmta, end in asked)
    shown = ssh("vps2", f"for queue in {queues}; do pmta show settings $queue || exit; echo ==; done").split("==\n")
    found["settings"] = {}
    for (receiver, vmta, _end), text in zip(asked, shown):
        found["settings"].setdefault(receiver, {})[vmta] = settings(text)
    return found


def test_no_password_is_shown_or_written_as_text(imported):
    place = imported["place"]
    shown = {name: imported[name] for name in ("import", "first", "second")}
    shown.update({path.name: path.read_text() for path in place.glob("*_imported_*")})
    shown["/etc/pmta/config"] = ssh("vps2", "cat /etc/pmta/config; journalctl --no-pager | tail -n 2000")
    assert {"10_imported_policy.yml", "10_imported_policy.md", "20_imported_vault.yml"} < set(shown)
    for name, text in shown.items():
        assert not [secret for secret in SECRETS if secret in text], name
    assert shown["20_imported_vault.yml"].startswith("$ANSIBLE_VAULT;")


def test_a_second_run_changes_nothing(imported):
    assert set(re.findall(r"changed=(\d+)", imported["second"].rpartition("PLAY RECAP")[2])) == {"0"}


@pytest.mark.parametrize("receiver", RECEIVERS)
def test_every_old_rule_is_shown_for_the_queue_where_mail_ends(receiver, before, after):
    end = ENDS.get(receiver, receiver)
    assert set(before["queues"][receiver].values()) == {end}
    assert after["queues"][receiver] == dict.fromkeys(SENDERS, end)
    mta1, mta2 = before["settings"][receiver]
    differ = {name for name in {*mta1, *mta2} if mta1.get(name) != mta2.get(name)}
    otherwise = {**FLEETS, **OTHERWISE.get(receiver, {})}
    assert differ <= set(otherwise), "nothing else was for the import to decide"
    wanted = {name: value for name, value in {**mta1, **otherwise}.items() if value is not None}
    for vmta in SENDERS:
        assert after["settings"][receiver][vmta] == wanted, vmta


def test_every_reply_pattern_and_bounce_category_is_there_in_its_order(before, after):
    for name, lines in before["replies"].items():
        # What stands there twice is kept once: the first match decides.
        assert after["replies"][name] == list(dict.fromkeys(lines)), name
    assert len(after["replies"]["backoff"]) > 50
    assert after["bounces"] == before["bounces"] and len(after["bounces"][""]) == 9


@pytest.fixture
def rolled_up(imported):
    """Two domains of the lab whose MX records say that somebody else takes their mail."""
    names = [name for name in RECEIVERS if name.endswith(".test")]
    changes = [("add", f"{name}.", 60, "MX", f"10 {RECEIVERS[name][0]}.") for name in names]
    assert client.update("sos-holidays.test", *changes) == "NOERROR"
    yield
    client.update("sos-holidays.test", *(("delete", f"{name}.") for name in names))
    for queue in ("office.rollup", "partner.queue"):
        ssh("vps2", f"pmta delete --queue='{queue}/vmta-mail2'")


def test_mail_really_ends_in_those_queues(rolled_up):
    """Nobody answers there, so mail waits in its queue, or its record names the queue. Only names that are nobody's get any."""
    receivers = [name for name in RECEIVERS if name.endswith((".test", ".example"))]
    mails = [Mail(f"<{TWO}>", to=f"{Mail('').token}@{name}") for name in receivers]
    assert send(*mails) == [[250, "accepted"]] * 4
    wanted = {f"{ENDS.get(name, name)}/vmta-mail2" for name in receivers}
    recipients = {mail.wire["rcpt_to"][0] for mail in mails}
    deadline = time.monotonic() + 20
    while True:
        found = {line.split()[0] for line in ssh("vps2", "pmta show queues */vmta-mail2 --maxitems=1000").splitlines()}
        records = csv.DictReader(ssh("vps2", "cat /var/log/pmta/acct-*.csv").splitlines())
        found |= {record["queue"] for record in records if record["rcpt"] in recipients}
        found = {name for name in found if name.endswith("/vmta-mail2")}
        if found == wanted or time.monotonic() > deadline:
            break
        time.sleep(0.5)
    assert found == wanted


def test_a_sender_still_reaches_a_mailbox(imported):
    mail = Mail(f"<{ONE}>")
    assert send(mail) == [[250, "accepted"]]
    message = arrived(mail)
    assert message and message["source_ip"] == "198.19.0.1" and message["ehlo"] == "mail1.sos-holidays.test"
    verdicts = message["authentication_results"]
    assert (verdicts["spf"], verdicts["dmarc"]) == ("pass", "pass")
    assert (verdicts["dkim"]["result"], verdicts["dkim"]["domain"]) == ("pass", "mail1.sos-holidays.test")
