# SPDX-License-Identifier: BSD-2-Clause
"""cleave verify of archives, and cleave split --verify into them.

An archive is proven where its directory is. What is wrong in an output is reported as it is of the
directory, at the byte of the archive. And of what an archive has beside its members' bytes, nothing
can be altered without being found: archives are put together here, byte by byte, as APPNOTE.TXT has
them, and each part is wrong in turn.
"""
import os
import random
import shutil
import struct
import subprocess
import sys
import zipfile
import zlib
from typing import Callable, Dict, List, NamedTuple, Optional, Sequence, Tuple

sys.dont_write_bytecode = True
# pylint: disable=wrong-import-position
import verify as base  # which finds the support modules
import harness
import pcapfile as pf
import samples
from harness import Failed, check, check_equal
from verify import Fault, suite

WIDE = 0xffffffff


# ---- archives by hand ----

class Member:
    """A member, with fields of its headers that are to be others than they should be."""

    def __init__(self, name: bytes, data: bytes, wide: bool = False) -> None:
        self.name, self.data, self.wide = name, data, wide
        self.local: Dict[str, int] = {}
        self.entry: Dict[str, int] = {}
        self.local_name, self.entry_name = name, name
        self.local_extra: Optional[bytes] = None
        self.entry_extra: Optional[bytes] = None
        self.comment = b''
        self.before = b''  # the local header
        self.after = b''   # the data
        self.at = self.data_at = self.entry_at = 0  # where they came to lie

    def crc(self) -> int:
        return zlib.crc32(self.data)

    def set(self, field: str, value: int) -> None:
        """In both headers."""
        self.local[field] = self.entry[field] = value


class Archive:
    """Members, and what is to be wrong between and around them."""

    def __init__(self, members: List[Member]) -> None:
        self.members = members
        self.first = b''        # before all else
        self.counts_first = True  # in offsets
        self.before_entries = b''
        self.after_entries = b''
        self.comment = b''
        self.last = b''
        self.end: Dict[str, int] = {}
        self.entries: Optional[List[Member]] = None  # in another order
        self.wide_end = False
        self.entries_at = self.end_at = 0

    def member(self, name: str) -> Member:
        return next(m for m in self.members if m.name == name.encode())

    def encode(self) -> bytes:
        out = bytearray(self.first)
        lost = 0 if self.counts_first else len(self.first)
        for m in self.members:
            out += m.before
            m.at = len(out)
            size = len(m.data)
            f = {'magic': 0x04034b50, 'need': 45 if m.wide else 10, 'flags': 0, 'method': 0,
                 'time': 0, 'date': 0x21, 'crc': m.crc(), 'packed': WIDE if m.wide else size,
                 'size': WIDE if m.wide else size, **m.local}
            extra = m.local_extra
            if extra is None:
                extra = struct.pack('<HHQQ', 1, 16, size, size) if m.wide else b''
            out += struct.pack('<IHHHHHIIIHH', *f.values(), len(m.local_name), len(extra))
            out += m.local_name + extra
            m.data_at = len(out)
            out += m.data + m.after
        out += self.before_entries
        self.entries_at = len(out)
        for m in self.entries or self.members:
            m.entry_at = len(out)
            f = {'magic': 0x02014b50, 'made': 3 << 8 | 45, 'need': 10, 'flags': 0, 'method': 0,
                 'time': 0, 'date': 0x21, 'crc': m.crc(), 'packed': len(m.data),
                 'size': len(m.data), 'disk': 0, 'internal': 0, 'external': 0o100640 << 16,
                 'offset': m.at - lost, **m.entry}
            extra = m.entry_extra or b''
            out += struct.pack('<IHHHHHHIIIHHHHHII', *list(f.values())[:10], len(m.entry_name),
                               len(extra), len(m.comment), *list(f.values())[10:])
            out += m.entry_name + extra + m.comment
        n, size = len(self.entries or self.members), len(out) - self.entries_at
        out += self.after_entries
        self.end_at = len(out)
        start = self.entries_at - lost
        if self.wide_end:
            at = len(out)
            out += struct.pack('<IQHHIIQQQQ', 0x06064b50, 44, 3 << 8 | 45, 45, 0, 0, n, n, size,
                               start)
            out += struct.pack('<IIQI', 0x07064b50, 0, at - lost, 1)
        n = min(n, 0xffff)
        f = {'magic': 0x06054b50, 'disk': 0, 'first_disk': 0, 'n_here': n, 'n': n, 'size': size,
             'start': start, 'comment': len(self.comment), **self.end}
        return bytes(out + struct.pack('<IHHHHIIH', *f.values()) + self.comment + self.last)


