# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The demonstration: deploys the lab's fleet, proves it message by message, adds an IP, has one listed, sends campaigns; writes build/demo/report.json.

Run by bin/demo, with the lab up. Exit code 0 only when every sender and every scenario is proven.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import yaml

from ansible_collections.email_engine.fleet.plugins.module_utils.proof import proof_table
from ansible_collections.email_engine.fleet.tests.lab.demo_campaign import campaign
from ansible_collections.email_engine.fleet.tests.lab.demo_isolation import isolation
from ansible_collections.email_engine.fleet.tests.lab.demo_listing import listing
from ansible_collections.email_engine.fleet.tests.lab.engine import Engine, environment

ROOT = Path(__file__).resolve().parents[2]
OUT = ROOT / "build" / "demo"
PLAYBOOK = str(Path(sys.executable).parent / "ansible-playbook")


class Failed(Exception):
    """A step did not do what it must; the text says which and where its log lies."""


def say(text: str) -> None:
    print(f"demo: {text}", flush=True)


def play(name: str, playbook: str, inventory: Path, *extra: str) -> tuple[float, dict[str, dict[str, int]]]:
    """Runs a playbook: seconds it took and the recap ``{host: {"ok": n, "changed": n, ...}}``."""
    log = OUT / f"{name}.log"
    say(f"{name} ... (log {log.relative_to(ROOT)})")
    begin = time.monotonic()
    with log.open("w") as stream:
        code = subprocess.run(
            [PLAYBOOK, "-i", str(inventory), playbook, *extra],
            cwd=ROOT,
            env=environment(inventory),
            stdout=stream,
            stderr=subprocess.STDOUT,
        ).returncode
    seconds = round(time.monotonic() - begin, 1)
    text = log.read_text()
    if code:
        raise Failed(f"{name} failed after {seconds} s:\n" + "\n".join(text.splitlines()[-40:]))
    say(f"{name}: {seconds} s")
    return seconds, recap(text)


def recap(text: str) -> dict[str, dict[str, int]]:
    hosts = {}
    for line in text.rpartition("PLAY RECAP")[2].splitlines():
        match = re.match(r"(\S+)\s*: (ok=.*)", line)
        if match:
            hosts[match[1]] = {key: int(value) for key, value in re.findall(r"(\w+)=(\d+)", match[2])}
    return hosts


def ssh(machine: str, command: str) -> str:
    return subprocess.run(
        [str(ROOT / "bin" / "lab"), "ssh", machine, command], check=True, capture_output=True, text=True
    ).stdout


def proof(name: str, inventory: Path, into: list[dict] | None = None) -> list[dict]:
    """The rows of the proof; kept in *into* (less their texts) even when an edge is broken."""
    report = OUT / f"{name}.json"
    report.unlink(missing_ok=True)
    try:
        play(name, "tests/lab/proof.yml", inventory, "-e", f"proof_report={report}")
    finally:
        rows = json.loads(report.read_text()) if report.exists() else []
        for line in proof_table(rows):
            print(f"    {line}", flush=True)
        if into is not None:
            into += [{key: value for key, value in row.items() if key not in ("ok", "broken")} for row in rows]
    return rows


def is_idempotent(hosts: dict[str, dict[str, int]]) -> bool:
    return bool(hosts) and all(counts["changed"] == 0 and counts["failed"] == 0 for counts in hosts.values())


# One more sender, and mail that waits while it is added ---------------------------------------------------------

WAITING = 20
_INJECT = """
import smtplib
with smtplib.SMTP("198.18.0.12", 2525, timeout=30) as smtp:
    for n in range({count}):
        who, domain = {senders}[n % len({senders})]
        smtp.sendmail("bounce@" + domain, ["waiting@gmail.test"],
            "From: " + who + "\\r\\nTo: waiting@gmail.test\\r\\nSubject: {token} " + str(n) + "\\r\\n\\r\\nWaits.\\r\\n")
"""


def queued(vmtas: list[str]) -> dict[str, int]:
    """Recipients per virtual MTA."""
    counts = {}
    for line in ssh("vps2", "pmta show vmtas --maxitems=100000").splitlines():
        words = line.split()
        if words and words[0] in vmtas:
            counts[words[0]] = int(words[2])
    return counts


