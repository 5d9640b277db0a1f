#!/usr/bin/python
# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: smtp_probe
short_description: Hand test messages to a mail server and say what it answered
version_added: 0.1.0
description:
  - Hands each message to the server in a transaction of its own, as a feeder would, and returns the reply to it.
  - Headers are sent as given, folded lines and repeated headers included, so that unusual messages can be tried.
author: email_engine.fleet contributors (@email-engine)
extends_documentation_fragment:
  - email_engine.fleet.attributes
  - email_engine.fleet.attributes.actiongroup_fleet
attributes:
  check_mode:
    details: In check mode nothing is sent.
  diff_mode:
    support: none
  idempotent:
    support: none
    details: Each run sends the messages again.
options:
  host:
    description: Address of the mail server.
    type: str
    required: true
  port:
    description: Port of the mail server.
    type: int
    default: 2525
  ehlo:
    description: Name to greet the server with; the host's own name when not given.
    type: str
  source_address:
    description: Local address to connect from.
    type: str
  timeout:
    description: Seconds to wait for each reply.
    type: int
    default: 30
  passwords:
    description:
      - Passwords by user, for messages with a C(user).
      - The module logs in over TLS where the server offers it; its certificate is not verified, so name a server on this host, or on a
        network you trust.
    type: dict
    default: {}
  messages:
    description: The messages, in order.
    type: list
    elements: dict
    required: true
    suboptions:
      id:
        description: Identifies the message in the result.
        type: str
        required: true
      user:
        description: Log in as this user; as nobody when not given.
        type: str
      mail_from:
        description: Envelope sender; empty for the null sender.
        type: str
        required: true
      rcpt_to:
        description: Envelope recipients.
        type: list
        elements: str
        required: true
      headers:
        description: Header lines without the line ending; a folded header holds C(\r\n) and white space.
        type: list
        elements: str
        required: true
      body:
        description: Text of the message.
        type: str
        default: Probe.
"""

EXAMPLES = r"""
- name: Send one message as the first sender
  email_engine.fleet.smtp_probe:
    host: 192.0.2.12
    messages:
      - id: probe-1
        mail_from: contact@mail1.example.org
        rcpt_to: [somebody@example.net]
        headers:
          - "From: contact@mail1.example.org"
          - "To: somebody@example.net"
          - "Subject: probe-1"
"""

RETURN = r"""
replies:
  description: What the server answered, in the order of the messages.
  returned: always
  type: list
  elements: dict
  contains:
    id:
      description: The message.
      type: str
      returned: always
      sample: probe-1
    accepted:
      description: Whether the server took responsibility for the message, for every recipient.
      type: bool
      returned: always
      sample: true
    code:
      description: SMTP reply code of the last command; 0 when the connection failed.
      type: int
      returned: always
      sample: 250
    reply:
      description: SMTP reply text, or the connection's error.
      type: str
      returned: always
      sample: 2.6.0 message received
"""

import contextlib
import smtplib
import ssl
import typing as t

from ansible.module_utils.basic import AnsibleModule


def payload(message: t.Mapping) -> bytes:
    """The message as it goes over the wire; smtplib adds nothing to bytes."""
    body = message["body"].replace("\r\n", "\n").replace("\n", "\r\n")
    return ("\r\n".join(message["headers"]) + "\r\n\r\n" + body + "\r\n").encode("utf-8")


def hand_over(smtp: smtplib.SMTP, message: t.Mapping) -> tuple[bool, int, str]:
    """One transaction: accepted or not, reply code, reply text."""
    try:
        refused = smtp.sendmail(message["mail_from"], message["rcpt_to"], payload(message))
    except smtplib.SMTPRecipientsRefused as error:
        code, text = next(iter(error.recipients.values()))
        return False, code, text.decode(errors="replace")
    except smtplib.SMTPResponseException as error:
        raw = error.smtp_error
        return False, error.smtp_code, raw.decode(errors="replace") if isinstance(raw, bytes) else str(raw)
    if refused:
        code, text = next(iter(refused.values()))
        return False, code, text.decode(errors="replace")
    return True, 250, "accepted"


def log_in(smtp: smtplib.SMTP, user: str, password: str) -> None:
    smtp.ehlo()
    if smtp.has_extn("starttls"):
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        smtp.starttls(context=context)
    smtp.login(user, password)


def probe(params: t.Mapping) -> list[dict]:
    replies = []
    smtp: smtplib.SMTP | None = None
    user = None
    for message in params["messages"]:
        try:
            if smtp is not None and message.get("user") != user:
                smtp.close()
                smtp = None
            if smtp is None:
                source = (params["source_address"], 0) if params["source_address"] else None
                smtp = smtplib.SMTP(
                    params["host"],
                    params["port"],
                    local_hostname=params["ehlo"],
                    timeout=params["timeout"],
                    source_address=source,
                )
                user = message.get("user")
                if user:
                    log_in(smtp, user, params["passwords"].get(user, ""))
            accepted, code, text = hand_over(smtp, message)
        except (OSError, smtplib.SMTPException) as error:
            accepted, code, text, smtp = False, 0, f"{params['host']} port {params['port']}: {error}", None
        replies.append({"id": message["id"], "accepted": accepted, "code": code, "reply": text})
    if smtp is not None:
        # The messages are already answered for.
        with contextlib.suppress(OSError, smtplib.SMTPException):
            smtp.quit()
    return replies


def main() -> None:
    message = {
        "id": {"type": "str", "required": True},
        "user": {"type": "str"},
        "mail_from": {"type": "str", "required": True},
        "rcpt_to": {"type": "list", "elements": "str", "required": True},
        "headers": {"type": "list", "elements": "str", "required": True},
        "body": {"type": "str", "default": "Probe."},
    }
    module = AnsibleModule(
        argument_spec={
            "host": {"type": "str", "required": True},
            "port": {"type": "int", "default": 2525},
            "ehlo": {"type": "str"},
            "source_address": {"type": "str"},
            "timeout": {"type": "int", "default": 30},
            "passwords": {"type": "dict", "default": {}, "no_log": True},
            "messages": {"type": "list", "elements": "dict", "required": True, "options": message},
        },
        supports_check_mode=True,
    )
    if module.check_mode:
        module.exit_json(changed=bool(module.params["messages"]), replies=[])
    replies = probe(module.params)
    module.exit_json(changed=any(reply["accepted"] for reply in replies), replies=replies)


if __name__ == "__main__":
    main()
