# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation shared by the modules that ask the engine."""

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
notes:
  - Runs on the control node. The engine's certificate is always verified, redirections are not followed, and no proxy is used.
options:
  url:
    description: Address of the engine, C(https) and without a path.
    type: str
    required: true
  key:
    description: An admin's API key.
    type: str
    required: true
  ca:
    description:
      - Certificates to trust, as PEM text. The engine's own when it is self-signed.
      - When not set, those that this computer trusts.
    type: str
  timeout:
    description: Seconds to wait for the engine, each time it is asked.
    type: int
    default: 30
"""
