# SPDX-License-Identifier: BSD-2-Clause
"""Every call that can fail, failed once: at its first, second, ... n-th time (some of these, but
with CLEAVE_TESTS=full), until a run is over before the n-th. Whatever fails, either nothing is
there that was not there before and the error is
named, or the output is that of an undisturbed run, byte for byte.

The faults come from ../support/faults.c, which is linked into a cleave of its own. Beside them:
what others do to the files while a run goes on, and runs that are killed at any moment.
"""
import argparse
import concurrent.futures
import contextlib
import ctypes
import errno
import gzip
import hashlib
import os
import re
import resource
import select
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import time
import zipfile
from typing import Callable, Dict, Iterator, List, NamedTuple, Sequence, Tuple

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'support'))
# pylint: disable=wrong-import-position
import harness
import pcapfile as pf
import samples
from harness import check, check_equal

CALLS_MAX = 20000  # more of a kind, and the test itself is broken
KILLS, SIGNALS = 200, 60  # fewer with sanitizers, which begin slowly


def more_flags(parser: argparse.ArgumentParser) -> None:
    parser.add_argument('--faults', metavar='PROGRAM', help='cleave with faults.c linked to it')


class Faulty(harness.Suite):
    def __init__(self) -> None:
        super().__init__(__doc__.split('\n', maxsplit=1)[0], more_flags)
        self.faults = os.path.abspath(self.args.faults) if self.args.faults else ''

    def _repeat(self, name: str) -> str:
        faults = ' --faults ' + shlex.quote(self.faults) if self.faults else ''
        return super()._repeat(name) + faults


suite = Faulty()


# ---- what fails, and what may come of it ----

class Fault(NamedTuple):
    """A row: calls of one kind fail with each of these errors."""
    kind: str
    errors: Sequence[int]
    mode: str = 'once'
    must_fail: bool = False     # the run cannot go on
    must_succeed: bool = False  # it has to
    beside: str = ''            # other faults on top

    def __str__(self) -> str:
        return '%s%s%s' % (self.kind, '' if self.mode == 'once' else ' ' + self.mode,
                           ' with ' + self.beside if self.beside else '')


E = errno
# What is left of a full disk, a broken one, a quota, one that is read only now.
DISK = (E.ENOSPC, E.EIO, E.EDQUOT, E.EROFS, E.EFBIG)
FAULTS: Tuple[Fault, ...] = (
    Fault('malloc', (E.ENOMEM,)),
    Fault('library', (E.ENOMEM,)),
    Fault('heap', (E.ENOMEM,)),
    Fault('open', (E.EACCES, E.EIO, E.ENOSPC, E.EDQUOT, E.EROFS, E.ENAMETOOLONG, E.ELOOP)),
    Fault('open', (E.EMFILE, E.ENFILE)),
    Fault('fopen', (E.EMFILE, E.ENOMEM, E.EACCES), must_fail=True),
    Fault('opendir', (E.EMFILE, E.EACCES)),
    Fault('readdir', (E.EIO,)),
    Fault('fstat', (E.EIO,)),
    Fault('lstat', (E.EACCES, E.EIO)),
    Fault('mkdir', (E.ENOSPC, E.EDQUOT, E.EMLINK, E.EROFS, E.EACCES), must_fail=True),
    Fault('rename', (E.ENOSPC, E.EIO, E.EACCES, E.EROFS), must_fail=True),
    Fault('rename', (E.EINVAL,), 'on', must_succeed=True),
    Fault('rename-plain', (E.EIO, E.EACCES), must_fail=True,
          beside='rename:1:%d:on' % E.EINVAL),
    Fault('link', (E.ENOSPC, E.EIO, E.EDQUOT), must_fail=True),
    Fault('link', (E.EXDEV, E.EPERM, E.EMLINK), must_succeed=True),
    Fault('remove', (E.EACCES, E.EIO)),
    Fault('sync', (E.EIO, E.ENOSPC, E.EDQUOT), must_fail=True),
    Fault('truncate', (E.EIO,), must_fail=True),
    Fault('fadvise', (E.EINVAL,), must_succeed=True),
    Fault('fcntl', (E.EMFILE,)),
    Fault('read', (E.EIO, E.EISDIR), must_fail=True),
    Fault('read', (E.EINTR,), must_succeed=True),
    Fault('read', (0,), 'short', must_succeed=True),
    Fault('pread', (E.EIO,)),
    Fault('pread', (E.EINTR,), must_succeed=True),
    Fault('pread', (0,), 'short', must_succeed=True),
    Fault('poll', (E.ENOMEM,), must_fail=True),
    Fault('poll', (E.EINTR,), must_succeed=True),
    Fault('pipe', (E.EMFILE, E.ENFILE, E.ENOMEM), must_fail=True),
    Fault('write', DISK, must_fail=True),
    Fault('write', (E.EINTR,), must_succeed=True),
    Fault('write', (0,), 'short', must_succeed=True),
    Fault('pwrite', DISK, must_fail=True),
    Fault('pwrite', (E.EINTR,), must_succeed=True),
    Fault('pwrite', (0,), 'short', must_succeed=True),
    Fault('close', (E.EIO,), must_succeed=True),
    Fault('close-output', (E.EIO, E.ENOSPC, E.EDQUOT), must_fail=True),
    Fault('close-output', (E.EINTR,), must_succeed=True),
    Fault('fwrite', (E.ENOSPC,), must_fail=True),
    Fault('stream', (E.ENOSPC,)),
    Fault('flush', (E.ENOSPC, E.EIO), must_fail=True),
    Fault('fclose', (E.ENOSPC, E.EIO), must_fail=True),
    Fault('mmap', (E.ENOMEM, E.ENODEV), must_succeed=True),
    Fault('munmap', (E.EINVAL,), must_succeed=True),
    Fault('spill', (E.ENOSPC, E.EACCES, E.ENOMEM), must_succeed=True),
    Fault('madvise', (E.EINVAL,), must_succeed=True),
    Fault('thread', (E.EAGAIN,)),
    Fault('rlimit', (E.EPERM,)),
    Fault('signal', (E.EINVAL,), must_succeed=True),
    Fault('flock', (E.ENOLCK,), must_succeed=True),
    Fault('kill', (E.EPERM,), must_succeed=True),
    Fault('random', (E.ENOSYS,)),
    Fault('affinity', (E.EINVAL,), must_succeed=True),
)
# What stays broken once it is.
LASTING: Tuple[Fault, ...] = (
    Fault('malloc', (E.ENOMEM,), 'on'),
    Fault('heap', (E.ENOMEM,), 'on'),
    Fault('open', (E.EMFILE,), 'on'),
    Fault('pwrite', (E.ENOSPC,), 'on', must_fail=True),
    Fault('thread', (E.EAGAIN,), 'on'),
    Fault('readdir', (E.EIO,), 'on'),
)
OUT_OF_MEMORY = ('malloc', 'library', 'heap')
IN_MEMORY = ('stream',)  # libpcap writes to streams that are no files too
NOT_SURE = 'the output is complete, but'  # not its page, not for certain, or beside the old one
LEFTOVER = 'could not be removed', 'what it replaced is now'
HIDDEN = '.out.cleave-', '.new.pcap.cleave-', '.new.csv.cleave-', 'far/.page.html.cleave-'
STALE = '.out.cleave-%d-0' % (2**31 - 2)  # no process has such a number
LEFT = re.compile(r'\Acleave: %s was left by a killed run; --clean removes it\n\Z' % STALE)
TIMINGS = re.compile(rb'"(seconds|records_per_second|bytes_per_second|writes)": [0-9.]+')
MESSAGE = re.compile(r'\Acleave: [^\n]+\n(?:        [^\n]+\n)?\Z')


class Variant(NamedTuple):
    """A command that is disturbed, in a directory of its own."""
    args: Sequence[str]
    before: Callable[[str], None] = lambda _: None  # what is in the directory when it begins
    stdin: bytes = b''
    thorough: bool = False   # all errors, each at every call
    refused: bool = False    # fails undisturbed too
    in_part: str = ''        # what begins so may be there, in part, where it fails
    fault_kinds: Sequence[str] = ()  # these alone; none: all
    needs: Sequence[str] = ()  # kinds of calls that others can do without


class Ending(NamedTuple):
    status: int
    stdout: bytes
    stderr: str
    tree: Dict[str, bytes]


Found = Dict[Tuple[str, str], List[str]]  # by kind and caller


def met(log: str) -> bool:
    """Whether a fault was, by its log."""
    return os.path.exists(log) and os.path.getsize(log) > 0


def in_words(place: str) -> str:
    """The function, and with debugging information the line, of an address in the program."""
    if not shutil.which('addr2line'):
        return place
    lines = harness.run(['addr2line', '-f', '-e', suite.faults, place]).stdout.decode()
    return '%s (%s)' % tuple(lines.split('\n')[:2]) if lines.count('\n') > 1 else place


