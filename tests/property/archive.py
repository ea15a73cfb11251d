# SPDX-License-Identifier: BSD-2-Clause
"""Properties of archives: all outputs as members of one zip.

Unzipped, an archive is the directory of the same split, byte for byte. Its structure is walked here
byte by byte (APPNOTE.TXT): members lie one after another, without gaps, in the order of the central
directory, and local headers say what central ones say. Threads, window and memory do not change a
byte of it.
"""
import gzip
import json
import mmap
import os
import random
import resource
import shutil
import signal
import struct
import subprocess
import sys
import time
import zipfile
import zlib
from typing import Callable, Dict, List, NamedTuple, Sequence

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'support'))
# pylint: disable=wrong-import-position
import harness
import pcapfile as pf
import pcapngfile as ng
import pcapngsamples as made
import samples
from harness import check, check_equal

WIDE = 0xffffffff
KNOBS = {'--threads': ['', '1', '2', '5'], '--window': ['', '4KiB', '50KiB'],
         '--memory': ['', '1MiB'], '--max-open': ['', '1']}

suite = harness.Suite(__doc__.split('\n', maxsplit=1)[0])


class Member(NamedTuple):
    name: str
    data: bytes


def fields(form: str, data: bytes, at: int) -> tuple:
    return struct.unpack_from('<' + form, data, at)


