# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation shared by the modules that work in a MailWizz on its own host."""

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
requirements:
  - Python 3.9 or later on the host
  - MailWizz 2.x and PHP's command line there, and this collection's PHP program (role P(email_engine.fleet.mailwizz#role) installs it)
notes:
  - Runs on the host of MailWizz, as root or as O(user). MailWizz itself is run as O(user), so that its files keep their owner.
  - What is changed is changed through MailWizz's own models; what they need to know is handed over on standard input, never as an argument.
options:
  root:
    description: Directory of MailWizz, the one with C(apps) in it.
    type: path
    default: /var/www/mailwizz
  php:
    description: PHP's command line.
    type: path
    default: /usr/bin/php
  user:
    description: The user of the web server's PHP.
    type: str
    default: www-data
  program:
    description: This collection's PHP program.
    type: path
    default: /usr/local/lib/email-engine/mailwizz/fleet.php
"""
