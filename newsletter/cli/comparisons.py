"""`newsletter comparisons`: what the site published."""

import difflib
from typing import Annotated, Any

import typer

from newsletter.cli.door import Json, door
from newsletter.cli.output import Told, as_json, progress, rows, say
from newsletter.comparisons.comparison import Comparison, Tool
from newsletter.comparisons.shelf import OnShelf, Shelved, on_shelf, versions
from newsletter.desk.collecting import collect_all
from newsletter.desk.voting import Tallied, tally
from newsletter.desk.writing import this_week
from newsletter.errors import SourceError
from newsletter.issues.finding import unknown
from newsletter.issues.history import told
from newsletter.issues.week import parse, window

app = typer.Typer(
    help="Comparisons: import what the site published, look at the shelf. Example: newsletter comparisons list",
    no_args_is_help=True,
)


@app.command("import")
def import_(
    context: typer.Context,
    sources: Annotated[list[str], typer.Argument(help="Files, folders, addresses of pages, a sitemap, a JSON feed.")],
    url: Annotated[str | None, typer.Option(help="The page's address, where a single file does not tell it.")] = None,
    covered: Annotated[bool, typer.Option("--covered", help="Readers had these before we began: not new.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would happen, change nothing.")] = False,
    json: Json = False,
) -> None:
    """Put compare pages on the shelf. Importing again changes nothing; every version is kept.

    A source that cannot be read is named, and the exit code is 1. Example: newsletter comparisons import pages/
    """
    if not all(source.strip() for source in sources):
        raise SourceError("A source is empty. Name a file, a folder, or an address that begins with https://.")
    desk = door(context).desk()
    with progress("Reading") as bar:
        came = collect_all(desk, sources, url=url, covered=covered, dry_run=dry_run, on_progress=bar)
    listing = [_imported(comparison, what) for comparison, what in came.shelved]
    if json:
        as_json({"comparisons": listing, "failures": came.failures, "dry_run": dry_run})
    else:
        interesting = [row for row in listing if row["shelf"] != Shelved.UNCHANGED or row["problems"].value]
        rows(interesting, json_wanted=False, nothing="Nothing new.")
        say("", came.summary + (" Dry run: nothing was changed." if dry_run else ""))
    if came.failed:
        raise SourceError("\n".join(came.failures))


@app.command("list")
def list_(
    context: typer.Context,
    week: Annotated[str | None, typer.Option(help="Only what was first seen in this ISO week.")] = None,
    new: Annotated[bool, typer.Option("--new", help="Only what no issue has used.")] = False,
    json: Json = False,
) -> None:
    """The shelf: every comparison in its latest version, oldest first.

    Example: newsletter comparisons list --week 2026-W47 --new
    """
    desk = door(context).desk()
    with desk.transaction() as session:
        had = told(session)
        since, until = window(parse(week), desk.config.publication.tz) if week is not None else (None, None)
        listing = [
            _shelved(row)
            for row in on_shelf(session)
            if (since is None or until is None or since <= row.first_seen < until)
            and not (new and (row.covered or row.comparison.key in had))
        ]
    rows(listing, json_wanted=json, nothing=f"Nothing. It is {this_week(desk)}; 'newsletter comparisons import' adds.")


@app.command()
def show(
    context: typer.Context, key: Annotated[str, typer.Argument(help="As 'list' shows it.")], json: Json = False
) -> None:
    """One comparison with all its versions.

    Example: newsletter comparisons show heron-mini-vs-zuraw-2
    """
    with door(context).desk().transaction() as session:
        found = versions(session, key)
        if not found:
            raise SourceError(unknown(key, [row.comparison.key for row in on_shelf(session)]))
        history = [{"version": row.version, "seen": row.seen, **_verdicts(row.comparison)} for row in found]
        newest = found[-1].comparison
    if json:
        as_json({"comparison": newest.model_dump(mode="json"), "versions": history})
        return
    say(newest.title, newest.url or "(no address)", "")
    rows(history, json_wanted=False, nothing="")
    rows([_reviews(tool) for tool in newest.tools], json_wanted=False, nothing="", title="\nReviews")
    say("", *(f"Problem: {problem.message}" for problem in newest.problems))


@app.command()
def votes(
    context: typer.Context,
    tool: Annotated[str | None, typer.Argument(help="Only this tool, by its slug.")] = None,
    json: Json = False,
) -> None:
    """How readers voted on tools, and how many saved them: whoever is on the list, each once for a tool.

    Most votes first. Example: newsletter comparisons votes cartographer
    """
    desk = door(context).desk()
    with desk.reading() as session:
        listing = [_voted(one) for one in tally(session, tool)]
        hint = _near(tool, {one.slug for row in on_shelf(session) for one in row.comparison.tools}) if tool else ""
    nothing = "No community votes yet, and nothing saved."
    if tool:
        nothing = f"No votes on '{tool}', and nobody saved it.{hint}"
    rows(listing, json_wanted=json, nothing=nothing)


def _near(tool: str, slugs: set[str]) -> str:
    """What may have been meant, where no comparison has a tool of this slug."""
    near = [] if tool in slugs else difflib.get_close_matches(tool, sorted(slugs), n=3, cutoff=0.5)
    return f" There is no such tool. Did you mean {' or '.join(near)}?" if near else ""


def _voted(one: Tallied) -> dict[str, Any]:
    return {
        "tool": one.slug,
        "name": one.name,
        "ship": one.ship,
        "skip": one.skip,
        "percent": Told("" if one.percent is None else f"{one.percent}%", one.percent),
        "saved": one.saved,
    }


def _imported(comparison: Comparison, what: Shelved) -> dict[str, Any]:
    problems = [problem.message for problem in comparison.problems]
    return {
        "shelf": str(what),
        "comparison": comparison.key,
        **_verdicts(comparison),
        "problems": Told("; ".join(problems), problems),
    }


def _shelved(row: OnShelf) -> dict[str, Any]:
    return {
        "first_seen": row.first_seen,
        "comparison": row.comparison.key,
        "version": row.version,
        **_verdicts(row.comparison),
        "covered": row.covered,
    }


def _verdicts(comparison: Comparison) -> dict[str, Any]:
    left, right = (_verdict(tool) for tool in comparison.tools)
    return {"left": left, "right": right, "cut": comparison.truncated}


def _verdict(tool: Tool) -> Told:
    """Like "ship 75%"; for programs the two parts."""
    said = tool.panel
    return Told(f"{said.verdict} {said.percent}%", {"verdict": said.verdict, "percent": said.percent})


def _reviews(tool: Tool) -> dict[str, str]:
    said = ", ".join(f"{review.reviewer} {review.score or ''} {review.verdict}" for review in tool.reviews)
    return {"tool": tool.name, "reviews": said or "none"}
