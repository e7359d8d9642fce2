"""`backup`: make one, rehearse a restore, bring one back, say what there is. As root for the host's own backups."""

import os
import sys
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import typer

from opsagent import checks
from opsagent.backups import running
from opsagent.backups.place import BackupError
from opsagent.backups.work import Work
from opsagent.checks.backup import OfJob
from opsagent.core import asking
from opsagent.core.backup.job import Job
from opsagent.core.backup.judging import shown
from opsagent.core.backup.record import Drill, Record, Run
from opsagent.core.commands import ReportBackup
from opsagent.core.log_row import StoreError
from opsagent.core.observation import Reading
from opsagent.core.quantity import Bytes
from opsagent.core.timing import iso, spoken
from opsagent.interfaces import client
from opsagent.interfaces.cli import clock, daemon, place
from opsagent.interfaces.cli.options import Config, Json
from opsagent.interfaces.cli.screen import FAILED, USAGE, fail, say, say_json, table, warn
from opsagent.settings import Settings
from opsagent.store.notebook import Notebook

backup = typer.Typer(
    help="Backups: make, prove, restore. A password of restic's stands in a file of root's with mode 0600, such as:"
    " (umask 077; head -c 24 /dev/urandom | base64 >/etc/opsagent/backup.password). Keep a copy of it elsewhere.",
    no_args_is_help=True,
)
Name = Annotated[str, typer.Argument(metavar="JOB", help="A name of `backups` in the settings.")]


@backup.callback()
def what() -> None:
    """Backups: make one, rehearse a restore, bring one back."""


@backup.command()
def run(name: Name, *, json_: Json = False, config: Config = None) -> None:
    """Make a backup now. Its result is recorded and told to the daemon, as by its timer."""
    where, work = _work(name, config, quiet=json_)
    try:
        done = running.run(work)
    except (BackupError, OSError) as error:
        fail(str(error))
    _report(where, _of_run(work.job.name, done))
    files = f" in {done.files} files" if done.files > 1 else ""
    told = f"{name}: {shown(done.size)}{files} kept as {done.snapshot} in {_lasted(done.seconds)}"
    _end(done, f"{told}, {shown(done.added)} new", json_=json_)


@backup.command()
def drill(name: Name, *, json_: Json = False, config: Config = None) -> None:
    """Rehearse a restore. The latest backup is brought back into a scratch directory, proven, and taken away again."""
    where, work = _work(name, config, quiet=json_)
    try:
        done = running.drill(work)
    except (BackupError, OSError) as error:
        fail(str(error))
    _report(where, _of_drill(work.job.name, done))
    told = f"{name}: {done.snapshot} can be restored: {shown(done.size)} in {_lasted(done.seconds)}"
    _end(done, f"{told}, proven by {done.proof}", json_=json_)


@backup.command()
def restore(
    name: Name,
    *,
    to: Annotated[str, typer.Option("--to", metavar="DIRECTORY", help="Where to; an empty directory is safest.")],
    snapshot: Annotated[
        str, typer.Option(metavar="ID", help="Which, as `backup list JOB` names it; else the latest.")
    ] = "",
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace what is there, a living database too. Stop its service first.")
    ] = False,
    json_: Json = False,
    config: Config = None,
) -> None:
    """Bring a backup back, and prove that it is what was kept. Paths come back below DIRECTORY, with their folders."""
    where, work = _work(name, config, quiet=json_)
    goal = Path(to).absolute()
    try:
        brought = running.restore(work, snapshot, goal, overwrite=overwrite)
    except BackupError as error:
        _report(where, _of_restore(work, goal, text=str(error), good=False))
        fail(str(error))
    size, files = Bytes(brought.size), Bytes(brought.files)
    _report(where, _of_restore(work, goal, brought.proof, good=True, snapshot=brought.snapshot, size=size, files=files))
    if json_:
        say_json({"snapshot": brought.snapshot, "to": str(goal), "size": size, "files": files, "proof": brought.proof})
    else:
        say(f"{name}: {brought.snapshot} is in {goal}: {shown(size)}, proven by {brought.proof}")


@backup.command(name="list")
def list_(
    name: Annotated[str, typer.Argument(metavar="[JOB]", help="Only what this one can restore, as root.")] = "",
    *,
    json_: Json = False,
    config: Config = None,
) -> None:
    """Say how the backups stand; with JOB, what can be restored of it."""
    if name:
        _, work = _work(name, config, quiet=True)
        _say_kept(work, json_=json_)
        return
    settings = place.load(place.find(config))
    rows = [_standing(job, settings) for job in settings.backups]
    if json_:
        say_json(rows)
    elif not rows:
        say("there are no backups in the settings; docs/how-to/back-up.md tells how to begin")
    else:
        wall = clock.Wall(settings.zone)
        columns = ("backup", "kind", "status", "last good", "size", "last proven", "message")
        table(columns, [_row(one, wall) for one in rows], wide="message")
        say(wall.said)


@backup.command(hidden=True)
def settle(name: Name, *, config: Config = None) -> None:
    """Record a run or drill that was killed; called by systemd after each."""
    where, work = _work(name, config, quiet=True)
    done = running.settle(work, os.environ.get("SERVICE_RESULT", "it was killed"))
    if isinstance(done, Run):
        _report(where, _of_run(name, done))
    elif isinstance(done, Drill):
        _report(where, _of_drill(name, done))


