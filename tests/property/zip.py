# SPDX-License-Identifier: BSD-2-Clause
"""Properties of zip archives as inputs.

An archive is split as the files that it holds are, in the order of its directory, whoever made it
and however: stored, deflated, of 64 bits, written to a pipe, with anything before it or a comment
behind it. What members hold is known from Python's zipfile. Damage is never passed over in silence
where members have checksums that are looked at.
"""
import glob
import gzip
import io
import os
import random
import shutil
import struct
import subprocess
import sys
import zipfile
import zlib
from typing import Callable, Dict, List, Sequence, Tuple

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'support'))
# pylint: disable=wrong-import-position
import harness
import pcapfile as pf
import samples
from harness import Skip, check, check_equal

BOOKS = ('cleave.json',)

suite = harness.Suite(__doc__.split('\n', maxsplit=1)[0])


def needs_zlib() -> None:
    if b'no zlib' in suite.run_cleave('--version').stdout:
        raise Skip('this build lacks zlib')


def capture(rng: random.Random) -> bytes:
    frames = [pf.frame('10.0.0.%d' % rng.randrange(9), '10.0.1.%d' % rng.randrange(9), pf.UDP,
                       pf.udp('10.0.0.1', '10.0.1.1', 1, rng.randrange(9),
                              rng.randbytes(rng.choice((0, 10, 1000)))))
              for _ in range(rng.choice((0, 1, 5, 100, 300)))]
    first_ns = rng.randrange(10**9, 2 * 10**9) * 10**9
    return pf.Capture(pf.Format(big_endian=rng.random() < 0.2), pf.at_times(frames, first_ns)).encode()


def no_capture(rng: random.Random) -> bytes:
    return rng.choice((b'', b'text\n', b'\0' * 40, rng.randbytes(500), gzip.compress(b'text'),
                       bytes.fromhex('0005160700020000') + b'Mac OS X        '))


class Unseekable(io.BytesIO):
    """Sizes follow a member's data in what is written to a pipe."""

    def seekable(self) -> bool:
        return False

    def tell(self) -> int:
        raise OSError


def make(path: str, members: Sequence[Tuple[str, bytes]], rng: random.Random,
         methods: Sequence[int] = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)) -> None:
    to = rng.choice((io.BytesIO, Unseekable))()
    with zipfile.ZipFile(to, 'w') as z:
        z.comment = rng.choice((b'', b'', b'a comment', b'PK\5', b'x' * 65535))
        for name, data in members:
            info = zipfile.ZipInfo(name, (1980 + rng.randrange(127), 1, 1, 0, 0, 0))
            info.compress_type = rng.choice(list(methods))
            info.extra = rng.choice((b'', struct.pack('<HHI', 0x7777, 4, 0)))
            with z.open(info, 'w', force_zip64=rng.random() < 0.3) as member:
                member.write(data)
    before = rng.choice((b'', b'', b'MZ' + rng.randbytes(rng.randrange(9000))))
    with open(path, 'wb') as f:
        f.write(before + to.getvalue())


def is_capture(data: bytes) -> bool:
    if data[:2] == b'\x1f\x8b':
        data = gzip.decompress(data)
    return len(data) >= 4 and data[:4] in (b'\xd4\xc3\xb2\xa1', b'\xa1\xb2\xc3\xd4')


def unpacked(path: str, into: str) -> List[str]:
    """Its captures as files, in the order of its directory, as Python's zipfile has them."""
    names = []
    with zipfile.ZipFile(path) as z:
        for info in z.infolist():
            data = z.read(info)
            if info.is_dir() or not is_capture(data):
                continue
            names.append(os.path.join(into, info.filename))
            os.makedirs(os.path.dirname(names[-1]), exist_ok=True)
            with open(names[-1], 'wb') as f:
                f.write(data)
    return names


def without_books(top: str) -> Dict[str, bytes]:
    return {name: data for name, data in harness.files_of(top).items()
            if os.path.basename(name) not in BOOKS}


