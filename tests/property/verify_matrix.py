# SPDX-License-Identifier: BSD-2-Clause
"""Whatever is altered in an output is found by cleave verify, whatever the run's options were.

Each way of altering something meets each set of options that it fits. What is not found is listed
here with the reason, and in cleave-verify(1).
"""
import gzip
import json
import os
import shutil
import socket
import struct
import sys
from typing import Callable, Dict, Iterator, List, NamedTuple, Optional, Sequence, Tuple

sys.dont_write_bytecode = True
# pylint: disable=wrong-import-position
import verify as base  # which finds the support modules
import pcapfile as pf
import pcapngfile as ng
from harness import Failed, check
from verify import Plain, suite


# ---- runs ----

class Set(NamedTuple):
    """Options, and what is split with them."""
    flags: Tuple[str, ...] = ()
    capture: str = 'us'
    packing: base.Packing = base.PLAIN
    captures: int = 1


SETS: Dict[str, Set] = {
    'usual': Set(),
    'verified': Set(('--verify',)),
    'nanoseconds': Set((), 'ns'),
    'big-endian': Set((), 'ns-big'),
    'modified': Set((), 'modified'),
    'pcapng': Set((), 'ng'),
    'pcapng-big': Set(('--verify',), 'ng-big'),
    'to-pcap': Set(('--format', 'pcap'), 'ng-big'),
    'to-pcapng': Set(('--format', 'pcapng'), 'ns'),
    'gzip': Set(('--compress', 'gzip'), packing=base.GZIP),
    'zstd': Set(('--compress', 'zstd'), 'ng', base.ZSTD),
    'jsonl': Set(('--manifest', 'jsonl')),
    'database': Set(('--manifest', 'sqlite')),
    'no-manifest': Set(('--manifest', 'none')),
    'report': Set(('--report', 'page.html', '--verify')),
    'report-gzip': Set(('--report', 'page.html', '--compress', 'gzip'), 'ng', base.GZIP),
    'each': Set(('--each',), captures=2),
    'each-pcapng': Set(('--each', '--verify'), 'ng', captures=2),
    'merged': Set(('--merge',), 'ns', captures=2),
    'one-after-another': Set((), 'us', captures=2),
    'by-vlan': Set(('--by', 'vlan,flow')),
    'every': Set(('--every', '4p', '--by', 'flow')),
    'snaplen': Set(('--snaplen', '50'), 'ng'),
    'shards': Set(('--shards', '2', '--verify')),
    'top': Set(('--top', '2')),
    'filtered': Set(('--filter', 'udp port 53', '--no-other', '--max-packets-per-flow', '5')),
}


class Run:
    """An output as it was made, and copies of it to be altered."""

    def __init__(self, name: str) -> None:
        self.name, self.set = name, SETS[name]
        self.made, self.dir = suite.path('made-' + name), suite.path('out')
        self.captures = []
        for i in range(self.set.captures):
            os.makedirs(suite.path('in%d' % i), exist_ok=True)
            data = base.FORMS[self.set.capture].data(base.interleaved(first=20 * i))
            self.captures.append(suite.write('in%d/day%d' % (i, i), data))
        flags = [os.path.join(self.made, f) if f.endswith('.html') else f for f in self.set.flags]
        base.split(self.captures, self.made, *flags)
        top = sorted(os.path.relpath(os.path.join(place, f), self.made)
                     for place, _, names in os.walk(self.made) for f in names)
        self.outputs = [f for f in top if '.pcap' in f]
        self.books = [f for f in top if os.path.basename(f).startswith('manifest')]
        self.records = [f for f in top if os.path.basename(f) == 'cleave.json']
        self.pages = [f for f in top if f.endswith('.html')]

    def copy(self) -> None:
        shutil.rmtree(self.dir, ignore_errors=True)
        shutil.copytree(self.made, self.dir)

    def path(self, name: str) -> str:
        return os.path.join(self.dir, name)

    def read(self, name: str) -> bytes:
        with open(self.path(name), 'rb') as f:
            return f.read()

    def write(self, name: str, data: bytes) -> None:
        with open(self.path(name), 'wb') as f:
            f.write(data)

    def plain(self, name: str) -> Plain:
        return Plain(self.set.packing.unpack(self.read(name)))

    def pack(self, name: str, data: bytes) -> None:
        self.write(name, self.set.packing.pack(data))


# A way does what it is called to the copy; false: there is nothing that it could be done to.
Way = Callable[[Run], Optional[bool]]
WAYS: Dict[str, Way] = {}


def way(name: str) -> Callable[[Way], Way]:
    def keep(do: Way) -> Way:
        WAYS[name] = do
        return do
    return keep


