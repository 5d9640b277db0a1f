# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What ``pmta`` asks of the daemon: lists, settings, pauses, deletions."""

from __future__ import annotations

import time
from typing import Any, Callable

from . import VERSION, VERSION_LINE, table, values
from .engine import Engine
from .errors import ValueRefused
from .model import DEFAULT_VMTA
from .queues import Entry, Queue, matches

DEFAULT_ITEMS = 10


class Wrong(Exception):
    """The command cannot be carried out; the text is for the operator."""


def execute(engine: Engine, licence: dict[str, str], request: dict[str, Any]) -> dict[str, Any]:
    """``request``: command (such as ``show vmtas``), args, options. Answer: ok, text, data."""
    command = COMMANDS.get(request.get("command", ""))
    if command is None:
        return {"ok": False, "text": f"Error: unknown command {request.get('command')}", "data": {}}
    try:
        with engine.lock:
            text, data = command(engine, request.get("args", []), {**request.get("options", {}), "licence": licence})
    except (Wrong, ValueRefused) as problem:
        return {"ok": False, "text": f"Error: {problem}", "data": {}}
    return {"ok": True, "text": text, "data": data}


def _one(args: list[str], what: str) -> str:
    if len(args) != 1:
        raise Wrong(f"argument missing: {what}" if not args else f"too many arguments, one {what} expected")
    return args[0]


def _limit(options: dict[str, Any]) -> int:
    found = options.get("maxitems", DEFAULT_ITEMS)
    try:
        return int(found)
    except ValueError:
        raise Wrong(f"--maxitems takes a number: {found}") from None


def _pattern(text: str) -> str:
    values.queue_pattern(text)
    return text


def _kbytes(queue: Queue) -> float:
    return sum(entry.message.size for entry in [*queue.waiting(), *queue.sending]) / 1024


# -- show ----------------------------------------------------------------------------------------------------------


def show_version(engine: Engine, args: list[str], options: dict[str, Any]) -> tuple[str, dict]:
    return VERSION_LINE, {"version": VERSION, "product": VERSION_LINE}


def show_license(engine: Engine, args: list[str], options: dict[str, Any]) -> tuple[str, dict]:
    licence = options["licence"]
    return "\n".join(f"{key}: {value}" for key, value in licence.items()), {"license": licence}


def show_status(engine: Engine, args: list[str], options: dict[str, Any]) -> tuple[str, dict]:
    rcpts = sum(len(queue) for queue in engine.queues.values())
    out = sum(queue.connections for queue in engine.queues.values())
    full = [queue for queue in engine.queues.values() if len(queue)]
    kbytes = sum(_kbytes(queue) for queue in full)
    uptime = int(time.time() - engine.started)
    text = (
        f"{VERSION_LINE}\nuptime: {uptime}s\ntraffic: {engine.traffic['in']} rcpt in, {engine.traffic['out']} rcpt out\n"
        f"connections: {out} outbound (maximum {engine.outbound})\nqueue: {rcpts} rcpt, {len(full)} queues, {kbytes:.1f} kbytes"
    )
    status = {
        "traffic": {"total": {"in": {"rcp": engine.traffic["in"]}, "out": {"rcp": engine.traffic["out"]}}},
        "conn": {"smtpOut": {"cur": out, "max": engine.outbound}},
        "resolver": {"namesQueued": 0},
        "queue": {"smtp": {"rcp": rcpts, "dom": len({queue.domain for queue in full}), "kb": round(kbytes, 1)}},
        "spool": {"dir": [{"name": one} for one in engine.spool.directories]},
        "status": {"uptime": uptime, "state": "running"},
    }
    return text, {"mta": {"product": {"version": VERSION, "name": "PowerMTA"}}, "status": status}