def is_book(name: str) -> bool:
    return os.path.basename(name) in base.BOOKS


def archive_of(path: str) -> Archive:
    """As it is: encoded again it is the same."""
    with zipfile.ZipFile(path) as z:
        found = Archive([Member(info.filename.encode(), z.read(info), is_book(info.filename))
                         for info in z.infolist()])
    with open(path, 'rb') as f:
        check(f.read() == found.encode(), 'an archive that is made otherwise here')
    return found


class Made(NamedTuple):
    capture: str
    path: str
    outputs: List[str]


def make(*flags: str, data: Optional[bytes] = None, suffix: str = 'pcap') -> Made:
    capture = suite.write('day.' + suffix, samples.mixed().encode() if data is None else data)
    path = suite.path('made.zip')
    base.split([capture], path, '--force', *flags)
    with zipfile.ZipFile(path) as z:
        return Made(capture, path, [n for n in z.namelist() if not is_book(n)])


def faults_in(data: bytes, capture: str, status: Optional[int] = 1) -> List[Fault]:
    """The faults of an archive; of paths the members' names are left."""
    path = suite.write('out.zip', data)
    done = base.run_verify(path, '-q', capture, status=status)
    if status is None:
        check(done.returncode in (1, 2), 'status %d: %s', done.returncode, done.stderr.decode())
    found = []
    for f in base.faults_of(done.stderr):
        check(f.path.startswith(path) or status is None, 'a fault of %r', f.path)
        found.append(f._replace(path=f.path[len(path):].lstrip(':')))
    check(found, 'no faults')
    return found


# ---- cases: what is proven ----

def archived(inputs: Sequence[str], *flags: str) -> bool:
    """The archive is proven, and what --verify makes of it is what it makes of a directory."""
    tree, path = suite.path('tree'), suite.path('tree.zip')
    shutil.rmtree(tree, ignore_errors=True)
    if base.split(inputs, tree, '--verify', *flags, status=None) is None:
        return False
    for more in ((), ('--verify',)):
        said = base.split(inputs, path, '--force', *flags, *more, status=None)
        check(said, 'an archive is refused')
        check(not more or said['verified'] == said['outputs'], 'outputs that are not verified')
        summary = base.verify(path)
        check_equal(summary['outputs'], said['outputs'], 'outputs')
    with zipfile.ZipFile(path) as z:
        found = {name: z.read(name) for name in z.namelist()}
    harness.check_files(found, {n: d for n, d in harness.files_of(tree).items()
                                if not n.endswith('/')})
    return True


SETTINGS = ((), *base.BY, *base.CUTS, *base.SHARDS, *base.FILTERS, *base.CHOICES, *base.CAPS,
            *base.LENGTHS, *base.PACKED, *base.OUTPUT_FORMATS, *base.BOOKED, *(('--name', n) for n in base.NAMES))


def proven() -> None:
    rng = suite.random('proven')
    n = 0
    for flags in rng.sample(SETTINGS, harness.times(80)):
        for path in rng.sample(base.usual(rng), 2):
            try:
                n += archived([path], *flags)
            except Failed as fault:
                raise Failed('%s %s: %s' % (flags, os.path.basename(path), fault)) from None
    check(n > harness.times(40), 'only %d were not refused', n)


def several() -> None:
    rng = suite.random('several')
    paths = base.some(rng, 'us.pcap', 'us-big.pcap', 'ns.pcap', 'several.pcapng')
    for flags in ((), ('--merge',), ('--by', 'host'), ('--format', 'pcapng')):
        archived(paths, *flags)
    archived([suite.write('none.pcap', samples.no_records().encode())])


def many() -> None:
    """Members whose number takes 64 bits; several threads."""
    capture, path = suite.path('many.pcap'), suite.path('many.zip')
    suite.run_cleave('generate', 'synflood', '--count', '66000', '-o', capture)
    base.split([capture], path, '--verify')
    for threads in '1', '3':
        base.verify(path, '--threads', threads)


