# SPDX-License-Identifier: BSD-2-Clause
"""A disk that is too small: runs that would fit are never refused, others before they write, where
their size can be known, and what they say names what is full.

The disk is that of ../support/faults.c (CLEAVE_DISK): it has some bytes and files left, which files
take as they grow and are made.
"""
import argparse
import errno
import gzip
import importlib.machinery
import importlib.util
import os
import random
import re
import shlex
import shutil
import struct
import sys
import tempfile
import zipfile
from typing import NamedTuple, Optional, Sequence, Tuple

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, '..', 'support'))
# pylint: disable=wrong-import-position
import harness
import samples
from harness import check, check_equal

ENDLESS = 10**9
END_OF_ZIP = 22
NEEDS = re.compile(r'needs (\d+) more (bytes|files), but only (\d+) (?:are free|can be made)')
TMPFS = '1021994'
NO_ROOM = os.strerror(errno.ENOSPC)


def more_flags(parser: argparse.ArgumentParser) -> None:
    parser.add_argument('--faults', metavar='PROGRAM', help='cleave with faults.c linked to it')


suite = harness.Suite(__doc__.split('\n', maxsplit=1)[0], more_flags)


class Room(NamedTuple):
    bytes: int = ENDLESS
    files: int = ENDLESS
    type: str = 'ef53'  # in <linux/magic.h>: ext4


class Ending(NamedTuple):
    status: int
    talk: str
    wrote: bool  # or tried to

    @property
    def needs(self) -> Optional[Tuple[int, str]]:
        """What a run that was refused needs at least."""
        found = NEEDS.search(self.talk)
        return (int(found[1]), found[2]) if found else None


def run(room: Room, *args: str, writes: bool = True, fault: str = '', **more) -> Ending:
    """writes: it may; otherwise the first call that does so fails."""
    if not suite.args.faults:
        raise harness.Skip('the linker has no --wrap')
    log = suite.path('log')
    env = dict(os.environ, LC_ALL='C', CLEAVE_DISK='%d:%d:%s' % room, CLEAVE_FAULT_LOG=log,
               CLEAVE_FAULT=fault)
    if not writes:
        env['CLEAVE_FAULT'] = 'write:1:5,pwrite:1:5'
    done = harness.run([os.path.abspath(suite.args.faults), *args], env=env, **more)
    wrote = os.path.exists(log) and os.path.getsize(log) > 0
    if os.path.exists(log):
        os.unlink(log)
    talk = done.stderr.decode(errors='replace')
    check('Sanitizer' not in talk and 'runtime error:' not in talk, '%s', talk)
    return Ending(done.returncode, talk, wrote)


def taken(path: str) -> Room:
    """What an output takes while it is made."""
    if os.path.isfile(path):
        size = os.path.getsize(path)
        if not zipfile.is_zipfile(path):
            return Room(size, 1)
        with zipfile.ZipFile(path) as z:  # its directory and a database are files of their own first
            return Room(2 * size - z.start_dir - END_OF_ZIP, 2 + ('manifest.db' in z.namelist()))
    files, total = 1, 0
    for place, folders, names in os.walk(path):
        files += len(folders) + len(names)
        total += sum(os.path.getsize(os.path.join(place, name)) for name in names
                     if name != 'manifest.db')  # SQLite's writes are not the disk's
    return Room(total, files)


def remove(path: str) -> None:
    if os.path.isfile(path):
        os.unlink(path)
    else:
        shutil.rmtree(path)


def check_refused(e: Ending, what: str, output: str, *words: str) -> None:
    check_equal(e.status, 2, '%s: status, which says %r' % (what, e.talk))
    for word in (NO_ROOM, 'no output was made at ' + output[:60], *words):
        check(word in e.talk, '%s: does not say "%s": %r', what, word, e.talk)
    check_equal(e.talk.count('\n'), 2, '%s: lines of %r' % (what, e.talk))
    check(not os.path.exists(output), '%s: %s is there', what, output)
    left = [n for n in os.listdir(os.path.dirname(output)) if '.cleave-' in n]
    check_equal(left, [], what + ': what is left')


# ---- runs that fit ----

def soak():
    """Its captures and options."""
    path = os.path.join(HERE, '..', 'soak')
    loader = importlib.machinery.SourceFileLoader('soak', path)
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader('soak', loader))
    loader.exec_module(module)
    return module


