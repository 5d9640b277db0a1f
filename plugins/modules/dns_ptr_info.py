#!/usr/bin/python
# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: dns_ptr_info
short_description: Ask for the PTR records of many addresses
version_added: 0.1.0
description:
  - Asks a resolver for the PTR records of all addresses in one call.
  - An address without an answer (time-out, SERVFAIL) is V(null), which is not the same as one without a PTR record.
author: email_engine.fleet contributors (@email-engine)
requirements:
  - dnspython >= 2.3
extends_documentation_fragment:
  - email_engine.fleet.attributes.info
options:
  addresses:
    description: The addresses.
    type: list
    elements: str
    required: true
  resolver:
    description: Addresses of the resolvers to ask; those of the host when not given.
    type: list
    elements: str
  timeout:
    description: Seconds to wait for one answer.
    type: float
    default: 5
"""

EXAMPLES = r"""
- name: Ask for two addresses
  email_engine.fleet.dns_ptr_info:
    addresses: [192.0.2.1, 192.0.2.2]
  register: found
"""

RETURN = r"""
observed:
  description: By address, the names of its PTR records without final dot, or V(null) where nobody could tell.
  returned: success
  type: dict
  sample: {192.0.2.1: [mail1.example.org], 192.0.2.2: []}
"""

import asyncio
import traceback

from ansible.module_utils.basic import AnsibleModule, missing_required_lib

try:
    import dns.asyncresolver
    import dns.exception
    import dns.resolver
    import dns.reversename

    DNSPYTHON_IMPORT_ERROR = None
except ImportError:
    DNSPYTHON_IMPORT_ERROR = traceback.format_exc()

# Enough to make a thousand addresses quick, few enough to be answered by a home router.
AT_ONCE = 32


async def ask(resolver: dns.asyncresolver.Resolver, address: str) -> list[str] | None:
    try:
        answer = await resolver.resolve(dns.reversename.from_address(address), "PTR", search=False)
    except (dns.resolver.NXDOMAIN, dns.resolver.NoAnswer):
        return []
    except (dns.exception.DNSException, OSError):
        return None
    return sorted(str(record.target).rstrip(".").lower() for record in answer)


async def ask_all(resolver: dns.asyncresolver.Resolver, addresses: list[str]) -> dict[str, list[str] | None]:
    turns = asyncio.Semaphore(AT_ONCE)

    async def one(address: str) -> list[str] | None:
        async with turns:
            return await ask(resolver, address)

    return dict(zip(addresses, await asyncio.gather(*(one(address) for address in addresses))))


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            "addresses": {"type": "list", "elements": "str", "required": True},
            "resolver": {"type": "list", "elements": "str"},
            "timeout": {"type": "float", "default": 5},
        },
        supports_check_mode=True,
    )
    if DNSPYTHON_IMPORT_ERROR:
        module.fail_json(msg=missing_required_lib("dnspython >= 2.3"), exception=DNSPYTHON_IMPORT_ERROR)
    try:
        resolver = dns.asyncresolver.Resolver(configure=not module.params["resolver"])
        if module.params["resolver"]:
            resolver.nameservers = module.params["resolver"]
        addresses = list(dict.fromkeys(module.params["addresses"]))
        for address in addresses:
            dns.reversename.from_address(address)
    except (dns.exception.DNSException, ValueError) as error:
        module.fail_json(
            msg=f"addresses or resolver: {error}. Give IP addresses, and a resolver where the host has none."
        )
    resolver.lifetime = module.params["timeout"]
    module.exit_json(changed=False, observed=asyncio.run(ask_all(resolver, addresses)))


if __name__ == "__main__":
    main()
