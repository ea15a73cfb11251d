# SPDX-License-Identifier: BSD-2-Clause
"""Properties of mounted indexes: the directory that a split makes, without a copy.

Names, sizes and bytes are those of the split, whatever its options are, from wherever they are
read and by whom, and whatever else is open. Nothing of it can be changed. A capture that changes
meanwhile gives an error and no bytes, and however the mount ends, nothing is left of it.
"""
import contextlib
import errno
import os
import random
import shutil
import signal
import stat
import subprocess
import sys
import threading
from typing import Callable, Dict, Iterator, List, Optional, Sequence

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'support'))
# pylint: disable=wrong-import-position
import harness
import pcapfile as pf
import pcapngfile as ng
import pcapngsamples as made
import samples
from harness import check, check_equal

WAIT_S = 120  # nothing here takes seconds on an idle machine
FLAGS = ((), ('--snaplen', '40'), ('--format', 'pcapng'), ('--format', 'pcap'),
         ('--by', 'connection'), ('--by', 'host'), ('--by', 'none', '--every', '7p'),
         ('--name', '{key}.pcap'), ('--name', '{src}/{dst}.pcap'), ('--name', 'x.pcap'),
         ('--name', '{proto}/{sport}/{n}.pcap'), ('--shards', '3'), ('--shards', '2', '--inner'),
         ('--top', '2'), ('--max-packets-per-flow', '2'), ('--max-bytes-per-flow', '300'),
         ('--no-other',), ('--manifest', 'jsonl'), ('--manifest', 'none'), ('--inner',),
         ('--min-packets', '3'), ('--min-bytes', '200'), ('--filter', 'udp'), ('--filter', 'vlan'),
         ('--by', 'vlan,ip'), ('--directed',), ('--no-metadata',), ('--by', 'client'),
         ('--by', 'hostpair'), ('--by', '3tuple'), ('--idle-timeout', '1s'),
         ('--active-timeout', '1s'), ('--community-seed', '7'), ('--proto', 'tcp'),
         ('--snaplen', '60', '--format', 'pcapng'), ('--recover',), ('--by', 'none'))

suite = harness.Suite(__doc__.split('\n', maxsplit=1)[0])


def fusermount() -> str:
    return harness.tool('fusermount3')


def needs_fuse() -> None:
    features = suite.run_cleave('--version').stdout.decode()
    if 'no FUSE' in features or 'no SQLite' in features:
        raise harness.Skip('this build cannot mount')
    fusermount()
    try:
        os.close(os.open('/dev/fuse', os.O_RDWR))
    except OSError as fault:
        raise harness.Skip('/dev/fuse: ' + fault.strerror) from None


class Mount:
    """One that is served by a process in the foreground."""

    def __init__(self, index: str, *flags: str) -> None:
        self.dir = suite.path('mounted')
        os.makedirs(self.dir, exist_ok=True)
        # pylint: disable=consider-using-with
        self.process = subprocess.Popen([*suite.under, suite.cleave, 'mount', index, self.dir, *flags],
                                        stderr=subprocess.PIPE, preexec_fn=signals_as_usual)
        first = self.process.stderr.readline().decode()
        if 'cannot be mounted on: Operation not permitted' in first:
            self.process.wait()
            raise harness.Skip('this user may not mount')
        check('mounted on' in first, 'says: %s', first)

    def unmount(self) -> None:
        subprocess.run([fusermount(), '-u', self.dir], check=True)

    def end(self, status: int = 0) -> str:
        """It is unmounted, or will be: what it said."""
        said = self.process.communicate(timeout=WAIT_S * suite.patience)[1].decode()
        check_equal(self.process.returncode, status, 'status of the mount; it said: ' + said)
        check('Sanitizer' not in said and 'runtime error' not in said, '%s', said)
        check_equal((os.path.ismount(self.dir), os.listdir(self.dir)), (False, []), 'what is left')
        return said


def signals_as_usual() -> None:
    for number in signal.SIGINT, signal.SIGTERM, signal.SIGHUP:
        signal.signal(number, signal.SIG_DFL)


@contextlib.contextmanager
def mounted(index: str, *flags: str) -> Iterator[Mount]:
    m = Mount(index, *flags)
    try:
        yield m
    except BaseException:
        m.process.kill()
        m.process.wait()
        subprocess.run([fusermount(), '-u', '-z', m.dir], check=False)
        raise
    m.unmount()
    m.end()


