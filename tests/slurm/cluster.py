"""A Slurm of one node on the loopback interface, below one folder, started and stopped by tests."""

from __future__ import annotations

import ctypes
import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

import psutil
from events import wait_for

PACKAGES = ("slurmctld", "slurmd", "slurm-client", "munge")
ACCOUNTING = ("slurmdbd", "mariadb-server")
PROGRAMS = ("slurmctld", "slurmd", "sbatch", "squeue", "munged")
DATABASE = ("slurmdbd", "sacctmgr", "mariadbd", "mariadb", "mariadb-install-db")
# The plugin takes SLURM_CONF from the environment of a job's steps: they look here and only here.
SYSTEM_CONF = Path("/etc/slurm/slurm.conf")
PORTS = {"slurmctld": 26817, "slurmd": 26818, "slurmdbd": 26819, "database": 26820}

CONF = """
ClusterName=loopback
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={slurmctld}
SlurmdPort={slurmd}
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
CredType=cred/munge
AuthInfo=socket={folder}/munge/socket
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/linux
JobAcctGatherFrequency=task=1
JobAcctGatherParams=OverMemoryKill
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU_Memory
SchedulerParameters=bf_interval=2,sched_interval=2,batch_sched_delay=1
MinJobAge=3600
KillWait=2
ReturnToService=2
MpiDefault=none
SwitchType=switch/none
MailProg=/bin/true
SlurmdParameters=config_overrides
{accounting}
NodeName={host} NodeAddr=127.0.0.1 CPUs=6 RealMemory=16000 State=UNKNOWN
PartitionName=main Nodes={host} Default=YES MaxTime=1-0 State=UP
"""
NO_ACCOUNTING = "AccountingStorageType=accounting_storage/none"
WITH_ACCOUNTING = """AccountingStorageType=accounting_storage/slurmdbd
AccountingStorageHost=127.0.0.1
AccountingStoragePort={slurmdbd}
AccountingStoragePass={folder}/munge/socket"""
DBD_CONF = """
AuthType=auth/munge
AuthInfo=socket={folder}/munge/socket
DbdHost=localhost
DbdAddr=127.0.0.1
DbdPort={slurmdbd}
SlurmUser=root
LogFile={folder}/slurmdbd.log
PidFile={folder}/slurmdbd.pid
StorageType=accounting_storage/mysql
StorageHost=127.0.0.1
StoragePort={database}
StorageUser=slurm
StoragePass=loopback
StorageLoc=slurm
"""
SQL = (
    "create database slurm; create user slurm@'127.0.0.1' identified by 'loopback'; "
    "grant all on slurm.* to slurm@'127.0.0.1'; "
    "create user slurm@localhost identified by 'loopback'; grant all on slurm.* to slurm@localhost;"
)


class UnavailableError(Exception):
    """Why no Slurm can be had here."""


def install(programs: Sequence[str], packages: Sequence[str]) -> None:
    """Install Debian's packages where programs are missing and we may.

    Raises
    ------
    UnavailableError
        With the reason.
    """
    if all(map(_which, programs)):
        return
    if os.geteuid() != 0:
        raise UnavailableError("Slurm is not installed, and only root may install it")
    if not shutil.which("apt-get"):
        raise UnavailableError("Slurm is not installed, and there is no apt-get to install it")
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    command = ["apt-get", "install", "-y", "-q", "--no-install-recommends", *packages]
    for before in ([], ["apt-get", "update", "-q"]):
        if before:
            subprocess.run(before, env=environment, capture_output=True, check=False, timeout=300)
        done = subprocess.run(
            command, env=environment, capture_output=True, text=True, check=False, timeout=600
        )
        if done.returncode == 0:
            return
    raise UnavailableError(f"apt-get install failed: {done.stderr.strip().splitlines()[-1:]}")


def _which(name: str) -> str | None:
    return shutil.which(name, path=os.environ.get("PATH", "") + ":/usr/sbin:/sbin")