def show_queues(engine: Engine, args: list[str], options: dict[str, Any]) -> tuple[str, dict]:
    chosen = [queue for queue in engine.queues.values() if len(queue) or queue.paused or queue.mode != "normal"]
    if args:
        chosen = [queue for queue in chosen if matches(_pattern(_one(args, "queue")), queue)]
    if "vmta" in options:
        chosen = [queue for queue in chosen if queue.vmta == options["vmta"]]
    if options.get("paused"):
        chosen = [queue for queue in chosen if queue.paused]
    if options.get("connected"):
        chosen = [queue for queue in chosen if queue.connections]
    if options.get("errors"):
        chosen = [queue for queue in chosen if queue.last_error]
    if "mode" in options:
        chosen = [queue for queue in chosen if queue.mode == options["mode"]]
    chosen.sort(
        key=(lambda queue: queue.name) if options.get("sort") == "name" else (lambda queue: (-len(queue), queue.name))
    )
    shown = chosen[: _limit(options)]
    lines = [f"{'queue':<40} {'#rcpt':>7} {'kbytes':>10} {'conn':>5} {'st':>3} {'retry':>8} last error"]
    for queue in shown:
        state = "P" if queue.paused else "B" if queue.mode == "backoff" else "-"
        retry = max(0, int(queue.retry_at - time.time()))
        lines.append(
            f"{queue.name:<40} {len(queue):>7} {_kbytes(queue):>10.1f} {queue.connections:>5} {state:>3} "
            f"{str(retry) + 's' if retry else '-':>8} {queue.last_error or '-'}"
        )
    lines.append(f"{len(shown)} of {len(chosen)} queues.")
    items = [
        {
            "name": queue.name,
            "rcpt": len(queue),
            "kb": round(_kbytes(queue), 1),
            "conn": queue.connections,
            "paused": queue.paused,
            "mode": queue.mode,
            "retryTime": int(queue.retry_at) or None,
            "lastError": queue.last_error,
        }
        for queue in shown
    ]
    return "\n".join(lines), {"queue": items}


def _totals(engine: Engine, key: Callable[[Queue], str], names: list[str]) -> dict[str, dict[str, Any]]:
    found = {name: {"domains": set(), "rcpt": 0, "kb": 0.0, "conn": 0} for name in names}
    for queue in engine.queues.values():
        one = found.setdefault(key(queue), {"domains": set(), "rcpt": 0, "kb": 0.0, "conn": 0})
        if len(queue):
            one["domains"].add(queue.domain)
        one["rcpt"] += len(queue)
        one["kb"] += _kbytes(queue)
        one["conn"] += queue.connections
    return found


def show_vmtas(engine: Engine, args: list[str], options: dict[str, Any]) -> tuple[str, dict]:
    found = _totals(engine, lambda queue: queue.vmta, [DEFAULT_VMTA, *engine.config.vmtas])
    found = {name: one for name, one in found.items() if engine._known(name) or one["rcpt"]}
    if args:
        found = {name: one for name, one in found.items() if name == args[0]}
    total = sum(one["rcpt"] for one in found.values())
    order = sorted(
        found, key=(lambda name: name) if options.get("sort") == "name" else lambda name: (-found[name]["rcpt"], name)
    )
    shown = order[: _limit(options)]
    lines = [f"{'name':<30} {'domains':>8} {'#rcpt':>8} {'% total':>8} {'kbytes':>10} {'conn':>5}"]
    items = []
    for name in shown:
        one = found[name]
        share = 100 * one["rcpt"] / total if total else 0.0
        lines.append(
            f"{name:<30} {len(one['domains']):>8} {one['rcpt']:>8} {share:>8.1f} {one['kb']:>10.1f} {one['conn']:>5}"
        )
        items.append(
            {
                "name": name,
                "dom": len(one["domains"]),
                "rcpt": one["rcpt"],
                "kb": round(one["kb"], 1),
                "conn": one["conn"],
            }
        )
    lines.append(f"{len(shown)} of {len(found)} virtual MTAs.")
    return "\n".join(lines), {"vmta": items}


def show_domains(engine: Engine, args: list[str], options: dict[str, Any]) -> tuple[str, dict]:
    found = {name: one for name, one in _totals(engine, lambda queue: queue.domain, []).items() if one["rcpt"]}
    shown = sorted(found, key=lambda name: (-found[name]["rcpt"], name))[: _limit(options)]
    lines = [f"{'domain':<40} {'#rcpt':>8} {'kbytes':>10} {'conn':>5}"]
    lines += [
        f"{name:<40} {found[name]['rcpt']:>8} {found[name]['kb']:>10.1f} {found[name]['conn']:>5}" for name in shown
    ]
    lines.append(f"{len(shown)} of {len(found)} domains.")
    return "\n".join(lines), {
        "domain": [{"name": n, "rcpt": found[n]["rcpt"], "conn": found[n]["conn"]} for n in shown]
    }


def show_jobs(engine: Engine, args: list[str], options: dict[str, Any]) -> tuple[str, dict]:
    jobs: dict[str, int] = {}
    for queue in engine.queues.values():
        for entry in [*queue.waiting(), *queue.sending]:
            if entry.job:
                jobs[entry.job] = jobs.get(entry.job, 0) + 1
    names = sorted(set(jobs) | engine.paused_jobs)
    shown = names[: _limit(options)]
    lines = [f"{'job':<40} {'#rcpt':>8} {'st':>3}"]
    lines += [f"{name:<40} {jobs.get(name, 0):>8} {'P' if name in engine.paused_jobs else '-':>3}" for name in shown]
    lines.append(f"{len(shown)} of {len(names)} jobs.")
    data = [{"id": name, "rcpt": jobs.get(name, 0), "paused": name in engine.paused_jobs} for name in shown]
    return "\n".join(lines), {"job": data}


