"""Backups of the settings: names that must exist, and the check that each has."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from opsagent.core.backup.job import Job
from opsagent.core.policy import CheckPolicy, Criticality
from opsagent.settings.model import Watched
from opsagent.settings.problem import Problem, shown
from opsagent.settings.relations import listed, names, repeated_names, text_of, unfit_command, unknown
from opsagent.settings.tree import Mapping, Scalar

if TYPE_CHECKING:
    from collections.abc import Iterator

    from opsagent.settings.model import Settings
    from opsagent.settings.named import Item, Kinds

KIND = "backup"


def problems(root: Mapping) -> Iterator[Problem]:
    """Find everything that is wrong with the backups of a document, and with checks that speak of them."""
    backups = listed(root, "backups")
    yield from repeated_names(backups, KIND)
    for backup in backups:
        command = [item.value for item in listed(backup, "verify") if isinstance(item, Scalar)]
        for text in unfit_command([word for word in command if isinstance(word, str)]) if command else ():
            yield Problem(place=backup.place, text=f"{text} (verify of backup {shown(text_of(backup, 'name'))})")
    known = names(backups)
    for check in listed(root, "checks") if root.whole else ():
        job = text_of(check, "job")
        if isinstance(check, Mapping) and text_of(check, "kind") == KIND and job and job not in known:
            yield unknown(job, check.keys["job"], known, KIND, "job")


def check_names(root: Mapping) -> frozenset[str]:
    """Return the names of the checks that backups get by themselves."""
    return frozenset(f"{KIND}-{name}" for name in names(listed(root, "backups")))


def with_jobs(settings: Settings, items: list[Item], kinds: Kinds) -> Settings:
    """Add the backups: checks are told what their job promises, and a job without a check gets one."""
    jobs = {job.name: job for job in (_job(item, settings.zone) for item in items)}
    watched = [_told(one, jobs, settings) for one in settings.watched]
    looked_at = {getattr(one.check, "job", "") for one in settings.watched if one.policy.kind == KIND}
    alone = [job for name, job in jobs.items() if name not in looked_at and KIND in kinds]
    watched += [_own(job, jobs, settings, kinds) for job in alone]
    policy = replace(settings.policy, checks=tuple(one.policy for one in watched))
    return replace(settings, policy=policy, watched=tuple(watched), backups=tuple(jobs.values()))


def _job(item: Item, zone: str) -> Job:
    common = {key: value for key, value in item.common.items() if key != "kind"}
    return Job(what=item.made, zone=zone, **common)


def _told(one: Watched, jobs: dict[str, Job], settings: Settings) -> Watched:
    if one.policy.kind != KIND:
        return one
    check: Any = one.check
    return replace(one, check=check.of_job(jobs, settings.backup_records))


def _own(job: Job, jobs: dict[str, Job], settings: Settings, kinds: Kinds) -> Watched:
    taken = {one.policy.name for one in settings.watched}
    name = f"backup-{job.name}" if f"backup-{job.name}" not in taken else f"backup-{job.name}-of-host"
    policy = CheckPolicy(
        name=name,
        kind=KIND,
        every=settings.policy.fast_loop,
        scope=settings.scope.value,
        criticality=Criticality.NORMAL,
    )
    return _told(Watched(policy=policy, check=kinds[KIND](job=job.name)), jobs, settings)