def check_same(archive: str, flags: Sequence[str] = ()) -> None:
    """Split, it gives what its captures give as files; and that is proven."""
    files = unpacked(archive, suite.path('files'))
    check(files, 'no capture in %s', archive)
    for out in 'wanted', 'found':
        shutil.rmtree(suite.path(out), ignore_errors=True)
    suite.run_cleave('split', *files, '-o', suite.path('wanted'), '-q', *flags)
    suite.run_cleave('split', archive, '-o', suite.path('found'), '-q', *flags)
    wanted = without_books(suite.path('wanted'))
    check(wanted, 'nothing was made')
    harness.check_files(without_books(suite.path('found')), wanted)
    check_proven(suite.path('found'), [], 0)
    check_proven(suite.path('found'), [archive], 0)
    shutil.rmtree(suite.path('files'))


def check_proven(out: str, inputs: Sequence[str], status: int) -> None:
    done = suite.run_cleave('verify', out, *inputs, '-q', status=None)
    if b'without jansson' not in done.stderr:
        check_equal(done.returncode, status, done.stderr.decode(errors='replace'))


def members_of(rng: random.Random, n: int) -> List[Tuple[str, bytes]]:
    members = [('c%d.pcap' % n, capture(rng))]
    for i in range(n):
        folder = rng.choice(('', 'a/', 'a/b/', 'with space/', '\u00e4/'))
        if rng.random() < 0.3:
            members.append((folder + 'x%d' % i, no_capture(rng)))
        elif rng.random() < 0.2:
            members.append((folder + 'c%d.pcap.gz' % i, gzip.compress(capture(rng))))
        elif rng.random() < 0.1:
            members.append((folder + 'd%d/' % i, b''))
        else:
            members.append((folder + 'c%d.pcap' % i, capture(rng)))
    rng.shuffle(members)
    return members


def archives() -> None:
    needs_zlib()
    rng = suite.random('archives')
    for i in range(harness.times(40)):
        flags = rng.choice(((), ('--merge',), ('--each',), ('--window', '4KiB', '-t', '3'),
                            ('--cache', 'drop'), ('--memory', '1MiB', '-t', '2'), ('--top', '3')))
        # Names of members are known as such behind ".zip:", where nothing else tells.
        ending = 'zip' if '--each' in flags else rng.choice(('zip', 'bin', 'exe'))
        path = suite.path('%d.%s' % (i, ending))
        make(path, members_of(rng, rng.randrange(8)), rng)
        check_same(path, flags)


def some() -> None:
    """--member picks what fnmatch does; FILE:MEMBER picks one."""
    needs_zlib()
    rng = suite.random('some')
    path = suite.path('a.zip')
    make(path, [('%s/%d.pcap' % (d, i), capture(rng)) for d in 'ab' for i in range(3)], rng)
    files = unpacked(path, suite.path('files'))
    for pattern, wanted in (('b*', files[3:]), ('*/1.pcap', files[1::3]), ('*', files),
                            ('a/[02].pcap', files[0:3:2]), ('?/2.pcap', files[2::3])):
        suite.run_cleave('split', path, '--member', pattern, '-o', suite.path('found'), '-q', '-f')
        suite.run_cleave('split', *wanted, '-o', suite.path('wanted'), '-q', '-f')
        harness.check_files(without_books(suite.path('found')), without_books(suite.path('wanted')))
        check_proven(suite.path('found'), [path, '--member', pattern], 0)
        check_proven(suite.path('found'), [], 0)
    chosen = [path + ':b/2.pcap', path + ':a/0.pcap', path + ':b/0.pcap']
    suite.run_cleave('split', *chosen, '-o', suite.path('found'), '-q', '-f')
    suite.run_cleave('split', files[5], files[0], files[3], '-o', suite.path('wanted'), '-q', '-f')
    harness.check_files(without_books(suite.path('found')), without_books(suite.path('wanted')))
    check_proven(suite.path('found'), chosen, 0)
    check_proven(suite.path('found'), [path], 2)


def thousand() -> None:
    """With few descriptors, and no more memory than for as many files."""
    rng = suite.random('thousand')
    path = suite.path('a.zip')
    make(path, [('%04d/a.pcap' % i, capture(rng) if i % 50 == 0 else samples.no_records().encode())
                for i in range(1000)], rng, (zipfile.ZIP_STORED,))
    check_same(path)
    check_same(path, ('--max-open', '1'))