# ---- ways: outputs ----

def deeds() -> None:
    for deed in (*base.DEEDS, *base.NG_DEEDS):
        for which in (0, -1):
            for at in (0, 1):
                def do(run: Run, deed=deed, which=which, at=at) -> Optional[bool]:
                    plain = run.plain(run.outputs[which])
                    if deed in base.NG_DEEDS and (not plain.is_ng or run.name == 'to-pcapng' or
                                                  '--snaplen' in run.set.flags and deed is
                                                  base.no_options):
                        return False
                    if deed is base.swapped and plain.n < 3:
                        return False
                    data = deed(plain, at * (plain.n - 1)).data
                    if data == plain.data:
                        return False  # two records are alike
                    run.pack(run.outputs[which], data)
                    return None
                WAYS['%s, record %d of output %d' % (deed.__name__, at, which)] = do


def fields_of_headers() -> None:
    """Of a savefile's header: where, and what is there instead."""
    for name, at, value in (('version', 4, 1), ('minor version', 6, 1), ('time zone', 8, 1),
                            ('sigfigs', 12, 1), ('snaplen + 1', 16, 1), ('FCS', 22, 0x40),
                            ('link type', 20, 2)):
        def do(run: Run, at=at, value=value) -> Optional[bool]:
            plain = run.plain(run.outputs[0])
            if plain.is_ng:
                return False
            data = bytearray(plain.data)
            data[at if plain.order == '<' or at > 20 else at + 1] ^= value
            run.pack(run.outputs[0], bytes(data))
            return None
        WAYS['header: ' + name] = do


@way('header: snaplen 1')
def short_snaplen(run: Run) -> Optional[bool]:
    plain = run.plain(run.outputs[0])
    data, at = bytearray(plain.data), 16
    if plain.is_ng:
        at = ng.of_kind(plain.blocks, ng.Packet)[0].interface.offset + 12
    struct.pack_into(plain.order + 'I', data, at, 1)
    run.pack(run.outputs[0], bytes(data))
    return None


@way('the other byte order')
def turned(run: Run) -> Optional[bool]:
    plain = run.plain(run.outputs[0])
    if plain.is_ng:
        return False
    mine, other = plain.order, '>' if plain.order == '<' else '<'
    head = struct.pack(other + 'IHHIIII', *struct.unpack(mine + 'IHHIIII', plain.data[:24]))
    out = [head]
    for i in range(plain.n):
        raw = plain.raw(i)
        out += [struct.pack(other + 'IIII', *struct.unpack(mine + 'IIII', raw[:16])), raw[16:]]
    run.pack(run.outputs[0], b''.join(out))
    return None


@way('an option of the section')
def section_option(run: Run) -> Optional[bool]:
    plain = run.plain(run.outputs[0])
    if not plain.is_ng:
        return False
    size, = struct.unpack_from(plain.order + 'I', plain.data, 4)
    option = struct.pack(plain.order + 'HH4sI', 1, 4, b'evil', 0)
    length = struct.pack(plain.order + 'I', size + len(option))
    run.pack(run.outputs[0], plain.data[:4] + length + plain.data[8:size - 4] + option + length +
             plain.data[size:])
    return None


@way('padding of a packet')
def padding(run: Run) -> Optional[bool]:
    plain = run.plain(run.outputs[0])
    for i in range(plain.n if plain.is_ng else 0):
        if plain.caplens[i] % 4:
            at = plain.spans[i][0] + plain.at + plain.caplens[i]
            run.pack(run.outputs[0], plain.flip(at, 3))
            return None
    return False


