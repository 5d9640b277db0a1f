#!/usr/bin/python
# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: pmta_import
short_description: Turn an existing PowerMTA configuration into policy
version_added: 0.1.0
description:
  - Reads a PowerMTA configuration with its includes on the host it runs on, and returns the policy variables that keep its rules for receivers, its
    reply patterns, bounce categories and settings, with a report that says of every line what became of it and why.
  - With O(directory) the policy and the report are written into an inventory. A file that was edited since the last import is not overwritten.
  - Files of the inventory that would replace what is imported, because Ansible reads them later, are named in RV(notes).
  - Where a line that would be kept is wrong, or an include cannot be read, nothing is written.
  - Values of passwords stand in no result, unless O(return_secrets=true).
author: email_engine.fleet contributors (@email-engine)
extends_documentation_fragment:
  - email_engine.fleet.attributes
  - email_engine.fleet.attributes.actiongroup_fleet
options:
  path:
    description: The configuration to read.
    type: path
    required: true
  home:
    description:
      - The directory in which the configuration stood on its own host. Where O(path) is a copy of it elsewhere, what is included by a full path
        below O(home) is read below the directory of O(path), and never from O(home) on this computer.
      - An include by a relative name is looked for beside the file that names it, and then beside O(path).
    type: path
    default: /etc/pmta
  directory:
    description: Directory of the inventory to write to. Without it nothing is written.
    type: path
  accounting:
    description: Paths of the accounting files that the role P(email_engine.fleet.powermta#role) writes; old ones of the same path are left to it.
    type: list
    elements: str
    default: [/var/log/pmta/acct.csv, /var/log/pmta/transient.csv]
  keep_undocumented:
    description: Keep directives that the vendor does not document.
    type: bool
    default: false
  drop_errors:
    description: Leave out lines that are wrong, and say so in the report, instead of refusing the whole configuration.
    type: bool
    default: false
  overwrite:
    description: Overwrite files that were edited since the last import.
    type: bool
    default: false
  return_secrets:
    description:
      - Return the passwords as the text of a variables file, RV(vault).
      - Refused unless the task has C(no_log=true).
    type: bool
    default: false
"""

EXAMPLES = r"""
- name: Look at what an import would do
  email_engine.fleet.pmta_import:
    path: /etc/pmta/config
  register: imported

- name: Write policy and report into the inventory
  email_engine.fleet.pmta_import:
    path: old/pmta/config
    directory: "{{ inventory_dir }}"
  delegate_to: localhost
"""

RETURN = r"""
policy:
  description: The variables, as V(policy_...); passwords are references to vaulted variables.
  returned: always
  type: dict
report:
  description: What became of each line of each file.
  returned: always
  type: list
  elements: dict
  sample:
    - file: /etc/pmta/config
      line: 12
      text: max-smtp-out 20
      verdict: kept
      where: policy_domain_settings.max-smtp-out
      why: ""
counts:
  description: How many lines were kept, replaced and dropped, are comments and blank.
  returned: always
  type: dict
  sample: {kept: 217, replaced: 55, dropped: 9, comment: 6, blank: 9}
notes:
  description: What is left to do by hand.
  returned: always
  type: list
  elements: str
variables:
  description: Names of the vaulted variables that hold the passwords found.
  returned: always
  type: list
  elements: str
  sample: [vault_imported_smtp_user_mailer]
files:
  description: Every file that was read.
  returned: always
  type: list
  elements: str
written:
  description: Files that were changed (or would be, in check mode), relative to O(directory).
  returned: always
  type: list
  elements: str
  sample: [group_vars/all/10_imported_policy.yml]
vault:
  description: Text of the variables file with the passwords, to be encrypted.
  returned: with O(return_secrets=true)
  type: str
"""

import os

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.email_engine.fleet.plugins.module_utils.local.config_files import Includes, read_text, trouble
from ansible_collections.email_engine.fleet.plugins.module_utils.local.writing import replace_file
from ansible_collections.email_engine.fleet.plugins.module_utils.pmta_import import Import, Unread, files, import_config
from ansible_collections.email_engine.fleet.plugins.module_utils.pmta_import.later import beats, said_again
from ansible_collections.email_engine.fleet.plugins.module_utils.pmta_import.report import markdown
from ansible_collections.email_engine.fleet.plugins.module_utils.problems import FleetError, Problem


class Resolver:
    """Reads includes of a configuration that may be a copy; says why one cannot be read.

    path: the main file; home: the directory it stood in on its own host.
    """

    def __init__(self, path: str = "", home: str = "") -> None:
        self._includes = Includes()
        self._path = path
        self._home = os.path.join(os.path.normpath(home), "") if home else ""

    def __call__(self, pattern: str, origin: str) -> list[tuple[str, str]]:
        texts, why = self._read(self._here(pattern), origin)
        if why and self._path and not os.path.isabs(pattern) and os.path.dirname(origin) != os.path.dirname(self._path):
            # Whether PowerMTA starts from the file that names it or from its own directory is not documented.
            texts, still = self._read(pattern, self._path)
            why = f"{why}; {still}" if still else ""
        if why:
            raise Unread(why)
        return [(self._name(name), text) for name, text in texts]

    def _read(self, pattern: str, origin: str) -> tuple[list[tuple[str, str]], str]:
        texts = self._includes(pattern, origin)
        unread = self._includes.unread[pattern, origin]
        return texts or [], "; ".join(one.what for one in unread) or ("" if texts else "nothing was read")

    def _here(self, pattern: str) -> str:
        """Where the copy of a file is that is included by the full path it had on its own host."""
        if not self._home or not os.path.normpath(pattern).startswith(self._home):
            return pattern
        if os.path.abspath(self._path).startswith(self._home):
            return pattern
        return os.path.join(os.path.dirname(os.path.abspath(self._path)), os.path.normpath(pattern)[len(self._home) :])

    @staticmethod
    def _name(name: str) -> str:
        """The shorter name of the file, where it leads to the same one: a file has one place in the report."""
        shorter = os.path.normpath(name)
        return shorter if os.path.exists(shorter) and os.path.samefile(name, shorter) else name


def run(params: dict) -> Import:
    path = params["path"]
    try:
        text = read_text(path, only_regular=True)
    except OSError as error:
        found = trouble(error)
        raise FleetError([Problem(path, f"cannot be read: {found.what}", f"{found.remedy}.")]) from None
    return import_config(
        text,
        path,
        Resolver(path, params["home"]),
        params["accounting"],
        params["keep_undocumented"],
        params["drop_errors"],
    )


def current(path: str) -> str | None:
    """The file's text, None if there is none."""
    try:
        with open(path, encoding="utf-8", errors="surrogateescape", newline="") as stream:
            return stream.read()
    except FileNotFoundError:
        return None


def inventory_files(directory: str) -> dict[str, str]:
    """{name: text} of the variable files that beat the imported ones. What cannot be read, Ansible will say."""
    found = {}
    for top in ("group_vars", "host_vars"):
        for folder, _folders, names in os.walk(os.path.join(directory, top), followlinks=True):
            for path in (os.path.join(folder, name) for name in names):
                name = os.path.relpath(path, directory)
                if beats(name) and os.path.isfile(path):
                    try:
                        found[name] = current(path) or ""
                    except OSError:
                        continue
    return found


def wanted_files(result: Import, path: str) -> dict[str, str]:
    """name -> text. Raises FleetError where there is no policy in the configuration."""
    if not result.counts["kept"]:
        what = "holds nothing that would be kept; the inventory would lose the default policy and have no other"
        raise FleetError([Problem(path, what, "Name the main file of the old PowerMTA, usually /etc/pmta/config.")])
    report = markdown(result.rows, result.notes, path)
    return {
        files.POLICY_FILE: files.policy_text(result.policy, path),
        files.REPORT_FILE: files.report_text(report),
    }


def changes(directory: str, wanted: dict[str, str], overwrite: bool) -> dict[str, tuple[str | None, str]]:
    """name -> (text before, text after) of what differs; FleetError where somebody edited a file."""
    if not os.path.isdir(directory):
        raise FleetError([Problem(directory, "is no directory", "Name the directory of an inventory.")])
    found, problems = {}, []
    for name, after in wanted.items():
        path = os.path.join(directory, name)
        before = current(path)
        if before == after:
            continue
        if before is not None and files.edited(before) and not overwrite:
            problems.append(
                Problem(
                    path,
                    "was edited since it was written, or is not from an import",
                    "Move your changes to a file that is read later, or say overwrite (import_config_overwrite=true).",
                )
            )
        found[name] = (before, after)
    if problems:
        raise FleetError(problems)
    return found


def write(path: str, text: str) -> None:
    """Replace the file in one step."""
    os.makedirs(os.path.dirname(path), exist_ok=True)
    replace_file(path, text, os.stat(path).st_mode & 0o7777 if os.path.exists(path) else 0o644)


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            "path": {"type": "path", "required": True},
            "home": {"type": "path", "default": "/etc/pmta"},
            "directory": {"type": "path"},
            "accounting": {
                "type": "list",
                "elements": "str",
                "default": ["/var/log/pmta/acct.csv", "/var/log/pmta/transient.csv"],
            },
            "keep_undocumented": {"type": "bool", "default": False},
            "drop_errors": {"type": "bool", "default": False},
            "overwrite": {"type": "bool", "default": False},
            # The passwords themselves are in the result, never in a parameter.
            "return_secrets": {"type": "bool", "default": False, "no_log": False},
        },
        supports_check_mode=True,
    )
    if module.params["return_secrets"] and not module.no_log:
        module.fail_json(msg="return_secrets: the result would be shown and logged. Set no_log: true on the task.")
    try:
        result = run(module.params)
        directory = module.params["directory"]
        changed = (
            changes(directory, wanted_files(result, module.params["path"]), module.params["overwrite"])
            if directory
            else {}
        )
        again = said_again(result.policy, inventory_files(directory)) if directory else []
    except FleetError as error:
        module.fail_json(msg=str(error), problems=[problem.__dict__ for problem in error.problems])
    if not module.check_mode:
        for name, (_before, after) in changed.items():
            try:
                write(os.path.join(directory, name), after)
            except OSError as error:
                module.fail_json(msg=f"{os.path.join(directory, name)}: cannot be written: {error.strerror}")
    answer = {
        "changed": bool(changed),
        "policy": result.policy,
        "report": [row._asdict() for row in result.rows],
        "counts": result.counts,
        "notes": [*result.notes, *again],
        "variables": sorted(result.secrets),
        "files": result.files,
        "written": list(changed),
        "diff": [
            {"before_header": name, "after_header": name, "before": before or "", "after": after}
            for name, (before, after) in changed.items()
        ],
    }
    if module.params["return_secrets"]:
        answer["vault"] = files.vault_text(result.secrets) if result.secrets else ""
    module.exit_json(**answer)


if __name__ == "__main__":
    main()