class Runs:
    """Runs of one command in DIR/work, by CLEAVE_FAULT_RUNS of faults.c."""

    def __init__(self, args: Sequence[str], directory: str, log: str) -> None:
        self.ends = [os.path.join(directory, name) for name in ('stdout', 'stderr')]
        for end in self.ends:
            os.mkfifo(end)
        self.process = subprocess.Popen(
            [suite.faults, *args], cwd=directory, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            env=dict(os.environ, LC_ALL='C', CLEAVE_FAULT_RUNS='yes', CLEAVE_FAULT_LOG=log),
            bufsize=0, start_new_session=True)

    def run(self, fault: str) -> 'subprocess.CompletedProcess[bytes]':
        process, late = self.process, time.monotonic() + harness.HANGS_S
        assert process.stdin and process.stdout
        fds = [os.open(end, os.O_RDONLY | os.O_NONBLOCK) for end in self.ends]
        got = {fd: b'' for fd in (*fds, process.stdout.fileno())}
        open_ones = set(got)
        try:
            process.stdin.write(fault.encode() + b'\n')
            while open_ones:
                ready, _, _ = select.select(open_ones, (), (), max(0, late - time.monotonic()))
                if not ready:
                    os.killpg(process.pid, signal.SIGKILL)
                    raise subprocess.TimeoutExpired(suite.faults, harness.HANGS_S)
                for fd in ready:
                    data = os.read(fd, 1 << 16)
                    got[fd] += data
                    if not data or (fd not in fds and data.endswith(b'\n')):
                        open_ones.discard(fd)
        finally:
            for fd in fds:
                os.close(fd)
        status = os.waitstatus_to_exitcode(int(got[process.stdout.fileno()]))
        return subprocess.CompletedProcess([suite.faults], status, got[fds[0]], got[fds[1]])

    def close(self) -> None:
        self.process.communicate()


class Trial:
    """One variant in a directory of its own, so that others can run beside it."""

    def __init__(self, variant: Variant, name: str) -> None:
        self.variant = variant
        self.dir = suite.path(name, 'work')
        self.log = suite.path(name, 'log')
        os.makedirs(suite.path(name))
        self.before: Dict[str, bytes] = {}
        self.runs = None if variant.stdin else Runs(variant.args, suite.path(name), self.log)
        self.wanted = self.run('')
        if not variant.refused:
            check_equal((self.wanted.status, self.wanted.stderr), (0, ''), 'undisturbed')

    def run(self, fault: str) -> Ending:
        shutil.rmtree(self.dir, ignore_errors=True)
        os.makedirs(self.dir)
        self.variant.before(self.dir)
        self.before = harness.files_of(self.dir)
        if os.path.exists(self.log):
            os.unlink(self.log)
        try:
            done = self.runs.run(fault) if self.runs else harness.run(
                [suite.faults, *self.variant.args], cwd=self.dir, input=self.variant.stdin,
                env=dict(os.environ, LC_ALL='C', CLEAVE_FAULT=fault, CLEAVE_FAULT_LOG=self.log))
        except subprocess.TimeoutExpired as late:
            raise harness.Failed('%s: hangs' % fault) from late
        tree = {name: TIMINGS.sub(b'', data) if name.endswith('.html') else data
                for name, data in harness.files_of(self.dir).items()}
        return Ending(done.returncode, done.stdout, done.stderr.decode(errors='replace'), tree)

    def close(self) -> None:
        if self.runs:
            self.runs.close()

    def caller(self) -> str:
        """Where the call that failed was made; '' if none was."""
        if not met(self.log):
            return ''
        with open(self.log, encoding='ascii') as f:
            return f.readlines()[-1].split()[2]

    def complaint(self, fault: Fault, error: int, e: Ending) -> str:
        """What is wrong with how a run ended in which the fault was met; '' if all is right."""
        if 'Sanitizer' in e.stderr or 'runtime error:' in e.stderr:
            return e.stderr
        if e.status == 0:
            if fault.must_fail:
                return 'exits 0, as if nothing had failed'
            if e.stderr and not LEFT.match(e.stderr):
                return 'exits 0 and says: ' + e.stderr
            return self.other_tree(fault, e.tree, self.wanted.tree) or \
                ('' if e.stdout == self.wanted.stdout else 'prints something else')
        if e.status != (1 if NOT_SURE in e.stderr else 2):
            return 'exits %d: %s' % (e.status, e.stderr)
        if fault.must_succeed and not self.variant.refused and fault.kind not in self.variant.needs:
            return 'exits 2: ' + e.stderr
        if not MESSAGE.match(e.stderr):
            return 'not one message: ' + e.stderr
        if not self.variant.refused:
            wanted = os.strerror(error)
            # Where a thread has no memory, the system says to try again.
            lacks = not re.search('memory|%s' % os.strerror(E.EAGAIN), e.stderr, re.I) \
                if fault.kind in OUT_OF_MEMORY else wanted not in e.stderr and not (
                    fault.kind in IN_MEMORY and 'memory' in e.stderr)
            if lacks or 'Success' in e.stderr:
                return 'does not say "%s": %s' % (wanted, e.stderr)
        before = self.wanted.tree if NOT_SURE in e.stderr else self.before
        return self.other_tree(fault, e.tree, before, any(text in e.stderr for text in LEFTOVER))

    def other_tree(self, fault: Fault, found: Dict[str, bytes], wanted: Dict[str, bytes],
                   leaves: bool = False) -> str:
        """What cannot be removed may stay, under its hidden name, and is named."""
        def counts(name: str) -> bool:
            if leaves and name.startswith(HIDDEN):
                return False
            if name.startswith(STALE) and fault.kind != 'none':
                return False
            if name.endswith('page.html') and wanted is self.wanted.tree and \
                    found.get(name) == self.before.get(name):
                return not fault.kind.startswith(('rename', 'lstat', 'open', 'fstat', 'pread'))
            return wanted is not self.before or not self.variant.in_part or \
                not name.startswith(self.variant.in_part)
        try:
            harness.check_files({n: d for n, d in found.items() if counts(n)},
                                {n: d for n, d in wanted.items() if counts(n)})
        except harness.Failed as difference:
            return str(difference)
        return ''

    def every_call(self, fault: Fault, errors: Sequence[int], found: Found) -> int:
        """The n-th call fails with one of the errors in turn. Gives the number of runs."""
        runs, n, rng = 0, 0, suite.random('%s %s' % (fault, errors))
        # A program with sanitizers takes its time to begin and to end.
        most = 2 * harness.SHARE * (6 if suite.args.sanitized and harness.SHARE > 1 else 1)
        while n < CALLS_MAX:
            n += 1 if n < 3 else rng.randrange(1, most)
            error = errors[(n - 1) % len(errors)]
            text = '%s:%d:%d:%s' % (fault.kind, n, error, fault.mode)
            ending = self.run(text + (',' + fault.beside if fault.beside else ''))
            runs += 1
            caller = self.caller()
            hit = caller and not (fault.beside and self.only_beside(fault))
            wrong = self.complaint(fault if hit else Fault('none', (), must_succeed=True), error,
                                   ending)
            if wrong:
                found.setdefault((str(fault), caller), []).append(
                    'CLEAVE_FAULT=%s (%s): %s' % (text, os.strerror(error), wrong.strip()))
            if not hit:
                return runs
        raise harness.Failed('%s: more than %d calls' % (fault, CALLS_MAX))

    def only_beside(self, fault: Fault) -> bool:
        with open(self.log, encoding='ascii') as f:
            return not any(line.split()[0] == fault.kind for line in f)


def rows_of(variant: Variant) -> Iterator[Tuple[Fault, Sequence[int]]]:
    for fault in FAULTS + LASTING:
        if variant.fault_kinds and fault.kind not in variant.fault_kinds:
            continue
        if variant.thorough and not suite.args.sanitized:
            for error in fault.errors:
                yield fault, (error,)
        else:
            yield fault, fault.errors


def disturbed(variant: Callable[[], Variant]) -> Callable[[], None]:
    def case() -> None:
        if not suite.faults:
            raise harness.Skip('the linker has no --wrap')
        v = variant()
        rows = iter(list(rows_of(v)))
        found: Found = {}
        broken: List[BaseException] = []

        def some(name: str) -> int:
            runs = 0
            try:
                with contextlib.closing(Trial(v, name)) as trial:
                    for fault, errors in rows:
                        if broken:  # each of the others may wait as long
                            break
                        runs += trial.every_call(fault, errors, found)
            except BaseException as why:
                broken.append(why)
                raise
            return runs
        with concurrent.futures.ThreadPoolExecutor(2) as pool:
            runs = sum(pool.map(some, ('trial-1', 'trial-2')))
        print('        %d runs' % runs)
        if found:
            raise harness.Failed('%d calls whose fault ends wrongly\n%s' % (len(found), '\n'.join(
                '  %s at %s, %d times, first %s' % (kind, in_words(at), len(texts), texts[0])
                for (kind, at), texts in sorted(found.items()))))
    return case


# ---- the commands that are disturbed ----

def traffic(name: str, *flags: str) -> str:
    path = suite.path(name)
    packets = () if '--packets' in flags else ('--packets', '120')
    suite.run_cleave('generate', 'traffic', '-q', '-o', path, '--flows', '8', *packets,
                     '--other', '5', '--udp', '50', '--fragments', '30', *flags)
    return path


