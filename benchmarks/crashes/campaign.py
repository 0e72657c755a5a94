"""Kill the real dispatcher in every way there is, and ask the provider's own log who was mailed.

    python benchmarks/crashes/campaign.py --kills 1000 [--seed S] [--only "power cut"] [--minutes 20] [--parts]

Prints a table and ends with 1 if anybody was mailed twice, lost, or lied about. It may be interrupted: it then says
what it has. It starts one process that listens on 127.0.0.1, and stops it by its pid.
"""

import argparse
import contextlib
import functools
import itertools
import json
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from datetime import timedelta
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from crashes import kinds
from crashes.adapter import CAPABILITIES, Loopback
from crashes.checker import Verdict
from crashes.real import ADAPTERS, Real
from crashes.scene import Scene, build
from crashes.trial import Trial
from newsletter.providers.base import Provider
from newsletter.providers.outbox import Outbox

SIZES = {"few": (6, 2), "some": (40, 10), "crowd": (300, 25)}  #: people, and how many of them in a call
PROVIDERS = f"only these, comma between them: {', '.join((*CAPABILITIES, 'outbox', *ADAPTERS))}"


@dataclass
class Row:
    """One line of the table."""

    kind: str
    capability: str
    kills: int = 0
    verdict: Verdict = field(default_factory=Verdict)
    seconds: float = 0.0


@dataclass
class Campaign:
    """The provider, the databases to copy, and what was found so far."""

    folder: Path
    ports: tuple[int, int]  #: of the providers' APIs, and of the mail server
    mutant: str
    scene: Callable[[str], Scene]  #: of this size; made when it is first asked for
    rows: list[Row] = field(default_factory=list)
    numbers: Iterator[int] = field(default_factory=itertools.count)

    def trial(
        self, capability: str, *, size: str = "few", dial: str = "plain", longest: timedelta | None = None
    ) -> Trial:
        """A fresh run."""
        name = f"run{next(self.numbers)}"
        scene, folder = self.scene(size), self.folder / name
        database, (port, mail_port) = scene.copy(folder), self.ports
        provider: Provider = Loopback(port, name, capability, dial)
        if capability == "outbox":
            provider = Outbox(folder / "outbox")
        elif capability in ADAPTERS:
            provider = Real(capability, mail_port if capability == "smtp" else port, name, dial, longest)
        return Trial(scene, folder, database, provider, kinds.server_log(self.folder, name), self.mutant)

    def row(self, kind: kinds.Kind, capability: str, kills: int, seed: str, until: float) -> None:
        """Do so many faults of one kind with one capability."""
        row = Row(kind.name, capability)
        self.rows.append(row)
        began, trials = time.monotonic(), []

        def make(*args: str, **options: object) -> Trial:
            trials.append(self.trial(*args, **options))  # type: ignore[arg-type]
            return trials[-1]

        for done, verdict in kind.faults(make, capability, random.Random(f"{seed} {kind.name} {capability}")):
            row.kills, row.verdict = row.kills + done, row.verdict + verdict
            row.seconds = time.monotonic() - began
            if verdict.clean:
                shutil.rmtree(trials[-1].folder)
            else:
                print(f"{kind.name}, {capability}: {verdict}, kept in {trials[-1].folder}", file=sys.stderr)
            caught = self.mutant and not row.verdict.clean
            if row.kills >= kills or time.monotonic() > until or caught:
                break

    def sum(self) -> Row:
        """All rows together."""
        kills, seconds = sum(row.kills for row in self.rows), sum(row.seconds for row in self.rows)
        return Row("all", "", kills, sum((row.verdict for row in self.rows), Verdict()), seconds)


@contextlib.contextmanager
def provider(folder: Path) -> Iterator[tuple[int, int]]:
    """The providers' process, for as long as the block; its ports."""
    command = [sys.executable, str(Path(__file__).with_name("provider.py")), str(folder)]
    pipe, apart = subprocess.PIPE, True  # an interrupt from the keyboard must not reach it before us
    process = subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True, start_new_session=apart)  # noqa: S603
    with process:
        try:
            assert process.stdout is not None
            port, mail_port = map(int, process.stdout.readline().split())
            yield port, mail_port
        finally:
            process.kill()


