"""What Prometheus is told: counts and times, without an address in any name, label or help.

What a large list takes a second to count is as old as the last look at everything (looking.py, five minutes); how far
an issue is, what is to be told and when jobs were done is read at each scrape. docs/telling.md lists them all.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, time

from prometheus_client import CollectorRegistry, ProcessCollector, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from sqlalchemy import func
from sqlmodel import col, select

from jobs.looking import Lookout
from jobs.notices.facts import Facts
from jobs.rounds import Rounds
from newsletter import __version__
from newsletter.delivery.batch import Sending
from newsletter.delivery.progress import Progress, progress
from newsletter.desk.desk import Desk
from newsletter.desk.notices import Notice
from newsletter.issues.issue import issues

#: Issues whose numbers are told: the newest ones. The others do not change any more.
NEWEST = 5
CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
_P = "newsletter"

Rows = Iterable[tuple[tuple[str, ...], float]]  #: values of the labels, and the number


@dataclass(frozen=True, eq=False)  # the registry keeps it by its identity
class Metrics(Collector):
    """Reads everything when it is asked.

    Without a lookout only what is of this process: where a worker told of the issues too, all of them would be counted
    twice.
    """

    desk: Desk
    lookout: Lookout | None
    rounds: Rounds
    hooks: Callable[[], Mapping[tuple[str, str], int]] = dict  #: webhooks by provider and by the answer's status

    def text(self) -> bytes:
        """All of it, as Prometheus reads it; and what the process itself takes."""
        registry = CollectorRegistry(auto_describe=False)
        registry.register(self)
        ProcessCollector(registry=registry)
        return generate_latest(registry)

    def collect(self) -> Iterator[Metric]:
        """Every family."""
        here = self.desk.config.publication.slug
        yield _family("info", "The version that runs.", ("version", "newsletter"), [((__version__, here), 1)])
        yield from _rounds(self.rounds)
        if self.lookout is None:
            return
        yield _webhooks(self.hooks())
        yield from _issues(self.desk)
        yield from _notices(self.desk)
        if self.lookout.seen:
            yield from _seen(self.lookout.seen)


def _webhooks(counts: Mapping[tuple[str, str], int]) -> Metric:
    what = "Requests of providers since the start."
    family = CounterMetricFamily(f"{_P}_webhook_requests", what, labels=("provider", "status"))
    for labels, number in sorted(counts.items()):
        family.add_metric(labels, number)
    return family


def _rounds(rounds: Rounds) -> Iterator[Metric]:
    done = [((name,), moment.timestamp()) for name, moment in sorted(rounds.ended.items())]
    failed = [((name,), float(name in rounds.failed)) for name in sorted(rounds.names)]
    yield _family("round_last_success_timestamp_seconds", "When this job came to a good end.", ("name",), done)
    yield _family("round_failed", "Whether this job failed the last time.", ("name",), failed)


def _issues(desk: Desk) -> Iterator[Metric]:
    """How far the newest issues are, as of now."""
    with desk.reading() as session:
        found = issues(session, desk.config.publication.slug)[:NEWEST]
        sendings = {one.id: session.get(Sending, one.id) for one in found}
        begun = [(str(one.number), progress(session, one.id or 0, counted=False), sendings[one.id]) for one in found]
    states = [((str(one.number), str(one.status)), 1.0) for one in found]
    sent = [(number, state, sending) for number, state, sending in begun if state and sending]
    sizes = [((number,), state.list_size) for number, state, _ in sent]
    started = [((number,), sending.started_at.timestamp()) for number, _, sending in sent]
    finished = [((number,), sending.finished_at.timestamp()) for number, _, sending in sent if sending.finished_at]
    yield _family("issue_status", "Where an issue is.", ("issue", "status"), states)
    yield _family("issue_list_size", "Subscribers when it began.", ("issue",), sizes)
    yield _family("issue_started_timestamp_seconds", "When it began to leave.", ("issue",), started)
    yield _family("issue_finished_timestamp_seconds", "When nobody was left.", ("issue",), finished)
    outcomes = [((number, outcome), count) for number, state, _ in sent for outcome, count in _outcomes(state)]
    yield _family("deliveries", "Subscribers, by what became of their copy.", ("issue", "outcome"), outcomes)


def _outcomes(state: Progress) -> Iterator[tuple[str, int]]:
    for outcome in ("accepted", "refused", "unknown", "under_way", "to_claim"):
        yield outcome, getattr(state, outcome)
    yield "skipped", state.skipped_in_all


def _notices(desk: Desk) -> Iterator[Metric]:
    """What there is to tell now."""
    count = select(Notice.kind, Notice.severity, func.count()).where(col(Notice.resolved_at).is_(None))
    with desk.reading() as session:
        found = session.exec(count.group_by(col(Notice.kind), col(Notice.severity))).all()
    rows = [((str(kind), str(severity)), number) for kind, severity, number in sorted(found)]
    yield _family("notices", "What a person has to know now: newsletter notices.", ("kind", "severity"), rows)


def _seen(seen: Facts) -> Iterator[Metric]:
    """What the last look at everything saw."""
    people = [((status,), count) for status, count in seen.subscribers]
    yield _one("looked_timestamp_seconds", "When everything was looked at.", seen.now)
    yield _family("subscribers", "People on the list.", ("status",), people)
    yield _one("slot_due_timestamp_seconds", "The newest slot of the weekly job.", seen.slot.due if seen.slot else None)
    yield _one("disk_free_bytes", "Free where the database is, or where the newsletter runs.", seen.free)
    yield _one("database_bytes", "The database with its log.", seen.size)
    yield _one("backup_timestamp_seconds", "The newest nightly copy.", seen.newest_copy)
    yield _one("stopped", "Whether the file that stops all sending exists.", seen.stopped_since is not None)
    yield _one("provider_wait_until_timestamp_seconds", "A provider asked to be left alone.", seen.waits_until)
    yield _family("expiry_timestamp_seconds", "When this runs out.", ("what",), _expiries(seen))
    yield from _reports(seen)


def _expiries(seen: Facts) -> Rows:
    zone = seen.config.publication.tz
    for name, day in seen.config.telling.expires.items():
        yield (name,), datetime.combine(day, time(0, 0), tzinfo=zone).timestamp()
    if seen.certificate and seen.certificate.until:
        yield ("certificate",), seen.certificate.until.timestamp()


def _reports(seen: Facts) -> Iterator[Metric]:
    """What readers and providers said of the issues of these days."""
    sent = [(str(one.number), one.post) for one in seen.issues if one.post]
    kinds = ("complained", "bounced", "unsubscribed")
    said = [((number, kind), getattr(post.rates, kind)) for number, post in sent for kind in kinds]
    doubts = [((n,), post.doubtful_since.timestamp()) for n, post in sent if post.doubtful and post.doubtful_since]
    yield _family("reader_reports", "Readers who did this after an issue.", ("issue", "kind"), said)
    yield _family(
        "doubled_deliveries", "Delivered twice, by a provider's word.", ("issue",), [((n,), p.doubled) for n, p in sent]
    )
    yield _family("in_doubt_since_timestamp_seconds", "The oldest delivery of which nobody knows.", ("issue",), doubts)


def _one(name: str, what: str, value: datetime | float | None) -> Metric:
    """A family of one number without labels, or of none."""
    number = value.astimezone(UTC).timestamp() if isinstance(value, datetime) else value
    return _family(name, what, (), [] if number is None else [((), float(number))])


def _family(name: str, what: str, labels: tuple[str, ...], rows: Rows) -> Metric:
    family = GaugeMetricFamily(f"{_P}_{name}", what, labels=labels)
    for values, number in rows:
        family.add_metric(values, number)
    return family