def split_archive(capture: str) -> str:
    path = suite.path('made.zip')
    suite.run_cleave('split', '-q', '-o', path, capture)
    return path


def linked() -> str:
    """Flows of which some led to others."""
    return suite.write('linked.pcap', samples.related().encode())


def synflood(count: int) -> str:
    path = suite.path('synflood.pcap')
    suite.run_cleave('generate', 'synflood', '-q', '-o', path, '--count', str(count))
    return path


def pcapng() -> str:
    return traffic('a.pcapng', '--format', 'pcapng')


def archived(*paths: str) -> str:
    """A zip archive: the first capture stored, the others deflated, and a text."""
    path = suite.path('a.zip')
    with zipfile.ZipFile(path, 'w') as z:
        z.writestr('README', b'text\n')
        for i, capture in enumerate(paths):
            z.write(capture, os.path.basename(capture),
                    zipfile.ZIP_DEFLATED if i else zipfile.ZIP_STORED)
    return path


def folder(*paths: str) -> str:
    """A directory with captures in it, and a text."""
    top = suite.path('folder')
    os.makedirs(top)
    for capture in paths:
        shutil.copy(capture, top)
    with open(os.path.join(top, 'README'), 'wb') as f:
        f.write(b'text, and no capture\n')
    return top


def zipped(path: str) -> str:
    with open(path, 'rb') as f, gzip.open(path + '.gz', 'wb') as to:
        to.write(f.read())
    return path + '.gz'


def packed(path: str) -> str:
    """By zstd, where this build has it."""
    compressible('zstd')
    suite.run_cleave('split', '-q', '-o', suite.path('packed'), '--by', 'none', '--name', 'all',
                     '--compress', 'zstd', path)
    return suite.path('packed', 'all.zst')


def compressible(kind: str) -> str:
    empty = suite.write('empty.pcap', pf.Format().header())
    done = suite.run_cleave('split', '-q', '--dry-run', '--compress', kind, empty, status=None)
    if done.returncode:
        raise harness.Skip(done.stderr.decode().strip())
    return kind


def flow_list() -> str:
    rows = ['proto,dport,label', 'tcp,443,web', 'udp,,', 'tcp,80,"a ""b"""'] + [',%d,x%d' % (n, n) for n in range(1, 70)]
    return suite.write('list.csv', '\n'.join(rows).encode())


def split(*args: str, **more) -> Variant:
    """With little memory: where allocations are filled, windows of streams take their time."""
    return Variant(('split', '-q', '-o', 'out', '--memory', '4MiB', *args), **more)


def old_output(folder: str) -> None:
    """What an earlier run left, small."""
    out = os.path.join(folder, 'out')
    os.makedirs(os.path.join(out, 'sub'))
    for name, text in (('cleave.json', '{\n  "cleave": "0",\n    "manifest": "csv"\n}\n'),
                       ('manifest.csv', 'file,flow\r\nsub/1.pcap,1\r\n'),
                       ('sub/1.pcap', 'of an earlier run')):
        with open(os.path.join(out, name), 'w', encoding='utf-8', newline='') as f:
            f.write(text)


def old_capture(folder: str) -> None:
    with open(os.path.join(folder, 'new.pcap'), 'wb') as f:
        f.write(pf.Format().header())


def old_archive(folder: str) -> None:
    """The same of an archive."""
    with zipfile.ZipFile(os.path.join(folder, 'out'), 'w') as z:
        z.writestr('1.pcap', 'of an earlier run')
        z.writestr('cleave.json', '{}')


def index(*args: str, **more) -> Variant:
    if b'SQLite' not in suite.run_cleave('--version').stdout:
        raise harness.Skip('built without SQLite')
    return Variant(('index', '-q', '-o', 'out', '--memory', '4MiB', *args), **more)


def made_index(*args: str) -> str:
    path = suite.path('made.db')
    index()
    suite.run_cleave('index', '-q', '--force', '-o', path, *args)
    return path


def old_index(folder: str) -> None:
    shutil.copy(suite.path('made.db'), os.path.join(folder, 'out'))


def database(*args: str, **more) -> Variant:
    index()
    return split('--manifest', 'sqlite', *args, **more)


def made_database() -> str:
    path = suite.path('made')
    index()
    suite.run_cleave('split', '-q', '--force', '-o', path, '--manifest', 'sqlite', '--by', 'ip',
                     traffic('old.pcap', '--packets', '20'))
    return path


def shards_and_parts(command: str = 'split') -> List[str]:
    """What is gathered: a map, and a part for each of its shards."""
    shards, parts = suite.path('map.zip'), []
    suite.run_cleave('split', '-q', '-o', shards, '--shards', '2', '--shard-by', 'hostpair',
                     traffic('a.pcap'))
    for name in ('shard_000', 'shard_001', 'other'):
        parts.append(suite.path(name + ('.db' if command == 'index' else '')))
        suite.run_cleave(command, '-q', '-o', parts[-1], '--member', name + '*', shards)
    return [shards, *parts]


# Not open: what is a link, by its errno, is refused as such.
GATHERS = ('malloc', 'library', 'fstat', 'lstat', 'mkdir', 'rename', 'link', 'write', 'read', 'pread',
           'close', 'close-output', 'mmap', 'random')
MAKES_DATABASE = ('library', 'malloc', 'open', 'pread', 'write', 'pwrite', 'close-output', 'thread')


def old_database(folder: str) -> None:
    shutil.copytree(suite.path('made'), os.path.join(folder, 'out'))


def taken(capture: str, *args: str, without: Sequence[str] = (), **more) -> Variant:
    """Without 'heap': jansson does not say what it lacked. What cannot be mapped is not read flow
    by flow, which is said in other words than the system's."""
    return Variant(('extract', '-q', made_index(capture), *args), needs=('mmap',),
                   fault_kinds=tuple({f.kind for f in FAULTS + LASTING} - {'heap', *without}), **more)


def old_page(folder: str) -> None:
    """That of an earlier run, elsewhere than beside the outputs."""
    os.makedirs(os.path.join(folder, 'far'))
    with open(os.path.join(folder, 'far', 'page.html'), 'wb') as f:
        f.write(b'<meta name="generator" content="cleave">')


def foreign(folder: str) -> None:
    """What cleave must never touch."""
    out = os.path.join(folder, 'out')
    os.makedirs(out)
    with open(os.path.join(out, 'precious'), 'wb') as f:
        f.write(b'not to be had again')


def foreign_archive(folder: str) -> None:
    with zipfile.ZipFile(os.path.join(folder, 'out'), 'w') as z:
        z.writestr('precious', 'not to be had again')


def stale_archive(folder: str) -> None:
    with open(os.path.join(folder, STALE), 'wb') as f:
        f.write(b'begun')


def stale(folder: str) -> None:
    """What a killed run left."""
    gone = os.path.join(folder, STALE)
    os.makedirs(gone)
    with open(os.path.join(gone, '1.pcap'), 'wb') as f:
        f.write(b'begun')


def pipe(*flags: str) -> bytes:
    with open(traffic('a.pcap', *flags), 'rb') as f:
        return f.read()


LONGER = ('--sizes', 'large', '--packets', '1500')  # than one buffer of any kind