def table(rows: list[Row]) -> str:
    """The table as text."""
    heads = ("kills", "lost", "doubled", "lied", "held", "asked", "s")
    lines = [f"{'kind':<26}{'provider has':<13}" + "".join(f"{head:>9}" for head in heads)]
    for row in rows:
        what = row.verdict
        counts = (row.kills, what.lost, what.doubled, what.lied, what.held, what.asked, round(row.seconds))
        lines.append(f"{row.kind:<26}{row.capability:<13}" + "".join(f"{count:>9}" for count in counts))
    return "\n".join(lines)


def run(options: argparse.Namespace, folder: Path, seed: str) -> Campaign:
    """The whole campaign, or as much of it as there is time for."""
    chosen = kinds.possible(kinds.named(options.only), lambda words: print(f"left out, {words}"))
    wanted = options.provider.split(",") if options.provider else [*CAPABILITIES, "outbox", *ADAPTERS]
    pairs = [(kind, has) for kind in chosen for has in kind.capabilities if has in wanted]
    shares = sum(kind.share for kind, _ in pairs)
    began = time.monotonic()
    with provider(folder) as ports:
        made = lambda size: scene(folder, ports[0], size, parts=options.parts)  # noqa: E731 - one line, used once
        campaign = Campaign(folder, ports, options.mutant, functools.cache(made))
        try:
            for number, (kind, capability) in enumerate(pairs):
                kills = max(1, round(options.kills * kind.share / shares))
                left = began + options.minutes * 60 - time.monotonic()
                until = time.monotonic() + left / (len(pairs) - number) * 1.5
                campaign.row(kind, capability, kills, seed, until)
                say_progress(campaign, began, number + 1, len(pairs))
        except KeyboardInterrupt:
            print("\nInterrupted; this is what it has.")
        return campaign


def scene(folder: Path, port: int, size: str, *, parts: bool) -> Scene:
    """The database that the trials copy."""
    people, batch = SIZES[size]
    return build(
        folder / size / "newsletter.db", Loopback(port, size, "neither"), people=people, batch=batch, parts=parts
    )


def say_progress(campaign: Campaign, began: float, done: int, of: int) -> None:
    """How far it is, and about how long it will take."""
    spent = time.monotonic() - began
    row = campaign.rows[-1]
    left = f"about {spent / done * (of - done):.0f} s left"
    print(f"[{done}/{of}] {row.kind}, {row.capability}: {row.kills} kills in {row.seconds:.0f} s; {left}", flush=True)


def main(arguments: list[str] | None = None) -> int:
    """0: nobody twice, nobody lost, no lie."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=200, help="how many faults in all")
    parser.add_argument("--seed", default=str(random.randrange(10**6)), help="the same faults again")
    parser.add_argument("--only", default="", help="kinds whose names hold one of these words, comma between them")
    parser.add_argument("--provider", default="", help=PROVIDERS)
    parser.add_argument("--minutes", type=float, default=60, help="stop after about so long")
    parser.add_argument("--parts", action="store_true", help="readers chose four different parts of the issue")
    parser.add_argument("--mutant", choices=("", "lease", "normal"), default="", help="take a guard away and see")
    parser.add_argument("--json", type=Path, help="write the rows to this file as well")
    options = parser.parse_args(arguments)
    print(f"seed {options.seed}", flush=True)
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    folder = Path(tempfile.mkdtemp(prefix="crashes-"))
    campaign = run(options, folder, options.seed)
    total = campaign.sum()
    print(table([*campaign.rows, total]))
    if options.json:
        options.json.write_text(json.dumps([asdict(row) for row in [*campaign.rows, total]]))
    if total.verdict.clean:
        shutil.rmtree(folder)
    return 0 if total.verdict.clean else 1


if __name__ == "__main__":
    sys.exit(main())
