# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The sending addresses of a host: which are wanted, what the kernel has, and the few commands between the two.

``host``, ``record``, ``reconcile``, ``arp`` and ``keeper`` are also installed on the host, word for word, where they bind the
addresses again after a boot or after another program took one away. They import nothing but each other.
"""