def moved() -> None:
    """Under any name, beside a capture of any name; not with another."""
    m = make()
    path = suite.path('no-ending')
    shutil.copy(m.path, path)
    os.rename(m.capture, suite.path('other'))
    base.run_verify(path, status=2)
    base.verify(path, suite.path('other'))
    again = suite.write('again', samples.four_flows().encode())
    found = base.faults_of(base.run_verify(path, again, '-q', status=1).stderr)
    check('another capture' in found[0].what, 'faults: %s', found)
    os.symlink(path, suite.path('link.zip'))
    base.verify(suite.path('link.zip'), suite.path('other'))


def changed() -> None:
    """A capture whose bytes are others, and as many."""
    m = make('--verify')
    data = bytearray(samples.mixed().encode())
    data[-1] ^= 1
    suite.write('day.pcap', bytes(data))
    found = base.faults_of(base.run_verify(m.path, '-q', status=1).stderr)
    check(any('altered: its packet' in f.what for f in found), 'faults: %s', found)
    check(any('different records now than when it was split' in f.what for f in found), 'faults: %s', found)


# ---- cases: what is found ----

def whole_bytes() -> None:
    """Each byte of an archive is covered by something."""
    rng = suite.random('bytes')
    for flags in ((), ('--verify', '--name', 'ä{n}'), ('--format', 'pcapng', '--manifest', 'jsonl'),
                  ('--manifest', 'none', '--by', 'none'), ('--compress', 'gzip'),
                  ('--manifest', 'sqlite', '--by', 'none')):
        m = make(*flags, data=pf.Capture(pf.Format(), samples.four_flows().packets[:3]).encode())
        with open(m.path, 'rb') as f:
            data = f.read()
        for at in rng.sample(range(len(data)), min(len(data), harness.times(270))):
            wrong = bytearray(data)
            wrong[at] ^= 1 << rng.randrange(8)
            try:
                faults_in(bytes(wrong), m.capture, status=None)
            except Failed as fault:
                raise Failed('%s: byte %d of %d: %s' % (flags, at, len(data), fault)) from None


def fields() -> None:
    """Each field of a header, at its byte, in the member that has it."""
    m = make()
    names = {'need': (4, 'version'), 'flags': (6, 'set of flags'), 'time': (10, 'time'),
             'date': (12, 'date')}
    for which in m.outputs[0], m.outputs[-1], 'manifest.csv', 'cleave.json':
        for field, (at, called) in names.items():
            a = archive_of(m.path)
            a.member(which).local[field] = 0x800 if field == 'flags' else 0x0101
            found = faults_in(a.encode(), m.capture)
            check_equal([f.path for f in found], [which], field)
            where = a.member(which).at + at
            check(found[0].byte in (where, where + 1) and ('the wrong %s' % called) in
                  found[0].what, '%s: %s', field, found)
        for field, at, called in (('made', 4, 'origin'), ('need', 6, 'version'),
                                  ('flags', 8, 'set of flags'), ('time', 12, 'time'),
                                  ('date', 14, 'date'), ('internal', 36, 'set of attributes'),
                                  ('external', 38, 'set of attributes')):
            a = archive_of(m.path)
            a.member(which).entry[field] = 0x0800 if field == 'flags' else 0x81a40101
            if field not in ('external',):
                a.member(which).entry[field] &= 0xffff
            found = faults_in(a.encode(), m.capture)
            if field == 'external' and which == m.outputs[0]:
                check(found, 'no fault')  # all others are not like it
                continue
            check_equal([f.path for f in found], [which], field)
            where = a.member(which).entry_at + at
            check(where <= found[0].byte < where + 4 and ('the wrong %s' % called) in
                  found[0].what, '%s: %s', field, found)


# What is done to an archive, whose outputs have these names: (whose fault it is, what is said).
Said = Tuple[str, str]
WAYS: Dict[str, Callable[[Archive, List[str]], Optional[Said]]] = {}


def way(do: Callable[[Archive, List[str]], Optional[Said]]) -> Callable:
    WAYS[do.__name__.replace('_', ' ')] = do
    return do


@way
def crc_of_both(a: Archive, names: List[str]) -> Said:
    m = a.member(names[1])
    m.set('crc', m.crc() ^ 1)
    return names[1], 'the CRC-32 of its bytes is'


@way
def crc_of_the_manifest(a: Archive, names: List[str]) -> Said:
    m = a.member('manifest.csv')
    m.set('crc', m.crc() ^ 0x80000000)
    return 'manifest.csv', 'the CRC-32 of its bytes is'


@way
def crc_of_cleave_json(a: Archive, names: List[str]) -> Said:
    m = a.member('cleave.json')
    m.data = m.data.replace(b'\n', b'\n ', 1)
    m.set('crc', m.crc() ^ 0x80000000)
    return 'cleave.json', 'the CRC-32 of its bytes is'