def _work(name: str, config: str | None, *, quiet: bool) -> tuple[place.Place, Work]:
    where = place.find(config)
    settings = place.load(where)
    job = next((job for job in settings.backups if job.name == name), None)
    if job is None:
        known = ", ".join(job.name for job in settings.backups) or "none"
        fail(f"cannot find the backup {name!r}, there are: {known}", USAGE)
    if where.is_system and os.geteuid() != 0:
        fail("cannot do this as this user: backups of the host are root's, run it with sudo")
    return where, running.work_of(job, settings.backup_records, clock.now(), _ignore if quiet else _Progress())


def _ignore(text: str) -> None:
    del text


class _Progress:
    """How far it is: one line that changes on a terminal, elsewhere one for each stage."""

    def __init__(self) -> None:
        """Nothing was said yet."""
        self._said = ""

    def __call__(self, text: str) -> None:
        """Say it."""
        if sys.stderr.isatty():
            typer.echo(f"\r\x1b[K{text}", err=True, nl=False)
        elif "%" not in text and text != self._said:
            warn(f"{text} …")
        self._said = text


def _end(done: Run | Drill, told: str, *, json_: bool) -> None:
    if sys.stderr.isatty() and not json_:
        typer.echo("\r\x1b[K", err=True, nl=False)
    if json_:
        say_json(_plain(done))
    elif not done.error:
        say(told)
    else:
        fail(done.error)
    if done.error:
        raise typer.Exit(FAILED)


def _plain(done: Run | Drill | None) -> dict[str, Any] | None:
    if done is None:
        return None
    return {"at": iso(done.at), **{key: getattr(done, key) for key in done.__dataclass_fields__ if key != "at"}}


def _of_run(name: str, done: Run) -> ReportBackup:
    return ReportBackup(
        by=daemon.who(),
        job=name,
        what="run",
        good=not done.error,
        text=done.error,
        snapshot=done.snapshot,
        size=Bytes(done.size),
        files=Bytes(done.files),
        added=Bytes(done.added),
        sha256=done.sha256,
        lasted=timedelta(seconds=done.seconds),
    )


def _of_drill(name: str, done: Drill) -> ReportBackup:
    return ReportBackup(
        by=daemon.who(),
        job=name,
        what="drill",
        good=not done.error,
        text=done.error or done.proof,
        snapshot=done.snapshot,
        size=Bytes(done.size),
        files=Bytes(done.files),
        lasted=timedelta(seconds=done.seconds),
    )


def _of_restore(work: Work, to: Path, text: str, **more: Any) -> ReportBackup:
    lasted = clock.now() - work.now
    return ReportBackup(
        by=daemon.who(), job=work.job.name, what="restore", text=text, to=str(to), lasted=lasted, **more
    )


def _report(where: place.Place, report: ReportBackup) -> None:
    """Tell the daemon; where it is down, leave word. That it cannot be told does not undo what was done."""
    try:
        client.ask(where.socket, asking.body(report))
    except client.DownError:
        _leave(where, report)
    except (client.NoAnswerError, PermissionError) as error:
        warn(f"opsagent: the daemon could not be told: {error}")


def _leave(where: place.Place, report: ReportBackup) -> None:
    import json  # noqa: PLC0415 - only where the daemon is down

    from opsagent.store import spool  # noqa: PLC0415 - as above

    try:
        spool.write(where.spool, json.dumps(asking.body(report, clock.now())))
    except (StoreError, OSError) as error:
        warn(f"opsagent: the daemon is down, and no word can be left for it: {error}")


def _say_kept(work: Work, *, json_: bool) -> None:
    wall = clock.Wall(work.job.zone)
    try:
        found = running.kept(work)
    except BackupError as error:
        fail(str(error))
    if json_:
        say_json([{"snapshot": one.snapshot, "at": iso(one.at), "size": one.size or None} for one in found])
    else:
        rows = [(one.snapshot, wall.shown(iso(one.at)), shown(one.size) if one.size else "-") for one in found]
        table(("snapshot", "made", "size"), rows, wide="snapshot")
        say(wall.said)


def _standing(job: Job, settings: Settings) -> dict[str, Any]:
    record = running.work_of(job, settings.backup_records, clock.now(), _ignore).place.recorded()
    reading = _judged(job, settings)
    return {
        "name": job.name,
        "kind": job.kind,
        "status": reading.status.value,
        "message": reading.message,
        "last": _plain(record.last),
        "last_good": _plain(_latest(record)),
        "last_drill": _plain(record.drills[-1] if record.drills else None),
        "last_proven": _plain(record.proven),
    }


def _judged(job: Job, settings: Settings) -> Reading:
    """Look as the daemon does, and know since when it does."""
    one = next(one for one in settings.watched if isinstance(one.check, OfJob) and one.check.job == job)
    recall = partial(Notebook(settings.state).read, one.policy.name)
    return checks.observe(checks.remembering(one.check, recall, lambda _: None))


def _latest(record: Record) -> Run | None:
    return record.good[-1] if record.good else None


def _row(one: dict[str, Any], wall: clock.Wall) -> tuple[str, ...]:
    good, proven = one["last_good"], one["last_proven"]
    return (
        one["name"],
        one["kind"],
        one["status"],
        wall.shown(good["at"] if good else None),
        shown(good["size"]) if good else "-",
        wall.shown(proven["at"] if proven else None),
        one["message"],
    )


def _lasted(seconds: float) -> str:
    return spoken(timedelta(seconds=seconds))