VARIANTS: Dict[str, Callable[[], Variant]] = {
    'plain': lambda: split(traffic('a.pcap'), '-t', '1', thorough=True),
    'two-threads': lambda: split(traffic('a.pcap'), '-t', '2', '--cache', 'drop'),
    'few-open': lambda: split(traffic('a.pcap'), '-t', '1', '--max-open', '1', '--window', '16KiB'),
    'rounds': lambda: split(traffic('a.pcap'), '-t', '2', '--window', '16KiB', '--name',
                            '{proto}/{n}/{n}.pcap'),
    'force-full': lambda: split(traffic('a.pcap'), '-t', '1', '--sync', 'full', '--force',
                                before=old_output),
    'force-plain-rename': lambda: split(
        traffic('a.pcap'), '-t', '1', '--force', before=old_output, thorough=True,
        fault_kinds=('rename', 'rename-plain', 'remove', 'lstat', 'open')),
    'force-foreign': lambda: split(
        traffic('a.pcap'), '-t', '1', '--force', before=foreign, refused=True, thorough=True,
        fault_kinds=('lstat', 'opendir', 'readdir', 'open', 'fstat')),
    'clean': lambda: split(traffic('a.pcap'), '-t', '1', '--clean', before=stale,
                           fault_kinds=('open', 'opendir', 'readdir', 'lstat', 'flock')),
    'zstd': lambda: split(traffic('a.pcap'), '-t', '2', '--compress',
                          compressible('zstd'), '--window', '16KiB'),
    'gzip': lambda: split(traffic('a.pcap'), '-t', '1', '--compress',
                          compressible('gzip'), '--window', '16KiB'),
    'merge': lambda: split('--merge', '-t', '2', traffic('a.pcap'), pcapng()),
    'each': lambda: split('--each', '-t', '1', traffic('a.pcap'), pcapng()),
    'list': lambda: split(traffic('a.pcap'), '-t', '2', '--by', 'flow,label', '--flows', flow_list()),
    'dedup': lambda: split(traffic('a.pcap'), '-t', '2', '--dedup', '--dedup-ignore', 'ttl,vlan', '--by', 'vlan,ip'),
    'top': lambda: split(traffic('a.pcap'), '-t', '2', '--top', '3'),
    'related': lambda: split(linked(), '-t', '2', '--related', 'all', '--report', 'page.html',
                             fault_kinds=('malloc', 'heap', 'library', 'spill', 'thread')),
    'groups': lambda: split(linked(), '-t', '1', '--group', 'all',
                            fault_kinds=('malloc', 'heap', 'spill')),
    'filter': lambda: split(traffic('a.pcap'), pcapng(), '-t', '2', '--filter', 'tcp or vlan', thorough=True,
                            fault_kinds=('heap', 'malloc', 'thread', 'pipe', 'read', 'write')),
    'chosen': lambda: split(traffic('a.pcap'), '-t', '1', '--filter', 'tcp or udp', '--by',
                            'client,server,service', '--every', '50p', '--manifest', 'jsonl'),
    'page': lambda: split(traffic('a.pcap'), '-t', '1', '--report', 'page.html', '--sync', 'data'),
    'page-from-far': lambda: split(
        traffic('a.pcap'), '-t', '1', '--report', 'far/page.html', '--force', '--sync', 'full',
        before=old_page, thorough=True,
        fault_kinds=('lstat', 'open', 'malloc', 'rename', 'rename-plain', 'remove', 'sync', 'fstat',
                     'close-output', 'flock')),
    'page-within': lambda: split(traffic('a.pcap'), '-t', '1', '--report', 'out/page.html',
                                 '--force', before=old_output),
    'pipe': lambda: split('-', '-t', '2', stdin=pipe()),
    'pipe-longer': lambda: split('-', '-t', '2', stdin=pipe(*LONGER),
                                 fault_kinds=('read', 'poll')),
    'pcapng': lambda: split(pcapng(), '-t', '1', '--window', '16KiB'),
    'converted': lambda: split(pcapng(), '-t', '1', '--format', 'pcap'),
    'gz-input': lambda: split(zipped(traffic('a.pcap')), '-t', '1'),
    'zip-input': lambda: split(archived(traffic('a.pcap'), pcapng()), '-t', '2', thorough=True,
                               needs=('mmap',)),
    'single': lambda: split(traffic('a.pcap'), '-o', 'one.pcap', '-t', '2', '--sync', 'full'),
    'folder': lambda: split(folder(traffic('a.pcap'), traffic('b.pcap')), '-t', '1', '--recursive'),
    'list': lambda: split('--files-from', '-', '--sort', 'time', '-t', '1',
                          stdin=(traffic('a.pcap') + '\n' + pcapng()).encode(),
                          needs=('open', 'read')),
    'zip-member': lambda: split(archived(traffic('a.pcap')) + ':a.pcap', '-t', '1', needs=('mmap',)),
    'zstd-input': lambda: split(packed(traffic('a.pcap')), '-t', '2'),
    'gz-longer': lambda: split(
        zipped(traffic('a.pcap', *LONGER)), '-t', '1',
        fault_kinds=('library', 'read')),
    'zstd-longer': lambda: split(
        packed(traffic('a.pcap', *LONGER)), '-t', '1',
        fault_kinds=('library', 'read')),
    'archive': lambda: split(traffic('a.pcap'), '--archive', '-t', '1', thorough=True),
    'archive-twice': lambda: split(traffic('a.pcap'), '--archive', '-t', '2', '--window', '16KiB',
                                   '--name', '{proto}/{n}/{n}.pcap'),
    'archive-zstd': lambda: split(traffic('a.pcap'), '--archive', '-t', '2', '--compress',
                                  compressible('zstd'), '--window', '16KiB', fault_kinds=(
                                      'library', 'malloc', 'open', 'pread', 'write', 'pwrite',
                                      'close', 'close-output', 'thread')),
    'archive-pcapng': lambda: split(pcapng(), '--archive', '-t', '1', '--window', '16KiB'),
    'archive-converted': lambda: split(pcapng(), '--archive', '-t', '2', '--format', 'pcap'),
    'archive-merge': lambda: split('--merge', '--archive', '-t', '2', traffic('a.pcap'), pcapng()),
    'archive-top': lambda: split(zipped(traffic('a.pcap')), '--archive', '-t', '2', '--top', '3'),
    'archive-verify': lambda: split(traffic('a.pcap'), '--archive', '--verify', '-t', '1',
                                    needs=('mmap',)),
    'verify-archive': lambda: Variant(  # without 'heap': jansson does not say what it lacked
        ('verify', '-q', '-t', '1', split_archive(traffic('a.pcap')), suite.path('a.pcap')),
        fault_kinds=('malloc', 'library', 'open', 'fstat', 'read', 'pread', 'mmap', 'munmap',
                     'spill', 'madvise', 'close', 'thread', 'signal', 'random'),
        needs=('mmap',)),
    'archive-pipe': lambda: split('-', '--archive', '-t', '1', stdin=pipe()),
    'top-pipe': lambda: split('-', '--top', '3', '-t', '2', stdin=pipe(*LONGER)),
    'archive-force-full': lambda: split(
        traffic('a.pcap'), '--archive', '-t', '1', '--sync', 'full', '--force', '--report',
        'far/page.html', before=lambda folder: (old_archive(folder), old_page(folder))[0]),
    'archive-force-plain-rename': lambda: split(
        traffic('a.pcap'), '--archive', '-t', '1', '--force', before=old_archive, thorough=True,
        fault_kinds=('rename', 'rename-plain', 'remove', 'lstat', 'open', 'pread', 'fstat')),
    'archive-force-foreign': lambda: split(
        traffic('a.pcap'), '--archive', '-t', '1', '--force', before=foreign_archive, refused=True,
        thorough=True, fault_kinds=('lstat', 'open', 'fstat', 'pread')),
    'archive-clean': lambda: split(
        traffic('a.pcap'), '--archive', '-t', '1', '--clean', before=stale_archive,
        fault_kinds=('open', 'opendir', 'readdir', 'lstat', 'flock', 'fstat')),
    'index': lambda: index(traffic('a.pcap'), '-t', '1'),
    'index-pcapng': lambda: index(pcapng(), '-t', '2', '--window', '16KiB',
                                  fault_kinds=('library', 'malloc', 'thread', 'spill')),
    'index-merge': lambda: index('--merge', '-t', '1', traffic('a.pcap'), zipped(pcapng()),
                                 fault_kinds=('library', 'malloc', 'thread', 'read')),
    'index-force': lambda: index(
        made_index(traffic('a.pcap')) and suite.path('a.pcap'), '-t', '1', '--force', '--sync',
        'full', '--by', 'ip', before=old_index,
        fault_kinds=('lstat', 'open', 'fstat', 'rename', 'rename-plain', 'remove', 'sync', 'flock',
                     'close-output', 'library')),
    'index-force-foreign': lambda: index(
        traffic('a.pcap'), '-t', '1', '--force', before=foreign_archive, refused=True,
        fault_kinds=('lstat', 'open', 'fstat', 'pread')),
    'database': lambda: database('-t', '1', traffic('a.pcap'), fault_kinds=MAKES_DATABASE),
    'archive-database': lambda: database('--archive', '-t', '1', traffic('a.pcap'),
                                         fault_kinds=MAKES_DATABASE),
    'gather': lambda: Variant(('gather', *shards_and_parts(), '-q', '-o', 'out'),
                              fault_kinds=GATHERS, needs=('mmap',)),
    'gather-indexes': lambda: Variant(('gather', *shards_and_parts('index')[1:], '-q', '-o', 'out.db'),
                                      fault_kinds=('malloc', 'library', 'rename', 'write', 'pread',
                                                   'close-output', 'random')),
    'database-force': lambda: made_database() and database(
        '--force', '-t', '1', traffic('a.pcap'), before=old_database,
        fault_kinds=('library', 'malloc', 'open', 'fstat', 'mmap', 'pread'), needs=('mmap',)),
    'database-verify': lambda: database('--verify', '-t', '1', traffic('a.pcap'), needs=('mmap',),
                                        fault_kinds=('library', 'malloc', 'mmap', 'pread')),
    'flows-database': lambda: Variant(
        ('flows', made_database(), '--csv'), needs=('mmap',),
        fault_kinds=('malloc', 'library', 'open', 'fstat', 'mmap', 'pread')),
    'flows': lambda: Variant(('flows', made_index(traffic('a.pcap')), '--csv'),
                             fault_kinds=('malloc', 'library', 'random', 'signal')),
    'extract': lambda: taken(traffic('a.pcap'), '-o', 'out'),
    'extract-pcapng': lambda: taken(pcapng(), '-o', 'out', '--flow', '1-3'),
    'extract-each': lambda: taken(traffic('a.pcap'), '-o', 'out/', without=('mmap', 'pread')),
    'extract-force': lambda: taken(traffic('a.pcap'), '-o', 'new.pcap', '--force', before=old_capture),
    'extract-archive': lambda: taken(traffic('a.pcap'), '-o', 'out.zip', without=('mmap', 'pread')),
    'extract-packed': lambda: taken(zipped(traffic('a.pcap')), '-o', 'out', '--proto', 'udp'),
    'dry-run': lambda: Variant(('split', '-q', '--dry-run', '--manifest', '-', '-t', '1',
                                traffic('a.pcap'))),
    'spilled': lambda: Variant(('split', '-q', '--dry-run', '--manifest', '-', '-t', '1',
                                '--memory', '1MiB', synflood(3000)),
                               fault_kinds=('spill', 'open', 'munmap', 'close'), thorough=True),
    'info': lambda: Variant(('info', '--json', traffic('a.pcap')), thorough=True),
    'info-pcapng': lambda: Variant(('info', pcapng())),
    'info-longer': lambda: Variant(('info', '-'), stdin=pipe(*LONGER),
                                   fault_kinds=('read', 'poll', 'malloc')),
    'info-gz': lambda: Variant(('info', zipped(pcapng()))),
    'generate-traffic': lambda: Variant(
        ('generate', 'traffic', '-q', '-o', 'new.pcap', '--flows', '20', '--packets', '3000',
         '--truth', 'new.csv'), in_part='new.csv', thorough=True),  # which takes its name first
    'generate-related': lambda: Variant(
        ('generate', 'traffic', '-q', '-o', 'new.pcap', '--related', '--flows', '60', '--force'),
        before=old_capture),
    'generate-synflood': lambda: Variant(
        ('generate', 'synflood', '-q', '-o', 'new.pcap', '--count', '50'), thorough=True),
}