def fits_if_it_fits() -> None:
    """Random runs: with all that they take, no byte and no file more, they end as ever; what they
    are refused for is at most that."""
    made, n_refused, n_runs = soak(), 0, 0
    rng = suite.random('fits')
    for i in range(harness.times(160)):
        place = suite.path(str(i))
        os.makedirs(place)
        choose = random.Random(rng.getrandbits(32))
        inputs = made.Maker(suite.cleave, choose, place).several()
        with open(os.path.join(place, 'list.csv'), 'w', encoding='utf-8') as f:
            f.write('src,proto,label\n10.0.0.1,,a\n,tcp,b\n')
        options = made.some_options(choose)
        window = choose.choice([(), ('--window', '4096'), ('--window', '64KiB')])
        output = choose.choice(['out', 'out', 'out.zip'])
        flags = ['split', *inputs, '-o', output, '-q', *window, *made.words(options)]
        whole = run(Room(), *flags, cwd=place)
        path = os.path.join(place, output)
        if whole.status == 2 or not os.path.exists(path):
            shutil.rmtree(place)
            continue
        n_runs += 1
        room = taken(path)._replace(type=choose.choice(['ef53', TMPFS]))
        what = shlex.join(['cleave', *flags])
        remove(path)
        if options.get('--compress', 'none') == 'none':  # or what waits as it is takes more
            again = run(room, *flags, cwd=place)
            check_equal((again.status, again.talk), (whole.status, whole.talk),
                        '%s: status and words with %r' % (what, room))
            remove(path)
            for less in (room._replace(bytes=room.bytes - 1), room._replace(files=room.files - 1)):
                e = run(less, *flags, cwd=place)
                check_equal(e.status, 2, '%s: status with %r: %r' % (what, less, e.talk))
                check('no output was made at ' + output in e.talk, '%s: says %r', what, e.talk)
                check(not os.path.exists(path), '%s: it is there', what)
        elif output == 'out.zip':
            continue
        for none in room._replace(bytes=0), Room(files=1 if output == 'out' else 2):
            needs = run(none, *flags, cwd=place).needs
            n_refused += needs is not None
            check(needs is None or needs[0] <= getattr(room, needs[1]),
                  '%s: needs %r, but takes %r', what, needs, room)
        shutil.rmtree(place)
    print('        %d runs, %d refusals' % (n_runs, n_refused))
    check(n_runs > 5 and n_refused > 5, 'too few: %d runs, %d refusals', n_runs, n_refused)


def seems_too_large() -> None:
    """Captures that are larger than what is free, of which little is written."""
    with open(traffic('a.pcap', '--udp', '20'), 'rb') as f:
        pcap = f.read()
    with open(traffic('a.pcapng', '--format', 'pcapng'), 'rb') as f:
        blocks = f.read()
    unknown = struct.pack('<II', 0x80000001, 4096) + bytes(4084) + struct.pack('<I', 4096)
    suite.write('twice.pcap', pcap + pcap[24:])
    flows = suite.write('list.csv', b'proto\nudp\n')
    for name, data, flags, status in (
            ('damaged.pcap', pcap[:9000] + b'\xff' * 500000, (), 1),
            ('damaged.pcapng', blocks[:9000] + b'\xff' * 500000, (), 1),
            ('padded.pcapng', blocks + unknown * 100, (), 0),
            ('twice.pcap', None, ('--dedup=1h',), 0),
            ('a.pcap', None, ('--flows', flows), 0),
            ('a.pcap', None, ('--no-other', '--top', '1'), 0),
            ('a.pcap', None, ('--snaplen', '20', '--format', 'pcapng'), 0)):
        path = suite.write(name, data) if data else suite.path(name)
        for out in suite.path('out'), suite.path('out.zip'), suite.path('one.pcap'):
            if out.endswith('.pcap') and '--top' in flags:
                continue
            args = 'split', path, '-o', out, '-q', *flags
            check_equal(run(Room(), *args).status, status, shlex.join(args))
            least = taken(out)
            remove(out)
            # The second is one on which an archive is allocated ahead, and cut off again.
            for room in least, least._replace(bytes=least.bytes + os.path.getsize(path), type=TMPFS):
                e = run(room, *args)
                check_equal(e.status, status, '%s with %r: %r' % (shlex.join(args), room, e.talk))
                remove(out)


