"""A Slurm of two nodes on one machine: network namespaces, and a shared file system that lags.

Each node has a network, a host name, mounts and scratch of its own. What the nodes share with the
login node they see through a mount that keeps names and attributes for some seconds, as NFS does:
``bindfs`` of FUSE, which forwards locks to the disk below, or does not, as asked for. The kernel of
a container host often has neither an NFS server nor a client; this stands in for them.
"""

from __future__ import annotations

import os
import signal
import socket
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from cluster import CONF, NO_ACCOUNTING, PORTS, SYSTEM_CONF, Cluster, UnavailableError

PACKAGES = ("bindfs", "fuse3", "libfaketime", "iproute2")
PROGRAMS = ("bindfs", "ip", "nsenter", "unshare", "mount")
BRIDGE, NETWORK = "dfbridge", "10.213.7"
FAKETIME = Path("/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1")


@dataclass
class Node:
    """A node of the cluster.

    Attributes
    ----------
    name
        Host name.
    clock_s
        How far the clock of its jobs is ahead, seconds.
    scratch
        Size of its scratch, as ``mount -o size=`` takes it.
    hidden
        Files of the project that it sees empty: a broken installation.
    shares_locks
        Whether its locks reach the other nodes.
    """

    name: str
    clock_s: int = 0
    scratch: str = "512m"
    hidden: Sequence[str] = ()
    shares_locks: bool = True


class TwoNodes(Cluster):
    """Daemons of a cluster whose nodes are namespaces of this machine.

    Parameters
    ----------
    folder
        New folder for keys, sockets, state and logs.
    shared
        Folder that the nodes see through the lagging mount.
    nodes
        The nodes.
    lag_s
        How long names and attributes of files are kept by each node.
    """

    def __init__(self, folder: Path, shared: Path, nodes: Sequence[Node], lag_s: float = 3) -> None:
        super().__init__(folder)
        self.shared, self.nodes, self.lag_s = shared, list(nodes), lag_s

    def _start(self) -> None:
        if os.geteuid() != 0:
            raise UnavailableError("network namespaces need root")
        if not Path("/dev/fuse").exists():
            raise UnavailableError("there is no /dev/fuse")
        if SYSTEM_CONF.exists():
            raise UnavailableError(f"a Slurm is configured here already, in {SYSTEM_CONF}")
        self.folder.mkdir(mode=0o755)
        (self.folder / "state").mkdir()
        self._network()
        self._start_munge()
        self._configure()
        self.start("slurmctld", "-D")
        for node in self.nodes:
            self._start_node(node)
        self.wait_for(lambda: set(self.states().values()) == {"idle"}, "idle nodes")

    def _network(self) -> None:
        """A bridge of this machine, and one cable from it into the namespace of each node."""
        for old in (["link", "del", BRIDGE], *(["netns", "del", n.name] for n in self.nodes)):
            self.call("ip", *old)
        self._run("ip", "link", "add", BRIDGE, "type", "bridge")
        self._run("ip", "addr", "add", f"{NETWORK}.1/24", "dev", BRIDGE)
        self._run("ip", "link", "set", BRIDGE, "up")
        for k, node in enumerate(self.nodes):
            cable, end = f"dfcable{k}", f"dfend{k}"
            self._run("ip", "netns", "add", node.name)
            self._run("ip", "link", "add", cable, "type", "veth", "peer", "name", end)
            self._run("ip", "link", "set", cable, "master", BRIDGE, "up")
            self._run("ip", "link", "set", end, "netns", node.name)
            inside = ("ip", "-n", node.name)
            self._run(*inside, "addr", "add", f"{NETWORK}.{11 + k}/24", "dev", end)
            self._run(*inside, "link", "set", end, "up")
            self._run(*inside, "link", "set", "lo", "up")

    def _configure(self) -> None:
        names = {"folder": self.folder, "host": socket.gethostname().split(".")[0], **PORTS}
        text = CONF.format(accounting=NO_ACCOUNTING, **names).replace("127.0.0.1", f"{NETWORK}.1")
        text = "\n".join(
            x for x in text.splitlines() if not x.startswith(("NodeName", "Partition"))
        )
        text = text.replace(f"{self.folder}/spool", f"{self.folder}/%n/spool")
        text = text.replace(f"{self.folder}/slurmd.", f"{self.folder}/%n/slurmd.")
        text = text.replace("CR_CPU_Memory", "CR_CPU_Memory,CR_LLN")
        text += f"\nTaskProlog={self.folder}/prolog\n"
        for k, node in enumerate(self.nodes):
            text += f"NodeName={node.name} NodeHostName={node.name} NodeAddr={NETWORK}.{11 + k} "
            text += "CPUs=2 RealMemory=6000 State=UNKNOWN\n"
        every = ",".join(node.name for node in self.nodes)
        text += f"PartitionName=main Nodes={every} Default=YES MaxTime=1-0 State=UP\n"
        (self.folder / "slurm.conf").write_text(text.lstrip())
        SYSTEM_CONF.parent.mkdir(exist_ok=True)
        SYSTEM_CONF.symlink_to(self.folder / "slurm.conf")
        prolog = self.folder / "prolog"
        prolog.write_text(f'#!/bin/sh\ncat "{self.folder}/$(hostname)/environment"\n')
        prolog.chmod(0o755)

    def _start_node(self, node: Node) -> None:
        home = self.folder / node.name
        for name in ("spool", "scratch"):
            (home / name).mkdir(parents=True)
        (home / "empty").touch()
        told = [f"export SLURM_TMPDIR={home}/scratch"]
        if node.clock_s:
            told += [f"export LD_PRELOAD={FAKETIME}", f"export FAKETIME=+{node.clock_s}s"]
            told += ["export FAKETIME_DONT_FAKE_MONOTONIC=1", "export DONT_FAKE_MONOTONIC=1"]
        (home / "environment").write_text("\n".join(told) + "\n")
        keep = ",".join(f"{k}_timeout={self.lag_s:g}" for k in ("attr", "entry", "negative"))
        locks = "--enable-lock-forwarding --multithreaded" if node.shares_locks else ""
        lines = [
            "set -e",
            f"hostname {node.name}",
            f"mount -t tmpfs -o size={node.scratch} scratch {home}/scratch",
            *(f"mount --bind {home}/empty {self.shared}/{name}" for name in node.hidden),
            # what is hidden lies below the mount that lags
            f"bindfs {locks} -o {keep} {self.shared} {self.shared}",
            f"exec slurmd -D -N {node.name}",
        ]
        script = home / "start"
        script.write_text("\n".join(lines) + "\n")
        # not `ip netns exec`: its new /sys has no control groups, which slurmd asks for
        inside = ["nsenter", f"--net=/run/netns/{node.name}", "unshare", "--mount", "--uts"]
        self._spawn(f"slurmd {node.name}", [*inside, "sh", str(script)])

    def states(self) -> dict[str, str]:
        """State of each node, e.g. ``idle``."""
        out = self.call("sinfo", "-h", "-N", "-o", "%n %t").stdout
        return dict(line.split() for line in out.splitlines())

    def stop(self) -> None:
        """As of one node; then the namespaces and the network go."""
        super().stop()
        for node in self.nodes:
            for pid in self.call("ip", "netns", "pids", node.name).stdout.split():
                with suppress(ProcessLookupError):
                    os.kill(int(pid), signal.SIGKILL)
            self.call("ip", "netns", "del", node.name)
        self.call("ip", "link", "del", BRIDGE)