def many_names() -> None:
    """A hundred thousand members are listed, and found by name, in no more than seconds."""
    path = suite.path('a.zip')
    n = 100000 if harness.FULL else 20000
    with zipfile.ZipFile(path, 'w') as z:
        for i in range(n):
            z.writestr(zipfile.ZipInfo('%06d.txt' % i), b'')
        z.writestr(zipfile.ZipInfo('a.pcap'), samples.mixed().encode())
    suite.run_cleave('split', path, '-o', suite.path('out'), '-q')
    suite.run_cleave('info', path + ':a.pcap')
    done = suite.run_cleave('info', *(['%s:%06d.txt' % (path, i) for i in range(1000)]), status=2,
                            timeout=60)
    check_equal(done.stderr.count(b'the file is empty'), 1000, 'members that were found')


def far() -> None:
    """Members beyond 4 GiB, and one that is longer: of a sparse file."""
    path = suite.path('far.zip')
    data, hole = samples.mixed().encode(), 5 << 30

    def local(name: bytes, size: int, crc: int) -> bytes:
        return struct.pack('<IHHHIIIIHH', 0x04034b50, 45, 0, 0, 0x5a8f6000, crc, 0xffffffff,
                           0xffffffff, len(name), 20) + name + struct.pack('<HHQQ', 1, 16, size, size)

    def entry(name: bytes, size: int, crc: int, at: int) -> bytes:
        return struct.pack('<IHHHHIIIIHHHHHII', 0x02014b50, 45, 45, 0, 0, 0x5a8f6000, crc,
                           0xffffffff, 0xffffffff, len(name), 28, 0, 0, 0, 0, 0xffffffff) + name + \
            struct.pack('<HHQQQ', 1, 24, size, size, at)
    with open(path, 'wb') as f:
        f.write(local(b'hole', hole, 0))
        try:
            f.truncate(f.tell() + hole)
        except OSError as why:
            raise Skip('no file of 5 GiB: %s' % why)
        f.seek(0, os.SEEK_END)
        at = f.tell()
        crc = zlib.crc32(data)
        f.write(local(b'a.pcap', len(data), crc) + data)
        directory = f.tell()
        f.write(entry(b'hole', hole, 0, 0) + entry(b'a.pcap', len(data), crc, at))
        size, end = f.tell() - directory, f.tell()
        f.write(struct.pack('<IQHHIIQQQQ', 0x06064b50, 44, 45, 45, 0, 0, 2, 2, size, directory) +
                struct.pack('<IIQI', 0x07064b50, 0, end, 1) +
                struct.pack('<IHHHHIIH', 0x06054b50, 0, 0, 0xffff, 0xffff, 0xffffffff, 0xffffffff, 0))
    if os.stat(path).st_blocks * 512 > 1 << 30:
        raise Skip('files have no holes here')
    done = suite.run_cleave('split', path, '-o', suite.path('out'), '-q', status=None)
    if sys.maxsize < 1 << 32 or b'cannot be mapped' in done.stderr:
        raise Skip('no room for a map of 5 GiB')
    check_equal(done.returncode, 0, done.stderr.decode(errors='replace'))
    suite.run_cleave('split', suite.write('a.pcap', data), '-o', suite.path('wanted'), '-q')
    harness.check_files(without_books(suite.path('out')), without_books(suite.path('wanted')))
    with zipfile.ZipFile(path) as z:
        check_equal(z.read('a.pcap'), data, 'what zipfile finds')


def made_by(name: str, *command: str) -> Callable[[], None]:
    """Archives of other programs, in a folder with captures."""
    def case() -> None:
        needs_zlib()
        program = harness.tool(command[0])
        rng = suite.random(name)
        top = suite.path('top')
        os.makedirs(os.path.join(top, 'deep/er'))
        for i, folder in enumerate(('.', 'deep', 'deep/er', 'deep')):
            with open(os.path.join(top, folder, '%d.pcap' % i), 'wb') as f:
                f.write(capture(rng) if i else samples.mixed().encode())
        with open(os.path.join(top, 'README'), 'wb') as f:
            f.write(b'text\n')
        path = suite.path('a.zip')
        entries = sorted(os.listdir(top))
        done = harness.run([program, *command[1:], path, *entries], cwd=top)
        if done.returncode:
            raise Skip('%s: %s' % (name, done.stderr.decode(errors='replace').strip()[:200]))
        check_same(path)
    return case