KILLED = ('few-open', 'force-full', 'archive', 'archive-twice', 'archive-pipe', 'archive-force-full',
          'database', 'archive-database', 'archive-zstd')


def no_name_left() -> None:
    """Where renames know no flags, an old output steps aside. When neither the new one can take the
    name nor the old one have it back, the message says where it is, and --clean does not find it.
    """
    if not suite.faults:
        raise harness.Skip('the linker has no --wrap')
    variant = split(traffic('a.pcap'), '-t', '1', '--force', before=old_output)
    with contextlib.closing(Trial(variant, 'trial')) as trial:
        e = trial.run('rename-plain:2:%d:on,rename:1:%d:on' % (E.EIO, E.EINVAL))
    check_equal(e.status, 2, 'status')
    check(os.strerror(E.EIO) in e.stderr, 'says %r', e.stderr)
    data = trial.before['out/cleave.json']
    places = [os.path.dirname(name) for name, found in e.tree.items() if found == data]
    check_equal(len(places), 1, 'places of the old output')
    check(places[0] in e.stderr, 'the old output is in %s, of which nothing is said: %r',
          places[0], e.stderr)
    suite.run_cleave('split', '-q', '-o', 'out', '--clean', suite.path('a.pcap'), cwd=trial.dir)
    check(os.path.exists(os.path.join(trial.dir, places[0])), '--clean removed %s', places[0])


def read_fails_late() -> None:
    """A read that fails far behind the beginning is a failure, and no damage of the capture."""
    if not suite.faults:
        raise harness.Skip('the linker has no --wrap')
    log = suite.path('log')
    env = dict(os.environ, LC_ALL='C', CLEAVE_FAULT='read:1100:%d:on' % E.EIO, CLEAVE_FAULT_LOG=log)
    for command in ('info', '-'), ('split', '-', '--dry-run', '-q'):
        with subprocess.Popen([suite.cleave, 'generate', 'traffic', '-q', '-o', '-', '--flows', '8',
                               '--sizes', 'large', '--packets', '60000'], stdout=subprocess.PIPE,
                              stderr=subprocess.DEVNULL) as source:
            done = harness.run([suite.faults, *command], stdin=source.stdout, env=env,
                               timeout=harness.HANGS_S)
            source.stdout.close()
        check(met(log), 'there were too few reads')
        os.unlink(log)
        talk = done.stderr.decode()
        check_equal((done.returncode, os.strerror(E.EIO) in talk), (2, True),
                    '%s: status, and that the error is named in %r' % (command[0], talk))


# ---- what is not disturbed ----

# Called by our own objects, and nothing to fail: memory and text, locks that are used as they
# should be, what says of itself only whether data are good, words to the standard streams, and
# lseek(), which fails where there is no place to tell: in what is read as a stream then.
HARMLESS = '''
    access strncasecmp cxa_atexit waitpid libc_malloc libc_calloc libc_realloc IO_fwrite
    ITM_deregisterTMCloneTable ITM_registerTMCloneTable cxa_finalize errno_location gmon_start
    libc_start_main sched_cpucount stack_chk_fail exit abort assert_fail
    access memchr strcasecmp memcmp bcmp memcpy memmove memset qsort strchr strcmp strcpy strcspn strerror strlen
    strncmp strpbrk strrchr strspn strstr strtol strtoll strtoul strtoull isoc23_strtol isoc23_strtoll
    isoc23_strtoul isoc23_strtoull snprintf vsnprintf inet_pton strftime gmtime_r timegm pow free
    getenv popcountdi2
    fgets lsan_do_recoverable_leak_check
    stdin stdout stderr clearerr ferror fflush fileno fprintf fputc fputs fwrite perror printf vfprintf
    putchar puts setvbuf
    clock_gettime lseek lseek64 getpid raise readlinkat isatty sysconf signal unlink dirfd prctl syscall ioctl
    pthread_condattr_destroy pthread_condattr_init pthread_condattr_setclock
    pthread_cond_broadcast pthread_cond_destroy pthread_cond_init pthread_cond_signal
    pthread_cond_timedwait pthread_cond_wait pthread_join pthread_mutex_destroy pthread_mutex_init
    pthread_mutex_lock pthread_mutex_unlock
    bsearch fnmatch stat stat64 strndup
    BZ2_ LZ4F_ LZ4_versionString ZSTD_ json_ jansson_version_str lzma_ crc32_z deflate inflate libdeflate_crc32 nettle_
    pcap_ zlibVersion getdelim sigfillset sqlite3_ memrchr
    fuse_ chdir dup2 getegid geteuid setsid sigdelset pthread_cancel pthread_mutex_trylock
    pthread_setcancelstate
'''.split()


def covered() -> None:
    """A function that is called for the first time has to be looked at: can it fail?"""
    if not suite.faults:
        raise harness.Skip('the linker has no --wrap')
    if suite.args.sanitized:
        raise harness.Skip('sanitizers call much themselves')
    done = harness.run([harness.tool('nm'), suite.faults])
    rows = [line.split()[-2:] for line in done.stdout.decode().split('\n') if line]
    wrapped = {name[len('__wrap_'):] for _, name in rows if name.startswith('__wrap_')}
    check(len(wrapped) > 40, 'only %d functions are wrapped', len(wrapped))
    unknown = []
    for kind, name in rows:
        name = name.split('@')[0]
        bare = re.sub(r'_chk$', '', name.strip('_'))
        if kind in 'Uw' and name not in wrapped and bare not in HARMLESS and \
                not any(h.endswith('_') and bare.startswith(h) for h in HARMLESS) and \
                not bare.startswith(('deflate', 'inflate')):
            unknown.append(name)
    check(not unknown, 'called, and neither in faults.c nor in HARMLESS: %s', ' '.join(unknown))


# ---- what others do while a run goes on ----

class Fed:
    """A run that reads a FIFO, which the test writes to when it likes."""

    def __init__(self, *args: str, before_end: Sequence[str] = ()) -> None:
        self.fifo = suite.path('fed.pcap')
        if not os.path.exists(self.fifo):
            os.mkfifo(self.fifo)
        self.child = subprocess.Popen(
            [suite.cleave, 'split', '-q', '-o', suite.path('place', 'out'), '-t', '2',
             *args, self.fifo, *before_end], stderr=subprocess.PIPE,
            env=dict(os.environ, LC_ALL='C'))
        self.to = open(self.fifo, 'wb', buffering=0)  # pylint: disable=consult-using-with

    def staging(self, holds: str = '') -> str:
        """Waits for the hidden directory, and for a file in it."""
        until = time.monotonic() + harness.HANGS_S
        place = suite.path('place')
        while time.monotonic() < until and self.child.poll() is None:
            for name in os.listdir(place):
                path = os.path.join(place, name)
                if '.cleave-' in name and (not holds or
                                           any(n.endswith(holds) for n in os.listdir(path))):
                    return path
            time.sleep(0.002)
        raise harness.Failed('no staging directory%s' % (' with ' + holds if holds else ''))

    def end(self, rest: bytes = b'') -> Tuple[int, str]:
        try:
            self.to.write(rest)
        except BrokenPipeError:
            pass
        self.to.close()
        try:
            _, talk = self.child.communicate(timeout=harness.HANGS_S)
        except subprocess.TimeoutExpired as late:
            self.child.kill()
            self.child.communicate()
            raise harness.Failed('hangs') from late
        text = talk.decode(errors='replace')
        check('Sanitizer' not in text and 'runtime error:' not in text, '%s', text)
        return self.child.returncode, text


