"""`failures`: the kinds of failures that are known here, what works for each, and the files that people correct."""

# no `annotations` from __future__ in the files of commands: typer reads them when the program runs
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any

import typer

from opsagent.core.archive.known import Known, shown
from opsagent.core.archive.searching import Hit
from opsagent.core.archive.searching import search as find
from opsagent.core.before_words import times
from opsagent.core.text import visible
from opsagent.core.timing import iso, spoken
from opsagent.interfaces.cli import daemon, failures_edit
from opsagent.interfaces.cli.clock import Wall
from opsagent.interfaces.cli.failures_read import Found, found
from opsagent.interfaces.cli.options import Config, Json
from opsagent.interfaces.cli.screen import FAILED, fail, say, say_json, table, warn

failures = typer.Typer(help="The kinds of failures that are known here, and what works for each.")
_MOST_INCIDENTS = 20
"""The latest that are shown; `--json` has all."""
Slug = Annotated[str, typer.Argument(metavar="SLUG|FINGERPRINT|ID", help="A pattern, a kind of failure, an incident.")]


@failures.callback(invoke_without_command=True)
def what(context: typer.Context, *, json_: Json = False, config: Config = None) -> None:
    """The kinds of failures that are known here, and what works for each. Alone it lists them."""
    if context.invoked_subcommand is None:
        list_(json_=json_, config=config)


@failures.command("list")
def list_(*, json_: Json = False, config: Config = None) -> None:
    """List every kind of failure, the one that came last first: how often, what works, whether a person verified it."""
    known = found(config)
    _refused(known)
    rows = [shown(one, str(known.folder)) for one in known.kinds]
    if json_:
        say_json(rows)
        return
    if not rows:
        say("no failures are known on this host yet")
        return
    wall = daemon.wall(known.where)
    columns = ("name", "times", "last", "what works", "verified", "status", "title")
    cells = [
        (
            _name(row) or "-",
            str(row["occurrences"]),
            wall.shown(row["last_seen"]),
            _works(row),
            "yes" if row["verified"] else "no",
            row["status"],
            row["title"],
        )
        for row in rows
    ]
    table(columns, cells, wide="title")
    say(wall.said)


@failures.command()
def show(name: Slug, *, json_: Json = False, config: Config = None) -> None:
    """Show one kind of failure whole: its file as it stands, what each remedy came to, its incidents."""
    known = found(config)
    one = known.one(name)
    text = known.said(one)
    row = {**shown(one, str(known.folder)), "text": text or None}
    if json_:
        say_json(row)
        return
    wall = daemon.wall(known.where)
    for line in _heading(one, row, wall):
        say(line)
    if row["file"]:
        say(f"file {known.settings.memory / row['file']}:{row['line']}")
    for incident in one.incidents[-_MOST_INCIDENTS:]:
        say(f"incident {incident.label} {wall.shown(iso(incident.first_bad_at))}: {visible(incident.reason)}")
    if text:
        say("\n" + "\n".join(visible(line, 8192) for line in text.splitlines()))
    say(wall.said)


@failures.command()
def search(
    text: Annotated[list[str], typer.Argument(metavar="TEXT", help="Words to look for.")],
    *,
    json_: Json = False,
    config: Config = None,
) -> None:
    """Search patterns, their prose and the entries of the index, best first."""
    hits = find(list(found(config).texts()), " ".join(text))
    rows = [
        {
            "name": hit.text.slug or None,
            "title": hit.text.title,
            "file": hit.text.where or None,
            "line": hit.text.line if hit.text.where else None,
            "score": hit.score,
            "excerpt": hit.excerpt,
        }
        for hit in hits
    ]
    if json_:
        say_json(rows)
    elif not rows:
        warn(f"nothing says {visible(' '.join(text))!r}")
    else:
        table(("title", "where", "says"), [(hit.text.title, _place(hit), hit.excerpt) for hit in hits], wide="says")
    if not rows:
        raise typer.Exit(FAILED)