def state() -> dict[str, str]:
    """What adding an IP must leave alone: the keys, the running process, the addresses."""
    return {
        "keys": ssh("vps2", "cd /etc/pmta/dkim && sha256sum *mail[1-5].*.pem"),
        "process": ssh("vps2", "systemctl show pmta -p MainPID -p ActiveEnterTimestampMonotonic"),
        "addresses": ssh("vps2", "ip -o -4 address show to 198.19.0.0/29 | grep -oE '198.19.0.[1-5]/32' | sort"),
    }


def by_playbook(inventory: Path, number: int) -> None:
    play(
        "add_ip",
        "playbooks/add_ip.yml",
        inventory,
        "-e",
        f"add_ip_ip=198.19.0.{number} add_ip_domain=mail{number}.sos-holidays.test add_ip_vmta=vmta-mail{number}",
        "-e",
        '{"add_ip_settings": {"status": "active"}}',
    )


def by_count(inventory: Path, number: int) -> None:
    path = inventory / "group_vars" / "all" / "fleet.yml"
    path.write_text(path.read_text().replace("count: 5", f"count: {number}"))
    play(f"count_{number}", "site.yml", inventory)


def add_ip(
    inventory: Path, senders: list[dict], add: Callable[[Path, int], None] = by_playbook, number: int = 6
) -> dict:
    """Adds a sender, the *number*-th of the fleet, while mail waits in the queues of the first five, and looks at what it must leave alone."""
    vmtas = [f"vmta-mail{n}" for n in range(1, 6)]
    token = f"waiting{time.time_ns()}"
    ssh("internet", "systemctl stop postfix")  # the providers are down, so the mail has to wait
    prefixes = ["contact", "support", "hello", "info", "noreply"]
    who = [(f"{p}@{s['sender']}", s["sender"]) for p, s in zip(prefixes, senders)]
    script = _INJECT.format(count=WAITING, senders=repr(who), token=token)
    subprocess.run(
        [str(ROOT / "bin" / "lab"), "ssh", "vps1", "python3 -"],
        input=script,
        text=True,
        check=True,
        capture_output=True,
    )
    before, queue_before = state(), queued(vmtas)
    begin = time.monotonic()
    try:
        add(inventory, number)
        seconds = round(time.monotonic() - begin, 1)
        after, queue_after = state(), queued(vmtas)
    finally:
        ssh("internet", "systemctl start postfix")
        ssh("vps2", "pmta schedule '*/*'")
    arrived = json.loads(read_mail("--search", token, "--wait", "60", "--count", str(WAITING)))
    subjects = sorted(message["subject"] for message in arrived)
    checks = {
        "keys_kept": before["keys"] == after["keys"] and bool(before["keys"]),
        "reloaded_not_restarted": before["process"] == after["process"],
        "addresses_kept": before["addresses"] == after["addresses"] and bool(before["addresses"]),
        "queue_kept": queue_before == queue_after and sum(queue_before.values()) == WAITING,
        "no_message_lost": subjects == sorted(f"{token} {n}" for n in range(WAITING)),
    }
    rows = proof(f"proof_{number}", inventory)
    checks["new_sender_works"] = len(rows) == number and all(row["ok"] for row in rows)
    return {"ok": all(checks.values()), "seconds": seconds, **checks}


# The sixth sender, through the engine's API -----------------------------------------------------------------------------

_FIRST = """
import smtplib
with smtplib.SMTP("198.18.0.12", 2525, timeout=30) as smtp:
    smtp.sendmail("bounce+reader=gmail.test@{domain}", ["reader@gmail.test"],
        "From: {sender}\\r\\nTo: reader@gmail.test\\r\\nSubject: {token}\\r\\n\\r\\nThe first.\\r\\n")
"""


def add_ip_by_api(inventory: Path) -> dict:
    """One request adds a sender; nobody touches anything until its first message has arrived."""
    engine = Engine()
    name = "mail6.sos-holidays.test"
    begin = time.monotonic()
    answer = engine.post("/ips", {"ip": "198.19.0.6", "domain": name}, expect=(202,))
    say(f"POST /ips: job {answer['job']['id']}")
    checks = {"standby_at_first": answer["sender"]["status"] == "standby"}
    job = engine.job(answer["job"]["id"])
    engine.idle()
    sender = engine.get(f"/ips/{name}")
    token = f"first{time.time_ns()}"
    subprocess.run(
        [str(ROOT / "bin" / "lab"), "ssh", "vps1", "python3 -"],
        input=_FIRST.format(domain=name, sender=sender["from_email"], token=token),
        text=True,
        check=True,
        capture_output=True,
    )
    arrived = json.loads(read_mail("--search", token, "--wait", "60", "--count", "1"))
    seconds = round(time.monotonic() - begin, 1)
    rows = [row for row in proof("proof_api", inventory) if row["sender"] == name]
    checks |= {
        "job_succeeded": job["state"] == "succeeded",
        "warms_up": (sender["status"], sender["phase"], sender["daily_quota"]) == ("warming", "week_1", 50),
        "first_message_from_its_own_ip": [message["source_ip"] for message in arrived] == ["198.19.0.6"],
        "passes_all_checks": len(rows) == 1 and rows[0]["ok"],
    }
    return {"ok": all(checks.values()), "seconds": seconds, **checks}