def big_capture() -> bytes:
    """Of more than the three windows that a stream's reader has."""
    frames = [pf.frame('10.0.0.%d' % (i % 40), '192.0.2.1', pf.UDP,
                       pf.udp('10.0.0.1', '192.0.2.1', 1000, 53, bytes(1200)))
              for i in range(8000)]
    return pf.Capture(pf.Format(), pf.at_times(frames)).encode()


def check_gone(status: int, talk: str, what: str, left: Sequence[str] = ()) -> None:
    check_equal(status, 2, '%s: status, which says %r' % (what, talk))
    check(MESSAGE.match(talk), '%s: not one message: %r', what, talk)
    check('Success' not in talk, '%s: %r', what, talk)
    place = suite.path('place')
    if os.path.exists(place):
        check_equal(sorted(os.listdir(place)), sorted(left), what + ': what is left')


def output_removed() -> None:
    """The hidden directory, or the one around it, is removed under a run."""
    data = big_capture()
    for what in 'before all', 'half-way', 'its parent':
        os.makedirs(suite.path('place'), exist_ok=True)
        run = Fed('--window', '1MiB', '--max-open', '4')
        run.to.write(data[:2000])
        if what == 'half-way':
            run.staging()
            run.to.write(data[2000:6 << 20])
            staging = run.staging('.pcap')
        else:
            staging = run.staging()
        gone = staging if what != 'its parent' else suite.path('place')
        while os.path.exists(gone):  # the run may be removing it, too
            shutil.rmtree(gone, ignore_errors=True)
        status, talk = run.end(data[6 << 20 if what == 'half-way' else 2000:])
        check_gone(status, talk, what)
        check(os.strerror(E.ENOENT) in talk, '%s: %r', what, talk)


def spills() -> None:
    """What is kept of flows leaves memory in each pass over the captures, with all that a run gives
    up: a file has its blocks, and is mapped."""
    if not suite.faults:
        raise harness.Skip('the linker has no --wrap')
    calls = 2
    flood, log, output = synflood(3000), suite.path('log'), suite.path('out')
    again = shutil.copy(flood, suite.path('again.pcap'))
    little = ('--memory', '1MiB', '-t', '1', '-q')
    for passes, args in (
            (1, ('split', '--dry-run', flood)), (1, ('split', flood, '-f', '-o', output)),
            (1, ('split', flood, '-f', '-o', output, '--top', '3')),
            (2, ('split', flood, '-f', '-o', output, '--verify')),
            (2, ('split', flood, again, '-f', '-o', output, '--each')),
            (1, ('verify', output))):
        env = dict(os.environ, CLEAVE_FAULT='spill:%d:%d' % (passes * calls, E.ENOMEM),
                   CLEAVE_FAULT_LOG=log)
        done = harness.run([suite.faults, *args, *little], env=env)
        check_equal((done.returncode, done.stderr), (0, b''), ' '.join(args))
        check(met(log), '%s: there was no call %d of these', ' '.join(args), passes * calls)
        os.unlink(log)


def landlock_version() -> int:
    """0: none."""
    create_ruleset, version_flag = 444, 1  # of all architectures
    if sys.platform != 'linux':
        return 0
    return max(0, ctypes.CDLL(None, use_errno=True).syscall(create_ruleset, None, 0, version_flag))


def confined() -> None:
    """What was not named when the run began cannot be opened, under a name that was either."""
    if suite.args.sanitized:
        raise harness.Skip('sanitizers read about the process that they are in')
    if not landlock_version():
        raise harness.Skip('the kernel has no Landlock')
    with open(traffic('a.pcap'), 'rb') as f:
        data = f.read()
    os.makedirs(suite.path('place'))
    for flags, wanted in ((), 2), (('--filter', 'tcp'), 2), (('--no-sandbox',), 0):
        second = suite.write('second.pcap', data)
        run = Fed(*flags, before_end=[second])
        os.replace(suite.write('another.pcap', data), second)
        with open('/proc/%d/status' % run.child.pid, encoding='ascii') as f:
            privileges = [line.split()[1] for line in f if line.startswith('NoNewPrivs:')]
        status, talk = run.end(data)
        check_equal(status, wanted, '%s: status, which says %r' % (' '.join(flags), talk))
        if wanted:
            check_gone(status, talk, ' '.join(flags))
            check(second in talk and os.strerror(E.EACCES) in talk, 'says %r', talk)
            check_equal(privileges, ['1'], 'NoNewPrivs')


SPY = r'''
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <stddef.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>
int renameat2(int from_dir, const char *from, int to_dir, const char *to, unsigned flags)
{
    struct sockaddr_un a = {.sun_family = AF_UNIX};
    memcpy(a.sun_path, "\0cleave-test", 12);
    const int s = socket(AF_UNIX, SOCK_STREAM, 0);
    const int killed = kill(getppid(), 0) ? errno : 0;
    const int connected =
        connect(s, (void *)&a, offsetof(struct sockaddr_un, sun_path) + 12) ? errno : 0;
    fprintf(stderr, "%d %d\n", killed, connected);
    return syscall(SYS_renameat2, from_dir, from, to_dir, to, flags);
}
'''


def scoped() -> None:
    """What the documents say of Landlock's version 6, tried from inside at the end of a run."""
    compiler = shutil.which('cc')
    if suite.args.sanitized or landlock_version() < 6 or not compiler:
        raise harness.Skip('no Landlock of version 6, or no compiler to look with')
    source, spy = suite.write('spy.c', SPY.encode()), suite.path('spy.so')
    if harness.run([compiler, '-shared', '-fPIC', '-D_GNU_SOURCE', '-o', spy, source]).returncode:
        raise harness.Skip('the compiler makes no shared objects')
    path = traffic('a.pcap')
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind('\0cleave-test')
        listener.listen()
        for flags, wanted in ((), E.EPERM), (('--filter', 'tcp'), E.EPERM), (('--no-sandbox',), 0):
            done = harness.run([suite.cleave, 'split', '-q', '-f', '-o', suite.path('out'), *flags,
                                path], env=dict(os.environ, LD_PRELOAD=spy))
            said = done.stderr.decode().split('\n')[0]
            check_equal(said, '%d %d' % (wanted, wanted), 'errnos of a signal and a socket')


def name_taken() -> None:
    """Somebody else makes something under the output's name meanwhile: it is theirs."""
    os.makedirs(suite.path('place'))
    data = big_capture()[:200000]
    for force in (), ('--force',):
        run = Fed(*force)
        run.to.write(data[:2000])
        run.staging()
        foreign(suite.path('place'))
        status, talk = run.end(data[2000:])
        check_gone(status, talk, 'taken ' + ' '.join(force), ['out'])
        check_equal(list(harness.files_of(suite.path('place', 'out'))), ['precious'], 'theirs')
        shutil.rmtree(suite.path('place', 'out'))


def swapped() -> None:
    """Another directory takes the place of the hidden one, or of the one that it is in."""
    data = big_capture()[:200000]
    for what in 'staging', 'parent':
        os.makedirs(suite.path('place'), exist_ok=True)
        run = Fed()
        run.to.write(data[:2000])
        staging = run.staging()
        moved = suite.path('place' if what == 'staging' else '.', 'moved')
        place = staging if what == 'staging' else suite.path('place')
        os.rename(place, moved)
        foreign(place)
        status, talk = run.end(data[2000:])
        check_equal(status, 2, 'status, which says %r' % talk)
        check('the directory that it was written to was moved or replaced meanwhile' in talk,
              'says %r', talk)
        check('out/precious' in harness.files_of(place), '%s: theirs is gone', what)
        check_equal(harness.files_of(moved), {}, what + ': what is left of the run')
        if what == 'parent':
            check_equal(os.listdir(moved), [], what + ': what is left where it was')
        shutil.rmtree(suite.path('place'))
    shutil.rmtree(moved)


def input_shrinks() -> None:
    """A capture is cut off while it is mapped, or before its turn comes."""
    os.makedirs(suite.path('place'))
    data = big_capture()[:3 << 20]
    for flags in ('--merge',), ():
        path = suite.write('other.pcap', data)
        run = Fed(*flags, before_end=[path])
        run.to.write(data[:2000])
        run.staging()
        time.sleep(0.05)
        os.truncate(path, 1 << 20)
        status, talk = run.end(data[2000:])
        check_gone(status, talk, 'cut off ' + ' '.join(flags))
        check('shrank' in talk or 'changed since the run began' in talk, 'says %r', talk)


# ---- little memory ----

