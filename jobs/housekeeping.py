"""The night's chores: one run a day, at three in the publication's own time. A chore that fails harms no other."""

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

from jobs.slots import Run, RunStatus, open_runs, seize, take, write
from newsletter.desk.chores import CHORES
from newsletter.desk.desk import Desk
from newsletter.errors import NewsletterError

JOB = "housekeeping"
AT = time(3, 0)


def keep_house(desk: Desk) -> list[str]:
    """Do the chores if their hour has come and nobody has done them; what there is to say. Safe in any process."""
    with desk.transaction() as session:
        take(session, JOB, newest_night(desk.config.publication.tz, desk.clock()), "chores", desk.clock())
        mine = open_runs(session, JOB)
    return [line for run in mine for line in _do(desk, run)]


def newest_night(zone: ZoneInfo, now: datetime) -> datetime:
    """The latest three o'clock at or before `now`, aware, in this zone."""
    day = now.astimezone(zone).date()
    slot = datetime.combine(day, AT, tzinfo=zone).astimezone(UTC).astimezone(zone)
    return slot if slot <= now else datetime.combine(day - timedelta(days=1), AT, tzinfo=zone)


def _do(desk: Desk, run: Run) -> list[str]:
    taken = desk.clock()
    with desk.transaction() as session:
        if not seize(session, run, taken):
            return []
    said, failed = {}, False
    for name, chore in CHORES.items():
        try:
            said[name] = chore(desk)
        except NewsletterError as error:
            said[name], failed = f"failed: {error}", True
    lines = [f"{name}: {sentence}" for name, sentence in said.items() if sentence]
    status = RunStatus.FAILED if failed else RunStatus.DONE
    with desk.transaction() as session:
        write(session, run, taken, status=status, report="\n".join(lines), ended_at=desk.clock())
    return lines
