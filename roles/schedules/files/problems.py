# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is wrong with schedules, as the host's systemd reads them. Argument: {"schedules", "kinds", "engine"} as JSON; output: a list of texts."""

import datetime
import json
import re
import subprocess
import sys

KEYS = {
    "calendar": str,
    "jitter": str,
    "persistent": bool,
    "enabled": bool,
    "kind": str,
    "playbook": str,
    "variables": dict,
}
WORDS = {bool: "true or false", str: "a text", dict: "a dictionary"}
NAME = re.compile(r"[a-z][a-z0-9_]{0,40}")
ZONE = re.compile(r"(UTC|[A-Z][A-Za-z_]+/[A-Za-z_/+-]+[0-9]*)")


def analyze(*words):
    done = subprocess.run(
        ["systemd-analyze", *words],
        capture_output=True,
        text=True,
        env={"LC_ALL": "C.UTF-8", "PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "TZ": "UTC"},
        check=False,
    )
    return done.stdout if done.returncode == 0 else None


def seconds(text):
    """A span of time as systemd writes it; None: it is none."""
    said = analyze("timespan", text) if re.match(r"[0-9. a-z]+$", text) else None
    found = re.search(r"s: ([0-9]+)$", said or "", re.MULTILINE)
    return int(found.group(1)) / 1e6 if found else None


def runs(calendar):
    """(normalized form, seconds between the next runs); None: no calendar. No seconds: it never comes twice."""
    said = analyze("calendar", "--iterations=6", calendar) if not calendar.startswith("-") else None
    if said is None:
        return None
    whole = re.search(r"Normalized form: (.+)", said)
    moments = re.findall(r"(?:Next elapse|Iter\. #[0-9]+|\(in UTC\)): \w{3} (\d{4}-\d\d-\d\d \d\d:\d\d:\d\d) UTC", said)
    times = sorted({datetime.datetime.strptime(one, "%Y-%m-%d %H:%M:%S") for one in moments})
    gaps = [(later - sooner).total_seconds() for sooner, later in zip(times, times[1:])]
    return (whole.group(1) if whole else calendar).strip(), gaps


def of_one(name, wanted, kinds, engine):
    if not NAME.fullmatch(name):
        yield f"schedules.{name}: a name has small letters, digits and _, and begins with a letter"
        return
    if not isinstance(wanted, dict):
        yield f"schedules.{name}: has to be a dictionary with a calendar, not {wanted!r}"
        return
    for key in sorted(set(wanted) - set(KEYS)):
        yield f"schedules.{name}.{key}: unknown; there are {', '.join(sorted(KEYS))}"
    wrong = [key for key, kind in KEYS.items() if key in wanted and not isinstance(wanted[key], kind)]
    for key in wrong:
        yield f"schedules.{name}.{key}: has to be {WORDS[KEYS[key]]}, not {wanted[key]!r}"
    if wrong or not wanted.get("enabled", True):
        return
    if engine and wanted.get("kind") is None:
        yield f"schedules.{name}.kind: missing; there are {', '.join(kinds)}"
    if engine and wanted.get("kind") is not None and wanted["kind"] not in kinds:
        yield f"schedules.{name}.kind: the engine has no kind {wanted['kind']}; there are {', '.join(kinds)}"
    if not engine and wanted.get("playbook") is None and wanted.get("kind") is None:
        yield f"schedules.{name}.playbook: missing"
    if wanted.get("playbook") is not None and not NAME.fullmatch(wanted["playbook"]):
        yield f"schedules.{name}.playbook: {wanted['playbook']!r} is not the name of one in playbooks/, without .yml"
    yield from of_times(name, wanted)


def of_times(name, wanted):
    if not wanted.get("calendar"):
        yield f"schedules.{name}.calendar: missing, for instance '*-*-* 06:00:00 UTC'"
        return
    found = runs(wanted["calendar"])
    if found is None:
        yield f"schedules.{name}.calendar: systemd does not understand {wanted['calendar']!r}; try systemd-analyze calendar '...'"
        return
    whole, gaps = found
    if not ZONE.fullmatch(whole.split()[-1]):
        yield f"schedules.{name}.calendar: {wanted['calendar']!r} names no time zone; put UTC at its end"
    jitter = seconds(wanted.get("jitter", "0s"))
    if jitter is None:
        yield f"schedules.{name}.jitter: {wanted['jitter']!r} is no span of time such as 20min"
    elif not gaps:
        yield f"schedules.{name}.calendar: {wanted['calendar']!r} does not come again"
    elif min(gaps) < 60:
        yield f"schedules.{name}.calendar: {wanted['calendar']!r} comes every {min(gaps):g} s; a minute is the least"
    elif jitter >= min(gaps):
        yield (
            f"schedules.{name}.jitter: {wanted['jitter']} is not shorter than the {min(gaps):g} s between two runs, which would overlap"
        )


def main():
    given = json.loads(sys.argv[1])
    schedules, kinds, engine = given["schedules"], given["kinds"], given["engine"]
    found = [line for name in sorted(schedules) for line in of_one(name, schedules[name], kinds, engine)]
    does = {}
    for name in sorted(schedules):
        one = schedules[name]
        what = (
            one.get("kind" if engine else "playbook")
            if isinstance(one, dict) and one.get("enabled", True) is True
            else None
        )
        if isinstance(what, str):
            does.setdefault(what, []).append(name)
    for what, names in sorted(does.items()):
        if len(names) > 1:
            found.append(
                f"schedules {' and '.join(names)} overlap: both run {what}; give one of them all the times, or switch it off"
            )
    print(json.dumps(found))


main()