def little_memory() -> None:
    """Under any limit of its address space a run ends well, or with a word and nothing left: in the
    program's own allocator, in threads that begin, in libraries. Below what the loader and the
    allocator need before main() no program can help it."""
    if suite.args.sanitized:
        raise harness.Skip('sanitizers reserve addresses')
    path, place = traffic('a.pcap'), suite.path('place')

    def run(limit: int, *args: str) -> 'subprocess.CompletedProcess[bytes]':
        def lower() -> None:
            resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
        return subprocess.run([suite.cleave, *args], stdout=subprocess.DEVNULL, check=False,
                              stderr=subprocess.PIPE, preexec_fn=lower, timeout=harness.HANGS_S)  # pylint: disable=subprocess-popen-preexec-fn
    least = 128 << 20
    while run(least, '--version').returncode == 0:
        least -= 1 << 20
    least += 2 << 20
    seen = {0: 0, 2: 0}
    for i, flags in enumerate(((), ('--filter', 'tcp'), ('--compress', compressible('zstd')),
                               ('--verify', '--merge'), ('--report', os.path.join(place, 'p.html')))):
        for limit in range(least + (i << 16), least + (44 << 20), 1 << 20):
            os.makedirs(place)
            done = run(limit, 'split', '-q', '-t', '4', '--memory', '16MiB', '-o',
                       os.path.join(place, 'out'), *flags, path)
            what, talk = '%s with %d bytes' % (' '.join(flags), limit), done.stderr.decode()
            check(done.returncode in seen, '%s: status %d, which says %r', what, done.returncode,
                  talk)
            seen[done.returncode] += 1
            if done.returncode:
                check(MESSAGE.match(talk), '%s: not one message: %r', what, talk)
                check_equal(os.listdir(place), [], what + ': what is left')
            shutil.rmtree(place)
    print('        %d ended well, %d with a word' % (seen[0], seen[2]))
    check(min(seen.values()) > 10, 'limits of one kind: %r', seen)


# ---- kill -9, SIGINT, SIGTERM ----

def digest(path: str) -> str:
    """Of a directory, or an archive."""
    if os.path.isdir(path):
        return harness.tree_digest(path)
    with open(path, 'rb') as f:
        return hashlib.sha256(f.read()).hexdigest()


def remove(path: str) -> None:
    if os.path.isdir(path):
        shutil.rmtree(path)
    else:
        os.unlink(path)


def copy(path: str, to: str) -> None:
    if os.path.isdir(path):
        shutil.copytree(path, to)
    else:
        shutil.copy(path, to)


# What changes something that others can see, and so should be looked at before each of its calls.
LASTS = ('open', 'mkdir', 'rename', 'rename-plain', 'remove', 'sync', 'truncate', 'write',
         'pwrite', 'close', 'close-output', 'flock')


def killed_at(variant: Callable[[], Variant]) -> Callable[[], None]:
    """Killed before any call: what is there is as it was, or whole; what else is left is found by
    the next run, and removed with --clean."""
    def case() -> None:
        if not suite.faults:
            raise harness.Skip('the linker has no --wrap')
        v = variant()
        with contextlib.closing(Trial(v, 'killed')) as trial:
            target = os.path.join(trial.dir, 'out')
            new = digest(target)
            seen = {'before': 0, 'new': 0, 'left': 0}
            for kind in LASTS:
                for n in range(1, CALLS_MAX):
                    ending = trial.run('%s:%d:0:kill' % (kind, n))
                    if not met(trial.log):
                        check_equal(ending.status, 0, 'status without a kill')
                        break
                    what = 'killed at %s %d, %s' % (kind, n, in_words(trial.caller()))
                    check_equal(ending.status, -signal.SIGKILL, what)
                    left = {name: data for name, data in ending.tree.items()
                            if name.startswith(HIDDEN)}
                    rest = {name: data for name, data in ending.tree.items() if name not in left}
                    whole = os.path.exists(target) and digest(target) == new
                    if not whole:
                        harness.check_files(rest, trial.before)
                    seen['new' if whole else 'before'] += 1
                    seen['left'] += bool(left)
                    harness.run([suite.cleave, *v.args, '--clean', '--force'], cwd=trial.dir,
                                input=v.stdin)
                    check_equal(digest(target), new, what + ': the run behind it')
                    check_equal([name for name in harness.files_of(trial.dir)
                                 if name.startswith(HIDDEN)], [], what + ': what is left')
        print('        %s' % ', '.join('%s %d' % pair for pair in seen.items()))
        check(seen['left'] > 10, 'few were killed at work: %r', seen)
    return case


class Stopped:
    """Runs that are stopped at random moments, and what is at their target then."""

    def __init__(self, packets: int, *flags: str) -> None:
        self.rng = suite.random('stopped')
        self.place, self.keep = suite.path('place'), suite.path('keep')
        self.target = os.path.join(self.place, 'out')
        os.makedirs(self.place)
        capture = suite.path('a.pcap')
        suite.run_cleave('generate', 'traffic', '-q', '-o', capture, '--flows', '300',
                         '--packets', str(packets))
        self.args = ['split', '-q', '-o', self.target, '-t', '2', *flags, capture]
        archive = [flag for flag in flags if flag == '--archive']
        suite.run_cleave(*self.args, *([] if archive else ['--verify']))
        started = time.monotonic()
        suite.run_cleave(*self.args, '--force')
        self.taken = time.monotonic() - started
        self.new = digest(self.target)
        remove(self.target)
        suite.run_cleave('split', '-q', '-o', self.target, '--by', 'hostpair', *archive, capture)
        self.old = digest(self.target)
        copy(self.target, self.keep)
        check(self.old != self.new, 'the old output is like the new one')

    def prepare(self, old: bool) -> None:
        """Nothing but the old output, or not even that."""
        for name in os.listdir(self.place):
            remove(os.path.join(self.place, name))
        if old:
            copy(self.keep, self.target)

    def stop(self, number: int, again: bool = False) -> Tuple[int, str]:
        """The status and what is said. again: a second signal comes at once."""
        with subprocess.Popen([suite.cleave, *self.args], stderr=subprocess.PIPE) as child:
            time.sleep(self.rng.random() * self.taken * 1.2)
            child.send_signal(number)
            if again:
                child.send_signal(number)
            return ended(child)

    def found(self) -> str:
        """What is at the target: nothing, old or new; never anything else."""
        if not os.path.exists(self.target):
            return 'nothing'
        there = digest(self.target)
        check(there in (self.old, self.new), 'the target is neither old nor new: %s', there)
        return 'old' if there == self.old else 'new'

    def left(self) -> List[str]:
        return [name for name in os.listdir(self.place) if name != 'out']

    def run_again(self, left: Sequence[str], *flags: str, clean: bool) -> None:
        """The next run names what is left, or removes it, and is not disturbed by it."""
        if clean:
            flags = (*flags, '--clean')
        talk = suite.run_cleave(*self.args, *flags).stderr.decode()
        check_equal(digest(self.target), self.new, 'the run behind it')
        if clean:
            check_equal((self.left(), talk), ([], ''), 'what is left with --clean')
        elif left:
            check(left[0] in talk and '--clean' in talk, '%s is not named: %r', left[0], talk)


def ended(child: 'subprocess.Popen[bytes]') -> Tuple[int, str]:
    try:
        _, talk = child.communicate(timeout=harness.HANGS_S)
    except subprocess.TimeoutExpired as late:
        child.kill()
        child.communicate()
        raise harness.Failed('it goes on') from late
    return child.returncode, talk.decode(errors='replace')


def attempts(n: int, enough: Callable[[], bool]) -> Iterator[int]:
    """n of them, and more until there were enough: other work delays signals."""
    for i in range(20 * n):
        if i >= n and enough():
            return
        yield i