# ---- runs that do not ----

def traffic(name: str, *flags: str) -> str:
    path = suite.path(name)
    suite.run_cleave('generate', 'traffic', '-q', '-f', '-o', path, '--flows', '30', '--packets',
                     '900', '--sizes', 'small', *flags)
    return path


def packs(pcap: str) -> bool:
    """Whether this build compresses outputs."""
    done = suite.run_cleave('split', '-q', '--dry-run', '--compress', 'gzip', pcap, status=None)
    return done.returncode == 0


def outputs(path: str) -> Room:
    """Bytes of the outputs in a directory, and files with those that lie beside them."""
    sizes = [len(data) for name, data in harness.files_of(path).items()
             if name[-1] != '/' and not name.startswith(('manifest', 'cleave.json'))]
    return Room(sum(sizes), len(sizes) + 2)


def refused_at_once(what: str, least: Room, output: str, *args: str, **more) -> None:
    """A run that needs so much, of which it knows before it writes anything."""
    for room, kind, words in (
            (Room(bytes=least.bytes - 1), 'bytes', 'the file system has too little room'),
            (Room(files=least.files), 'files', 'the file system has too few free inodes')):
        if getattr(least, kind) == ENDLESS:
            continue
        e = run(room, *args, writes=False, **more)  # beside the directory, which is a file too
        check(not e.wrote, '%s: writes with %r', what, room)
        check_refused(e, what, output, words)
        check_equal(e.needs, (getattr(least, kind), kind), what + ': what it needs')


def known() -> None:
    """What is known before anything is written."""
    pcap, ng = traffic('a.pcap'), traffic('a.pcapng', '--format', 'pcapng')
    other = traffic('b.pcap', '--seed', '7')
    linked = suite.write('linked.pcap', samples.related().encode())
    out, size = suite.path('out'), os.path.getsize(pcap) - 24
    for what, least, flags in (
            ('all', None, [pcap]),
            ('some', None, [pcap, '--filter', 'udp or port 80', '--max-packets-per-flow', '5']),
            ('their names', None, [pcap, '--name', '{proto}/{n}.pcap']),
            ('in windows', Room(size), [pcap, '--window', '16KiB', '-t', '1']),
            ('of several', Room(size + os.path.getsize(other) - 24), [pcap, other]),
            ('each', Room(size + os.path.getsize(other) - 24), [pcap, other, '--each']),
            ('as pcap', Room(size), [ng, '--format', 'pcap', '--window', '16KiB']),
            ('twice', None, [linked, '--name', '{n}-{name}.pcap', '--proto', 'udp,tcp', '--window',
                             '4096']),
            ('the largest', None, [pcap, '--top', '3', '--host', '10.0.0.0/8', '--window', '4096',
                                   '--by', 'ip'])):
        if not least:
            run(Room(), 'split', *flags, '-o', out, '-q')
            least = outputs(out)
            if what == 'the largest':  # that there are others is not looked at
                least = Room(least.bytes - 24, least.files - 1)
            shutil.rmtree(out)
        refused_at_once(what, least, out, 'split', *flags, '-o', out, '-q')
    if packs(pcap):
        with open(pcap, 'rb') as f:
            packed = suite.write('a.pcap.gz', gzip.compress(f.read()))
        e = run(Room(1000), 'split', packed, '-o', out, '-q', writes=False)
        check_refused(e, 'packed', out)
        check_equal((e.needs, e.wrote), ((size, 'bytes'), False), 'packed: what it needs')
    one = suite.path('one.pcap')
    refused_at_once('one', Room(size + 24), one, 'split', pcap, '-o', one, '-q')


def large() -> None:
    """Who can be sure before the end stops to read, and says what it may come to."""
    packet, n = bytes(65535), 1400
    path = suite.path('large.pcap')
    record = struct.pack('<IIII', 1500000000, 0, len(packet), len(packet)) + packet
    with open(path, 'wb') as f:
        f.write(struct.pack('<IHHiIII', 0xa1b2c3d4, 2, 4, 0, 0, 262144, 1))
        for _ in range(n):
            f.write(record)
        f.write(b'\xff' * 10000000)
    size, out = os.path.getsize(path) - 24, suite.path('out')
    split = 'split', path, '-o', out, '-q', '-t', '1'
    e = run(Room(1000000), *split, writes=False)
    check_refused(e, 'large', out, 'needs about %d more bytes, but only 1000000 are free' % size)
    least = n * len(record)
    refused_at_once('large, but damaged', Room(least), out, *split)
    os.unlink(path)