def _answers() -> bool:
    """Whether a controller of the present configuration is at work."""
    done = subprocess.run(["scontrol", "ping"], capture_output=True, text=True, check=False)
    return " UP" in done.stdout


def _die_with_parent() -> None:
    """No daemon outlives the tests, even if they are killed."""
    ctypes.CDLL(None).prctl(1, signal.SIGTERM)


class StartError(Exception):
    """A Slurm that may be had here, and does not come up."""


class Cluster:
    """Daemons of one node; use as a context manager, everything started is stopped.

    Parameters
    ----------
    folder
        New folder for keys, sockets, state and logs; daemons need it readable by their users.
    accounting
        Whether to start MariaDB and slurmdbd as well.
    """

    def __init__(self, folder: Path, accounting: bool = False) -> None:
        self.folder = folder
        self.accounting = accounting
        self.children: dict[str, subprocess.Popen[bytes]] = {}
        self.environment = {**os.environ, "PATH": os.environ["PATH"] + ":/usr/sbin:/sbin"}

    def __enter__(self) -> Cluster:
        try:
            self._start()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, *what: object) -> None:
        self.stop()

    def _start(self) -> None:
        if os.geteuid() != 0:
            raise UnavailableError("slurmd needs root to start jobs")
        if SYSTEM_CONF.is_symlink() and not _answers():  # of a run that was killed
            SYSTEM_CONF.unlink()
        if SYSTEM_CONF.exists():
            raise UnavailableError(f"a Slurm is configured here already, in {SYSTEM_CONF}")
        self.folder.mkdir(mode=0o755)
        for name in ("state", "spool"):
            (self.folder / name).mkdir()
        self._start_munge()
        self._configure()
        if self.accounting:
            self._start_database()
        self.start("slurmctld", "-D")
        self.start("slurmd", "-D")
        self.wait_for(lambda: self.node_state() == "idle", "an idle node")

    def _configure(self) -> None:
        names = {"folder": self.folder, "host": socket.gethostname().split(".")[0], **PORTS}
        accounting = WITH_ACCOUNTING.format(**names) if self.accounting else NO_ACCOUNTING
        text = CONF.format(accounting=accounting, **names)
        own = self.folder / "slurm.conf"
        own.write_text(text.lstrip())
        SYSTEM_CONF.parent.mkdir(exist_ok=True)
        SYSTEM_CONF.symlink_to(own)
        path = self.folder / "slurmdbd.conf"
        path.write_text(DBD_CONF.format(**names).lstrip())
        path.chmod(0o600)

    def _start_munge(self) -> None:
        """Munge with a key and a socket of its own; like all daemons here it runs as root."""
        home = self.folder / "munge"
        home.mkdir(mode=0o755)
        (home / "key").write_bytes(os.urandom(1024))
        (home / "key").chmod(0o400)
        options = {"key-file": "key", "pid-file": "pid", "log-file": "log", "seed-file": "seed"}
        flags = [f"--{flag}={home / name}" for flag, name in options.items()]
        sock = self.folder / "munge" / "socket"
        self._spawn("munged", ["munged", "-F", "--force", f"--socket={sock}", *flags])
        self.wait_for(sock.exists, "the socket of munge")

    def _start_database(self) -> None:
        home = self.folder / "mariadb"
        home.mkdir(mode=0o755)
        sock = home / "socket"
        where = [f"--datadir={home / 'data'}", "--user=root"]
        self._run("mariadb-install-db", "--no-defaults", *where, "--skip-test-db")
        network = ["--bind-address=127.0.0.1", f"--port={PORTS['database']}", f"--socket={sock}"]
        tuned = ["--innodb-buffer-pool-size=64M", "--innodb-lock-wait-timeout=900"]
        pid = f"--pid-file={home / 'pid'}"
        self._spawn("mariadbd", ["mariadbd", "--no-defaults", *where, *network, *tuned, pid])
        self.wait_for(sock.exists, "the database")
        self._run("mariadb", "--no-defaults", f"--socket={sock}", "-e", SQL)
        self.start("slurmdbd", "-D")
        known = ("sacctmgr", "-n", "-i", "add", "cluster", "loopback")
        self.wait_for(lambda: self.call(*known).returncode == 0, "slurmdbd")
        account = ("account", "test", "Description=test", "Organization=test")
        self._run("sacctmgr", "-i", "add", *account)
        self._run("sacctmgr", "-i", "add", "user", "root", "Account=test")

    def start(self, name: str, *arguments: str) -> None:
        """Start a daemon of Slurm in the foreground of a child."""
        self._spawn(name, [name, *arguments])

    def _spawn(self, name: str, command: Sequence[str]) -> None:
        with (self.folder / f"{name}.out").open("ab") as out:
            self.children[name] = subprocess.Popen(
                list(command),
                # slurmdbd.conf is looked for beside slurm.conf
                env={**self.environment, "SLURM_CONF": str(self.folder / "slurm.conf")},
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                preexec_fn=_die_with_parent,  # noqa: PLW1509
            )

    def kill(self, name: str) -> None:
        """End a daemon as a power cut would."""
        child = self.children.pop(name)
        child.send_signal(signal.SIGKILL)
        child.wait()

    def stop(self) -> None:
        """Cancel all jobs, then stop daemons in reverse order, the hard way if need be."""
        if "slurmctld" in self.children:
            self.call("scancel", "--full", "--user=root")
            end = time.monotonic() + 20
            while self.call("squeue", "-h").stdout.strip() and time.monotonic() < end:
                time.sleep(0.2)
        left = self._steps()
        for name in reversed(list(self.children)):
            child = self.children.pop(name)
            child.terminate()
            try:
                child.wait(20)
            except subprocess.TimeoutExpired:
                child.kill()
                child.wait()
        for process in left:  # of a machine so slow that Slurm had no time to end them
            with suppress(psutil.NoSuchProcess):
                process.kill()
        if SYSTEM_CONF.is_symlink() and SYSTEM_CONF.readlink() == self.folder / "slurm.conf":
            SYSTEM_CONF.unlink()

    def _steps(self) -> list[psutil.Process]:
        """Processes of all jobs: what Slurm's own, which write to our log, have started."""
        found = []
        for process in psutil.process_iter(["name"]):
            with suppress(psutil.Error):
                ours = process.info["name"] == "slurmstepd" and any(
                    Path(file.path).is_relative_to(self.folder) for file in process.open_files()
                )
                found += [process, *process.children(recursive=True)] if ours else []
        return found

    def call(self, *command: str) -> subprocess.CompletedProcess[str]:
        """Run a client of Slurm; the caller looks at the return code."""
        return subprocess.run(
            list(command),
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=600,
        )

    def _run(self, *command: str) -> str:
        done = self.call(*command)
        if done.returncode:
            raise StartError(f"{command[0]}: {(done.stderr or done.stdout).strip()[-300:]}")
        return done.stdout

    def node_state(self) -> str:
        """State of the node, e.g. ``idle``."""
        return self.call("sinfo", "-h", "-o", "%t").stdout.strip()

    def jobs(self) -> dict[str, str]:
        """State of every job that slurmctld still knows, by job id."""
        out = self.call("squeue", "-h", "--states=all", "-o", "%i %T").stdout
        return dict(line.split() for line in out.splitlines())

    def wait_for(self, condition: Callable[[], object], what: str) -> None:
        """Poll until `condition` holds.

        Raises
        ------
        StartError
            With the ends of all logs, if it does not hold in time.
        """
        try:
            wait_for(condition, what)
        except AssertionError as error:
            raise StartError(f"{error}\n{self.logs()}") from None

    def logs(self, lines: int = 8) -> str:
        """Last lines of every log of the daemons."""
        files = [*self.folder.glob("*.log"), *self.folder.glob("*.out")]
        out = []
        for path in sorted(files):
            text = path.read_text(errors="replace").splitlines()[-lines:]
            out.append("\n  ".join([f"{path.name}:", *text]))
        return "\n".join(out)
