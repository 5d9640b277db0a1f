#!/usr/bin/python

# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: inventory_revision
short_description: Say how old an inventory is
version_added: 0.1.0
author: email_engine.fleet contributors (@email-engine)
description:
  - Finds the last commit that changed the inventory or a file that it links, such as the shared policy. Files that differ from what is committed count
    by the time they were written.
  - Without git, all files count by the time they were written.
  - A copy that was brought to another computer has a file C(.email-engine-revision.json), which says how old it is; that wins.
  - Runs on the control node. Changes nothing.
notes:
  - Files that git ignores do not count.
extends_documentation_fragment:
  - email_engine.fleet.attributes.info
  - email_engine.fleet.attributes.actiongroup_fleet
options:
  directory:
    description: The inventory's directory.
    type: path
    required: true
"""

EXAMPLES = r"""
- name: Learn how old the inventory is
  email_engine.fleet.inventory_revision:
    directory: "{{ inventory_dir }}"
  register: inventory_age
"""

RETURN = r"""
revision:
  description: The commit's hash, with C(-dirty) where files differ from it; V(uncommitted) where there is none.
  returned: success
  type: str
  sample: 3bf38964b0c4b7c5f6a2ad3b1f0c7d9e5a1e2f30
made_at:
  description: When the inventory was last changed, as ISO 8601 in UTC.
  returned: success
  type: str
  sample: "2026-11-22T10:00:00+00:00"
dirty:
  description: Whether files differ from what is committed.
  returned: success
  type: bool
  sample: false
"""

import os
import time
import typing as t

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.email_engine.fleet.plugins.module_utils.fleet import revision
from ansible_collections.email_engine.fleet.plugins.module_utils.problems import FleetError, Problem

# Its words to (code, stdout, stderr).
Command = t.Callable[[list], tuple]


def files(directory: str) -> list[str]:
    """Every file of the inventory, under the name it really has; a link that leads nowhere under its own."""
    found = set()
    for where, folders, names in os.walk(directory, followlinks=True):
        folders[:] = sorted(name for name in folders if name != ".git")
        for name in names:
            found.add(os.path.realpath(os.path.join(where, name)))
    return sorted(found)


def written(path: str) -> float:
    """When; of a file that is gone, when its directory changed."""
    while not os.path.lexists(path):
        path = os.path.dirname(path)
    return os.lstat(path).st_mtime


def committed(top: str, paths: list[str], command: Command) -> tuple[str, int] | None:
    """Hash and time of the last commit that changed one of the paths."""
    code, out, _err = command(["git", "-C", top, "log", "-1", "--format=%H %ct", "--", *paths])
    words = out.split()
    return (words[0], int(words[1])) if code == 0 and len(words) == 2 else None


def changed(top: str, paths: list[str], command: Command) -> list[str]:
    """Files that differ from what is committed, new ones and removed ones among them."""
    code, out, _err = command(
        ["git", "-C", top, "status", "--porcelain", "-z", "--untracked-files=all", "--no-renames", "--", *paths]
    )
    return [os.path.join(top, entry[3:]) for entry in out.split("\0") if len(entry) > 3] if code == 0 else []


def run(directory: str, command: Command) -> revision.Revision:
    """The module without Ansible. Raises FleetError where there is no inventory."""
    if not os.path.isdir(directory):
        raise FleetError(
            [Problem(directory, "is no directory", "Name the inventory by its directory or hosts file (-i).")]
        )
    record = os.path.join(directory, revision.RECORD)
    if os.path.exists(record):
        with open(record, encoding="utf-8") as file:
            return revision.recorded(file.read(), record)
    found = files(directory)
    code, out, _err = command(["git", "-C", directory, "rev-parse", "--show-toplevel"])
    top = out.strip() if code == 0 else None
    inside = [path for path in found if top and os.path.commonpath([top, path]) == top]
    outside = [path for path in found if path not in set(inside)]
    # The directory, too: a file that was removed is in no list.
    asked = [os.path.realpath(directory), *inside]
    commit = committed(top, asked, command) if top else None
    if top is None or commit is None:
        return revision.decide(None, [written(path) for path in found], time.time())
    edited = [written(path) for path in [*changed(top, asked, command), *outside]]
    return revision.decide(commit, edited, time.time())


def main() -> None:
    module = AnsibleModule({"directory": {"type": "path", "required": True}}, supports_check_mode=True)

    def command(words: list[str]) -> tuple[int, str, str]:
        try:
            return module.run_command(words, environ_update={"LC_ALL": "C", "LANGUAGE": "C"}, handle_exceptions=False)
        except OSError as error:
            return 127, "", str(error)

    try:
        found = run(module.params["directory"], command)
    except FleetError as error:
        module.fail_json(msg=str(error))
    module.exit_json(changed=False, revision=found.revision, made_at=found.made_at.isoformat(), dirty=found.dirty)


if __name__ == "__main__":
    main()
