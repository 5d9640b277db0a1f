# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""playbooks/rotate_dkim.yml, run after run, with real name servers that it publishes to; only PowerMTA is a file that names keys."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from ansible_collections.email_engine.fleet.tests.integration.test_dns_publish import PRIMARY, SECONDARY, SECRET, Knot

ROOT = Path(__file__).parents[2]
ZONE = "sos-holidays.test"
DOMAIN, OTHER = f"m1.{ZONE}", f"m2.{ZONE}"
LONG_AGO = "2026-01-01T00:00:00Z"
# What of converge.yml matters here.
CONVERGE = """
- name: Read the fleet
  hosts: localhost
  gather_facts: false
  roles: [email_engine.fleet.fleet]
- name: Make keys
  hosts: powermta
  gather_facts: false
  tasks:
    - email_engine.fleet.dkim_keys:
        domains: "{{ hostvars.localhost.fleet_document | email_engine.fleet.fleet_key_requests('vps2') }}"
        directory: "{{ powermta_dkim_directory }}"
      register: made
    - ansible.builtin.set_fact:
        powermta_keys: "{{ made['keys'] }}"
        powermta_other_keys: "{{ made['keys'] | map(attribute='others') | flatten(levels=1) }}"
- name: Publish
  hosts: localhost
  gather_facts: false
  tasks:
    - ansible.builtin.include_role: {name: email_engine.fleet.fleet, tasks_from: keys}
    - ansible.builtin.include_role: {name: email_engine.fleet.dns}
      vars:
        dns_fleet: "{{ fleet_document }}"
        dns_keys: "{{ hostvars.vps2.powermta_other_keys }}"
- name: Configure
  hosts: powermta
  gather_facts: false
  tasks:
    - ansible.builtin.copy:
        content: "{{ powermta_keys | map(attribute='path') | join('\\n') }}"
        dest: "{{ powermta_config_path }}"
        mode: "0600"
      when: not (no_configuration | default(false) | bool)
    - ansible.builtin.assert: {that: not (no_configuration | default(false) | bool)}
"""


class Site:
    def __init__(self, place: Path, dns: Knot):
        self.place, self.dns, self.keys = place, dns, place / "dkim"
        books = place / "playbooks"
        books.mkdir(parents=True)
        shutil.copy(ROOT / "playbooks/rotate_dkim.yml", books)
        (books / "converge.yml").write_text(CONVERGE)
        (place / "home").mkdir()
        block = {
            "first": "198.19.0.1",
            "count": 2,
            "domain": f"m{{n}}.{ZONE}",
            "vmta": "vmta-m{n}",
            "prefixes": ["info"],
            "ptr": {"method": "rfc2136"},
        }
        server = {
            "name": "ns1",
            "address": PRIMARY,
            "port": dns.port,
            "key_name": "fleet.",
            "key_secret": SECRET,
            "suffixes": [ZONE, "operator.test", "0.19.198.in-addr.arpa"],
        }
        common = {
            "ansible_python_interpreter": sys.executable,
            "policy_operator": "ops@operator.test",
            "fleet_tenants": [
                {"name": "sos", "domain": ZONE, "feeders": [{"address": "192.0.2.11"}], "ranges": [block]}
            ],
            "dns_servers": [server],
            "dns_resolver": [f"{PRIMARY}@{dns.port}"],
            "powermta_dkim_directory": str(self.keys),
            "powermta_config_path": str(place / "config"),
        }
        host = {"ansible_connection": "local", "ansible_become": False}
        inventory = {"all": {"vars": common, "children": {"powermta": {"hosts": {"vps2": host}}}}}
        (place / "hosts.yml").write_text(yaml.safe_dump(inventory))

    def play(self, playbook: str, *extra: str, code: int = 0) -> str:
        command = [Path(sys.executable).parent / "ansible-playbook", "-i", self.place / "hosts.yml"]
        command += [self.place / "playbooks" / f"{playbook}.yml", "-e", "__powermta_group=0", *extra]
        environment = {**os.environ, "HOME": str(self.place / "home"), "ANSIBLE_NOCOLOR": "1"}
        done = subprocess.run(
            [str(word) for word in command], env=environment, capture_output=True, text=True, timeout=240, check=False
        )
        assert done.returncode == code, (done.stdout + done.stderr)[-6000:]
        assert "PRIVATE KEY" not in done.stdout
        return done.stdout

    def entry(self, domain: str = DOMAIN) -> dict:
        return json.loads((self.keys / "keys.json").read_text())["domains"][domain]

    def date(self, selector: str, **dates) -> None:
        """As if it had been then."""
        path = self.keys / "keys.json"
        registry = json.loads(path.read_text())
        registry["domains"][DOMAIN]["keys"][selector].update(dates)
        path.write_text(json.dumps(registry))

    def record(self, selector: str, domain: str = DOMAIN) -> set[str]:
        """What the two servers have, which is to be the same."""
        name = f"{selector}._domainkey.{domain}"
        found = [self.dns.ask(name, "TXT", address) for address in (PRIMARY, SECONDARY)]
        assert found[0] == found[1], found
        return {"".join(value.split('"')).replace(" ", "") for value in found[0]}

    def files(self) -> set[str]:
        return {path.name for path in self.keys.glob("*.pem")}


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    if not shutil.which("knotd"):
        pytest.fail("knotd is missing: apt-get install knot")
    place = tmp_path_factory.mktemp("rotate")
    dns = Knot(place / "dns")
    try:
        dns.start()
        found = Site(place / "site", dns)
        found.play("converge")
        yield found
    finally:
        dns.stop()