@way
def crc_of_the_local_header(a: Archive, names: List[str]) -> Said:
    a.member(names[0]).local['crc'] = 4711
    return names[0], 'its local header has the wrong CRC-32'


@way
def size_of_the_local_header(a: Archive, names: List[str]) -> Said:
    m = a.member(names[0])
    m.local['size'] = len(m.data) + 1
    return names[0], 'its local header has the wrong size'


@way
def another_local_name(a: Archive, names: List[str]) -> Said:
    a.member(names[2]).local_name = names[2].upper().encode()
    return names[2], 'its local header has the wrong name'


@way
def compressed(a: Archive, names: List[str]) -> Said:
    m = a.member(names[1])
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    size, crc = len(m.data), m.crc()
    m.data = packer.compress(m.data) + packer.flush()
    m.set('method', 8)
    m.set('size', size)
    m.set('crc', crc)
    return names[1], 'is compressed'


@way
def encrypted(a: Archive, names: List[str]) -> Said:
    a.member(names[1]).set('flags', 1)
    return names[1], 'is encrypted'


@way
def data_descriptor(a: Archive, names: List[str]) -> Said:
    m = a.member(names[1])
    m.set('flags', 8)
    m.local.update(crc=0, packed=0, size=0)
    m.after = struct.pack('<IIII', 0x08074b50, m.crc(), len(m.data), len(m.data))
    return names[1], 'in a data descriptor'


@way
def needless_64_bits(a: Archive, names: List[str]) -> Said:
    m = a.member(names[1])
    m.wide = True
    return names[1], 'its local header has the wrong version'


@way
def extra_field(a: Archive, names: List[str]) -> Said:
    a.member(names[1]).local_extra = b'UT\5\0\1aaaa'
    return names[1], 'its local header has the wrong extra length'


@way
def extra_field_of_the_entry(a: Archive, names: List[str]) -> Said:
    a.member(names[1]).entry_extra = b'UT\5\0\1aaaa'
    return names[1], "its entry in the archive's directory has the wrong extra length"


@way
def comment_of_a_member(a: Archive, names: List[str]) -> Said:
    a.member(names[1]).comment = b'hello'
    return names[1], "its entry in the archive's directory has the wrong comment"


@way
def stray(a: Archive, names: List[str]) -> Said:
    a.members.insert(1, Member(b'stray', b'data'))
    return 'stray', 'is not an output of the run'


@way
def stray_at_the_end(a: Archive, names: List[str]) -> Said:
    a.members.append(Member(b'stray', b''))
    return 'stray', 'is not an output of the run'


@way
def stray_in_the_directory(a: Archive, names: List[str]) -> Said:
    a.members.append(Member(b'stray', b''))
    a.members[-1].entry.update(size=20, packed=20)
    return '', 'its last member runs into its directory'


@way
def directory(a: Archive, names: List[str]) -> Said:
    a.members.insert(0, Member(b'dir/', b''))
    return 'dir/', 'is not an output of the run'


@way
def doubled(a: Archive, names: List[str]) -> Said:
    a.members.insert(3, Member(names[0].encode(), a.member(names[0]).data))
    return names[0], 'there is an earlier member of this name'


@way
def missing(a: Archive, names: List[str]) -> Said:
    del a.members[1]
    return names[1], 'is missing, with '


@way
def without_its_entry(a: Archive, names: List[str]) -> Said:
    a.entries = a.members[:1] + a.members[2:]
    return names[2], 'bytes before it belong to no member'


@way
def no_manifest(a: Archive, names: List[str]) -> Said:
    a.members.remove(a.member('manifest.csv'))
    return 'manifest.csv', 'cannot be read: No such file or directory'


@way
def renamed(a: Archive, names: List[str]) -> Said:
    m = a.member(names[0])
    m.local_name = m.entry_name = b'x.pcap'
    return names[0], 'is missing, with '


@way
def in_another_order(a: Archive, names: List[str]) -> Said:
    a.members[1:3] = a.members[2:0:-1]
    return names[1], "is not in the order of the manifest's rows"


@way
def manifest_last(a: Archive, names: List[str]) -> Said:
    a.members.append(a.members.pop(a.members.index(a.member('manifest.csv'))))
    return 'manifest.csv', "is not in the order of the manifest's rows"