def archives() -> None:
    """With their directory, which lies in a file of its own until all members are there."""
    pcap, ng = traffic('a.pcap'), traffic('a.pcapng', '--format', 'pcapng')
    out = suite.path('out.zip')
    for flags in [pcap], [pcap, '--window', '16KiB'], [ng], [ng, '--window', '16KiB'], [pcap, '--top', '3']:
        run(Room(), 'split', *flags, '-o', out, '-q')
        with zipfile.ZipFile(out) as z:
            rest = z.getinfo('manifest.csv')
            entries = sum(46 + len(m.filename) + len(m.extra) for m in z.infolist()[:-2])
            least = Room(rest.header_offset + 2 * entries)
            plain = Room(rest.header_offset + entries + 2 * 3 * (len(z.infolist()) - 2))
        os.unlink(out)
        split = 'split', *flags, '-o', out, '-q'
        refused_at_once(' '.join(flags), least, out, *split)
        if packs(pcap):  # members wait as they are, under names that end in .gz
            refused_at_once(' '.join(flags) + ', packed', plain, out, *split, '--compress', 'gzip')


def uncertain() -> None:
    """File systems that may compress, or are elsewhere, or have no number of files: who writes
    finds out. Those of which the numbers are the room are known by name."""
    pcap, out = traffic('a.pcap'), suite.path('out')
    split = 'split', pcap, '-o', out, '-q'
    for kind, name in (('9123683e', 'Btrfs'), ('2fc12fc1', 'ZFS'), ('6969', 'NFS'),
                       ('794c7630', 'overlayfs'), ('65735546', 'FUSE'), ('f2f52010', 'F2FS')):
        e = run(Room(3000, type=kind), *split)
        check(e.needs is None, '%s: refused: %r', name, e.talk)
        check_refused(e, name, out, 'cannot be written', 'the file system is full')
        e = run(Room(files=10, type=kind), *split)
        check(e.needs is None, '%s: refused: %r', name, e.talk)
        check_refused(e, name, out, 'cannot be created')
    for kind, name in ('ef53', 'ext4'), ('58465342', 'XFS'), (TMPFS, 'tmpfs'), ('4d44', 'FAT'):
        e = run(Room(3000, type=kind), *split, writes=False)
        check(e.needs and not e.wrote, '%s: not refused: %r', name, e.talk)
    e = run(Room(files=10, type='4d44'), *split)
    check(e.needs is None, 'FAT: refused: %r', e.talk)
    check_refused(e, 'FAT', out, 'cannot be created')


def extracts() -> None:
    """Of an index, and of a directory, whose outputs may be compressed."""
    if b'SQLite' not in suite.run_cleave('--version').stdout:
        raise harness.Skip('built without SQLite')
    pcap = traffic('a.pcap')
    size = os.path.getsize(pcap) - 24
    made = {kind: suite.path(kind) for kind in ('index.db', 'split', 'packed')}
    suite.run_cleave('index', '-q', '-o', made['index.db'], pcap)
    suite.run_cleave('split', '-q', '-o', made['split'], pcap)
    if packs(pcap):
        suite.run_cleave('split', '-q', '-o', made['packed'], '--compress', 'gzip', pcap)
    else:
        del made['packed']
    n_outputs = outputs(made['split']).files - 2
    for kind, path in made.items():
        for out, files in ('one.pcap', ENDLESS), ('each/', n_outputs + 1), ('each.zip', ENDLESS):
            args = 'extract', path, '-o', suite.path(out), '-q'
            whole = suite.path(out).rstrip('/')
            bytes_known = kind != 'packed' or out == 'one.pcap'
            refused_at_once(' '.join(args), Room(size if bytes_known else ENDLESS, files), whole,
                            *args)
            e = run(Room(), *args)
            check_equal((e.status, e.talk), (0, ''), shlex.join(args))
            room = taken(whole)
            check_equal(run(room, 'extract', path, '-q', '-o', suite.path('again' + out)).status, 0, out)
            remove(whole)
            remove(suite.path('again' + out))