def split_and_index(captures: Sequence[str], *flags: str, status: int = 0) -> str:
    """Gives the directory."""
    tree = suite.path('tree')
    shutil.rmtree(tree, ignore_errors=True)
    suite.run_cleave('split', *captures, '-o', tree, '-q', *flags, status=status)
    suite.run_cleave('index', *captures, '-o', suite.path('x.db'), '-q', '--force', *flags,
                     status=status)
    return tree


def gathered() -> None:
    """Indexes of shards become one; mounted it is proven against the captures that were sharded."""
    needs_fuse()
    whole, folder = suite.path('whole.pcap'), suite.path('captures')
    suite.run_cleave('generate', 'traffic', '-q', '--flows', '60', '--packets', '1500', '--fragments', '30',
                     '--udp', '40', '--other', '3', '-o', whole)
    suite.run_cleave('split', whole, '-q', '--every', '400p', '--name', 'c{part}.pcap', '-o', folder)
    captures = sorted(os.path.join(folder, n) for n in os.listdir(folder) if n[0] == 'c' and n[1] != 'l')
    maps, parts = [], []
    for i, some in enumerate((captures[:2], captures[2:])):
        maps.append(suite.path('map%d.zip' % i))
        suite.run_cleave('split', *some, '-q', '--shards', '2', '--shard-by', 'hostpair', '-o', maps[-1])
    for member in 'shard_000', 'shard_001', 'other':
        parts.append(suite.path(member + '.db'))
        suite.run_cleave('index', *maps, '-q', '--member', member + '*', '-o', parts[-1])
    suite.run_cleave('gather', *maps, *parts, '-q', '-o', suite.path('all.db'))
    with mounted(suite.path('all.db')) as m:
        check_equal(sorted(n for n in os.listdir(m.dir) if '.' not in n), ['other', 'shard_000', 'shard_001'],
                    'directories')
        attributes(m.dir)
        suite.run_cleave('verify', m.dir, '-q')
        suite.run_cleave('verify', m.dir, *captures, '-q')
        suite.run_cleave('verify', m.dir, *maps, '-q', status=2)


def attributes(top: str) -> None:
    """Those of all that is there agree with one another."""
    numbers: Dict[int, str] = {}
    for folder, folders, names in os.walk(top):
        is_dir = os.lstat(folder)
        check_equal(is_dir.st_nlink, 2 + len(folders), 'links of ' + folder)
        check_equal(stat.S_IMODE(is_dir.st_mode), 0o550, 'mode of ' + folder)
        for name in names:
            is_file = os.lstat(os.path.join(folder, name))
            check_equal((stat.S_IMODE(is_file.st_mode), is_file.st_nlink, is_file.st_uid),
                        (0o440, 1, os.geteuid()), 'of ' + name)
        for name in folders + names:
            number = os.lstat(os.path.join(folder, name)).st_ino
            check(number not in numbers, 'two files have the number %d', number)
            numbers[number] = name
        with os.scandir(folder) as entries:
            for entry in entries:
                check_equal(entry.inode(), entry.stat().st_ino, 'number of ' + entry.name)


def check_mount(captures: Sequence[str], *flags: str, status: int = 0, proven: bool = True) -> None:
    tree = split_and_index(captures, *flags, status=status)
    with mounted(suite.path('x.db')) as m:
        harness.check_files(harness.files_of(m.dir), harness.files_of(tree))
        attributes(m.dir)
        if proven:
            suite.run_cleave('verify', m.dir, *captures, '-q', status=status)


def options() -> None:
    """Each of the option sets, with one capture or another; all of them at full length."""
    needs_fuse()
    rng = suite.random('options')
    paths = [suite.write('%d.pcap' % i, c.encode()) for i, c in enumerate(
        (samples.mixed(), samples.fragmented(), samples.tunnels()))]
    for flags in FLAGS:
        for path in rng.sample(paths, min(3, harness.times(3))):
            check_mount([path], *flags)
    check_mount([suite.write('none.pcap', samples.no_records().encode())])


def pcapngs() -> None:
    needs_fuse()
    rng = suite.random('pcapngs')
    for _ in range(harness.times(12)):
        shape = made.Shape(sections=rng.choice((1, 3)), interfaces=rng.choice((1, 3)),
                           options=rng.random() < 0.5, metadata=rng.random() < 0.5,
                           ignored=rng.random() < 0.3)
        path = suite.write('capture.pcapng', ng.encode(made.random_capture(rng, shape)))
        for flags in rng.sample([f for f in FLAGS if f[:2] != ('--format', 'pcap')], 3):
            check_mount([path], *flags)