@way
def entries_in_another_order(a: Archive, names: List[str]) -> Said:
    a.entries = [a.members[1], a.members[0], *a.members[2:]]
    return names[0], 'begins before byte '


@way
def gap(a: Archive, names: List[str]) -> Said:
    a.member(names[2]).before = b'PK\3\4 hidden'
    return names[2], '11 bytes before it belong to no member'


@way
def bytes_first(a: Archive, names: List[str]) -> Said:
    a.first = b'MZ'
    return names[0], '2 bytes before it belong to no member'


@way
def bytes_first_that_do_not_count(a: Archive, names: List[str]) -> Said:
    a.first, a.counts_first = b'MZ', False
    return names[0], '2 bytes before it belong to no member'


@way
def bytes_before_the_directory(a: Archive, names: List[str]) -> Said:
    a.before_entries = b'123'
    return '', '3 bytes before its directory belong to no member'


@way
def bytes_behind_the_directory(a: Archive, names: List[str]) -> Said:
    a.after_entries = b'123'
    return '', 'its end record is not what it should be'


@way
def comment(a: Archive, names: List[str]) -> Said:
    a.comment = b'hello'
    return '', 'its end record is not what it should be'


@way
def bytes_last(a: Archive, names: List[str]) -> Said:
    a.last = b'hello'
    return '', '5 bytes follow its end'


@way
def needless_64_bits_at_the_end(a: Archive, names: List[str]) -> Said:
    a.wide_end = True
    return '', 'its end record is not what it should be'


def ways() -> None:
    m = make()
    for name, do in WAYS.items():
        a = archive_of(m.path)
        whose, what = do(a, m.outputs)
        found = faults_in(a.encode(), m.capture)
        check(any(f.path == whose and what in f.what for f in found), '%s: %s', name, found)
        check(len(found) <= 3, '%s: %d faults: %s', name, len(found), found)


def paths_out() -> None:
    m = make()
    for name in '/etc/passwd', '../x', 'a/../../x', 'a/..', '..':
        a = archive_of(m.path)
        a.members.insert(1, Member(name.encode(), b''))
        found = faults_in(a.encode(), m.capture)
        check_equal([(f.path, f.what) for f in found],
                    [(name, 'its name leads out of the directory')], name)


def unreadable() -> None:
    """What is not looked at any further."""
    m = make()
    a = archive_of(m.path)
    a.members.pop()
    for data, what in ((a.encode(), 'has no cleave.json'), (b'', 'is neither a directory nor'),
                       (b'hello', 'is neither a directory nor'),
                       (archive_of(m.path).encode()[:-1], 'its end is missing')):
        found = faults_in(data, m.capture, status=2)
        check(what in found[0].what, '%s: %s', what, found)
    for change in ({'disk': 1}, {'n': 1}, {'n_here': 2}, {'size': 5}, {'start': 1 << 31}):
        a = archive_of(m.path)
        a.end.update(change)
        faults_in(a.encode(), m.capture, status=2)
    a = archive_of(m.path)
    a.entries = [*a.members[:1], *a.members]
    found = faults_in(a.encode(), m.capture, status=2)
    check('they overlap' in found[0].what, 'faults: %s', found)
    for do in compressed, encrypted:
        a = archive_of(m.path)
        do(a, ['', 'cleave.json'])
        found = faults_in(a.encode(), m.capture, status=2)
        check(found[0].what in ('is compressed', 'is encrypted'), 'faults: %s', found)


def outputs() -> None:
    """What is wrong in an output is reported as in a directory, at its byte."""
    rng = suite.random('outputs')
    for form in 'us', 'ns-big', 'ng':
        m = make(data=base.FORMS[form].data(base.interleaved(first=20)),
                 suffix='pcapng' if form == 'ng' else 'pcap')
        for deed in (*base.DEEDS, *(base.NG_DEEDS if form == 'ng' else ())):
            a = archive_of(m.path)
            which = rng.choice(m.outputs)
            member = a.member(which)
            plain = base.Plain(member.data)
            data = deed(plain, rng.randrange(plain.n)).data
            if data == member.data:
                continue
            member.data = data
            tree = suite.path('tree')
            shutil.rmtree(tree, ignore_errors=True)
            for one in a.members:
                place = os.path.join(tree, one.name.decode())
                os.makedirs(os.path.dirname(place), exist_ok=True)
                with open(place, 'wb') as f:
                    f.write(one.data)
            wanted = base.faults_of(base.run_verify(tree, '-q', m.capture, status=1).stderr)
            found = faults_in(a.encode(), m.capture)
            at = member.data_at
            check_equal([f._replace(input_path='') for f in found],
                        [f._replace(path=os.path.relpath(f.path, tree), input_path='',
                                    byte=f.byte + at if f.byte >= 0 else -1) for f in wanted],
                        '%s, %s' % (form, deed.__name__))


