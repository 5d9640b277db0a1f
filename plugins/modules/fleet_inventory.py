#!/usr/bin/python
# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: fleet_inventory
short_description: Write a sender into the inventory's explicit list
version_added: 0.1.0
description:
  - Finds the inventory file that declares C(fleet_tenants) and appends a sender to the C(senders) list of one tenant.
  - Comments, order and spelling of the rest of the file stay as they are.
  - Where the file cannot be written (no such file, vaulted, read-only), nothing is changed and the lines are returned.
  - Runs on the control node.
author: email_engine.fleet contributors (@email-engine)
requirements:
  - ruamel.yaml
extends_documentation_fragment:
  - email_engine.fleet.attributes
  - email_engine.fleet.attributes.actiongroup_fleet
options:
  directory:
    description: Directory of the inventory.
    type: path
    required: true
  tenant:
    description: Name of the tenant.
    type: str
    required: true
  sender:
    description: The entry, with the keys of an explicit sender.
    type: dict
    required: true
"""

EXAMPLES = r"""
- name: Add a sender
  email_engine.fleet.fleet_inventory:
    directory: "{{ inventory_dir }}"
    tenant: sos-holidays
    sender:
      ip: 192.0.2.6
      domain: mail6.example.org
      prefix: team
  delegate_to: localhost
"""

RETURN = r"""
file:
  description: The file that declares the tenants; empty when none was found.
  returned: always
  type: str
  sample: inventories/production/group_vars/all/fleet.yml
written:
  description: Whether the entry stands in the file now (or would, in check mode).
  returned: always
  type: bool
  sample: true
reason:
  description: Why the file could not be written.
  returned: when RV(written=false)
  type: str
  sample: is encrypted
lines:
  description: The lines of the entry, to be committed by hand where RV(written=false).
  returned: always
  type: list
  elements: str
  sample: ["- ip: 192.0.2.6", "  domain: mail6.example.org"]
"""

import io
import os
import traceback

from ansible.module_utils.basic import AnsibleModule, missing_required_lib

from ansible_collections.email_engine.fleet.plugins.module_utils.local.writing import replace_file

try:
    from ruamel.yaml import YAML
    from ruamel.yaml.comments import CommentedMap, CommentedSeq

    RUAMEL_IMPORT_ERROR = None
except ImportError:
    RUAMEL_IMPORT_ERROR = traceback.format_exc()

VARIABLE = "fleet_tenants"


class CannotWrite(Exception):
    """The inventory has to be changed by a person."""


def find_file(directory: str) -> str:
    """The file under group_vars that declares the tenants; raises CannotWrite unless there is exactly one."""
    found, locked = [], []
    for where, dirs, files in os.walk(os.path.join(directory, "group_vars")):
        dirs.sort()
        for name in sorted(files):
            path = os.path.join(where, name)
            if name.endswith((".yml", ".yaml", ".json")) or "." not in name:
                with open(path, encoding="utf-8", errors="replace") as stream:
                    lines = stream.readlines()
                if any(line.startswith(f"{VARIABLE}:") for line in lines):
                    found.append(path)
                elif lines and lines[0].startswith("$ANSIBLE_VAULT"):
                    locked.append(path)
    if len(found) == 1:
        return found[0]
    if not found and locked:
        raise CannotWrite(f"{VARIABLE} stands in no plain file; {', '.join(locked)} is encrypted")
    raise CannotWrite(f"{VARIABLE} is declared by {', '.join(found) or 'no file'} under {directory}/group_vars")


def editor() -> YAML:
    yaml = YAML()
    yaml.preserve_quotes = True
    yaml.width = 4096
    yaml.indent(mapping=2, sequence=4, offset=2)
    return yaml


def split_head(text: str) -> tuple[str, str]:
    """What stands before and with the document marker, and the rest: ruamel drops comments in front of the marker."""
    lines = text.splitlines(keepends=True)
    for number, line in enumerate(lines):
        if line.rstrip() == "---":
            return "".join(lines[: number + 1]), "".join(lines[number + 1 :])
        if line.strip() and not line.startswith("#"):
            break
    return "", text


def with_sender(text: str, tenant: str, sender: dict) -> str:
    """The file's text with the entry appended; raises CannotWrite when the shape is not a plain list of tenants."""
    yaml = editor()
    head, text = split_head(text)
    data = yaml.load(text)
    tenants = data.get(VARIABLE)
    if not isinstance(tenants, CommentedSeq):
        raise CannotWrite(f"{VARIABLE} is not written as a plain list")
    for entry in tenants:
        if isinstance(entry, CommentedMap) and entry.get("name") == tenant:
            senders = entry.get("senders")
            if senders is None or len(senders) == 0:
                entry["senders"] = CommentedSeq()
            entry["senders"].append(CommentedMap(sender))
            out = io.StringIO()
            yaml.dump(data, out)
            return head + out.getvalue()
    raise CannotWrite(f"the file declares no tenant {tenant}")


def entry_lines(sender: dict) -> list[str]:
    out = io.StringIO()
    editor().dump([CommentedMap(sender)], out)
    lines = out.getvalue().rstrip("\n").split("\n")
    shift = len(lines[0]) - len(lines[0].lstrip())
    return [line[shift:] for line in lines]


def write(path: str, text: str) -> None:
    """Replace the file in one step, keeping its mode and owner."""
    old = os.stat(path)
    replace_file(path, text, old.st_mode & 0o7777, (old.st_uid, old.st_gid))


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            "directory": {"type": "path", "required": True},
            "tenant": {"type": "str", "required": True},
            "sender": {"type": "dict", "required": True},
        },
        supports_check_mode=True,
    )
    if RUAMEL_IMPORT_ERROR:
        module.fail_json(msg=missing_required_lib("ruamel.yaml"), exception=RUAMEL_IMPORT_ERROR)
    sender = module.params["sender"]
    result: dict = {"changed": False, "file": "", "written": False, "lines": entry_lines(sender)}
    try:
        result["file"] = path = find_file(module.params["directory"])
        with open(path, encoding="utf-8") as stream:
            before = stream.read()
        if not os.access(path, os.W_OK) or not os.access(os.path.dirname(path), os.W_OK):
            raise CannotWrite("is read-only for this user")
        after = with_sender(before, module.params["tenant"], sender)
        if not module.check_mode:
            write(path, after)
    except (CannotWrite, OSError) as error:
        module.exit_json(**result, reason=str(error))
    result.update(
        changed=True, written=True, diff={"before": before, "after": after, "before_header": path, "after_header": path}
    )
    module.exit_json(**result)


if __name__ == "__main__":
    main()
