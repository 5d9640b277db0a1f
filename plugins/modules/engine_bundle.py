#!/usr/bin/python

# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: engine_bundle
short_description: Pack what the engine's host runs, on the control node
version_added: 0.1.0
author: email_engine.fleet contributors (@email-engine)
description:
  - Makes three archives in a cache directory, for a host that needs no package index. Wheels for that host's Python, fetched by a lock with
    hashes, with the engine's own wheel. The collection as it runs here. The inventory.
  - The same input gives the same bytes, and hence the same digest and file name. An archive's name tells whether anything changed.
  - Works from a checkout of the collection and from an installed one.
  - Runs on the control node.
requirements:
  - packaging
  - pip
extends_documentation_fragment:
  - email_engine.fleet.attributes
  - email_engine.fleet.attributes.actiongroup_fleet
attributes:
  check_mode:
    details: Nothing but the cache is written, so it is written in check mode as well. What cannot be fetched is known before anything is changed.
  diff_mode:
    support: N/A
    details: This module changes nothing but a cache.
options:
  collection:
    description: Root of the collection.
    type: path
    required: true
  inventory:
    description: Directory of the inventory. Symbolic links in it are followed.
    type: path
    required: true
  inventory_revision:
    description: What the inventory is at, as M(email_engine.fleet.inventory_revision) says. It is put into the archive.
    type: dict
    required: true
  cache:
    description: Directory for wheels and archives. Made when it does not exist, for the user alone.
    type: path
    required: true
  python:
    description: The engine host's Python.
    type: dict
    required: true
    suboptions:
      environment:
        description: Its values of the environment markers.
        type: dict
        required: true
      glibc:
        description: Version of its C library.
        type: str
        required: true
"""

EXAMPLES = r"""
- name: Pack
  email_engine.fleet.engine_bundle:
    collection: "{{ role_path }}/../.."
    inventory: "{{ inventory_dir }}"
    inventory_revision: {revision: 3f2c, made_at: "2026-05-01T12:00:00Z"}
    cache: ~/.cache/email-engine
    python:
      environment: {python_version: "3.11", python_full_version: 3.11.2, platform_machine: x86_64, sys_platform: linux}
      glibc: "2.36"
  delegate_to: localhost
"""

RETURN = r"""
wheels:
  description: The archive of wheels. It holds a C(requirements.txt) that names each with its hash.
  returned: success
  type: dict
  sample: {path: /root/.cache/email-engine/wheels-0123456789abcdef.tar, digest: 0123456789abcdef}
collection:
  description: The archive of the collection.
  returned: success
  type: dict
  sample: {path: /root/.cache/email-engine/collection-0123456789abcdef.tar, digest: 0123456789abcdef}
inventory:
  description: The archive of the inventory.
  returned: success
  type: dict
  sample: {path: /root/.cache/email-engine/inventory-0123456789abcdef.tar, digest: 0123456789abcdef}
"""

import fcntl
import hashlib
import json
import os
import shutil
import traceback

from ansible.module_utils.basic import AnsibleModule, missing_required_lib

from ansible_collections.email_engine.fleet.plugins.module_utils.local import archive, wheels

PACKAGING_IMPORT_ERROR = None if wheels.PACKAGING else traceback.format_exc()

REVISION = ".email-engine-revision.json"
# What runs. The rest of a checkout (tests, lab, documentation) stays at home.
COLLECTION = ("galaxy.yml", "LICENSE", "MANIFEST.json", "meta", "playbooks", "plugins", "roles")


def short(digest: str) -> str:
    return digest[:16]


def of_inventory(params: dict, cache: str) -> tuple[str, str]:
    files = archive.files_of(params["inventory"])
    files.pop(REVISION, None)
    known = {key: params["inventory_revision"][key] for key in ("revision", "made_at")}
    text = (json.dumps(known, sort_keys=True) + "\n").encode()
    return archive.pack(files, {REVISION: text}, cache, "inventory")


def of_collection(params: dict, cache: str) -> tuple[str, str]:
    files = archive.files_of(params["collection"], COLLECTION)
    inside = "ansible_collections/email_engine/fleet"
    return archive.pack({f"{inside}/{name}": path for name, path in files.items()}, {}, cache, "collection")


def of_wheels(params: dict, cache: str) -> tuple[str, str]:
    """Fetched wheels are kept by what was asked for, the engine's own by its sources."""
    engine, python = os.path.join(params["collection"], "engine"), params["python"]
    with open(os.path.join(engine, "requirements.lock"), encoding="utf-8") as stream:
        wanted = wheels.locked(stream.read(), python["environment"])
    asked = json.dumps([wanted, python["environment"]["platform_machine"], python["glibc"]])
    fetched = os.path.join(cache, f"fetched-{short(hashlib.sha256(asked.encode()).hexdigest())}")
    if not os.path.isdir(fetched):
        wheels.fetch(wanted, python["environment"], python["glibc"], fetched)
    sources = archive.files_of(engine, ("email_engine", "pyproject.toml"))
    built = os.path.join(cache, f"built-{short(archive.digest_of(sources))}")
    if not os.path.isdir(built):
        wheels.own(engine, built)
    forget(cache, {os.path.basename(fetched), os.path.basename(built)})
    packed = [*wheels.wheels_in(fetched), *wheels.wheels_in(built)]
    texts = {"requirements.txt": wheels.listing(packed).encode()}
    return archive.pack({os.path.basename(path): path for path in packed}, texts, cache, "wheels")


def forget(cache: str, keep: set[str]) -> None:
    """Remove the wheels of older locks and sources, and what was cut off."""
    for name in os.listdir(cache):
        if name.startswith(("fetched-", "built-", ".new-")) and name not in keep:
            path = os.path.join(cache, name)
            shutil.rmtree(path) if os.path.isdir(path) else os.unlink(path)


def run(params: dict) -> dict:
    """The module without Ansible. Raises OSError and WheelError."""
    cache = params["cache"]
    os.makedirs(cache, mode=0o700, exist_ok=True)
    with open(os.path.join(cache, ".lock"), "a", encoding="utf-8") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        made = {
            "wheels": of_wheels(params, cache),
            "collection": of_collection(params, cache),
            "inventory": of_inventory(params, cache),
        }
    return {name: {"path": path, "digest": short(digest)} for name, (path, digest) in made.items()}


def main() -> None:
    python = {"environment": {"type": "dict", "required": True}, "glibc": {"type": "str", "required": True}}
    module = AnsibleModule(
        {
            "collection": {"type": "path", "required": True},
            "inventory": {"type": "path", "required": True},
            "inventory_revision": {"type": "dict", "required": True},
            "cache": {"type": "path", "required": True},
            "python": {"type": "dict", "required": True, "options": python},
        },
        supports_check_mode=True,
    )
    if PACKAGING_IMPORT_ERROR:
        module.fail_json(msg=missing_required_lib("packaging"), exception=PACKAGING_IMPORT_ERROR)
    try:
        module.exit_json(changed=False, **run(module.params))
    except wheels.WheelError as error:
        module.fail_json(msg=str(error))
    except OSError as error:
        module.fail_json(msg=str(error))


if __name__ == "__main__":
    main()
