# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Names the services that started before what they run with was last put there: a run that was cut off restarted nothing.

Usage: outdated.py SERVICE... -- PATH...   (of a link its own time; of a directory that of the files in it)
"""

import os
import subprocess
import sys
import time


def started(service):
    """When, in seconds since the epoch; None: it does not run."""
    command = ["systemctl", "show", "--property=ExecMainStartTimestampMonotonic", "--value", service]
    since_boot = int(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout) / 1e6
    return time.time() - time.clock_gettime(time.CLOCK_MONOTONIC) + since_boot if since_boot else None


def newest(paths):
    found = []
    for path in paths:
        inside = os.path.isdir(path) and not os.path.islink(path)
        found += [os.path.join(path, name) for name in os.listdir(path)] if inside else [path]
    return max(os.lstat(path).st_mtime for path in found)


def main(*words):
    at = words.index("--")
    changed = newest(words[at + 1 :])
    for service in words[:at]:
        begin = started(service)
        if begin is not None and begin < changed:
            print(service)


if __name__ == "__main__":
    main(*sys.argv[1:])