def kills(n: int, *flags: str, old: bool) -> Callable[[], None]:
    def case() -> None:
        run = Stopped(3000, *flags)
        seen = {'nothing': 0, 'old': 0, 'new': 0, 'left': 0}
        for i in attempts(n, lambda: seen['left'] > n // 20):
            run.prepare(old)
            run.stop(signal.SIGKILL)
            what = run.found()
            check(what != ('nothing' if old else 'old'), 'kill %d: %s is there', i, what)
            seen[what] += 1
            left = run.left()
            seen['left'] += len(left)
            run.run_again(left, *(['--force'] if not old and what == 'new' else []),
                          clean=i % 2 == 1)
        print('        %s' % ', '.join('%s %d' % pair for pair in seen.items()))
        check(seen['left'] > n // 20, 'few were killed at work: %r', seen)
    return case


STOPS = signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT
STOPPED = re.compile(r'\Acleave: stopped by a signal[^\n]*\n\Z')


def signals(n: int, *flags: str, old: bool) -> Callable[[], None]:
    """Whatever the moment is: all of it is there and the status is 0, or it is as if it had never
    begun. Of two signals the second may leave what kill -9 leaves."""
    def case() -> None:
        run = Stopped(40000, '--window', '4096', '--max-open', '1', *flags)
        seen = {'too late': 0, 'stopped': 0, 'too early': 0, 'left': 0}
        for i in attempts(n, lambda: seen['stopped'] > n // 20):
            number, twice = run.rng.choice(STOPS), i % 4 == 0
            run.prepare(old)
            status, talk = run.stop(number, again=twice)
            what, left = run.found(), run.left()
            before = 'old' if old else 'nothing'
            if status == 0:
                check_equal((what, talk, left), ('new', '', []), 'signal %d, too late' % i)
                seen['too late'] += 1
                continue
            if status == -number:  # before it is listened to, and anything is made
                check_equal((what, talk, left), (before, '', []), 'signal %d, too early' % i)
                seen['too early'] += 1
                continue
            check_equal(status, 128 + number, 'signal %d: status' % i)
            seen['stopped'] += 1
            if not twice:
                check(STOPPED.match(talk), 'signal %d: it says %r', i, talk)
                check_equal((what, left), (before, []), 'signal %d' % i)
                continue
            check(not talk or STOPPED.match(talk), 'signals %d: it says %r', i, talk)
            check(what in (before, 'new'), 'signals %d: %s is there', i, what)
            seen['left'] += len(left)
            run.run_again(left, *(['--force'] if what == 'new' else []), clean=i % 8 == 0)
        print('        %s' % ', '.join('%s %d' % pair for pair in seen.items()))
        check(seen['stopped'] > n // 20, 'few were stopped at work: %r', seen)
    return case


def signals_while_waiting() -> None:
    """For the writer of a FIFO, and for more of a stream."""
    if not os.path.isdir('/proc/self/task'):
        raise harness.Skip('no /proc tells when a thread sleeps')
    os.makedirs(suite.path('place'))
    fifo, target = suite.path('nobody.pcap'), suite.path('place', 'out')
    os.mkfifo(fifo)
    data = big_capture()
    for number in STOPS[1:3]:
        for path, sent in (fifo, 0), ('-', 0), ('-', 20), ('-', 3000), ('-', len(data)):
            for flags in ((), ('--merge',), ('--window', '64KiB', '--verify'), ('--archive',)):
                with subprocess.Popen([suite.cleave, 'split', '-q', '-o', target, *flags,
                                       '--on-interrupt', 'discard', path],
                                      stdin=subprocess.PIPE, stderr=subprocess.PIPE) as child:
                    assert child.stdin
                    child.stdin.write(data[:sent])
                    child.stdin.flush()
                    wait_until_asleep(child.pid)
                    child.send_signal(number)
                    what = 'signal %d, %d bytes of %s %s' % (number, sent, path, ' '.join(flags))
                    try:
                        status = child.wait(timeout=harness.HANGS_S)  # without an end of the stream
                    except subprocess.TimeoutExpired as late:
                        doing = '\n'.join(threads_of(child.pid))
                        child.kill()
                        raise harness.Failed(
                            '%s: it goes on waiting\n%s' % (what, doing)) from late
                    assert child.stderr
                    talk = child.stderr.read().decode()
                check_equal(status, 128 + number, '%s: status' % what)
                check(STOPPED.match(talk), '%s: it says %r', what, talk)
                check_equal(os.listdir(suite.path('place')), [], what + ': what is left')


def pipes_ended() -> None:
    """A signal ends a pipe, wherever its writer is: what this writes within the time that it has is
    there, and what is not a whole record then is not. The model is a split of a file."""
    if not os.path.isdir('/proc/self/task'):
        raise harness.Skip('no /proc tells when a thread sleeps')
    data, rng = big_capture()[:400000], suite.random('ended')
    ends = [24]  # of records
    while ends[-1] + 16 <= len(data):
        ends.append(ends[-1] + 16 + int.from_bytes(data[ends[-1] + 8:ends[-1] + 12], 'little'))
    data = data[:ends[-2]]
    runs = []
    for i in range(16):
        sent, goes_on = rng.choice((rng.randrange(3000), rng.randrange(len(data)))), i % 2 == 0
        sent = max(sent, 24)
        flags = rng.choice(((), ('--merge',), ('--window', '64KiB'), ('--recover',)))
        target = suite.path('ended-%d' % i)
        child = subprocess.Popen(  # pylint: disable=consider-using-with
            [suite.cleave, 'split', '-q', '-o', target, '-t', '2', *flags, '-'],
            stdin=subprocess.PIPE, stderr=subprocess.PIPE)
        assert child.stdin
        wait_until_caught(child.pid, STOPS[0])
        child.stdin.write(data[:sent])
        child.stdin.flush()
        child.send_signal(rng.choice(STOPS[:3]))
        if not goes_on:
            child.stdin.write(data[sent:])
            child.stdin.close()
            sent = len(data)
        runs.append((child, target, max(e for e in ends if e <= sent), goes_on, flags))
    for child, target, end, goes_on, flags in runs:  # those that go on wait side by side
        what = 'ended at %d, which goes on: %r, %s' % (end, goes_on, ' '.join(flags))
        status = child.wait(timeout=harness.HANGS_S)
        assert child.stderr and child.stdin
        check_equal((status, child.stderr.read()), (0, b''), what)
        child.stdin.close()
        suite.run_cleave('split', '-q', '-f', '-o', suite.path('model'),
                         suite.write('model.pcap', data[:end]))
        found, wanted = (harness.files_of(path) for path in (target, suite.path('model')))
        for tree in found, wanted:
            del tree['cleave.json']
        check_equal(sorted(found), sorted(wanted), what)
        harness.check_files(found, wanted)


def signals_ignored() -> None:
    """Under nohup(1) a run survives its terminal, and in the background of a script SIGINT. SIGUSR1
    ends none, however early it comes."""
    os.makedirs(suite.path('place'))
    data, args = big_capture(), ('split', '-q', '-o', suite.path('place', 'out'), '-f', '-')
    for number in (*STOPS, signal.SIGUSR1):
        ignored = number != signal.SIGUSR1
        signal.signal(number, signal.SIG_IGN if ignored else signal.SIG_DFL)
        try:
            child = subprocess.Popen(  # pylint: disable=consider-using-with
                [suite.cleave, *args], stdin=subprocess.PIPE, stderr=subprocess.PIPE)
        finally:
            signal.signal(number, signal.SIG_DFL if number != signal.SIGINT
                          else signal.default_int_handler)
        assert child.stdin
        child.stdin.write(data[:3000])
        child.stdin.flush()
        if ignored:
            wait_until_asleep(child.pid, number)
        else:
            wait_until_caught(child.pid, number)
        child.send_signal(number)
        _, talk = child.communicate(data[3000:], timeout=harness.HANGS_S)
        check_equal(child.returncode, 0, 'signal %d: status, which says %r' % (number, talk))


def wait_until_caught(pid: int, number: int) -> None:
    until = time.monotonic() + harness.HANGS_S
    while time.monotonic() < until and not caught(pid) >> number - 1 & 1:
        pass


def caught(pid: int) -> int:
    with open('/proc/%d/status' % pid, encoding='ascii') as f:
        return int(re.search(r'^SigCgt:\s*(\w+)', f.read(), re.M)[1], 16)


def threads_of(pid: int) -> List[str]:
    """What each thread does: its state, and where in the kernel it is."""
    found = []
    for task in os.listdir('/proc/%d/task' % pid):
        words = []
        for name in 'stat', 'wchan', 'syscall':
            try:
                with open('/proc/%d/task/%s/%s' % (pid, task, name), encoding='utf-8') as f:
                    words.append(f.read().rsplit(') ', 1)[-1].split('\n')[0])
            except OSError:  # it has ended, or the kernel does not say
                words.append('?')
        found.append('%s %s, in %s, system call %s' % (words[0][0], task, *words[1:]))
    return found


def wait_until_asleep(pid: int, ignored: int = 0) -> None:
    """Until it listens to all signals, and no thread of it runs."""
    last = STOPS[-2] if ignored == STOPS[-1] else STOPS[-1]
    until = time.monotonic() + harness.HANGS_S
    while time.monotonic() < until:
        states = {text[0] for text in threads_of(pid)}
        if caught(pid) >> last - 1 & 1 and states == {'S'}:
            return
        check('Z' not in states, 'it has ended before it was at rest')
        time.sleep(0.005)
    raise harness.Failed('it is never at rest: it catches %x\n%s' % (
        caught(pid), '\n'.join(threads_of(pid))))


def main() -> int:
    n_kills, n_signals = (max(8, harness.times(n) // (5 if suite.args.sanitized else 2))
                          for n in (KILLS, SIGNALS))
    names = list(VARIANTS)
    if suite.args.only == '*' and not harness.FULL:
        names = suite.random('variants').sample(names, len(names) // 2)
    cases: Dict[str, Callable[[], None]] = {
        'disturbed-' + name: disturbed(VARIANTS[name]) for name in names}
    for case in (no_name_left, read_fails_late, covered, output_removed, spills, confined, scoped, name_taken,
                 swapped, input_shrinks, little_memory):
        cases[case.__name__.replace('_', '-')] = case
    for name in KILLED:
        cases['killed-at-' + name] = killed_at(VARIANTS[name])
    cases['killed'] = kills(n_kills, '--verify', old=False)
    cases['killed-replacing'] = kills(n_kills, '--force', old=True)
    cases['killed-archive'] = kills(n_kills, '--archive', '--force', old=True)
    cases['stopped'] = signals(n_signals, old=False)
    cases['stopped-replacing'] = signals(n_signals, '--force', old=True)
    cases['stopped-archive'] = signals(n_signals, '--archive', '--force', old=True)
    cases['stopped-waiting'] = signals_while_waiting
    cases['pipes-ended'] = pipes_ended
    cases['signals-ignored'] = signals_ignored
    return suite.run(cases)


if __name__ == '__main__':
    sys.exit(main())
