# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The one room of module_utils that looks at this machine, and writes to it. Standard library only: bin/pmta-lint works without any set-up.

What is found here is handed to the domain, which judges; nothing here decides what is right.
"""

from __future__ import annotations