def gathers() -> None:
    """Parts on another file system, which are copied."""
    elsewhere = [folder for folder in ('/tmp', '/var/tmp', '/dev/shm') if os.access(folder, os.W_OK)
                 and os.stat(folder).st_dev != os.stat(suite.dir).st_dev]
    if not elsewhere:
        raise harness.Skip('there is one file system')
    with tempfile.TemporaryDirectory(dir=elsewhere[0]) as far:
        shards, whole = suite.path('map.zip'), suite.path('whole')
        suite.run_cleave('split', '-q', '-o', shards, '--shards', '2', '--shard-by', 'hostpair',
                         traffic('a.pcap', '--other', '5'))
        for ending in '', '.zip':
            parts = [os.path.join(far, name + ending) for name in ('shard_000', 'shard_001', 'other')]
            for part in parts:
                suite.run_cleave('split', '-q', '-o', part, '--member',
                                 os.path.basename(part).split('.')[0] + '*', shards)
            sizes = [outputs(part) if not ending else Room(os.path.getsize(part), 3)
                     for part in parts]
            least = Room(sum(s.bytes for s in sizes), sum(s.files - 2 for s in sizes) + 2)
            args = 'gather', shards, *parts, '-o', whole, '-q'
            refused_at_once('gather', least, whole, *args)
            e = run(Room(), *args)
            check_equal((e.status, e.talk), (0, ''), 'gather')
            room = taken(whole)
            shutil.rmtree(whole)
            check_equal(run(room, *args).status, 0, 'gather with all that it takes')
            shutil.rmtree(whole)


def said() -> None:
    """What is full."""
    pcap, out = traffic('a.pcap'), suite.path('out')
    split = 'split', pcap, '-o', out, '-q'
    for room, words, args in (
            (Room(3000), 'the file system is full; --compress or --archive may help',
             (*split, '--format', 'pcapng', '--snaplen', '60')),
            (Room(3000), 'the file system is full',
             (*split, '--format', 'pcapng', '--snaplen', '60') if not packs(pcap) else
             (*split, '--compress', 'gzip')),
            (Room(files=40), 'the file system has no free inodes; --archive needs only one',
             (*split, '--name', '{n}/{n}/{n}.pcap'))):
        check_refused(run(room, *args), ' '.join(args), out, words)
    for fault, words in (('pwrite:2:%d' % errno.EDQUOT, 'the disk quota is used up'),
                         ('mkdir:1:%d' % errno.EDQUOT, 'the disk quota is used up'),
                         ('pwrite:1:%d' % errno.ENOSPC, 'the file system takes no more, though '
                          'it reports 1000000000 free bytes')):
        e = run(Room(), *split, fault=fault)
        check_equal(e.status, 2, fault + ': status')
        check('no output was made at %s: %s' % (out[:60], words) in e.talk, '%s: says %r', fault,
              e.talk)
    with open(pcap, 'rb') as f:
        e = run(Room(3000), 'split', '-', '-o', out, '-q', '--top', '3', input=f.read())
    check_refused(e, 'a pipe', out, 'the file system is full; the pipe\'s data are kept there, to be '
                  'read twice')
    with open(pcap, 'rb') as f:
        e = run(Room(files=0), 'split', '-', '-o', out, '-q', '--top', '3', input=f.read())
    check_refused(e, 'a pipe', out, 'has no room for the pipe\'s data',
                  'the file system has no free inodes')
    made = suite.path('made.pcap')
    e = run(Room(24 + 1000 * 70 - 1), 'generate', 'synflood', '-q', '-o', made, '-c', '1000')
    check_equal((e.status, e.needs, os.path.exists(made)), (2, (24 + 1000 * 70, 'bytes'), False),
                'generate synflood')
    e = run(Room(3000), 'generate', 'traffic', '-q', '-o', made, '--packets', '3000')
    check_equal((e.status, e.talk.split('\n')[1:]), (
        2, ['        no output was made at %s: the file system is full' % made, '']), 'generate')
    check_equal([n for n in os.listdir(suite.dir) if 'made.pcap' in n], [], 'what is left')


def main() -> int:
    return suite.run({'fits': fits_if_it_fits, 'seems-too-large': seems_too_large, 'known': known, 'large': large, 'archives': archives, 'uncertain': uncertain, 'extracts': extracts, 'gathers': gathers, 'said': said})


if __name__ == '__main__':
    sys.exit(main())
