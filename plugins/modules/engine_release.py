#!/usr/bin/python

# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: engine_release
short_description: Put a tree beside those before it and point a link there
version_added: 0.1.0
author: email_engine.fleet contributors (@email-engine)
description:
  - Unpacks an archive into a directory of its own, whole or not at all, and then turns a symbolic link to it in one step. Who works in the
    tree before it goes on doing so.
  - Without an archive, the tree has to be there already (a virtual environment, which is made in its place), and only the link is turned.
  - Of the trees before it the newest ones are kept, the others are removed.
extends_documentation_fragment:
  - email_engine.fleet.attributes
  - email_engine.fleet.attributes.actiongroup_fleet
attributes:
  diff_mode:
    details: Shows where the link leads, not what is in the tree.
options:
  directory:
    description: Directory of the trees.
    type: path
    required: true
  name:
    description: Name of the tree in it, which stands for its content.
    type: str
    required: true
  archive:
    description: A tar archive on the host. Not looked at when the tree is there; removed in any case.
    type: path
  link:
    description: The link to turn. Without it, the tree is unpacked only.
    type: path
  keep:
    description: How many trees may be there, the new one included.
    type: int
    default: 3
  owner:
    description: Owner of directories and files.
    type: str
    default: root
  group:
    description: Group of directories and files.
    type: str
    default: root
  readable:
    description: Who may read. Nobody but the owner may write.
    type: str
    choices: [all, group]
    default: all
"""

EXAMPLES = r"""
- name: Bring the inventory
  email_engine.fleet.engine_release:
    directory: /var/lib/email-engine-control/inventories
    name: 0123456789abcdef
    archive: /var/cache/email-engine-control/inventory-0123456789abcdef.tar
    link: /var/lib/email-engine-control/inventory
    group: email-engine
    readable: group
"""

RETURN = r"""
path:
  description: The tree.
  returned: success
  type: str
  sample: /var/lib/email-engine-control/inventories/0123456789abcdef
before:
  description: Where the link led.
  returned: success
  type: str
  sample: /var/lib/email-engine-control/inventories/fedcba9876543210
removed:
  description: Names of the trees that were removed.
  returned: success
  type: list
  elements: str
  sample: [00112233aabbccdd]
"""

import grp
import os
import pwd
import shutil
import tarfile
import tempfile

from ansible.module_utils.basic import AnsibleModule

PARTIAL = ".new-"


def unpack(params: dict, tree: str) -> None:
    uid, gid = pwd.getpwnam(params["owner"]).pw_uid, grp.getgrnam(params["group"]).gr_gid
    mask = 0o777 if params["readable"] == "all" else 0o770
    work = tempfile.mkdtemp(dir=params["directory"], prefix=PARTIAL)
    try:
        with tarfile.open(params["archive"]) as archive:
            for member in archive:
                path = os.path.normpath(os.path.join(work, member.name))
                # The archives are our own: files and nothing else.
                if not member.isfile() or not path.startswith(f"{work}/"):
                    raise OSError(f"{params['archive']} holds {member.name}, which is no file of a tree")
                os.makedirs(os.path.dirname(path), exist_ok=True)
                with open(path, "wb") as stream:
                    shutil.copyfileobj(archive.extractfile(member), stream)
                os.chmod(path, (0o755 if member.mode & 0o100 else 0o644) & mask)
        for where, _directories, names in os.walk(work):
            os.chmod(where, 0o755 & mask)
            for path in (where, *(os.path.join(where, name) for name in names)):
                os.chown(path, uid, gid)
        os.rename(work, tree)
    except BaseException:
        shutil.rmtree(work)
        raise


def turn(link: str, tree: str) -> None:
    """The link leads to the old tree or to the new one, also for who looks in between."""
    new = os.path.join(os.path.dirname(link), f"{PARTIAL}{os.path.basename(link)}")
    if os.path.lexists(new):
        os.unlink(new)
    os.symlink(tree, new)
    os.replace(new, link)


def superfluous(directory: str, keep: int, spared: set[str]) -> list[str]:
    """Trees beyond the *keep* newest, and what was cut off. *spared* are never among them."""
    names = os.listdir(directory) if os.path.isdir(directory) else []
    partial = [name for name in names if name.startswith(PARTIAL)]
    trees = [name for name in names if not name.startswith(PARTIAL) and name not in spared]
    trees.sort(key=lambda name: os.stat(os.path.join(directory, name)).st_mtime, reverse=True)
    return sorted(partial + trees[max(0, keep - len(spared)) :])


def run(params: dict, check: bool) -> dict:
    """The module without Ansible. Raises OSError, KeyError (no such owner or group) and tarfile.TarError."""
    directory, link = params["directory"], params["link"]
    tree = os.path.join(directory, params["name"])
    before = os.path.realpath(link) if link and os.path.islink(link) else ""
    there = os.path.isdir(tree)
    spared = {params["name"]} | (
        {os.path.basename(before)} if os.path.dirname(before) == os.path.realpath(directory) else set()
    )
    gone = superfluous(directory, params["keep"], spared)
    if not there and params["archive"] is None and not check:
        raise OSError(f"{tree} is not there, and there is no archive to make it from")
    turned = bool(link) and before != os.path.realpath(tree)
    if not check:
        if not there:
            unpack(params, tree)
        # Also where a run was cut off in between, and the archive was brought again.
        if params["archive"] and os.path.exists(params["archive"]):
            os.unlink(params["archive"])
        if turned:
            turn(link, tree)
        for name in gone:
            shutil.rmtree(os.path.join(directory, name))
    result = {"changed": not there or turned or bool(gone), "path": tree, "before": before, "removed": gone}
    if turned:
        result["diff"] = {"before": f"{before}\n", "after": f"{tree}\n", "before_header": link, "after_header": link}
    return result


def main() -> None:
    module = AnsibleModule(
        {
            "directory": {"type": "path", "required": True},
            "name": {"type": "str", "required": True},
            "archive": {"type": "path"},
            "link": {"type": "path"},
            "keep": {"type": "int", "default": 3},
            "owner": {"type": "str", "default": "root"},
            "group": {"type": "str", "default": "root"},
            "readable": {"type": "str", "choices": ["all", "group"], "default": "all"},
        },
        supports_check_mode=True,
    )
    try:
        module.exit_json(**run(module.params, module.check_mode))
    except (OSError, KeyError, tarfile.TarError) as error:
        module.fail_json(msg=str(error).strip("'\""))


if __name__ == "__main__":
    main()