def read_mail(*arguments: str) -> str:
    script = (ROOT / "tests" / "lab" / "read_mail.py").read_text()
    # Ends with 1 when there are fewer messages than were waited for; that is judged by who asked.
    return subprocess.run(
        [str(ROOT / "bin" / "lab"), "ssh", "internet", "python3 - " + " ".join(arguments)],
        input=script,
        text=True,
        check=False,
        capture_output=True,
    ).stdout


# MailWizz, and a second tenant ------------------------------------------------------------------------------------------


def with_mailwizz(inventory: Path) -> float:
    """Goes on by inventories/lab_mailwizz, with what was added to the inventory so far; seconds that `site.yml` took."""
    fleet = Path("group_vars/all/fleet.yml")
    added = yaml.safe_load((inventory / fleet).read_text())["fleet_tenants"][0]["senders"]
    shutil.rmtree(inventory)
    shutil.copytree(ROOT / "inventories" / "lab_mailwizz", inventory)
    text = (inventory / fleet).read_text()
    (inventory / fleet).write_text(text.replace("senders: []", f"senders: {json.dumps(added)}"))
    seconds, _hosts = play("site_mailwizz", "site.yml", inventory)
    _again, hosts = play("site_mailwizz_again", "site.yml", inventory)
    if not is_idempotent(hosts):
        raise Failed(f"a second site.yml with MailWizz changed something: {hosts}")
    return seconds


def first_campaigns(inventory: Path) -> dict:
    seconds = with_mailwizz(inventory)
    return {**campaign(), "seconds_site": seconds}


# In this order: the inventory's new sender is the seventh, the standby the eighth; the last two go on by an inventory with MailWizz.
SCENARIOS: dict[str, Callable[[Path, list[dict]], dict]] = {
    "add_ip_api": lambda inventory, _senders: add_ip_by_api(inventory),
    "add_ip": lambda inventory, senders: add_ip(inventory, senders, number=7),
    "listing": lambda inventory, _senders: listing(inventory),
    "campaign": lambda inventory, _senders: first_campaigns(inventory),
    "isolation": lambda _inventory, _senders: isolation(),
}


def main() -> int:
    OUT.mkdir(parents=True, exist_ok=True)
    begin = time.monotonic()
    report: dict = {"senders": [], "scenarios": {}, "idempotent": False, "seconds": {}}
    # A copy, because adding an IP writes the inventory.
    inventory = OUT / "inventory"
    shutil.rmtree(inventory, ignore_errors=True)
    shutil.copytree(ROOT / "inventories" / "lab_engine", inventory)
    scenario = None
    try:
        report["seconds"]["site"], _hosts = play("site", "site.yml", inventory)
        proof("proof", inventory, report["senders"])
        report["seconds"]["site_again"], hosts = play("site_again", "site.yml", inventory)
        report["idempotent"] = is_idempotent(hosts)
        for scenario, run in SCENARIOS.items():
            report["scenarios"][scenario] = run(inventory, report["senders"])
    except (Failed, AssertionError, subprocess.SubprocessError) as error:
        if scenario is not None:
            report["scenarios"].setdefault(scenario, {"ok": False, "error": str(error).splitlines()[0]})
        say(f"FAILED: {error}")
        return 1
    finally:
        report["seconds"]["total"] = round(time.monotonic() - begin, 1)
        (OUT / "report.json").write_text(json.dumps(report, indent=2) + "\n")
        say(f"report: {(OUT / 'report.json').relative_to(ROOT)}")
    for name, result in report["scenarios"].items():
        told = ", ".join(f"{key} {value}" for key, value in result.items() if key != "audit")
        say(f"scenario {name}: {told}")
    say(f"a second site.yml changes nothing: {report['idempotent']}")
    good = report["idempotent"] and all(result["ok"] for result in report["scenarios"].values())
    say("everything is proven" if good else "FAILED: see above")
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
