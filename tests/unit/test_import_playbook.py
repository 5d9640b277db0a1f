# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The import as an operator runs it: what it writes into an inventory, when it writes nothing, and that it says no password."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
OLD = ROOT / "tests/unit/plugins/module_utils/pmta_import/old/config"
BIN = Path(sys.executable).parent
POLICY, REPORT, VAULT = "10_imported_policy.yml", "10_imported_policy.md", "20_imported_vault.yml"
SECRETS = ("s3cret-of-the-relay", "Tr0ub4dor", "abcdefghijklmnopqrstuvwxyz0123456789", "hunter2")

pytestmark = pytest.mark.slow


class Inventory:
    def __init__(self, folder):
        self.folder = folder
        self.directory = folder / "inventory"
        self.all = self.directory / "group_vars/all"
        shutil.copytree(ROOT / "inventories/example", self.directory)
        self.password = folder / "word"
        self.password.write_text("a word\n")

    def run(self, *arguments, vault=True, config=OLD, playbook=str(ROOT / "playbooks/import_config.yml")):
        extra = ["--vault-password-file", str(self.password)] if (self.all / VAULT).exists() else []
        extra += ["-e", f"import_config_vault_password_file={self.password}"] if vault else []
        done = subprocess.run(
            [
                BIN / "ansible-playbook",
                "-i",
                self.directory,
                playbook,
                "-vv",
                "-e",
                f"import_config={config}",
                *extra,
                *arguments,
            ],
            capture_output=True,
            text=True,
            check=False,
            cwd=self.folder,
            env={**os.environ, "ANSIBLE_NOCOLOR": "1", "COLUMNS": "400"},
        )
        said = done.stdout + done.stderr
        assert not [word for word in SECRETS if word in said]
        return done.returncode, said

    def files(self):
        return {path.name: path.read_bytes() for path in self.all.iterdir() if "imported" in path.name}

    def vaulted(self):
        shown = subprocess.run(
            [BIN / "ansible-vault", "view", "--vault-password-file", self.password, self.all / VAULT],
            capture_output=True,
            text=True,
            check=True,
        )
        return shown.stdout


@pytest.fixture(scope="module")
def inventory(tmp_path_factory):
    return Inventory(tmp_path_factory.mktemp("import"))


def test_passwords_without_a_vault_are_refused_and_nothing_is_written(inventory):
    code, said = inventory.run(vault=False)
    assert code != 0 and "import_config_vault_password_file" in said
    assert inventory.files() == {}


def test_check_mode_shows_and_writes_nothing(inventory):
    code, said = inventory.run("--check", "--diff")
    assert code == 0 and "+policy_providers:" in said
    assert inventory.files() == {}


def test_the_import_and_a_second_one_that_changes_nothing(inventory):
    code, _said = inventory.run("--diff", playbook="email_engine.fleet.import_config")
    assert code == 0
    first = inventory.files()
    assert sorted(first) == [REPORT, POLICY, VAULT]
    assert not [word for word in SECRETS for text in first.values() if word.encode() in text]
    assert yaml.safe_load(first[POLICY])["policy_domain_settings"]["dkim-sign"] is True
    assert "vault_imported_smtp_user_mailer: !unsafe 'Tr0ub4dor'" in inventory.vaulted()
    code, said = inventory.run()
    assert code == 0 and "changed=0" in said
    assert inventory.files() == first


def test_ansible_reads_the_policy_with_its_passwords(inventory):
    shown = subprocess.run(
        [
            BIN / "ansible",
            "-i",
            inventory.directory,
            "--vault-password-file",
            inventory.password,
            "powermta",
            "-c",
            "local",
            "-m",
            "ansible.builtin.debug",
            "-a",
            "msg={{ policy_domains['partner.queue']['auth-password'] }}-{{ policy_domain_settings['bounce-after'] }}",
        ],
        capture_output=True,
        text=True,
        check=True,
    )
    assert "s3cret-of-the-relay-24h" in shown.stdout


def test_the_role_takes_the_policy(inventory):
    """Its argument specification, which Ansible checks whenever the role is used."""
    play = inventory.folder / "play.yml"
    play.write_text("- {hosts: powermta, connection: local, gather_facts: false, roles: [email_engine.fleet.policy]}\n")
    code, said = inventory.run(playbook=play)
    assert code == 0, said


def test_the_module_returns_passwords_to_no_task_that_would_show_them(inventory):
    done = subprocess.run(
        [BIN / "ansible", "localhost", "-m", "email_engine.fleet.pmta_import", "-a", f"path={OLD} return_secrets=true"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode != 0 and "no_log" in done.stdout
    assert not [word for word in SECRETS if word in done.stdout + done.stderr]


@pytest.mark.parametrize("name", [POLICY, REPORT, VAULT])
def test_an_edited_file_is_not_overwritten_unless_told_to(inventory, name):
    path = inventory.all / name
    good = path.read_bytes()
    if name == VAULT:
        edit = inventory.folder / "edited.yml"
        edit.write_text(inventory.vaulted() + "mine: 1\n")
        command = [
            BIN / "ansible-vault",
            "encrypt",
            "--vault-password-file",
            inventory.password,
            "--output",
            path,
            edit,
        ]
        subprocess.run(command, check=True, capture_output=True)
    else:
        path.write_bytes(good + b"# mine\n")
    before = inventory.files()
    code, said = inventory.run()
    assert code != 0 and "was edited" in said
    assert inventory.files() == before
    code, said = inventory.run("-e", "import_config_overwrite=true")
    assert code == 0
    if name == VAULT:
        assert "mine" not in inventory.vaulted()
    else:
        assert path.read_bytes() == good


def test_a_configuration_that_is_wrong_is_refused_with_its_findings(inventory, tmp_path):
    wrong = tmp_path / "config"
    wrong.write_text("<domain *>\nmax-smtp-out many\nauth-password Tr0ub4dor oops\n</domain>\ninclude lost\n")
    before = inventory.files()
    code, said = inventory.run(config=wrong)
    assert code != 0 and f"{wrong}:5" in said and "there is no such file" in said
    wrong.write_text("<domain *>\nmax-smtp-out many\nauth-password Tr0ub4dor oops\n</domain>\n")
    code, said = inventory.run(config=wrong)
    assert code != 0 and f"{wrong}:2" in said and "argument-value" in said
    assert inventory.files() == before