@pytest.mark.slow
def test_run_after_run(site):
    """Each run goes as far as it can; a converge between two of them changes nothing."""
    (old,) = site.entry()["keys"]
    before = (site.keys / "keys.json").read_text()
    said = site.play("rotate_dkim", "-e", f"rotate_dkim_domains={DOMAIN}", "--check")
    assert f"{DOMAIN}: make {old}a (asked for)" in said
    assert (site.keys / "keys.json").read_text() == before and site.files() == {
        f"{old}.{DOMAIN}.pem",
        f"{old}.{OTHER}.pem",
    }

    new = f"{old}a"
    said = site.play("rotate_dkim", "-e", f"rotate_dkim_domains={DOMAIN}")
    assert f"{DOMAIN}: wait {new}, not before" in said and site.entry()["current"] == old
    for selector in (old, new):
        assert site.record(selector) == {f"v=DKIM1;k=rsa;p={site.entry()['keys'][selector]['public']}"}
    site.play("converge")
    assert site.record(new), "a converge took the new key's record away"

    site.date(new, usable=LONG_AGO)
    said = site.play("rotate_dkim", "-e", "no_configuration=true", code=2)
    assert site.entry()["current"] == new and f"{old}.{DOMAIN}.pem" in site.files(), "its key has to stay until then"
    said = site.play("rotate_dkim")
    assert f"{new}.{DOMAIN}.pem" in (site.place / "config").read_text()
    assert site.files() == {f"{new}.{DOMAIN}.pem", f"{old}.{OTHER}.pem"}
    assert f"{DOMAIN}: keep {old}, not before" in said
    site.play("converge")
    assert site.record(old) and site.record(new), "a converge took the old key's record away"

    site.date(old, retired=LONG_AGO)
    site.play("rotate_dkim")
    assert site.record(old) == {"v=DKIM1;k=rsa;p="}
    assert site.entry()["keys"][old]["void"], "every server shows it"
    site.date(old, void=LONG_AGO)
    site.play("rotate_dkim")
    assert site.record(old) == set() and site.entry()["keys"][old]["removed"] and site.record(new)
    said = site.play("rotate_dkim")
    assert "Nothing is due." in said and "changed=0" in said.partition("PLAY RECAP")[2].splitlines()[1]
    assert site.entry(OTHER)["current"] == old and len(site.entry(OTHER)["keys"]) == 1


def test_a_key_that_is_not_the_published_one_does_not_switch(site):
    """The record is right, the private key is not: its probe shows it."""
    site.play("rotate_dkim", "-e", f"rotate_dkim_domains={OTHER}")
    entry = site.entry(OTHER)
    (new,) = set(entry["keys"]) - {entry["current"]}
    registry = json.loads((site.keys / "keys.json").read_text())
    registry["domains"][OTHER]["keys"][new]["usable"] = LONG_AGO
    (site.keys / "keys.json").write_text(json.dumps(registry))
    shutil.copy(site.keys / f"{entry['current']}.{OTHER}.pem", site.keys / f"{new}.{OTHER}.pem")
    said = site.play("rotate_dkim", code=2)
    assert "Not switched, the old keys sign on" in said and site.entry(OTHER)["current"] == entry["current"]


def test_a_domain_that_nobody_sends_with_is_refused(site):
    assert "the fleet has no sender with x.test" in site.play("rotate_dkim", "-e", "rotate_dkim_domains=x.test", code=2)