def lengths() -> None:
    for name, change in (('a byte less', lambda d: d[:-1]),
                         ('half of it', lambda d: d[:len(d) // 2]),
                         ('nothing in it', lambda d: b''), ('a byte more', lambda d: d + b'\x01'),
                         ('zeros more', lambda d: d + bytes(40)),
                         ('itself once more', lambda d: d + d),
                         ('text more', lambda d: d + b'appended by hand, and no record')):
        def unpacked(run: Run, change=change) -> None:
            run.pack(run.outputs[-1], change(run.plain(run.outputs[-1]).data))

        def packed(run: Run, change=change) -> Optional[bool]:
            if run.set.packing is base.PLAIN:
                return False
            run.write(run.outputs[-1], change(run.read(run.outputs[-1])))
            return None
        WAYS['an output with ' + name] = unpacked
        WAYS['a packed output with ' + name] = packed


@way('packed otherwise')
def repacked(run: Run) -> Optional[bool]:
    if run.set.packing is base.PLAIN:
        return False
    data = run.plain(run.outputs[0]).data
    run.write(run.outputs[0], gzip.compress(data, 1 if run.set.packing is base.GZIP else 9))
    return None


# ---- ways: files ----

def no_file(path: str) -> None:
    if os.path.isdir(path) and not os.path.islink(path):
        shutil.rmtree(path)
    else:
        os.remove(path)


def as_link(path: str) -> None:
    kept = suite.path('kept')
    shutil.copy(path, kept)
    os.remove(path)
    os.symlink(kept, path)


def as_dir(path: str) -> None:
    os.remove(path)
    os.makedirs(os.path.join(path, 'deep'))
    with open(os.path.join(path, 'deep', 'evil.pcap'), 'wb') as f:
        f.write(pf.Format().header())


def as_fifo(path: str) -> None:
    os.remove(path)
    os.mkfifo(path)


def as_socket(path: str) -> None:
    os.remove(path)
    here = os.getcwd()
    os.chdir(os.path.dirname(path))  # its path is too long
    with socket.socket(socket.AF_UNIX) as s:
        s.bind(os.path.basename(path))
    os.chdir(here)


def files() -> None:
    for kind in ('outputs', 'books', 'records', 'pages'):
        for do in (no_file, as_link, as_dir, as_fifo, as_socket):
            for which in (0, -1):
                def replace(run: Run, kind=kind, do=do, which=which) -> Optional[bool]:
                    names = getattr(run, kind)
                    if not names:
                        return False
                    do(run.path(names[which]))
                    return None
                WAYS['%s: %d %s' % (kind, which, do.__name__)] = replace


def strays() -> None:
    def stray(name: str, make: Callable[[str], object]) -> None:
        def do(run: Run) -> None:
            make(run.path(name))
        WAYS['a stray: %s %s' % (make.__name__, name)] = do

    def file(path: str) -> None:
        with open(path, 'wb'):
            pass

    def link(path: str) -> None:
        os.symlink('cleave.json', path)

    for name in ('stray', '.hidden', 'cleave.json~', 'manifest.csv.bak', 'other.pcap.pcap'):
        stray(name, file)
    stray('sub', os.mkdir)
    stray('pipe', os.mkfifo)
    stray('link', link)


@way('two outputs swapped')
def swapped(run: Run) -> None:
    a, b = run.path(run.outputs[0]), run.path(run.outputs[1])
    os.rename(a, a + '.x')
    os.rename(b, a)
    os.rename(a + '.x', b)


@way('an output twice')
def twice(run: Run) -> None:
    shutil.copy(run.path(run.outputs[0]), run.path(run.outputs[1]))


@way('an output under another name')
def renamed(run: Run) -> None:
    os.rename(run.path(run.outputs[0]), run.path('0' + os.path.basename(run.outputs[0])))


@way('a directory is a link')
def linked(run: Run) -> Optional[bool]:
    subs = [e.path for e in os.scandir(run.dir) if e.is_dir()]
    if not subs:
        return False
    kept = suite.path('kept-dir')
    shutil.rmtree(kept, ignore_errors=True)
    os.rename(subs[0], kept)
    os.symlink(kept, subs[0])
    return None


# ---- ways: texts ----

def texts() -> None:
    def changed(kind: str, name: str, change: Callable[[bytes], bytes]) -> None:
        def do(run: Run) -> Optional[bool]:
            names = getattr(run, kind)
            if 'sqlite' in run.set.flags:
                return False  # much of a database says nothing: database.py
            data = run.read(names[-1]) if names else b''
            if change(data) == data:
                return False
            run.write(names[-1], change(data))
            return None
        WAYS['%s: %s' % (kind, name)] = do

    def flipped(part: float) -> Callable[[bytes], bytes]:
        def change(data: bytes) -> bytes:
            at = int(len(data) * part) - (part == 1)
            return data[:at] + bytes([data[at] ^ 1]) + data[at + 1:] if data else data
        return change

    for kind in ('books', 'pages'):
        for part in (0, 0.5, 0.9, 1):
            changed(kind, 'a bit at %s' % part, flipped(part))
        changed(kind, 'empty', lambda d: b'')
        changed(kind, 'a line more', lambda d: d and d + b'\n')
        changed(kind, 'half', lambda d: d[:len(d) // 2])
    changed('books', 'without a row', lambda d: b''.join(d.splitlines(True)[:-1]))
    changed('books', 'a row twice', lambda d: d and d + d.splitlines(True)[-1])
    changed('books', 'rows in another order', lambda d: b''.join(
        d.splitlines(True)[:-2] + d.splitlines(True)[:-3:-1]))
    changed('records', 'empty', lambda d: b'')
    changed('records', 'half', lambda d: d[:len(d) // 2])
    changed('records', 'text more', lambda d: d + b'x')


# ---- ways: members of cleave.json ----

def members(value: object, where: Tuple = ()) -> Iterator[Tuple]:
    """Paths to all that is in it, as keys and numbers."""
    pairs = list(value.items() if isinstance(value, dict) else
                 enumerate(value) if isinstance(value, list) else ())
    for key, inner in pairs:
        yield where + (key,)
        yield from members(inner, where + (key,))


def other_value(value: object) -> object:
    if isinstance(value, bool):
        return not value
    if isinstance(value, int):
        return value + 1
    if isinstance(value, str):
        return value + 'x'
    return 1 if value is None else None


def members_of(run: Run) -> Iterator[Tuple[str, Tuple, Callable[[], None]]]:
    """Each member of each record: altered, and left out; and more than belong there."""
    for name in dict.fromkeys([run.records[0], run.records[-1]]):
        true = json.loads(run.read(name))

        def put(where: Tuple, how: str, name=name, true=true) -> None:
            false = json.loads(json.dumps(true))
            inner = false
            for key in where[:-1]:
                inner = inner[key]
            if how == 'altered':
                inner[where[-1]] = other_value(inner[where[-1]])
            elif how == 'added':
                inner[where[-1]] = 1
            else:
                del inner[where[-1]]
            run.write(name, json.dumps(false).encode())

        for where in members(true):
            for how in ('altered', 'left out'):
                yield '%s: %s' % (name, how), where, lambda p=put, w=where, h=how: p(w, h)
        for where in (('more',), ('options', 'more'), ('inputs', 0, 'more'), ('dropped', 'more')):
            yield '%s: added' % name, where, lambda p=put, w=where: p(w, 'added')


def is_neutral(run: Run, where: Tuple, how: str) -> bool:
    """What does not follow from the captures and the other options, see cleave-verify(1)."""
    last = str(where[-1])
    if '--report' in run.set.flags:
        return False  # its page says all of it
    if where[0] == 'records_digest':
        return how == 'left out'  # it may as well never have been there
    if where[0] == 'inputs' and last == 'file':
        return how == 'altered' and '--each' not in run.set.flags  # captures may be renamed
    if where[0] != 'options' or how != 'altered' or '--each' in run.set.flags:
        return False
    if last == 'directed':
        return True  # in these captures all goes one way
    if last == 'merge':
        return run.set.captures == 1
    if last == 'metadata':
        return True  # these captures have none
    if last == 'names':
        return bool({'jsonl', 'none'} & set(run.set.flags))  # there no row has a name
    if last == 'skip_bad':
        return True  # all of these captures can be read
    if last == 'recover':
        return '--verify' not in run.set.flags  # they are sound; but then there is no digest
    if last == 'inner':
        return 'none' in run.set.flags  # the manifest has other columns, and there are no tunnels
    if last == 'other':
        return '--filter' in run.set.flags  # which leaves none
    return False


# ---- cases ----

def status_of(run: Run) -> int:
    done = base.run_verify(run.dir, *run.captures, '-q')
    if done.returncode and not done.stderr.startswith(b'cleave: '):
        raise Failed('no message: %r' % done.stderr)
    return done.returncode


def matrix(name: str) -> Callable[[], None]:
    def case() -> None:
        run = Run(name)
        run.copy()
        check(status_of(run) == 0, 'what was made is not proven')
        missed: List[str] = []
        tried = 0
        for what, do in WAYS.items():
            if do(run) is False:
                continue
            tried += 1
            if status_of(run) not in (1, 2):
                missed.append(what)
            run.copy()
        for what, where, change in list(members_of(run)):
            change()
            tried += 1
            neutral = is_neutral(run, where, what.rsplit(': ', maxsplit=1)[1])
            if (status_of(run) in (1, 2)) == neutral:
                missed.append('%s %s%s' % (what, where, ', which is found' if neutral else ''))
            run.write(what.split(':')[0], open(os.path.join(run.made, what.split(':')[0]),
                                              'rb').read())
        check(not missed, '%d of %d are not found: %s', len(missed), tried, '; '.join(missed))
        check(tried > 150, 'only %d ways fit', tried)
        print('%s: %d ways' % (name, tried))
    return case


deeds()
fields_of_headers()
lengths()
files()
strays()
texts()


def main() -> int:
    cases: Dict[str, Callable[[], None]] = {name: matrix(name) for name in SETS}
    if b'without jansson' in base.run_verify('.').stderr:
        cases = {name: base.harness.skipped(base.harness.Skip('this build lacks jansson'))
                 for name in cases}
    return suite.run(cases)


if __name__ == '__main__':
    sys.exit(main())
