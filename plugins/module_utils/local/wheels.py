# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Wheels for another computer's Python, fetched here by a lock with hashes, so that the other computer needs no package index."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
import typing as t

try:
    from packaging.requirements import InvalidRequirement, Requirement

    PACKAGING = True
except ImportError:
    PACKAGING = False

SECONDS = 900  # for one call of pip


class WheelError(Exception):
    """No wheels; the text says why, for a person."""


def locked(text: str, environment: t.Mapping[str, str]) -> list[str]:
    """What a lock (pip's format, with hashes) wants on a Python with this marker *environment*: requirements without markers.

    pip itself judges markers by the Python it runs on. Raises WheelError for a line that is not pinned or has no hash.
    """
    wanted = []
    for line in re.sub(r"\\\n\s*", " ", text).splitlines():
        line = re.sub(r"(^|\s)#.*$", "", line).strip()
        if not line:
            continue
        said, *hashes = re.split(r"\s+--hash=", line)
        try:
            requirement = Requirement(said)
        except InvalidRequirement as error:
            raise WheelError(f"the lock has a line that is no requirement: {said}") from error
        if not hashes or [one.operator for one in requirement.specifier] != ["=="]:
            raise WheelError(f"the lock does not pin {requirement.name} with a hash")
        if requirement.marker is None or requirement.marker.evaluate({"extra": "", **environment}):
            wanted.append(
                " ".join([f"{requirement.name}{requirement.specifier}", *(f"--hash={one}" for one in hashes)])
            )
    return wanted


def platforms(machine: str, glibc: str) -> list[str]:
    """The tags of wheels that run with this C library (as "2.36"), the newest first."""
    major, minor = (int(part) for part in glibc.split(".")[:2])
    tags = [f"manylinux_{major}_{number}_{machine}" for number in range(minor, 4, -1)]
    return [*tags, f"manylinux2014_{machine}", f"manylinux2010_{machine}", f"manylinux1_{machine}", f"linux_{machine}"]


def fetch(wanted: list[str], environment: t.Mapping[str, str], glibc: str, directory: str) -> None:
    """Put one wheel for each of *wanted* into *directory*, which it makes, whole or not at all.

    What is published as source only is built here, and has to be pure Python. Raises WheelError.
    """
    version = environment["python_version"]
    tag = f"cp{version.replace('.', '')}"
    with tempfile.TemporaryDirectory(dir=os.path.dirname(directory), prefix=".new-") as work:
        lines = os.path.join(work, "wanted.txt")
        with open(lines, "w", encoding="utf-8") as stream:
            stream.write("\n".join(wanted) + "\n")
        place, sources = os.path.join(work, "wheels"), os.path.join(work, "sources")
        options = [f"--platform={one}" for one in platforms(environment["platform_machine"], glibc)]
        options += [f"--python-version={version}", "--implementation=cp", f"--abi={tag}", "--abi=abi3", "--abi=none"]
        # Not --only-binary: pip takes a wheel where the pinned version has one that fits.
        _pip("download", "--no-deps", "--require-hashes", *options, f"--dest={sources}", f"--requirement={lines}")
        os.mkdir(place)
        for name in sorted(os.listdir(sources)):
            if name.endswith(".whl"):
                os.rename(os.path.join(sources, name), os.path.join(place, name))
            else:
                _build(os.path.join(sources, name), place, name)
        os.rename(place, directory)


def _build(source: str, place: str, name: str) -> None:
    before = set(os.listdir(place))
    _pip("wheel", "--no-deps", f"--wheel-dir={place}", source)
    for made in set(os.listdir(place)) - before:
        if not made.endswith("-none-any.whl"):
            raise WheelError(
                f"{name} has no wheel for the engine's Python, and one that is built here runs only here ({made})"
            )


def own(source: str, directory: str) -> str:
    """Build the wheel of the package at *source*, without writing there. Returns its path in *directory*, which is made."""
    with tempfile.TemporaryDirectory(dir=os.path.dirname(directory), prefix=".new-") as work:
        copy, place = os.path.join(work, "source"), os.path.join(work, "wheel")
        shutil.copytree(source, copy, ignore=shutil.ignore_patterns("__pycache__", "tests", "build", "*.egg-info"))
        _pip("wheel", "--no-deps", f"--wheel-dir={place}", copy)
        os.rename(place, directory)
    return wheels_in(directory)[0]


def wheels_in(directory: str) -> list[str]:
    return sorted(os.path.join(directory, name) for name in os.listdir(directory) if name.endswith(".whl"))


def listing(wheels: t.Iterable[str]) -> str:
    """A requirements file that takes exactly these wheels."""
    lines = []
    for path in wheels:
        name, version = os.path.basename(path).split("-")[:2]
        with open(path, "rb") as stream:
            digest = hashlib.sha256(stream.read()).hexdigest()
        lines.append(f"{name.replace('_', '-')}=={version} --hash=sha256:{digest}")
    return "\n".join(sorted(lines)) + "\n"


def _pip(command: str, *arguments: str) -> None:
    words = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--no-input", command, "--quiet", *arguments]
    # A wheel holds times: with a fixed one the same source gives the same bytes.
    environment = {**os.environ, "SOURCE_DATE_EPOCH": "1577836800", "PYTHONHASHSEED": "0"}
    try:
        done = subprocess.run(words, capture_output=True, text=True, timeout=SECONDS, env=environment, check=False)
    except subprocess.TimeoutExpired as error:
        raise WheelError(f"pip {command} did not end in {SECONDS} s") from error
    if done.returncode:
        said = [line for line in done.stderr.splitlines() if line.startswith("ERROR:")] or done.stderr.splitlines()[-5:]
        raise WheelError(f"pip {command}: " + " ".join(line.removeprefix("ERROR: ")[:300] for line in said[-3:]))
