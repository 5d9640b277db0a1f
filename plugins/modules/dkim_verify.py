#!/usr/bin/python
# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: dkim_verify
short_description: Verify the DKIM signatures of messages against the DNS, as a receiver does
version_added: 0.1.0
author: email_engine.fleet contributors (@email-engine)
description:
  - Reads the messages, asks a resolver for their keys, and verifies each signature with dkimpy.
  - A resolver that gives no answer makes a signature V(unknown); it is never taken for a broken one, nor for a good one.
requirements:
  - dkimpy >= 1.0 (where the module runs)
  - dnspython >= 2.3 (there, too)
extends_documentation_fragment:
  - email_engine.fleet.attributes.info
  - email_engine.fleet.attributes.actiongroup_fleet
options:
  messages:
    description: The messages, whole, as they are sent.
    type: list
    elements: str
    required: true
  resolvers:
    description: Resolvers, as V(address) or V(address@port), the next asked where one gives no answer. The host's own when not given.
    type: list
    elements: str
  timeout:
    description: Seconds to wait for one answer.
    type: float
    default: 3
seealso:
  - module: email_engine.fleet.dkim_rotation
"""

EXAMPLES = r"""
- name: Verify what a new key signed, before it signs mail
  email_engine.fleet.dkim_verify:
    messages: "{{ rotation.probes | map(attribute='message') }}"
  register: proven
"""

RETURN = r"""
results:
  description: One entry for each message, in their order.
  returned: success
  type: list
  elements: dict
  contains:
    verdict:
      description: V(yes) when each signature is good, V(no) when one is not or there is none, otherwise V(unknown).
      type: str
    signatures:
      description: Each with C(domain), C(selector), C(verdict) and C(why).
      type: list
      elements: dict
  sample:
    - verdict: "yes"
      signatures: [{domain: mail1.example.com, selector: s20261122, verdict: "yes", why: ""}]
"""

import asyncio

from ansible.module_utils.basic import AnsibleModule, missing_required_lib

from ansible_collections.email_engine.fleet.plugins.module_utils.local.dkim_verification import (
    DKIMPY_IMPORT_ERROR,
    verify_all,
)
from ansible_collections.email_engine.fleet.plugins.module_utils.local.name_servers import (
    DNSPYTHON_IMPORT_ERROR,
    endpoint,
    host_resolvers,
)


def together(verdicts: list[str]) -> str:
    if not verdicts or "no" in verdicts:
        return "no"
    return "unknown" if "unknown" in verdicts else "yes"


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            "messages": {"type": "list", "elements": "str", "required": True},
            "resolvers": {"type": "list", "elements": "str"},
            "timeout": {"type": "float", "default": 3},
        },
        supports_check_mode=True,
    )
    for library, error in (("dnspython >= 2.3", DNSPYTHON_IMPORT_ERROR), ("dkimpy >= 1.0", DKIMPY_IMPORT_ERROR)):
        if error:
            module.fail_json(msg=missing_required_lib(library), exception=error)
    given = module.params["resolvers"]
    try:
        places = [endpoint(text) for text in given] if given else host_resolvers()
    except ValueError as error:
        module.fail_json(msg=f"resolvers: {error}. Write resolvers as addresses, with @port where it is not 53")
    messages = [text.encode("utf-8", "surrogateescape") for text in module.params["messages"]]
    found = asyncio.run(verify_all(messages, places, module.params["timeout"]))
    module.exit_json(
        changed=False,
        results=[
            {"verdict": together([one.verdict for one in each]), "signatures": [one.as_dict() for one in each]}
            for each in found
        ],
    )


if __name__ == "__main__":
    main()