def show_settings(engine: Engine, args: list[str], options: dict[str, Any]) -> tuple[str, dict]:
    domain, slash, vmta = _one(args, "domain/vmta").partition("/")
    (values.domain_pattern if domain.startswith("[") else values.host)(domain)
    vmta = vmta if slash else DEFAULT_VMTA
    if not engine._known(vmta):
        raise Wrong(f"no such virtual MTA: {vmta}")
    found: dict[str, list[str]] = {name: [value] for name, value in table.defaults("domain").items()}
    for name, settings in engine.config.effective(domain.lower(), vmta).items():
        found[name] = [_printed(setting.raw) for setting in settings]
    lines = [f"{name} {value}" for name in sorted(found) for value in found[name]]
    return "\n".join(lines), {"settings": {name: one[0] if len(one) == 1 else one for name, one in found.items()}}


def _printed(raw: str) -> str:
    return {"yes": "true", "no": "false"}.get(raw.lower(), raw)


def show_vmta_settings(engine: Engine, args: list[str], options: dict[str, Any]) -> tuple[str, dict]:
    name = _one(args, "virtual MTA")
    owner = engine.config.vmtas.get(name)
    if owner is None:
        raise Wrong(f"no such virtual MTA: {name}")
    found: dict[str, list[str]] = {}
    for block in [*(pool.block for pool in owner.pools), owner.block]:
        own: dict[str, list[str]] = {}
        for setting in block.settings:
            if setting.name != "virtual-mta":
                own.setdefault(setting.name, []).append(setting.raw)
        found.update(own)
    lines = [f"{key} {value}" for key in sorted(found) for value in found[key]]
    return "\n".join(lines), {"settings": {key: one[0] if len(one) == 1 else one for key, one in found.items()}}


def show_disabled_sources(engine: Engine, args: list[str], options: dict[str, Any]) -> tuple[str, dict]:
    pattern = _pattern(_one(args, "queue")) if args else "*/*"
    chosen = [
        (ip, domain, vmta, until)
        for (ip, domain, vmta), until in sorted(engine.disabled.items())
        if matches(pattern, Queue(domain, vmta))
    ]
    lines = [f"{'source':<16} {'queue':<40} reenabled"]
    items = []
    for ip, domain, vmta, until in chosen[: _limit(options)]:
        when = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(until)) if until else "never"
        lines.append(f"{ip:<16} {domain + '/' + vmta:<40} {when}")
        items.append({"ip": ip, "queue": f"{domain}/{vmta}", "reenable": when})
    lines.append(f"{len(items)} of {len(chosen)} disabled sources.")
    return "\n".join(lines), {"source": items}


# -- actions -------------------------------------------------------------------------------------------------------


def _set_pause(paused: bool) -> Callable[..., tuple[str, dict]]:
    def act(engine: Engine, args: list[str], options: dict[str, Any]) -> tuple[str, dict]:
        """Only queues that exist now: one made later is not paused. Nothing of it outlives a restart."""
        pattern = _pattern(_one(args, "queue"))
        found = [queue for queue in engine.queues.values() if matches(pattern, queue)]
        for queue in found:
            queue.paused = paused
        engine.wake()
        return f"Queue(s) {'paused' if paused else 'resumed'}.", {"count": len(found)}

    return act


def _set_job_pause(paused: bool) -> Callable[..., tuple[str, dict]]:
    def act(engine: Engine, args: list[str], options: dict[str, Any]) -> tuple[str, dict]:
        job = _one(args, "job")
        (engine.paused_jobs.add if paused else engine.paused_jobs.discard)(job)
        engine.wake()
        return f"Job {'paused' if paused else 'resumed'}.", {}

    return act


def _source_args(args: list[str]) -> tuple[str, str, str]:
    if len(args) != 2:
        raise Wrong("IP and domain[/vmta] expected")
    domain, slash, vmta = _pattern(args[1]).partition("/")
    if "*" in args[1]:
        raise Wrong(f"one queue expected, no wild cards: {args[1]}")
    return str(values.ip(args[0])), domain.lower(), vmta if slash else DEFAULT_VMTA


def disable_source(engine: Engine, args: list[str], options: dict[str, Any]) -> tuple[str, dict]:
    after = options.get("reenable-after")
    engine.disable_source(*_source_args(args), None if after in (None, "never") else values.interval(after))
    return "Source disabled.", {}


def enable_source(engine: Engine, args: list[str], options: dict[str, Any]) -> tuple[str, dict]:
    if engine.disabled.pop(_source_args(args), "missing") == "missing":
        raise Wrong("that source is not disabled")
    engine.wake()
    return "Source enabled.", {}