@failures.command()
def stats(*, json_: Json = False, config: Config = None) -> None:
    """Say of each kind how often it came, what each remedy came to against doing nothing, and what costs most."""
    known = found(config)
    rows = [shown(one, str(known.folder)) for one in known.kinds if one.entry is None]
    often = max(rows, key=lambda row: row["occurrences"], default=None)
    costly = max(rows, key=lambda row: row["bad_seconds"], default=None)
    if json_:
        say_json({"patterns": rows, "most_frequent": _name(often), "most_costly": _name(costly)})
        return
    for row in rows:
        say(f"{_name(row)}: {times(row['occurrences'])}")
        say("\n".join(f"  {line}" for line in _figures(row)))
    if often is not None and costly is not None:
        say(f"most frequent: {_name(often)} ({times(often['occurrences'])})")
        say(f"most costly: {_name(costly)} (bad for {_spoken(costly['bad_seconds'])})")


@failures.command()
def edit(
    slug: Annotated[str, typer.Argument(metavar="SLUG", help="The pattern, as `failures list` names it.")],
    *,
    json_: Json = False,
    config: Config = None,
) -> None:
    """Edit a pattern with $EDITOR: what is wrong is named by its line, and only what can be used is put in place."""
    known = found(config)
    name = slug.removesuffix(".md")
    if not known.has_file(name):
        one = known.one(slug)
        if one.pattern is None:
            fail(
                f"cannot edit {one.name}: no pattern file describes it, allowed: a name with a file in `failures list`"
            )
        name = one.name
    path = failures_edit.edited(known, name)
    if json_:
        say_json({"slug": name, "file": str(path), "changed": True})
        return
    say(f"{path} is in place; it takes part from the next failure on")


@failures.command("test")
def try_on_record(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A pattern file, in place or not yet.")],
    *,
    json_: Json = False,
    config: Config = None,
) -> None:
    """Try a pattern on the incidents on record: of which it would have spoken, and why not of the others."""
    known = found(config)
    rows = failures_edit.tried(known, file)
    if json_:
        say_json(rows)
    elif rows:
        cells = [(row["id"], row["check"], "yes" if row["matches"] else "no", _because(row)) for row in rows]
        table(("incident", "check", "matches", "because"), cells, wide="because")
    else:
        warn("there are no incidents on record")
    if not any(row["matches"] for row in rows):
        raise typer.Exit(FAILED)


def _heading(one: Known, row: dict[str, Any], wall: Wall) -> list[str]:
    if one.entry:
        return [one.title, "people wrote it down; nothing on record is counted for it"]
    last = f", last {wall.shown(row['last_seen'])}" if row["last_seen"] else " on record"
    return [f"{one.name}: {one.title}", f"{times(row['occurrences'])}{last}, {row['status']}", *_figures(row)]


def _place(hit: Hit) -> str:
    return f"{hit.text.where}:{hit.text.line}" if hit.text.where else hit.text.slug


def _because(row: dict[str, Any]) -> str:
    return str(row["because"]) if row["matches"] else "; ".join(row["why_not"])


def _refused(known: Found) -> None:
    for one in known.archive.refused:
        warn(f"not used: {one}")


def _name(row: dict[str, Any] | None) -> str | None:
    return (row["slug"] or row["fingerprint"]) if row else None


def _works(row: dict[str, Any]) -> str:
    if row["resolution"]:
        return visible(row["resolution"], 40)
    tried = [one for one in row["remedies"] if one["tried"]]
    best = max(tried, key=lambda one: (one["worked"] / one["tried"], one["tried"]), default=None)
    return f"{best['do']} {best['worked']} of {best['tried']}" if best and best["worked"] else "nothing yet"


def _figures(row: dict[str, Any]) -> list[str]:
    lines = [_came_to(one) for one in row["remedies"]]
    if row["base_rate"] is not None:
        lines.append(f"good again by itself within a minute: {row['base_rate']:.0%}")
    if row["median_seconds"] is not None:
        lines.append(f"bad for {_spoken(row['median_seconds'])} as a median, {_spoken(row['bad_seconds'])} in all")
    return lines or ["nothing was tried yet"]


def _came_to(one: dict[str, Any]) -> str:
    took = f", median {_spoken(one['median_seconds'])}" if one["median_seconds"] is not None else ""
    would = f" (its mode held it back {times(one['would'])})" if one["would"] else ""
    worked = f"worked {one['worked']} of {one['tried']}" if one["tried"] else "was never tried"
    return f"{one['do']} {worked}{took}{would}"


def _spoken(seconds: float) -> str:
    return spoken(timedelta(seconds=seconds))
