#!/usr/bin/python

# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: dns_zone_files
short_description: Write the records of all zones as text, to be pasted at a provider
version_added: 0.1.0
author: email_engine.fleet contributors (@email-engine)
description:
  - Writes one file per zone in one call, for operators whose DNS provider takes no dynamic updates.
  - A file that already holds the text is left alone. Other files in the directory are left alone, too.
extends_documentation_fragment:
  - email_engine.fleet.attributes
options:
  directory:
    description: Where the files go. Made when it does not exist.
    type: path
    required: true
  files:
    description: The text of each zone, by the zone's name. The file is called after the zone, with V(.zone) behind.
    type: dict
    required: true
  mode:
    description: Mode of the files, octal.
    type: str
    default: "0644"
seealso:
  - module: email_engine.fleet.dns_publish
"""

EXAMPLES = r"""
- name: Write what has to be pasted
  email_engine.fleet.dns_zone_files:
    directory: "{{ playbook_dir }}/build/zones"
    files:
      example.com: |
        mail1.example.com. 3600 IN A 192.0.2.10
"""

RETURN = r"""
paths:
  description: The file of each zone.
  returned: success
  type: dict
  sample:
    example.com: /srv/zones/example.com.zone
"""

import os
import stat

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.email_engine.fleet.plugins.module_utils.dns_text import is_name, plain_name
from ansible_collections.email_engine.fleet.plugins.module_utils.local.writing import replace_file
from ansible_collections.email_engine.fleet.plugins.module_utils.problems import FleetError, Problem


def file_name(zone: str) -> str:
    """``example.com`` -> ``example.com.zone``; the slash of RFC 2317 names becomes a dash. Raises FleetError."""
    name = plain_name(zone)
    if not is_name(name):
        raise FleetError([Problem(f"files, {zone!r}", "not the name of a zone", "Write a name such as example.com")])
    return name.replace("/", "-") + ".zone"


def current(path: str) -> tuple[str | None, int]:
    """(text, mode) of a file; text is None when there is none."""
    try:
        with open(path, encoding="utf-8", errors="replace") as stream:
            return stream.read(), stat.S_IMODE(os.fstat(stream.fileno()).st_mode)
    except FileNotFoundError:
        return None, 0


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            "directory": {"type": "path", "required": True},
            "files": {"type": "dict", "required": True},
            "mode": {"type": "str", "default": "0644"},
        },
        supports_check_mode=True,
    )
    directory = module.params["directory"]
    try:
        mode = int(module.params["mode"], 8)
        paths = {zone: os.path.join(directory, file_name(zone)) for zone in sorted(module.params["files"])}
    except FleetError as error:
        module.fail_json(msg=str(error))
    except ValueError:
        module.fail_json(msg=f"mode: {module.params['mode']!r} is not octal. Write a mode such as '0644'")
    if len(set(paths.values())) < len(paths):
        module.fail_json(msg="files: two entries are the same zone. Merge them")
    result = {"changed": False, "paths": paths}
    diffs = []
    try:
        for zone, path in paths.items():
            text = module.params["files"][zone]
            before, before_mode = current(path)
            if before == text and before_mode == mode:
                continue
            result["changed"] = True
            diffs.append({"before_header": path, "after_header": path, "before": before or "", "after": text})
            if not module.check_mode:
                os.makedirs(directory, exist_ok=True)
                replace_file(path, text, mode)
    except OSError as error:
        module.fail_json(msg=f"{error.filename or directory}: {error.strerror}. Correct it and run again", **result)
    if module._diff:
        result["diff"] = diffs
    module.exit_json(**result)


if __name__ == "__main__":
    main()
