#!/usr/bin/python

# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: mailwizz_archive
short_description: Look at the operator's archive of MailWizz, and pack what a new installation gets
version_added: 0.1.0
author: email_engine.fleet contributors (@email-engine)
description:
  - Finds MailWizz in the vendor's download, below C(latest/), or in a backup of a server, below that server's folders. Refuses what is no
    MailWizz, is not whole, leads out of the folder it is unpacked to, or is a dump of a database.
  - Makes an archive of the product alone in a cache directory, with owners and modes set. Another installation's configuration, uploads,
    caches and dumps are left out.
  - An archive that was looked at before is known by its digest.
  - Runs on the control node.
extends_documentation_fragment:
  - email_engine.fleet.attributes
  - email_engine.fleet.attributes.actiongroup_fleet
attributes:
  check_mode:
    details: Nothing but the cache is written, so it is written in check mode as well. A wrong archive is known before anything is changed.
  diff_mode:
    support: N/A
    details: This module changes nothing but a cache.
options:
  path:
    description: The archive, C(.zip), C(.tar), or a compressed C(.tar).
    type: path
    required: true
  cache:
    description: Directory for what is made of it. Made when it does not exist, for the user alone.
    type: path
    required: true
"""

EXAMPLES = r"""
- name: Look at the archive
  email_engine.fleet.mailwizz_archive:
    path: /srv/licensed/mailwizz-2.7.3.zip
    cache: ~/.cache/email-engine
  delegate_to: localhost
"""

RETURN = r"""
path:
  description: The archive that was made, a compressed C(.tar) of the product without any folder in front.
  returned: success
  type: str
  sample: /root/.cache/email-engine/mailwizz-0123456789abcdef.tar.gz
digest:
  description: What tells it apart.
  returned: success
  type: str
  sample: 0123456789abcdef
version:
  description: The product's version.
  returned: success
  type: str
  sample: 2.7.3
layout:
  description: V(release) for the vendor's download, V(backup) for a server's folders.
  returned: success
  type: str
  sample: backup
prefix:
  description: The folders in front of the product.
  returned: success
  type: str
  sample: var/www/html/
files:
  description: How many files the product has.
  returned: success
  type: int
  sample: 8120
left_out:
  description: How many files of another installation were left out.
  returned: success
  type: int
  sample: 431
"""

import fcntl
import hashlib
import json
import os

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.email_engine.fleet.plugins.module_utils.local import mailwizz_source
from ansible_collections.email_engine.fleet.plugins.module_utils.problems import FleetError

#: Changes with what is made of an archive, so that no older one is taken for it.
FORM = "1"


def digest_of(path: str) -> str:
    found = hashlib.sha256(FORM.encode())
    with open(path, "rb") as stream:
        while block := stream.read(1 << 20):
            found.update(block)
    return found.hexdigest()[:16]


def remembered(note: str, packed: str) -> dict | None:
    """What an earlier run said of the same archive, if what it made is still there."""
    if not os.path.exists(packed):
        return None
    try:
        with open(note, encoding="utf-8") as stream:
            return json.load(stream)
    except (OSError, ValueError):
        return None


def run(path: str, cache: str) -> dict:
    """The module without Ansible. Raises FleetError and OSError."""
    mailwizz_source.refuse_dump(path)
    os.makedirs(cache, mode=0o700, exist_ok=True)
    digest = digest_of(path)
    packed = os.path.join(cache, f"mailwizz-{digest}.tar.gz")
    note = os.path.join(cache, f"mailwizz-{digest}.json")
    with open(os.path.join(cache, ".lock"), "a", encoding="utf-8") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        found = remembered(note, packed)
        if found is None:
            found = mailwizz_source.pack(path, packed)
            with open(note, "w", encoding="utf-8") as stream:
                json.dump(found, stream)
    return {**found, "path": packed, "digest": digest}


def main() -> None:
    module = AnsibleModule(
        {"path": {"type": "path", "required": True}, "cache": {"type": "path", "required": True}},
        supports_check_mode=True,
    )
    try:
        module.exit_json(changed=False, **run(module.params["path"], module.params["cache"]))
    except (FleetError, OSError) as error:
        module.fail_json(msg=str(error))


if __name__ == "__main__":
    main()