def set_queue(engine: Engine, args: list[str], options: dict[str, Any]) -> tuple[str, dict]:
    pattern, mode = _pattern(_one(args, "queue")), options.get("mode")
    if mode not in ("backoff", "normal"):
        raise Wrong("--mode=backoff or --mode=normal expected")
    found = [queue for queue in engine.queues.values() if matches(pattern, queue)]
    for queue in found:
        engine.set_mode(queue, mode)
    return "Queue mode set.", {"count": len(found)}


def delete(engine: Engine, args: list[str], options: dict[str, Any]) -> tuple[str, dict]:
    """Deleted mail is gone without a record or a notification."""
    if args or not (options.get("queue") or options.get("jobId")):
        raise Wrong("--queue= or --jobId= is required")
    if options.get("queue"):
        _pattern(options["queue"])
    gone = 0
    for queue in engine.queues.values():
        if options.get("queue") and not matches(options["queue"], queue):
            continue
        for entry in queue.take_all():
            if options.get("jobId") and entry.job != options["jobId"]:
                queue.ready.append(entry)
            else:
                engine.spool.finished(entry.message, entry.index)
                gone += 1
    return f"{gone} recipient(s) deleted.", {"count": gone}


def list_mail(engine: Engine, args: list[str], options: dict[str, Any]) -> tuple[str, dict]:
    pattern = options.get("queue") or (args[0] if args else "*/*")
    pattern = _pattern(pattern if "/" in pattern else pattern + "/*")
    found: list[tuple[Queue, Entry]] = [
        (queue, entry)
        for queue in engine.queues.values()
        if matches(pattern, queue)
        for entry in [*queue.waiting(), *queue.sending]
        if options.get("jobId") in (None, entry.job)
    ]
    shown = found[: _limit(options)]
    lines = [
        f"{entry.message.envelope['orig']} {entry.recipient['addr']} {queue.name} {entry.job or '-'}"
        for queue, entry in shown
    ]
    items = [
        {
            "orig": entry.message.envelope["orig"],
            "rcpt": entry.recipient["addr"],
            "queue": queue.name,
            "jobId": entry.job,
        }
        for queue, entry in shown
    ]
    return "\n".join([*lines, f"{len(shown)} of {len(found)} recipients."]), {"rcpt": items}


def schedule(engine: Engine, args: list[str], options: dict[str, Any]) -> tuple[str, dict]:
    pattern = _pattern(_one(args, "queue"))
    found = [queue for queue in engine.queues.values() if matches(pattern, queue)]
    for queue in found:
        queue.retry_at = 0.0
        if options.get("retry-recipients"):
            queue.ready.extend(queue.take_all())
    engine.wake()
    return f"{len(found)} queue(s) scheduled.", {"count": len(found)}


def rotate(engine: Engine, args: list[str], options: dict[str, Any]) -> tuple[str, dict]:
    if args[:1] == ["log"] and len(args) == 1:
        engine.log.rotate()
        return "Log rotated.", {}
    if args[:1] == ["acct"] and len(args) <= 2:
        if not engine.accounting.rotate(args[1] if len(args) > 1 else ""):
            raise Wrong("no such accounting file")
        return "Accounting file(s) rotated.", {}
    raise Wrong("rotate log or rotate acct [FILE] expected")


def reset_counters(engine: Engine, args: list[str], options: dict[str, Any]) -> tuple[str, dict]:
    engine.traffic = dict.fromkeys(engine.traffic, 0)
    return "Counters reset.", {}


def clear_dnscache(engine: Engine, args: list[str], options: dict[str, Any]) -> tuple[str, dict]:
    _one(args, "domain")
    return "DNS cache cleared.", {}


COMMANDS: dict[str, Callable[..., tuple[str, dict]]] = {
    "show status": show_status,
    "show topqueues": show_queues,
    "show queues": show_queues,
    "show domains": show_domains,
    "show topdomains": show_domains,
    "show vmtas": show_vmtas,
    "show jobs": show_jobs,
    "show settings": show_settings,
    "show vmta-settings": show_vmta_settings,
    "show version": show_version,
    "show license": show_license,
    "show disabled sources": show_disabled_sources,
    "pause queue": _set_pause(True),
    "resume queue": _set_pause(False),
    "pause job": _set_job_pause(True),
    "resume job": _set_job_pause(False),
    "disable source": disable_source,
    "enable source": enable_source,
    "set queue": set_queue,
    "delete": delete,
    "list": list_mail,
    "schedule": schedule,
    "rotate": rotate,
    "reset counters": reset_counters,
    "clear dnscache": clear_dnscache,
}