def several() -> None:
    """One capture after another, of several formats."""
    needs_fuse()
    paths = [suite.write('%d.pcap' % i, c.encode()) for i, c in enumerate(
        (samples.mixed(), samples.tunnels(), samples.mixed()))]
    check_mount(paths)
    paths.append(suite.write('3.pcapng', ng.encode(
        made.random_capture(suite.random('several'), made.Shape()))))
    check_mount(paths)


def real() -> None:
    """Captures that others have made."""
    needs_fuse()
    top = harness.shared_captures()
    rng = suite.random('real')
    names = sorted(n for n in os.listdir(top) if n.endswith(('.pcap', '.pcapng', '.cap')))
    for name in rng.sample(names, min(len(names), harness.times(60))):
        path = os.path.join(top, name)
        tree = suite.path('tree')
        shutil.rmtree(tree, ignore_errors=True)
        done = suite.run_cleave('split', path, '-o', tree, '-q', status=None)
        if done.returncode in (0, 1):
            check_mount([path], status=done.returncode)


def large(flows: int, payload: int, records: int) -> bytes:
    """Flows of long records, one after another."""
    body = bytes(range(256)) * (payload // 256 + 1)
    frames = []
    for i in range(records):
        frame = samples.udp_talk('10.0.0.%d' % (i % flows), '10.1.0.1', 1000 + i % flows, 53)[0]
        frames.append(frame + body[i % 256:i % 256 + payload])
    return pf.Capture(pf.Format(), pf.at_times(frames, samples.NOON)).encode()


def pieces(rng: random.Random, size: int, n: int) -> List[tuple]:
    """Places to read from: anywhere, at the ends, and steps forwards and back."""
    out, at = [], 0
    for _ in range(n):
        at = rng.choice((rng.randrange(size), at, max(0, at - rng.randrange(1 << 16)),
                         min(size, at + rng.randrange(1 << 19)), max(0, size - rng.randrange(100))))
        length = rng.choice((1, 24, 4096, 100_000, 1 << 20))
        out.append((at, length))
        at = min(size, at + length)
    return out


def readers() -> None:
    """Several at a time, each from places of its own, in files of all kinds and sizes."""
    needs_fuse()
    path = suite.write('large.pcap', large(3, 1400, 24_000))  # of more than NODES_LARGE each
    small = suite.write('small.pcap', large(40, 700, 2_000))
    for capture, flags in ((path, ()), (path, ('--snaplen', '1000')), (small, ()),
                           (path, ('--format', 'pcapng')), (small, ('--snaplen', '100'))):
        tree = split_and_index([capture], *flags)
        names = sorted(n for n in os.listdir(tree) if n.endswith(('.pcap', '.pcapng')))
        faults: List[str] = []

        def read(top: str, seed: int, same: Optional[int]) -> None:
            rng = random.Random(seed)
            for name in rng.sample(names, min(len(names), 4)):
                with open(os.path.join(tree, name), 'rb') as f:
                    wanted = f.read()
                fd = os.open(os.path.join(top, name), os.O_RDONLY) if same is None else same
                for at, length in pieces(rng, len(wanted), harness.times(60)):
                    if os.pread(fd, length, at) != wanted[at:at + length]:
                        faults.append('%s: %d bytes at %d' % (name, length, at))
                if same is not None:
                    return
                os.close(fd)

        with mounted(suite.path('x.db'), '--memory', '2MiB') as m:
            shared = os.open(os.path.join(m.dir, names[0]), os.O_RDONLY)
            first, names_of_all = names[:1], names
            threads = [threading.Thread(target=read, args=(m.dir, seed, None))
                       for seed in range(5)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            # One that is open is read by several.
            names = first
            threads = [threading.Thread(target=read, args=(m.dir, seed, shared))
                       for seed in range(4)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            names = names_of_all
            os.close(shared)
        check(not faults, '%s: wrong: %r', ' '.join(flags), faults[:5])


def many() -> None:
    """More flows than a directory takes, and what is listed while files are looked up."""
    needs_fuse()
    flood = suite.path('flood.pcap')
    suite.run_cleave('generate', 'synflood', '-q', '-o', flood, '--count', '21000')
    tree = split_and_index([flood])
    with mounted(suite.path('x.db')) as m:
        wanted = sorted(os.path.relpath(os.path.join(folder, name), tree)
                        for folder, folders, names in os.walk(tree) for name in names + folders)
        found = sorted(os.path.relpath(os.path.join(folder, name), m.dir)
                       for folder, folders, names in os.walk(m.dir) for name in names + folders)
        check(found == wanted, 'other names, %d and not %d', len(found), len(wanted))
        rng = suite.random('many')
        for name in rng.sample(wanted, 300) + ['manifest.csv', 'cleave.json']:
            of = os.path.join(tree, name)
            if os.path.isfile(of):
                with open(of, 'rb') as a, open(os.path.join(m.dir, name), 'rb') as b:
                    check(a.read() == b.read(), '%s differs', name)
        for name in ('nothing', 'manifest.jsonl', '10000-19999/nothing', 'x' * 255):
            check(not os.path.lexists(os.path.join(m.dir, name)), '%s is there', name)


def refuses_changes() -> None:
    needs_fuse()
    path = suite.write('a.pcap', samples.mixed().encode())
    split_and_index([path])
    with mounted(suite.path('x.db')) as m:
        there, new = os.path.join(m.dir, 'manifest.csv'), os.path.join(m.dir, 'new')
        for what, change in {
                'open to write': lambda: os.open(there, os.O_WRONLY),
                'make': lambda: os.open(new, os.O_CREAT | os.O_WRONLY),
                'remove': lambda: os.unlink(there), 'mkdir': lambda: os.mkdir(new),
                'rename': lambda: os.rename(there, new), 'link': lambda: os.link(there, new),
                'symlink': lambda: os.symlink('x', new), 'chmod': lambda: os.chmod(there, 0o777),
                'truncate': lambda: os.truncate(there, 0), 'times': lambda: os.utime(there),
                'fifo': lambda: os.mkfifo(new)}.items():
            try:
                change()
            except OSError as fault:
                check_equal(fault.errno, errno.EROFS, what)
            else:
                raise harness.Failed(what + ' is not refused')
        check(os.statvfs(m.dir).f_flag & os.ST_RDONLY, 'it is not mounted read-only')
        check_equal(os.statvfs(m.dir).f_bfree, 0, 'blocks that are free')


def outcome(read: Callable[[], bytes]) -> object:
    try:
        return read()
    except OSError as fault:
        return fault.errno


def changed() -> None:
    """The capture is touched, truncated, written to, or the index is: an error, and no bytes."""
    needs_fuse()
    capture = large(2, 1400, 12_000)

    def alter(at: int) -> None:
        with open(path, 'r+b') as f:
            f.seek(at)
            f.write(b'\xff')

    for flags in ((), ('--snaplen', '1000')):
        for what, change in {
                'touched': lambda: os.utime(path, ns=(0, 1)),
                'truncated': lambda: os.truncate(path, 100_000),
                'cut to nothing': lambda: os.truncate(path, 0),
                'longer': lambda: os.truncate(path, len(capture) + 1),
                'altered': lambda: alter(len(capture) // 2),
                'the index': lambda: os.utime(suite.path('x.db'), ns=(0, 1))}.items():
            path = suite.write('a.pcap', capture)
            os.utime(path, ns=(10**18, 10**18))
            tree = split_and_index([path], *flags)
            name = sorted(n for n in os.listdir(tree) if n.endswith('.pcap'))[0]
            size = os.path.getsize(os.path.join(tree, name))
            with open(os.path.join(tree, name), 'rb') as f:
                wanted = f.read()
            m = Mount(suite.path('x.db'))
            at = os.path.join(m.dir, name)
            fd = os.open(at, os.O_RDONLY)
            check(os.pread(fd, 1000, 24) == wanted[24:1024], 'before it is %s', what)
            change()
            for place in (size - 5000, size // 2, 50_000):
                check_equal(outcome(lambda where=place: os.pread(fd, 4096, where)), errno.EIO,
                            'read of one that is open, %s %r' % (what, flags))
            check_equal(outcome(lambda: os.close(os.open(at, os.O_RDONLY))), errno.EIO,
                        'open, ' + what)
            os.close(fd)
            m.unmount()
            check('has changed since it was mounted' in m.end(), 'it does not say so, %s', what)


def replaced() -> None:
    """Another file takes the capture's name: what was mounted stays what it was."""
    needs_fuse()
    path = suite.write('a.pcap', samples.mixed().encode())
    tree = split_and_index([path])
    with mounted(suite.path('x.db')) as m:
        os.rename(suite.write('other', b'x' * os.path.getsize(path)), path)
        os.rename(suite.write('other', b'y'), suite.path('x.db'))
        harness.check_files(harness.files_of(m.dir), harness.files_of(tree))


def ordinary_user() -> None:
    """Somebody who is not root, and may open /dev/fuse: in a namespace of the mounts' own."""
    needs_fuse()
    if os.geteuid() != 0 or suite.under:
        raise harness.Skip('only root can be somebody else')
    for tool in 'unshare', 'setpriv', 'mount':
        harness.tool(tool)
    top = suite.path('anybody')
    os.makedirs(os.path.join(top, 'dev'))
    os.makedirs(os.path.join(top, 'point'))
    shutil.copy(suite.cleave, os.path.join(top, 'cleave'))
    capture = suite.write('anybody/c.pcap', samples.mixed().encode())
    for path in (suite.path(), top, os.path.join(top, 'point'), capture):
        os.chmod(path, 0o777)
    as_user = ('cd %s && ./cleave index c.pcap -q -o c.db && ./cleave split c.pcap -q -o tree && '
               './cleave mount c.db point --daemon && diff -r tree point; echo "same: $?"; '
               './cleave verify point c.pcap -q; echo "verify: $?"; fusermount3 -u point; '
               'echo "unmount: $?"; id -u') % top
    script = ('mount -t tmpfs none %s/dev && mknod -m 666 %s/dev/fuse c 10 229 && '
              'mount --bind %s/dev/fuse /dev/fuse && exec setpriv --reuid 65534 --regid 65534 '
              '--clear-groups sh -c "$1"') % (top, top, top)
    done = harness.run(['unshare', '-m', 'sh', '-c', script, 'sh', as_user])
    if done.returncode and b'same:' not in done.stdout:
        raise harness.Skip('no such namespace: ' + done.stderr.decode().strip())
    check_equal(done.stdout.decode().split('\n'),
                ['same: 0', 'verify: 0', 'unmount: 0', '65534', ''], done.stderr.decode())


def ends() -> None:
    """By signals, with files open or not; by kill -9; in the background."""
    needs_fuse()
    path = suite.write('a.pcap', large(2, 1400, 12_000))
    tree = split_and_index([path])
    name = sorted(n for n in os.listdir(tree) if n.endswith('.pcap'))[0]
    for number in signal.SIGINT, signal.SIGTERM, signal.SIGHUP:
        for open_too in False, True:
            m = Mount(suite.path('x.db'))
            fd = os.open(os.path.join(m.dir, name), os.O_RDONLY) if open_too else -1
            check(not open_too or len(os.pread(fd, 100, 0)) == 100, 'it is not read')
            m.process.send_signal(number)
            m.end()
            if open_too:
                check_equal(outcome(lambda: os.pread(fd, 100, 1 << 20)), errno.ENOTCONN, 'a read')
                with contextlib.suppress(OSError):
                    os.close(fd)
    m = Mount(suite.path('x.db'))
    m.process.kill()
    m.process.wait()
    check_equal(outcome(lambda: os.listdir(m.dir)), errno.ENOTCONN, 'of one that was killed')
    done = suite.run_cleave('mount', suite.path('x.db'), m.dir, status=2)
    check('the program that mounted it is gone: unmount it with fusermount3 -u %s' % m.dir[:80] in
          done.stderr.decode(), '%r', done.stderr)
    m.unmount()
    check_equal(m.end(-signal.SIGKILL), '', 'said')
    suite.run_cleave('mount', suite.path('x.db'), m.dir, '--daemon', '-q')
    harness.check_files(harness.files_of(m.dir), harness.files_of(tree))
    m.unmount()
    check_equal(os.listdir(m.dir), [], 'of what ran in the background')


if __name__ == '__main__':
    sys.exit(suite.run({'options': options, 'gathered': gathered, 'pcapngs': pcapngs, 'several': several, 'real': real,
                        'readers': readers, 'many': many, 'refuses-changes': refuses_changes,
                        'changed': changed, 'replaced': replaced, 'ends': ends,
                        'ordinary-user': ordinary_user}))