def piped_by_zip() -> None:
    needs_zlib()
    program = harness.tool('zip')
    data = samples.mixed().encode()
    path = suite.path('a.zip')
    with open(path, 'wb') as to:
        with subprocess.Popen([program, '-q', '-', '-'], stdin=subprocess.PIPE, stdout=to) as child:
            assert child.stdin
            child.stdin.write(data)
            child.stdin.close()
            check_equal(child.wait(), 0, 'zip')
    check_same(path)


def encrypted() -> None:
    program = harness.tool('zip')
    suite.write('a.pcap', samples.mixed().encode())
    harness.run([program, '-q', '-e', '-P', 'secret', 'a.zip', 'a.pcap'], cwd=suite.dir)
    done = suite.run_cleave('split', suite.path('a.zip'), '-o', suite.path('out'), status=2)
    check(b'a.zip:a.pcap: is encrypted' in done.stderr, '%r', done.stderr)
    check(not os.path.exists(suite.path('out')), 'something was made')


def own() -> None:
    """What cleave splits into an archive is an input again: each of its captures."""
    plain = suite.write('a.pcap', samples.mixed().encode())
    done = suite.run_cleave('split', plain, '-o', suite.path('a.zip'), '-q', status=None)
    if b'without CRC-32' in done.stderr:
        raise Skip('this build writes no archives')
    check_equal(done.returncode, 0, done.stderr.decode(errors='replace'))
    check_same(suite.path('a.zip'))
    suite.run_cleave('split', plain, '-o', suite.path('dir'), '-q')
    suite.run_cleave('split', *sorted(glob.glob(suite.path('dir/*.pcap'))), '-o', suite.path('wanted'),
                     '-q', '-f', '--merge')
    suite.run_cleave('split', suite.path('a.zip'), '-o', suite.path('found'), '-q', '-f', '--merge')
    harness.check_files(without_books(suite.path('found')), without_books(suite.path('wanted')))


def damaged() -> None:
    """Of deflated members nothing is lost or changed without a word, whatever bytes are changed."""
    needs_zlib()
    rng = suite.random('damaged')
    suite.write('a.pcap', samples.mixed().encode())
    suite.run_cleave('split', suite.path('a.pcap'), '-o', suite.path('wanted'), '-q')
    wanted = without_books(suite.path('wanted'))
    make(suite.path('a.zip'), [('a.pcap', samples.mixed().encode()), ('README', b'text\n')],
         random.Random(1), (zipfile.ZIP_DEFLATED,))
    with open(suite.path('a.zip'), 'rb') as f:
        whole = f.read()
    quiet = 0
    for _ in range(harness.times(400)):
        data = bytearray(whole)
        for _ in range(rng.choice((1, 1, 1, 2, 5))):
            data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)
        if rng.random() < 0.1:
            del data[rng.randrange(len(data)):]
        elif rng.random() < 0.1:
            at = rng.randrange(len(data))
            del data[at:at + rng.randrange(20)]
        path = suite.write('b.zip', bytes(data))
        done = suite.run_cleave('split', path, '-o', suite.path('out'), '-q', '-f', status=None)
        check(done.returncode in (0, 1, 2), 'status %d: %r', done.returncode, done.stderr)
        check(done.returncode == 0 or done.stderr, 'status %d without a word', done.returncode)
        if done.returncode == 0:
            quiet += 1
            harness.check_files(without_books(suite.path('out')), wanted)
    check(quiet, 'all changes were noticed, also of what nobody reads')


def main() -> int:
    return suite.run({
        'archives': archives, 'some': some, 'thousand': thousand, 'many-names': many_names,
        'far': far,
        'made-by-zip': made_by('zip', 'zip', '-q', '-r'),
        'made-by-zip-stored': made_by('zip', 'zip', '-q', '-0', '-r'),
        'made-by-7z': made_by('7z', '7z', 'a', '-tzip', '-bd'),
        'made-by-bsdtar': made_by('bsdtar', 'bsdtar', '-a', '-c', '-f'),
        'piped-by-zip': piped_by_zip, 'encrypted': encrypted, 'own': own, 'damaged': damaged,
    })


if __name__ == '__main__':
    sys.exit(main())
