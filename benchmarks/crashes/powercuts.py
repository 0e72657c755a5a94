"""Power cuts without privileges: a send is recorded, and its files are rebuilt as of any instant.

A killed process loses nothing that it wrote; a power cut loses what was not synced, or keeps half of it, in any order.
So every write and sync of a send is recorded (strace), and at a random cut the unsynced writes are there, torn at 512
bytes, or missing. Then the real dispatcher goes on from that, with a provider that took all that was posted by then.
"""

import random
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from sqlalchemy import event

from crashes.tracing import lines_of
from crashes.trial import Trial
from newsletter.desk.desk import Desk

CALLS = ("pwrite64", "fdatasync", "fsync", "ftruncate", "unlink", "sendto", "recvfrom")
DATABASE, MARK = "newsletter.db", "newsletter.db.posted"
SECTOR = 512
LINE = re.compile(r"^(?P<pid>\d+) +(?P<resumed><\.\.\. )?(?P<call>\w+)(?: resumed>)?\(?(?P<rest>.*)$")
TEXT = re.compile(r'"((?:\\x[0-9a-f]{2})*)"')
NUMBER = re.compile(r", (\d+)(?:\)| <unf)")


@dataclass(frozen=True)
class Act:
    """One thing that the recorded sender did to a file, or a request that it posted."""

    kind: str  #: write, sync, truncate, unlink, post, answer
    file: str = ""
    offset: int = 0
    data: bytes = b""


def record(trial: Trial) -> list[Act]:
    """Record an undisturbed send. The write-ahead log is emptied often, so that cuts fall into that as well."""
    return list(acts(lines_of(trial, CALLS, checkpoint_often)))


def checkpoint_often(desk: Desk) -> None:
    """Every 20 pages, not every 1,000."""
    event.listen(desk.engine, "connect", lambda connection, _: connection.execute("pragma wal_autocheckpoint=20"))


def acts(lines: Sequence[str]) -> Iterator[Act]:
    """The acts in a recording. A write counts from its beginning, a sync only from its end."""
    syncing: dict[str, str] = {}
    for line in lines:
        if not (found := LINE.match(line)):
            continue
        pid, call, rest = found["pid"], found["call"], found["rest"]
        file = _file(rest)
        if call in ("fdatasync", "fsync"):
            if "unfinished" in rest:
                syncing[pid] = file
            else:
                yield Act("sync", syncing.pop(pid, "") if found["resumed"] else file)
        elif call == "recvfrom" and " = 0" not in rest and "unfinished" not in rest:
            yield Act("answer")
        elif not found["resumed"]:
            yield from _act(call, file, rest)


def _file(rest: str) -> str:
    """The name of the file behind a descriptor, which strace writes in hexadecimal."""
    found = re.match(r"\d+<([^>]*)>", rest)
    return Path(_bytes(found[1]).decode(errors="replace")).name if found else ""


def _bytes(text: str) -> bytes:
    return bytes.fromhex(text.replace("\\x", "")) if text.startswith("\\x") else text.encode()


def _act(call: str, file: str, rest: str) -> Iterator[Act]:
    text, number = TEXT.search(rest), NUMBER.findall(rest)
    data = _bytes(text[1]) if text and text[1] else b""
    if call == "pwrite64":
        yield Act("write", file, int(number[-1]), data)
    elif call == "ftruncate":
        yield Act("truncate", file, int(number[0]))
    elif call == "unlink":
        yield Act("unlink", Path(data.decode()).name)
    elif call == "sendto" and data.startswith(b'{"key"'):
        yield Act("post", data=data)


@dataclass
class Disk:
    """Files as they are on the platter, and what is still in the cache."""

    files: dict[str, bytearray]
    cached: list[Act] = field(default_factory=list)

    def do(self, act: Act) -> None:
        """One act."""
        if act.kind == "sync":
            for one in [one for one in self.cached if one.file == act.file]:
                self.settle(one)
            self.cached = [one for one in self.cached if one.file != act.file]
        elif act.kind == "unlink":
            self.files.pop(act.file, None)
            self.cached = [one for one in self.cached if one.file != act.file]
        elif act.kind in ("write", "truncate"):
            self.cached.append(act)

    def settle(self, act: Act) -> None:
        """It reaches the platter."""
        content = self.files.setdefault(act.file, bytearray())
        if act.kind == "truncate":
            del content[act.offset :]
            return
        content.extend(bytes(max(0, act.offset + len(act.data) - len(content))))
        content[act.offset : act.offset + len(act.data)] = act.data

    def lose_power(self, luck: random.Random) -> None:
        """Of what is in the cache some is written, some torn, some lost, in any order."""
        luck.shuffle(self.cached)
        for act in self.cached:
            fate = luck.random()
            if fate < 0.4:
                continue
            if act.kind != "write" or fate < 0.7:
                self.settle(act)
                continue
            for at in range(0, len(act.data), SECTOR):
                if luck.random() < 0.5:
                    self.settle(Act("write", act.file, act.offset + at, act.data[at : at + SECTOR]))


def cut(done: Sequence[Act], template: Path, luck: random.Random) -> tuple[dict[str, bytes], list[bytes]]:
    """The files after a power cut at a random instant, and the requests that the provider has by then."""
    until = done[: luck.randrange(1, len(done) + 1)]
    disk = Disk({DATABASE: bytearray(template.read_bytes())})
    for act in until:
        if act.file in (DATABASE, f"{DATABASE}-wal", f"{DATABASE}-journal", MARK):
            disk.do(act)
    disk.lose_power(luck)
    return {name: bytes(content) for name, content in disk.files.items()}, posted_by(until, luck)


def posted_by(done: Sequence[Act], luck: random.Random) -> list[bytes]:
    """What the provider has: all that was posted, and perhaps not the request that was on its way."""
    posted = [act.data for act in done if act.kind == "post"]
    on_its_way = sum(act.kind == "answer" for act in done) < len(posted)
    return posted[:-1] if on_its_way and luck.random() < 0.5 else posted


def restore(trial: Trial, files: dict[str, bytes]) -> None:
    """Put these files where the database was."""
    for old in trial.database.parent.glob(f"{trial.database.stem}.*"):
        old.unlink()
    for name, content in files.items():
        (trial.database.parent / name).write_bytes(content)