def manifests() -> None:
    """At the byte of the archive, too."""
    for kind in 'csv', 'jsonl':
        m = make('--manifest', kind)
        a = archive_of(m.path)
        member = a.member('manifest.' + kind)
        at = len(member.data) - 9
        member.data = member.data[:at] + b'~' + member.data[at + 1:]
        found = faults_in(a.encode(), m.capture)
        check_equal([(f.path, f.byte) for f in found],
                    [('manifest.' + kind, member.data_at + at)], kind)


def mutated() -> None:
    """Whatever stands there, it ends, within its bounds, and is not proven."""
    rng = suite.random('mutated')
    m = make()
    with open(m.path, 'rb') as f:
        whole = f.read()
    a = archive_of(m.path)
    a.encode()
    places = [b for one in a.members for b in (one.at, one.entry_at)] + [a.entries_at, a.end_at]
    for _ in range(harness.times(600)):
        data = bytearray(whole)
        for _ in range(rng.randint(1, 4)):
            at = min(max(rng.choice(places) + rng.randrange(50), 0), len(data) - 1)
            act = rng.randrange(4)
            if act == 0:
                data[at:at + 4] = struct.pack('<I', rng.choice([0, WIDE, rng.getrandbits(32), 45]))
            elif act == 1:
                del data[at:at + rng.randrange(1, 60)]
            elif act == 2:
                data[at:at] = data[at:at + rng.randrange(1, 200)]
            else:
                data[at] = rng.randrange(256)
        if data != whole:
            faults_in(bytes(data), m.capture, status=None)


def cut_short() -> None:
    rng = suite.random('cut-short')
    m = make()
    with open(m.path, 'rb') as f:
        data = f.read()
    for at in rng.sample(range(len(data)), harness.times(60)):
        faults_in(data[:at], m.capture, status=2)


def hostile() -> None:
    """Members without number: one after another, all at one place, all of one name."""
    m = make()
    n = 200000
    for at_one, one_name in (False, False), (True, False), (False, True):
        a = archive_of(m.path)
        more = [Member(b'x' if one_name else b'%d' % i, b'') for i in range(n)]
        a.members = a.members[:1] + more + a.members[1:] if not at_one else a.members
        if at_one:
            for one in more:
                one.entry['offset'] = 0
            a.entries = more + a.members
        a.wide_end = True
        path = suite.write('out.zip', a.encode())
        done = base.run_verify(path, m.capture)
        check(done.returncode in (1, 2), 'status %d', done.returncode)
        check(done.returncode == 2 or b'more faults' in done.stderr, 'faults: %r',
              done.stderr[-200:])


def truncated_meanwhile() -> None:
    """The archive shrinks when it is mapped: the capture is a pipe, so that there is time."""
    m = make(data=pf.Capture(pf.Format(), samples.mixed().packets * 400).encode())
    size = os.path.getsize(m.path)
    pipe = suite.path('pipe')
    os.mkfifo(pipe)
    run = subprocess.Popen([*suite.under, suite.cleave, 'verify', m.path, pipe, '-q'],
                           stderr=subprocess.PIPE)
    with open(pipe, 'wb') as f, open(m.capture, 'rb') as capture:
        data = capture.read()
        f.write(data[:1000])
        os.truncate(m.path, size // 8)
        f.write(data[1000:])
    talk = run.communicate(timeout=harness.HANGS_S)[1].decode()
    check_equal(run.returncode, 2, 'status: ' + talk)
    check('shrank while it was read' in talk, 'says %r', talk)
    check('try again when no other program changes it' in talk, 'says %r', talk)


def main() -> int:
    cases: Dict[str, Callable[[], None]] = {
        case.__name__.replace('_', '-'): case
        for case in (proven, several, many, moved, changed, whole_bytes, fields, ways, paths_out,
                     unreadable, outputs, manifests, mutated, cut_short, hostile,
                     truncated_meanwhile)}
    if b'without jansson' in base.run_verify('.').stderr:
        cases = {name: harness.skipped(harness.Skip('this build lacks jansson')) for name in cases}
    return suite.run(cases)


if __name__ == '__main__':
    sys.exit(main())
