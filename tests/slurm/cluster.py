# SPDX-License-Identifier: BSD-2-Clause
"""A Slurm of our own: a controller and two nodes of two processors on this machine, by loopback alone.

Everything lies in one directory: configuration, key and socket of munge, state and logs. No cgroups,
no systemd, no database.
"""
import os
import signal
import socket
import subprocess
import sys
import time
from typing import Callable, List

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'support'))

import harness  # noqa: E402
from harness import Failed, Skip, check_equal  # noqa: E402

CONF = '''ClusterName=test
SlurmctldHost={host}(127.0.0.1)
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
AuthInfo=socket={dir}/munge/socket
SlurmctldPort={port}
CommunicationParameters=NoCtldInAddrAny,NoInAddrAny
StateSaveLocation={dir}/state
SlurmdSpoolDir={dir}/spool/%n
SlurmctldPidFile={dir}/slurmctld.pid
SlurmdPidFile={dir}/slurmd-%n.pid
SlurmctldLogFile={dir}/log/slurmctld.log
SlurmdLogFile={dir}/log/slurmd-%n.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
JobCompType=jobcomp/filetxt
JobCompLoc={dir}/log/jobcomp.txt
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
SchedulerParameters=sched_interval=1,bf_interval=1,batch_sched_delay=0
MaxArraySize=9
MpiDefault=none
SwitchType=switch/none
ReturnToService=2
SlurmdParameters=config_overrides
KillWait=2
NodeName=n[1-2] NodeHostname={host} NodeAddr=127.0.0.1 Port=[{nodes}] CPUs=2 RealMemory=1000 State=UNKNOWN
PartitionName=main Nodes=ALL Default=YES MaxTime=INFINITE State=UP
'''


def until(true: Callable[[], bool], what: str, seconds: float = 60) -> None:
    """Waits for it; a machine that is slow is no failure, one that never gets there is."""
    end = time.monotonic() + seconds
    while not true():
        if time.monotonic() > end:
            raise Failed('waited in vain for ' + what)
        time.sleep(0.1)


def free_ports(n: int) -> int:
    """The first of n ports in a row that nobody has."""
    for first in range(21000 + os.getpid() % 8000, 32000, n):
        held = []
        try:
            for port in range(first, first + n):
                s = socket.socket()
                held.append(s)
                s.bind(('127.0.0.1', port))
            return first
        except OSError:
            continue
        finally:
            for s in held:
                s.close()
    raise Skip('no %d free ports in a row' % n)


def pid_in(path: str) -> int:
    try:
        with open(path, encoding='ascii') as f:
            return int(f.read())
    except (OSError, ValueError):
        return 0


def is_alive(pid: int) -> bool:
    try:
        with open('/proc/%d/stat' % pid, encoding='utf-8', errors='replace') as f:
            return f.read().rpartition(')')[2].split()[0] != 'Z'
    except OSError:
        return False


class Slurm:
    """Up within the with; SLURM_CONF says to all that is started where it is."""

    def __init__(self, where: str) -> None:
        for name in 'munged', 'slurmctld', 'slurmd', 'sbatch':
            harness.tool(name)
        if os.geteuid() != 0:
            raise Skip("Slurm's daemons are started by root alone")
        self.dir, self.host = where, socket.gethostname().split('.')[0]
        try:
            socket.gethostbyname(self.host)
        except OSError:
            raise Skip('the name of this machine, %s, has no address' % self.host) from None

    def path(self, *names: str) -> str:
        return os.path.join(self.dir, *names)

    def __enter__(self) -> 'Slurm':
        for name in 'state', 'log', 'spool/n1', 'spool/n2', 'munge':
            os.makedirs(self.path(name), mode=0o755)
        os.chmod(self.dir, 0o755)
        os.chmod(os.path.dirname(self.dir), 0o711)  # munge wants its socket in reach of all
        with open(self.path('munge.key'), 'wb') as f:
            os.chmod(f.fileno(), 0o600)
            f.write(os.urandom(1024))
        port = free_ports(3)
        with open(self.path('slurm.conf'), 'w', encoding='ascii') as f:
            f.write(CONF.format(dir=self.dir, host=self.host, port=port,
                                nodes='%d-%d' % (port + 1, port + 2)))
        os.environ['SLURM_CONF'] = self.path('slurm.conf')
        try:
            self.begin('munged', '--key-file=' + self.path('munge.key'),
                       '--socket=' + self.path('munge/socket'),
                       '--pid-file=' + self.path('munge/pid'),
                       '--seed-file=' + self.path('munge/seed'),
                       '--log-file=' + self.path('munge/log'), '--num-threads=2')
            self.begin('slurmctld')
            for node in 'n1', 'n2':
                self.begin('slurmd', '-N', node)
            until(lambda: self.idle() == 2, 'two idle nodes')
        except BaseException:
            self.__exit__()
            raise
        return self

    def begin(self, *args: str) -> None:
        """A daemon, which goes to the background by itself."""
        done = harness.run(args, stdin=subprocess.DEVNULL)
        check_equal(done.returncode, 0, '%s: %r' % (args[0], done.stderr))

    def idle(self) -> int:
        found = harness.run(['sinfo', '-h', '-t', 'idle', '-o', '%D']).stdout
        return sum(int(n) for n in found.split())

    def ask(self, *args: str) -> str:
        done = harness.run(args)
        check_equal(done.returncode, 0, '%s: %r' % (' '.join(args), done.stderr))
        return done.stdout.decode()

    def jobs(self, *more: str) -> List[str]:
        return self.ask('squeue', '-h', '-o', '%i', *more).split()

    def restart_controller(self) -> None:
        self.end('slurmctld.pid')
        self.begin('slurmctld')
        until(lambda: harness.run(['squeue', '-h']).returncode == 0, 'the controller')

    def end(self, pid_file: str) -> None:
        pid = pid_in(self.path(pid_file))
        for number in signal.SIGTERM, signal.SIGKILL:
            if pid and is_alive(pid):
                os.kill(pid, number)
                try:
                    until(lambda: not is_alive(pid), pid_file, 10)
                except Failed:
                    continue

    def __exit__(self, *_: object) -> None:
        if is_alive(pid_in(self.path('slurmctld.pid'))):
            harness.run(['scancel', '--user=root'])
        for name in 'slurmd-n1.pid', 'slurmd-n2.pid', 'slurmctld.pid', 'munge/pid':
            self.end(name)
        os.environ.pop('SLURM_CONF', None)