def wide_numbers(extra: bytes, values: List[int]) -> List[int]:
    """The 64-bit forms of those values that are all ones, in their order."""
    if not extra:
        check(WIDE not in values, 'a number has no 64-bit form')
        return values
    tag, length = fields('HH', extra, 0)
    check_equal((tag, length), (1, len(extra) - 4), 'the extra field')
    rest = [extra[4 + 8 * i:12 + 8 * i] for i in range(length // 8)]
    found = [int.from_bytes(rest.pop(0), 'little') if v == WIDE else v for v in values]
    check(not rest, '64-bit forms that nobody asked for')
    return found


def members_of(data: bytes) -> List[Member]:
    """Walks an archive from its beginning, and its directory beside it."""
    end = len(data) - 22
    magic, _, _, _, n, size, start, comment = fields('IHHHHIIH', data, end)
    check_equal((magic, comment), (0x06054b50, 0), 'the end record')
    if n == 0xffff or size == WIDE or start == WIDE:
        magic, _, end64, disks = fields('IIQI', data, end - 20)
        check_equal((magic, disks), (0x07064b50, 1), 'the locator')
        magic, length, _, _, _, _, n, _, size, start = fields('IQHHIIQQQQ', data, end64)
        check_equal((magic, length, end64 + 56), (0x06064b50, 44, end - 20), 'the 64-bit end record')
        end = end64
    check_equal(start + size, end, 'the end of the directory')
    found, at, entry = [], 0, start
    for _ in range(n):
        magic, _, need, flags, method, clock, date, crc, packed, size, name_len, extra_len, \
            comment, disk, _, attributes, offset = fields('IHHHHHHIIIHHHHHII', data, entry)
        check_equal((magic, method, clock, date, comment, disk), (0x02014b50, 0, 0, 0x21, 0, 0),
                    'an entry')
        name = data[entry + 46:entry + 46 + name_len]
        extra = data[entry + 46 + name_len:entry + 46 + name_len + extra_len]
        size, packed, offset = wide_numbers(extra, [size, packed, offset])
        entry += 46 + name_len + extra_len
        check_equal((size, offset), (packed, at), 'size and place of %r' % name)
        check_equal(need, 45 if extra else 10, 'the version for %r' % name)
        check_equal(bool(flags), not name.isascii(), 'flags of %r' % name)
        check_equal(attributes >> 16, 0o100640, 'permissions of %r' % name)
        local = fields('IHHHHHIIIHH', data, at)
        check_equal(local[0], 0x04034b50, 'the local header of %r' % name)
        check_equal(local[2:7], (flags, 0, 0, 0x21, crc), 'the local header of %r' % name)
        head = 30 + local[9] + local[10]
        check_equal(data[at + 30:at + 30 + local[9]], name, 'the local name')
        sizes = wide_numbers(data[at + 30 + local[9]:at + head], [local[7], local[8]])
        check_equal(sizes, [size, size], 'local sizes of %r' % name)
        body = data[at + head:at + head + size]
        check_equal(zlib.crc32(body), crc, 'the checksum of %r' % name)
        found.append(Member(name.decode(), body))
        at += head + size
    check_equal((at, entry), (start, end), 'the end of the members')
    return found


def split(captures: Sequence[str], output: str, *flags: str, status: int = 0) -> None:
    suite.run_cleave('split', *captures, '--output', output, '--quiet', *flags, status=status)


def check_archive(rng: random.Random, captures: Sequence[str], *flags: str, status: int = 0,
                  more: int = 2) -> List[Member]:
    """Against the directory, and against itself with other knobs."""
    tree, path = suite.path('tree'), suite.path('tree.zip')
    shutil.rmtree(tree, ignore_errors=True)
    split(captures, tree, *flags, status=status)
    wanted = {n: d for n, d in harness.files_of(tree).items() if not n.endswith('/')}
    first = None
    for knobs in [()] + rng.sample(harness.knob_settings(KNOBS, rng, 4), more):
        if os.path.exists(path):
            os.unlink(path)
        split(captures, path, *flags, *knobs, status=status)
        with open(path, 'rb') as f:
            data = f.read()
        if first is None:
            first = data
            found = members_of(data)
            harness.check_files(dict(found), wanted)
            check_equal(len(found), len(wanted), 'members')
        check(data == first, 'other bytes with %s', ' '.join(knobs))
    return found


def talkative(rng: random.Random, flows: int, records: int) -> pf.Capture:
    """Flows of random lengths, mixed."""
    frames = []
    for _ in range(records):
        n = rng.randrange(flows)
        frames += samples.udp_talk('10.0.%d.%d' % (n >> 8, n & 255), '10.1.0.1', 1000 + n, 53)[:1]
    return pf.Capture(pf.Format(), pf.at_times(frames, samples.NOON))


FLAGS = ((), ('--snaplen', '40'), ('--format', 'pcapng'), ('--format', 'pcap'),
         ('--by', 'connection'), ('--by', 'host'), ('--by', 'none', '--every', '7p'),
         ('--name', '{key}.pcap'), ('--name', '{src}/{dst}.pcap'), ('--name', 'x.pcap'),
         ('--shards', '3'), ('--top', '2'), ('--max-packets-per-flow', '2'), ('--no-other',),
         ('--manifest', 'jsonl'), ('--manifest', 'none'), ('--inner',), ('--min-packets', '3'))


def pcaps() -> None:
    rng = suite.random('pcaps')
    for capture in (talkative(rng, 300, 2000), samples.mixed(), samples.fragmented(),
                    samples.tunnels(), samples.no_records()):
        path = suite.write('capture.pcap', capture.encode())
        for flags in rng.sample(FLAGS, harness.times(9)):
            check_archive(rng, [path], *flags)


def pcapngs() -> None:
    rng = suite.random('pcapngs')
    for _ in range(harness.times(12)):
        shape = made.Shape(sections=rng.choice((1, 3)), interfaces=rng.choice((1, 3)),
                           options=rng.random() < 0.5, metadata=rng.random() < 0.5,
                           ignored=rng.random() < 0.3)
        path = suite.write('capture.pcapng', ng.encode(made.random_capture(rng, shape)))
        for flags in rng.sample([f for f in FLAGS if f[:2] != ('--format', 'pcap')], 3):
            check_archive(rng, [path], *flags, more=1)


def allocated() -> None:
    """In memory, as much as the capture has is allocated ahead: of one with blocks that go nowhere,
    too much; and in several steps where it has more than 8 MiB."""
    rng = suite.random('allocated')
    m = ng.Maker()
    frames = [f for n in range(40) for f in samples.udp_talk('10.0.0.%d' % n, '10.1.0.1', n, 53)]
    body = [m.idb()] + [m.epb(0, n, frame) for n, frame in enumerate(frames)]
    nothing = [m.block(0x80000001, bytes(9 << 20))]
    for blocks, flags in ((body + nothing, ()), (nothing + body, ('--name', '{n}-{name}')),
                          (body[:1] + nothing, ())):
        path = suite.write('padded.pcapng', ng.Section(m, blocks).encode())
        check_archive(rng, [path], *flags, more=1)
    large = pf.Capture(pf.Format(), pf.at_times([f + bytes(250000) for f in frames], samples.NOON))
    check_archive(rng, [suite.write('large.pcap', large.encode())], more=1)


def packed() -> None:
    """Compressed, they are what the directory's files are, too: small ones, some that end with a
    stretch of 256 KiB, and some that take several of what is compressed at a time."""
    rng = suite.random('packed')
    frames, stretch = [], 1 << 18
    for i, size in enumerate((1, stretch, 2 * stretch, 8 * stretch + 1, 11 * stretch, 9, 9)):
        a = '10.9.0.%d' % i
        head = len(samples.udp_talk(a, '10.1.0.1', 1, 2)[0]) + 16
        left = size - pf.FILE_HEADER_LEN  # so that its file has this many bytes
        while left > head:
            n = min(left if left < 1400 else 1200, left) - head
            frames.append(pf.frame(a, '10.1.0.1', pf.UDP, pf.udp(
                a, '10.1.0.1', 1, 2, bytes(rng.randrange(256) for _ in range(n)))))
            left -= len(frames[-1]) + 16
    frames += [p.data for p in talkative(rng, 200, 1000).packets]
    rng.shuffle(frames)
    path = suite.write('capture.pcap', pf.Capture(pf.Format(), pf.at_times(
        frames, samples.NOON)).encode())
    for kind in 'gzip', 'zstd':
        if suite.run_cleave('split', path, '--dry-run', '-q', '--compress', kind,
                            status=None).returncode:
            print('        this build lacks %s' % kind)
            continue
        check_archive(rng, [path], '--compress', kind, more=3)
        check_archive(rng, [path], '--compress', kind, '--by', 'none', '--name', 'all', more=1)
        check_archive(rng, [path], '--compress', kind, '--format', 'pcapng', more=1)
        check_archive(rng, [suite.write('none.pcap', samples.no_records().encode())], '--compress',
                      kind)
        output, plain = suite.path('packed.zip'), suite.path('plain.zip')
        said = json.loads(suite.run_cleave('split', path, '-o', output, '--json', '--compress',
                                           kind, '--force', '--verify').stdout)
        whole = json.loads(suite.run_cleave('split', path, '-o', plain, '--json', '--force').stdout)
        check(said['spooled_bytes'] > whole['written_bytes'] > said['written_bytes'],
              'bytes that were kept: %d', said['spooled_bytes'])
        check_equal((whole['spooled_bytes'], hidden()), (0, []), 'what was kept, what is left')
        suite.run_cleave('verify', output, path, '-q')


def several() -> None:
    rng = suite.random('several')
    paths = [suite.write('%d.pcap' % i, talkative(rng, 50, 300).encode()) for i in range(3)]
    check_archive(rng, paths)
    check_archive(rng, paths, '--merge')
    paths.append(suite.write('3.pcapng', ng.encode(made.random_capture(rng, made.Shape()))))
    check_archive(rng, paths)
    check_archive(rng, paths, '--merge', '--format', 'pcapng')


def damaged() -> None:
    rng = suite.random('damaged')
    data = talkative(rng, 50, 300).encode()
    path = suite.write('capture.pcap', data[:len(data) // 2] + b'\xff' * 40
                       + data[len(data) // 2 + 40:])
    check_archive(rng, [path], status=1)
    check_archive(rng, [path], '--recover', status=1)


def names() -> None:
    """Names that are no ASCII say so, and --archive needs no ending."""
    rng = suite.random('names')
    path = suite.write('capture.pcap', samples.mixed().encode())
    found = check_archive(rng, [path], '--name', 'ä{n}.pcap')
    check(any(m.name.startswith('ä') for m in found), 'the names')
    output = suite.path('out')
    split([path], output, '--archive', '--name', 'ä{n}.pcap')
    with open(output, 'rb') as f:
        check_equal(members_of(f.read()), found, 'with --archive')


def readers() -> None:
    """What people open archives with."""
    path = suite.write('capture.pcap', talkative(suite.random('readers'), 400, 3000).encode())
    archive = suite.path('out.zip')
    split([path], archive)
    with zipfile.ZipFile(archive) as z:
        check_equal(z.testzip(), None, 'zipfile.testzip()')
        n = len(z.namelist())
    tried = 0
    for args in (['unzip', '-tq', archive], ['bsdtar', '-tf', archive], ['7z', 't', archive]):
        if shutil.which(args[0]):
            tried += 1
            done = harness.run(args)
            check_equal(done.returncode, 0, ' '.join(args) + ': ' + done.stdout.decode())
            if args[0] == 'bsdtar':
                check_equal(len(done.stdout.splitlines()), n, 'names')
    if not tried:
        raise harness.Skip('unzip, bsdtar and 7z are not here')


def mounted() -> None:
    """A file system that shows an archive shows what the directory has."""
    for tool in 'fuse-zip', 'fusermount':
        if not shutil.which(tool):
            raise harness.Skip(tool + ' is not here')
    if not os.access('/dev/fuse', os.R_OK | os.W_OK):
        raise harness.Skip('/dev/fuse cannot be used')
    path = suite.write('capture.pcap', talkative(suite.random('mounted'), 400, 3000).encode())
    archive, tree, point = suite.path('out.zip'), suite.path('tree'), suite.path('mounted')
    split([path], archive, '--name', '{src}/{n}.pcap')
    split([path], tree, '--name', '{src}/{n}.pcap')
    os.mkdir(point)
    done = harness.run(['fuse-zip', '-r', archive, point])
    if done.returncode != 0 or not os.path.ismount(point):
        raise harness.Skip('fuse-zip cannot mount here: ' + done.stderr.decode().strip())
    try:
        check_equal(harness.tree_digest(point), harness.tree_digest(tree), 'what is mounted')
    finally:
        check_equal(harness.run(['fusermount', '-u', '-z', point]).returncode, 0, 'fusermount')


def many() -> None:
    """As many members as 16 bits can count, and one more: two of them are no flows."""
    for n in 65533, 65534:
        path = suite.path('many.pcap')
        suite.run_cleave('generate', 'synflood', '--count', str(n), '--output', path, '--force')
        archive = suite.path('many.zip')
        split([path], archive, '--force')
        with open(archive, 'rb') as f:
            data = f.read()
        check_equal(len(members_of(data)), n + 2, 'members')
        check_equal(data[-42:-38] == b'PK\x06\x07', n + 2 >= 65535, 'the 64-bit end record')


def beyond() -> None:
    """Members beyond 4 GiB: padded by one that is as long, of a sparse capture."""
    if shutil.disk_usage(suite.path()).free < 11 << 30:
        raise harness.Skip('no room for 10 GiB')
    if not harness.FULL:
        raise harness.Skip('takes 10 GiB: with --setup full')
    path = suite.path('long.pcap')
    record = 1 << 18
    head = samples.no_records().encode()
    frame = samples.udp_talk('10.0.0.1', '10.0.0.2', 1, 2)[0]
    with open(path, 'wb') as f:
        f.write(head)
        at = len(head)
        for i in range((4 << 30) // record + 2):
            length = record - 16
            f.seek(at)
            f.write(struct.pack('<IIII', 1 + i, 0, length, length) + frame)
            at += record
        for i in range(3):
            other = samples.udp_talk('10.0.0.1', '10.0.0.2', 3 + i, 4)[0]
            f.seek(at)
            f.write(struct.pack('<IIII', 99999, 0, len(other), len(other)) + other)
            at += 16 + len(other)
    archive = suite.path('long.zip')
    split([path], archive)
    os.unlink(path)
    with zipfile.ZipFile(archive) as z:
        infos = z.infolist()
        check_equal(len(infos), 6, 'members')
        check(infos[0].file_size > WIDE, 'the first is longer than 4 GiB')
        check(infos[1].header_offset > WIDE, 'the second begins beyond 4 GiB')
        for info in infos[1:]:
            z.read(info)


def pipes() -> None:
    """A pipe is kept, since it has to be read twice; whoever stops it leaves nothing."""
    rng = suite.random('pipes')
    data = talkative(rng, 100, 3000).encode()
    path = suite.write('capture.pcap', data)
    output = suite.path('out.zip')
    for source, how in ((data, []), (gzip.compress(data), ['--window', '50KiB'])):
        tree = suite.path('tree')
        shutil.rmtree(tree, ignore_errors=True)
        suite.run_cleave('split', '-', '-o', tree, '-q', input=source)
        done = suite.run_cleave('split', '-', '-o', output, '--json', '-f', *how, input=source)
        check_equal(json.loads(done.stdout)['kept_bytes'], len(source), 'bytes that were kept')
        with open(output, 'rb') as f:
            found = dict(members_of(f.read()))
        harness.check_files(found, {n: d for n, d in harness.files_of(tree).items()
                                    if not n.endswith('/')})
    with open(path, 'rb') as f:
        done = suite.run_cleave('split', '-', '-o', output, '--json', '-f', stdin=f)
    check_equal(json.loads(done.stdout)['kept_bytes'], 0, 'bytes kept of a file')
    os.unlink(output)
    for number in signal.SIGINT, signal.SIGTERM:
        with subprocess.Popen([suite.cleave, 'split', '-', '-o', output, '-q',
                               '--on-interrupt', 'discard'],
                              stdin=subprocess.PIPE, stderr=subprocess.PIPE) as run:
            run.stdin.write(data)
            run.stdin.flush()
            time.sleep(0.3)
            check_equal(run.poll(), None, 'the pipe is open, and the run')
            run.send_signal(number)
            check_equal(run.wait(60), 128 + number, 'status')
        check_equal([os.path.exists(output), hidden()], [False, []], 'what is left')


def refusals() -> None:
    path = suite.write('capture.pcap', samples.mixed().encode())
    output = suite.path('out.zip')
    split([path], output, '--each', status=2)
    check(not os.path.exists(output), 'an archive in spite of --each')


def hidden() -> List[str]:
    return [n for n in os.listdir(suite.path()) if n.startswith('.')]


def published() -> None:
    """Nothing is overwritten unasked; --force replaces a cleave archive, and nothing else."""
    path = suite.write('capture.pcap', samples.mixed().encode())
    output = suite.path('out.zip')
    split([path], output)
    with open(output, 'rb') as f:
        whole = f.read()
    split([path], output, status=2)
    split([path], output, '--force', '--shards', '2')
    with open(output, 'rb') as f:
        check(f.read() != whole, 'it was replaced')
    split([path], output, '--force')
    for name, data in (('text.zip', b'hello'), ('empty.zip', b'')):
        other = suite.write(name, data)
        split([path], other, '--force', status=2)
        with open(other, 'rb') as f:
            check_equal(f.read(), data, name)
    foreign = suite.path('foreign.zip')
    with zipfile.ZipFile(foreign, 'w') as z:
        z.writestr('a.pcap', b'x')
    split([path], foreign, '--force', status=2)
    os.mkdir(suite.path('dir.zip'))
    split([path], suite.path('dir.zip'), '--force', status=2)
    check_equal(hidden(), [], 'hidden files')


def full() -> None:
    """A file that may not become so long: nothing is left."""
    path = suite.write('capture.pcap', talkative(suite.random('full'), 200, 4000).encode())
    output = suite.path('out.zip')

    def limit() -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (100000, 100000))
    suite.run_cleave('split', path, '--output', output, '--quiet', status=2, preexec_fn=limit)
    check(not os.path.exists(output), 'an archive')
    check_equal(hidden(), [], 'hidden files')


def killed() -> None:
    """Under the name is nothing, or all of it."""
    path = suite.write('capture.pcap', talkative(suite.random('killed'), 500, 20000).encode())
    output = suite.path('out.zip')
    rng = suite.random('moments')
    started = time.monotonic()
    split([path], output)
    took = time.monotonic() - started
    with open(output, 'rb') as f:
        whole = f.read()
    seen: Dict[str, int] = {'nothing': 0, 'all': 0}
    for _ in range(harness.times(40)):
        if os.path.exists(output):
            os.unlink(output)
        run = subprocess.Popen([suite.cleave, 'split', path, '-o', output, '-q', '--clean'])
        time.sleep(rng.random() * took)
        run.kill()
        run.wait()
        if os.path.exists(output):
            with open(output, 'rb') as f:
                check(f.read() == whole, 'it is not whole')
        seen['all' if os.path.exists(output) else 'nothing'] += 1
    split([path], output, '--clean', '--force')
    check_equal(hidden(), [], 'hidden files')
    print('        %s' % seen)


def changing() -> None:
    """A capture that somebody writes to while it is read twice: members may not be as long as was
    found. There is an archive, or a word, and nothing left; never anything worse."""
    rng = suite.random('changing')
    capture = talkative(rng, 2000, 10000)
    header, records = capture.format.header(), capture.encode()[pf.FILE_HEADER_LEN:]
    length, good = len(records) // 10000, header + records * 10
    path, output = suite.path('capture.pcap'), suite.path('out.zip')
    seen = {0: 0, 1: 0, 2: 0}
    for i in range(harness.times(60)):
        suite.write('capture.pcap', good)
        flags = rng.choice(((), ('--verify',), ('--snaplen', '40'), ('--format', 'pcapng')))
        with open(path, 'r+b') as f, mmap.mmap(f.fileno(), 0) as shared:
            run = subprocess.Popen(  # pylint: disable=consider-using-with
                [suite.cleave, 'split', path, '-o', output, '-q', '-f', '-t', '2', '--window',
                 rng.choice(['64KiB', '64KiB', '1GiB']), *flags], stderr=subprocess.PIPE)
            time.sleep(rng.random() * 0.1)
            while run.poll() is None:  # addresses mostly, so that there are flows that were not there
                for _ in range(3 if i % 2 else 100):
                    at = len(header) + rng.randrange(100000) * length + \
                        rng.choice([42, 43, 46, 47, rng.randrange(length)])
                    shared[at] = rng.randrange(256)
                time.sleep(0.001)
            assert run.stderr
            talk = run.stderr.read().decode()
            run.stderr.close()
        check(run.returncode in seen and 'Sanitizer' not in talk and 'runtime error' not in talk,
              '%s: status %d: %s', ' '.join(flags), run.returncode, talk)
        seen[run.returncode] += 1
        check_equal(hidden(), [], 'hidden files')
    print('        statuses: %s' % seen)


CASES: Dict[str, Callable[[], None]] = {
    'pcaps': pcaps,
    'pcapngs': pcapngs,
    'allocated': allocated,
    'packed': packed,
    'several': several,
    'damaged': damaged,
    'names': names,
    'readers': readers,
    'mounted': mounted,
    'many': many,
    'beyond': beyond,
    'pipes': pipes,
    'refusals': refusals,
    'published': published,
    'full': full,
    'killed': killed,
    'changing': changing,
}

sys.exit(suite.run(CASES))
