#!/usr/bin/python
# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: mail_probe
short_description: Read what a mailbox got from each sender, and judge it
version_added: 0.1.0
author: email_engine.fleet contributors (@email-engine)
description:
  - Waits for messages that M(email_engine.fleet.smtp_probe) handed in, and says of each from which address it came, under which name in
    EHLO, and whether its signature is good by what the DNS publishes.
  - A message that did not arrive says nothing about the rest, which is V(unknown) then.
  - Messages are not changed, not marked as read and not deleted.
requirements:
  - dkimpy >= 1.0 (where the module runs)
  - dnspython >= 2.3 (there, too)
extends_documentation_fragment:
  - email_engine.fleet.attributes.info
  - email_engine.fleet.attributes.actiongroup_fleet
options:
  fleet:
    description: The fleet document.
    type: dict
    required: true
  sent:
    description: The messages that were handed in, each with C(id) and C(sender).
    type: list
    elements: dict
    required: true
  replies:
    description: The RV(email_engine.fleet.smtp_probe#module:replies) to them.
    type: list
    elements: dict
    required: true
  mailbox:
    description: Where they arrive.
    type: dict
    required: true
    suboptions:
      host:
        description: IMAP server, over TLS with a certificate that is verified.
        type: str
      port:
        description: Its port.
        type: int
        default: 993
      user:
        description: Login there.
        type: str
      password:
        description: Password there. Vault it.
        type: str
      folder:
        description: The folder to read.
        type: str
        default: INBOX
      maildir:
        description: A Maildir on this host, in the place of an IMAP server.
        type: path
  wait:
    description: Seconds to wait for the messages.
    type: int
    default: 120
  resolvers:
    description: Resolvers, as V(address) or V(address@port), the next asked where one gives no answer. The host's own when not given.
    type: list
    elements: str
  timeout:
    description: Seconds to wait for one answer of a resolver.
    type: float
    default: 3
seealso:
  - module: email_engine.fleet.smtp_probe
  - module: email_engine.fleet.dns_check
"""

EXAMPLES = r"""
- name: Judge what arrived
  email_engine.fleet.mail_probe:
    fleet: "{{ fleet_document }}"
    sent: "{{ sent }}"
    replies: "{{ handed_in.replies }}"
    mailbox:
      host: imap.example.net
      user: probe@example.net
      password: "{{ vault_probe_password }}"
"""

RETURN = r"""
senders:
  description:
    - One entry for each message, in their order, with C(sender) and C(edges).
    - By edge (V(received), V(source_ip), V(ehlo), V(dkim)) C(verdict) (V(ok), V(wrong), V(missing), V(unknown)) and C(found).
  returned: success
  type: list
  elements: dict
  sample:
    - sender: mail1.example.com
      edges: {received: {verdict: ok, found: ""}, source_ip: {verdict: wrong, found: 192.0.2.99}}
lines:
  description: The same for people, with what to do.
  returned: success
  type: list
  elements: str
"""

import asyncio
import email
import email.policy
import imaplib
import os
import time

from ansible.module_utils.basic import AnsibleModule, missing_required_lib

from ansible_collections.email_engine.fleet.plugins.module_utils import mail_seen
from ansible_collections.email_engine.fleet.plugins.module_utils.local.dkim_verification import (
    DKIMPY_IMPORT_ERROR,
    verify_all,
)
from ansible_collections.email_engine.fleet.plugins.module_utils.local.name_servers import (
    DNSPYTHON_IMPORT_ERROR,
    endpoint,
    host_resolvers,
)

PAUSE = 2  # seconds between two looks into the mailbox


def subject_of(raw: bytes) -> str:
    return str(email.message_from_bytes(raw, policy=email.policy.default).get("Subject", ""))


def in_maildir(place: str, ids: set[str]) -> dict[str, bytes]:
    """{id: message} of those that are there; an id is the last word of the subject."""
    found = {}
    for folder in ("new", "cur"):
        path = os.path.join(place, folder)
        for name in sorted(os.listdir(path)) if os.path.isdir(path) else ():
            with open(os.path.join(path, name), "rb") as stream:
                raw = stream.read()
            word = subject_of(raw).rpartition(" ")[2]
            if word in ids:
                found[word] = raw
    return found


def in_imap(mailbox: dict, ids: set[str]) -> dict[str, bytes]:
    """The same of an IMAP folder, which is opened read-only. Raises OSError and imaplib.IMAP4.error."""
    found = {}
    with imaplib.IMAP4_SSL(mailbox["host"], mailbox["port"], timeout=30) as link:
        link.login(mailbox["user"], mailbox["password"])
        link.select(mailbox["folder"], readonly=True)
        for token in sorted(ids):
            _state, [numbers] = link.search(None, "SUBJECT", f'"{token}"')
            for number in (numbers or b"").split():
                _state, parts = link.fetch(number.decode(), "(BODY.PEEK[])")
                raw = next((part[1] for part in parts if isinstance(part, tuple)), b"")
                if subject_of(raw).rpartition(" ")[2] == token:
                    found[token] = raw
    return found


def run(params: dict) -> dict:
    """The module's results. Raises ValueError, OSError, imaplib.IMAP4.error."""
    mailbox, replies = params["mailbox"], {reply["id"]: reply for reply in params["replies"]}
    places = [endpoint(text) for text in params["resolvers"]] if params["resolvers"] else host_resolvers()
    waiting = {one["id"] for one in params["sent"] if replies.get(one["id"], {}).get("accepted")}
    found: dict[str, bytes] = {}
    deadline = time.monotonic() + params["wait"]
    while waiting:
        fresh = in_maildir(mailbox["maildir"], waiting) if mailbox["maildir"] else in_imap(mailbox, waiting)
        found.update(fresh)
        waiting -= set(fresh)
        if not waiting or time.monotonic() >= deadline:
            break
        time.sleep(PAUSE)
    order = sorted(found)
    signatures = dict(zip(order, asyncio.run(verify_all([found[one] for one in order], places, params["timeout"]))))
    senders = {sender["name"]: sender for sender in params["fleet"]["senders"]}
    rows = []
    for one in params["sent"]:
        if one["id"] in found:
            message = email.message_from_bytes(found[one["id"]], policy=email.policy.default)
            received = [" ".join(str(value).split()) for value in message.get_all("Received", [])]
            signed = [verified.as_dict() for verified in signatures[one["id"]]]
            edges = mail_seen.judge(senders[one["sender"]], received, signed)
        else:
            reply = replies.get(one["id"], {"accepted": False, "reply": "nobody tried"})
            edges = mail_seen.lost(reply["accepted"], reply["reply"])
        rows.append({"sender": one["sender"], "edges": edges})
    return {"changed": False, "senders": rows, "lines": mail_seen.lines(rows)}


def main() -> None:
    mailbox = {
        "host": {"type": "str"},
        "port": {"type": "int", "default": 993},
        "user": {"type": "str"},
        "password": {"type": "str", "no_log": True},
        "folder": {"type": "str", "default": "INBOX"},
        "maildir": {"type": "path"},
    }
    module = AnsibleModule(
        argument_spec={
            "fleet": {"type": "dict", "required": True},
            "sent": {"type": "list", "elements": "dict", "required": True},
            "replies": {"type": "list", "elements": "dict", "required": True},
            "mailbox": {
                "type": "dict",
                "required": True,
                "options": mailbox,
                "required_one_of": [["host", "maildir"]],
                "required_by": {"host": ["user", "password"]},
            },
            "wait": {"type": "int", "default": 120},
            "resolvers": {"type": "list", "elements": "str"},
            "timeout": {"type": "float", "default": 3},
        },
        supports_check_mode=True,
    )
    for library, error in (("dnspython >= 2.3", DNSPYTHON_IMPORT_ERROR), ("dkimpy >= 1.0", DKIMPY_IMPORT_ERROR)):
        if error:
            module.fail_json(msg=missing_required_lib(library), exception=error)
    try:
        result = run(module.params)
    except ValueError as error:
        module.fail_json(msg=f"resolvers: {error}. Write resolvers as addresses, with @port where it is not 53")
    except (OSError, imaplib.IMAP4.error) as error:
        module.fail_json(msg=f"The mailbox cannot be read: {error}. Check host, user, password and folder in mailbox")
    module.exit_json(**result)


if __name__ == "__main__":
    main()
