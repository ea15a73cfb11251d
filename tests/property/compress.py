# SPDX-License-Identifier: BSD-2-Clause
"""Properties of compressed outputs.

Each frame or member of an output is found without cleave and holds a stretch of 256 KiB; unpacked,
the directory is that of the same split without --compress: outputs byte for byte, the manifest but
for its names, cleave.json but for what must differ. Then threads, window, memory and open outputs
must not change a byte.
"""
import csv
import dataclasses
import gzip
import io
import json
import os
import random
import re
import resource
import shutil
import signal
import subprocess
import sys
import zlib
from typing import Callable, Dict, Iterator, List, Mapping, NamedTuple, Optional, Sequence, Tuple

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'support'))
# pylint: disable=wrong-import-position
import harness
import pcapfile as pf
import pcapngfile as ng
import pcapngsamples as made
import samples
from harness import check, check_equal

STRETCH = 256 * 1024
BOOKS = ('cleave.json', 'manifest.csv', 'manifest.jsonl')

suite = harness.Suite(__doc__.split('\n', maxsplit=1)[0])


# ---- frames and members ----

class Part(NamedTuple):
    """A frame or member of a file."""
    length: int  # bytes of the file
    plain: int   # bytes that it holds


def zstd_parts(data: bytes) -> Iterator[Part]:
    """Frames by their headers and those of their blocks, RFC 8878 section 3.1.1."""
    start = 0
    while start < len(data):
        check_equal(data[start:start + 4], b'\x28\xb5\x2f\xfd', 'magic at byte %d' % start)
        flags = data[start + 4]
        check(flags & 4, 'the frame at byte %d has no checksum', start)
        single = flags >> 5 & 1
        size_len = (single, 2, 4, 8)[flags >> 6]
        check(size_len, 'the frame at byte %d does not say its size', start)
        at = start + 5 + (not single) + (0, 1, 2, 4)[flags & 3]
        plain = int.from_bytes(data[at:at + size_len], 'little') + (256 if size_len == 2 else 0)
        at += size_len
        last = 0
        while not last:
            head = int.from_bytes(data[at:at + 3], 'little')
            last, kind, size = head & 1, head >> 1 & 3, head >> 3
            at += 3 + (1 if kind == 1 else size)
        at += 4
        check(at <= len(data), 'the frame at byte %d is cut short', start)
        yield Part(at - start, plain)
        start = at


def unzstd(data: bytes) -> bytes:
    """Sizes and checksums must be what the frames say."""
    if not data:
        return b''
    done = harness.run([harness.tool('zstd'), '-dc'], input=data)
    check_equal(done.returncode, 0, 'zstd: %s' % done.stderr.decode())
    return done.stdout


def gzip_parts(data: bytes) -> Iterator[Tuple[Part, bytes]]:
    start = 0
    while start < len(data):
        check_equal(data[start:start + 8], b'\x1f\x8b\x08' + bytes(5),
                    'header at byte %d: no name, no time' % start)
        member = zlib.decompressobj(zlib.MAX_WBITS + 16)  # believes neither sum nor size
        plain = member.decompress(data[start:start + 2 * STRETCH])
        check(member.eof, 'the member at byte %d is cut short', start)
        length = min(len(data) - start, 2 * STRETCH) - len(member.unused_data)
        yield Part(length, len(plain)), plain
        start += length


Files = Dict[str, bytes]


def unpack_zstd(files: Mapping[str, bytes]) -> Tuple[Dict[str, List[Part]], Files]:
    parts = {name: list(zstd_parts(data)) for name, data in files.items()}
    whole = memoryview(unzstd(b''.join(files.values())))
    plain, at = {}, 0
    for name in files:
        size = sum(p.plain for p in parts[name])
        plain[name] = bytes(whole[at:at + size])
        at += size
    check_equal(at, len(whole), 'bytes that the frames hold')
    return parts, plain


def unpack_gzip(files: Mapping[str, bytes]) -> Tuple[Dict[str, List[Part]], Files]:
    found = {name: list(gzip_parts(data)) for name, data in files.items()}
    return ({name: [part for part, _ in parts] for name, parts in found.items()},
            {name: b''.join(plain for _, plain in parts) for name, parts in found.items()})


class Kind(NamedTuple):
    word: str
    ending: str
    unpack: Callable[[Mapping[str, bytes]], Tuple[Dict[str, List[Part]], Files]]

    @property
    def flags(self) -> Tuple[str, str]:
        return '--compress', self.word


KINDS = [Kind('zstd', '.zst', unpack_zstd), Kind('gzip', '.gz', unpack_gzip)]


def need(kind: Kind) -> None:
    """Skips where the kind cannot be made or looked into."""
    if kind.word == 'zstd':
        harness.tool('zstd')
    path = suite.write('nothing.pcap', pf.Format().header())
    done = suite.run_cleave('split', path, '--output', suite.path('nothing'), '-q', *kind.flags,
                            status=None)
    if b'lacks the library' in done.stderr:
        raise harness.Skip('this build does not support %s' % kind.word)
    check_equal(done.returncode, 0, 'status: %s' % done.stderr.decode())
    shutil.rmtree(suite.path('nothing'))


# ---- checks ----

def split(paths: Sequence[str], output: str, *flags: str, status: int = 0) -> dict:
    return suite.split(paths[0], output, *paths[1:], *flags, status=status)


def is_book(name: str) -> bool:
    return os.path.basename(name) in BOOKS


def outputs_of(files: Mapping[str, bytes]) -> Files:
    return {n: d for n, d in files.items() if not is_book(n) and not n.endswith('/')}


def manifest_rows(name: str, data: bytes) -> List[dict]:
    text = data.decode()
    if name.endswith('.jsonl'):
        return [json.loads(line) for line in text.splitlines()]
    return list(csv.DictReader(io.StringIO(text, newline='')))


def check_manifest(kind: Kind, name: str, found: bytes, wanted: bytes) -> None:
    rows = manifest_rows(name, wanted)
    for row in rows:
        row['file'] += kind.ending
    check_equal(manifest_rows(name, found), rows, name)


def check_record(kind: Kind, name: str, packed: Mapping[str, bytes],
                 plain: Mapping[str, bytes]) -> None:
    """cleave.json speaks of what lies beside and below it."""
    folder = name[:-len('cleave.json')]
    texts = []
    for files, word in ((packed, kind.word), (plain, 'none')):
        record = json.loads(files[name])
        size = sum(len(d) for n, d in outputs_of(files).items() if n.startswith(folder))
        check_equal(record['written_bytes'], size, name + ': written_bytes')
        text = files[name].decode()
        check(text.count('"compress": "%s"' % word) == 1, '%s does not say %s', name, word)
        text = text.replace('"compress": "%s"' % word, '"compress": ""')
        texts.append(re.sub('"written_bytes": [0-9]+', '"written_bytes": 0', text))
    check_equal(texts[0], texts[1], name)


def check_stretches(kind: Kind, packed: Mapping[str, bytes]) -> Files:
    """What the files of outputs hold: in stretches, only the last of which may be shorter."""
    parts, plain = kind.unpack(packed)
    for name, found in parts.items():
        whole, rest = divmod(len(plain[name]), STRETCH)
        check_equal([p.plain for p in found], [STRETCH] * whole + [rest] * bool(rest),
                    'sizes of the stretches of ' + name)
    return plain


def check_same(kind: Kind, packed: str, plain: str) -> None:
    """The directories are the same but for the compression."""
    found, wanted = harness.files_of(packed), harness.files_of(plain)
    harness.check_files(check_stretches(kind, outputs_of(found)),
                        {n + kind.ending: d for n, d in outputs_of(wanted).items()})
    rest = [sorted(n for n in files if is_book(n) or n.endswith('/')) for files in (found, wanted)]
    check_equal(rest[0], rest[1], 'directories, manifests and records')
    for name in rest[0]:
        if name.endswith('cleave.json'):
            check_record(kind, name, found, wanted)
        elif is_book(name):
            check_manifest(kind, name, found[name], wanted[name])


DIFFERENT = ('output', 'written_bytes', 'opens', 'reopens', 'writes', 'rounds', 'seconds',
             'records_per_second', 'bytes_per_second')


def without_endings(flows: List[dict]) -> List[dict]:
    """As the largest flows are called where nothing is compressed."""
    return [{**flow, 'file': os.path.splitext(flow['file'])[0]} for flow in flows]


def check_summary(packed: dict, plain: dict, output: str) -> None:
    check_equal({k: without_endings(v) if k == 'largest' else v for k, v in packed.items()
                 if k not in DIFFERENT},
                {k: v for k, v in plain.items() if k not in DIFFERENT}, 'summary')
    size = sum(map(len, outputs_of(harness.files_of(output)).values()))
    check_equal(packed['written_bytes'], size, 'summary: written_bytes')


KNOBS: Dict[str, List[str]] = {
    '--threads': ['1', '2', '5'],
    '--window': ['4096', '50000', ''],
    '--memory': ['1MiB', ''],
    '--max-open': ['1', '3', ''],
    '--cache': ['drop', ''],
}


def knob_settings(rng: random.Random, more: int) -> Iterator[List[str]]:
    """Small windows alone, which make many rounds, and some random mixes."""
    seen = set()
    mixes = [{'--window': '4096'}, {'--window': '50000', '--threads': '2', '--max-open': '1'}]
    mixes += [{flag: rng.choice(values) for flag, values in KNOBS.items()} for _ in range(more)]
    for chosen in mixes:
        words = [word for flag, value in chosen.items() if value for word in (flag, value)]
        if words and tuple(words) not in seen:
            seen.add(tuple(words))
            yield words


def check_knobs(rng: random.Random, paths: Sequence[str], base: str, *flags: str, more: int = 2,
                status: int = 0, rounds: int = 0) -> None:
    """rounds: that the smallest window makes at least."""
    wanted = harness.tree_digest(base)
    output = suite.path('knobs')
    for knobs in knob_settings(rng, more):
        summary = split(paths, output, *flags, *knobs, status=status)
        found = harness.tree_digest(output)
        if found != wanted:
            print('        with ' + ' '.join(knobs))
            harness.check_files(harness.files_of(output), harness.files_of(base))
        check_equal(found, wanted, 'tree with ' + ' '.join(knobs))
        if knobs == ['--window', '4096']:
            check(summary['rounds'] >= rounds, '%d rounds: the capture is too small for this case',
                  summary['rounds'])
        shutil.rmtree(output)


def check_split(rng: random.Random, kind: Kind, paths: Sequence[str], *flags: str,
                status: int = 0, more: int = 2, rounds: int = 0) -> Tuple[str, str]:
    """All of it. Gives the directories: compressed, and as it is."""
    packed, plain = suite.path('packed'), suite.path('plain')
    for output in (packed, plain):
        shutil.rmtree(output, ignore_errors=True)
    told = [split(paths, packed, *flags, *kind.flags, status=status),
            split(paths, plain, *flags, status=status)]
    check_same(kind, packed, plain)
    check_summary(*told, packed)
    check_knobs(rng, paths, packed, *flags, *kind.flags, more=more, status=status, rounds=rounds)
    return packed, plain


def largest(files: Mapping[str, bytes]) -> int:
    return max(map(len, files.values()), default=0)


# ---- captures ----

def content(rng: random.Random, n: int) -> bytes:
    """Easily packed, or hardly, or not at all."""
    kind = rng.randrange(3)
    if kind == 0:
        return bytes(n)
    if kind == 1:
        return (b'%d bottles of beer on the wall, ' % rng.randrange(99) * (n // 30 + 1))[:n]
    return rng.randbytes(n)


def frame(rng: random.Random, flow: int, n: int) -> bytes:
    """n bytes of the flow, of protocol 253, which has no ports; flow 0 has no address."""
    head = pf.ethernet(b'', 0x88b5) if flow == 0 else \
        pf.ethernet(pf.ipv4('10.0.0.1', '10.1.%d.%d' % (flow >> 8, flow & 255), 253))
    return head + content(rng, n - len(head))


LEAST = 36  # bytes of a frame


def frames_of(rng: random.Random, flow: int, total: int, head: int, most: int) -> List[bytes]:
    """Frames of records with `head` bytes before each; altogether they take the total."""
    found = []
    while total:
        n = head + LEAST + rng.choice([0, 540, 1476, most])
        if total - n < head + LEAST:
            n = total
        found.append(frame(rng, flow, n - head))
        total -= n
    return found


def mingled(rng: random.Random, flows: Sequence[List[bytes]]) -> List[bytes]:
    """The frames of each flow in their order."""
    order = [i for i, frames in enumerate(flows) for _ in frames]
    rng.shuffle(order)
    left = [iter(frames) for frames in flows]
    return [next(left[i]) for i in order]


# Bytes of each output behind the first, second and last third of the capture. Where nothing comes
# in between, what the rounds before left waits; or nothing waits.
PHASES = [(STRETCH, STRETCH, STRETCH), (STRETCH - 1, STRETCH - 1, STRETCH + 99),
          (STRETCH - 100, STRETCH - 100, STRETCH), (STRETCH - 1,) * 3, (STRETCH + 1,) * 3,
          (STRETCH, STRETCH + 100, STRETCH + 100), (STRETCH, STRETCH, 2 * STRETCH), (100,) * 3,
          (100, 100, STRETCH), (2 * STRETCH - 100, 2 * STRETCH, 2 * STRETCH + 100),
          (STRETCH // 2, STRETCH, STRETCH), (50000, 100000, 3 * STRETCH), (400, 8000, 8000)]


def sized_capture(rng: random.Random, huge: bool) -> Tuple[pf.Capture, List[int]]:
    """Flows whose outputs have the sizes of PHASES, and those sizes; the first is `other`."""
    fmt = pf.Format(rng.choice(['us', 'ns']), rng.random() < 0.5)
    most = 262000 if huge else 3000
    frames: List[bytes] = []
    before = [pf.FILE_HEADER_LEN] * len(PHASES)
    for phase in zip(*PHASES):
        frames += mingled(rng, [
            frames_of(rng, i, now - then, fmt.record_header_len, most)
            for i, (then, now) in enumerate(zip(before, phase))])
        before = list(phase)
    return pf.Capture(fmt, pf.at_times(frames, samples.NOON, 1000)), before


# ---- cases ----

def parts(kind: Kind) -> Callable[[], None]:
    """The readers of these tests agree with the tool; no cleave in it."""
    def case() -> None:
        harness.tool(kind.word)
        rng = suite.random('parts ' + kind.word)
        pieces = [content(rng, n) for n in (1, 255, 256, 300, 65536 + 255, 65536 + 256, STRETCH)]
        pieces += [rng.randbytes(STRETCH), bytes(STRETCH)]
        packed = []
        for piece in pieces:
            name = suite.write('piece', piece)
            no_name = ['-n'] if kind.word == 'gzip' else []
            packed.append(harness.run([kind.word, '-c', *no_name, name]).stdout)
        found, plain = kind.unpack({'it': b''.join(packed)})
        check_equal(found['it'], [Part(len(a), len(b)) for a, b in zip(packed, pieces)], kind.word)
        check(plain['it'] == b''.join(pieces), 'what %s packed is not unpacked', kind.word)
    return case


def sizes(kind: Kind, huge: bool) -> Callable[[], None]:
    def case() -> None:
        need(kind)
        rng = suite.random('sizes %s %s' % (kind.word, huge))
        capture, wanted = sized_capture(rng, huge)
        path = suite.write('capture.pcap', capture.encode())
        packed, plain = check_split(rng, kind, [path], more=6, rounds=8 if huge else 100)
        found = sorted(map(len, outputs_of(harness.files_of(plain)).values()))
        check_equal(found, sorted(wanted), 'sizes of the outputs')
        check('other.pcap' + kind.ending in os.listdir(packed), 'no other.pcap' + kind.ending)
    return case


def traffic(kind: Kind) -> Callable[[], None]:
    """Connections of the generator, in one round and in many."""
    def case() -> None:
        need(kind)
        rng = suite.random('traffic ' + kind.word)
        path = suite.path('traffic.pcap')
        suite.run_cleave('generate', 'traffic', '--flows', '60', '--packets', '12000', '--seed',
                         str(rng.randrange(1000)), '--other', '10', '-o', path)
        check_split(rng, kind, [path], rounds=100)
    return case


# Large outputs from few talks.
SHAPE = made.Shape(sections=4, packets=1200, interfaces=4, options=True, obsolete=True,
                   metadata=True, ignored=True, talks=3, payload_max=2800)
LINKS = made.Shape(sections=2, packets=2000, interfaces=2, links=made.LINKS, metadata=True,
                   resolutions=(None, ng.tsresol(10, 9)), talks=2, payload_max=2800)


def pcapng(kind: Kind) -> Callable[[], None]:
    """In every format: what is written behind the last record too, and a file per link type."""
    def case() -> None:
        need(kind)
        rng = suite.random('pcapng ' + kind.word)
        m = ng.Maker()
        others = ng.Section(m, [m.idb(), m.idb(101), m.epb(0, 1, made.NO_ADDRESS[0]),
                                m.epb(1, 1, b'nothing')])
        for name, shape in (('several', SHAPE), ('links', LINKS)):
            path = suite.write(name + '.pcapng',
                               ng.encode(made.random_capture(rng, shape) + [others]))
            for flags in ((), ('--no-metadata',), ('--format', 'pcap')):
                _, plain = check_split(rng, kind, [path], *flags, more=1)
                files = outputs_of(harness.files_of(plain))
                check(largest(files) > STRETCH, '%s %s: no output is large', name, flags)
        check('other_2.pcap' in files, 'there is one link type: %s', list(files))
    return case


def converted(kind: Kind) -> Callable[[], None]:
    """pcap becomes pcapng, alone and with others."""
    def case() -> None:
        need(kind)
        rng = suite.random('converted ' + kind.word)
        paths = [suite.write('a.pcap', sized_capture(rng, False)[0].encode())]
        check_split(rng, kind, paths, '--format', 'pcapng', more=1)
        paths.append(suite.write('b.pcap', samples.on_raw(101)().encode()))
        check_split(rng, kind, paths, more=1)
        paths.append(suite.write('c.pcapng', ng.encode(made.random_capture(rng, made.EVERYTHING))))
        check_split(rng, kind, paths, more=1)
    return case


EPB_HEAD = 32
SECTION = 28 + 20  # bytes of its header and an interface, without options


def metadata(kind: Kind) -> Callable[[], None]:
    """Names and secrets behind the last record end at, before and behind the end of a stretch."""
    def case() -> None:
        need(kind)
        rng = suite.random('metadata ' + kind.word)
        wanted = [(STRETCH, STRETCH + 64), (STRETCH, 2 * STRETCH), (1000, STRETCH),
                  (STRETCH - 40, STRETCH), (STRETCH - 40, STRETCH + 4),
                  (2 * STRETCH, 5 * STRETCH), (500, 600)]
        rng.shuffle(wanted)
        data = b''
        for i, (records, total) in enumerate(wanted):
            m = ng.Maker(rng.random() < 0.5)
            body = [m.idb()] + [m.epb(0, samples.NOON // 1000, f) for f in frames_of(
                rng, i + 1, records - SECTION, EPB_HEAD, 3000)]
            body.append(m.dsb(content(rng, total - records - 20)))
            data += ng.Section(m, body).encode()
        path = suite.write('capture.pcapng', data)
        _, plain = check_split(rng, kind, [path], more=4, rounds=100)
        found = sorted(map(len, outputs_of(harness.files_of(plain)).values()))
        check_equal(found, sorted(total for _, total in wanted), 'sizes of the outputs')
    return case


def several(kind: Kind) -> Callable[[], None]:
    """Captures behind one another, side by side, and by time; one of them has no records."""
    def case() -> None:
        need(kind)
        rng = suite.random('several ' + kind.word)
        captures = [sized_capture(rng, False)[0].as_format(kind='us', big_endian=False)
                    for _ in range(2)]
        captures += [samples.mixed(), samples.no_records()]
        paths = [suite.write('%d.pcap' % i, c.encode()) for i, c in enumerate(captures)]
        for flags in ((), ('--each',), ('--merge',), ('--merge', '--format', 'pcapng')):
            check_split(rng, kind, paths, *flags, more=1)
        os.makedirs(suite.path('other'))
        paths.append(suite.write('other/0.pcap', captures[2].encode()))
        packed, _ = check_split(rng, kind, paths, '--each', '--manifest', 'jsonl', more=0)
        check_equal(sorted(os.listdir(packed)), ['0', '0-2', '1', '2', '3', 'cleave.json'],
                    'sub-directories')
    return case


def damaged(kind: Kind) -> Callable[[], None]:
    """What waited when the damage came is compressed; so is what --recover finds behind it."""
    def case() -> None:
        need(kind)
        rng = suite.random('damaged ' + kind.word)
        capture, _ = sized_capture(rng, False)
        data = capture.encode()
        saved = pf.parse(data)
        for where in (0, 1, len(saved.records) // 2, len(saved.records) - 1):
            at = saved.records[where].offset
            path = suite.write('capture.pcap', data[:at] + b'\xff' * 40 + data[at + 40:])
            check_split(rng, kind, [path], status=1, more=1)
            check_split(rng, kind, [path], '--recover', status=1, more=1)
        m = ng.Maker()
        sound = ng.encode(made.random_capture(rng, SHAPE))
        path = suite.write('capture.pcapng', sound + m.shb() + m.idb() + bytes(100))
        check_split(rng, kind, [path], status=1, more=1)
        path = suite.write('short.pcap', data[:-1])
        check_split(rng, kind, [path], status=1, more=1)
    return case


def streamed(kind: Kind) -> Callable[[], None]:
    """From a FIFO, from standard input, from compressed captures."""
    def case() -> None:
        need(kind)
        rng = suite.random('streamed ' + kind.word)
        for data in (sized_capture(rng, False)[0].encode(),
                     ng.encode(made.random_capture(rng, SHAPE))):
            path = suite.write('capture', data)
            fifo = suite.path('fifo')
            os.mkfifo(fifo)
            base = suite.path('base')
            split([path], base, *kind.flags)
            wanted = harness.files_of(base)
            gz = suite.write('capture.gz', gzip.compress(data, 1))
            for source in (fifo, '-', gz):
                output = suite.path('streamed')
                knobs = ['--memory', '1MiB'] if rng.random() < 0.5 else ['--threads', '1']
                feeder = subprocess.Popen(['sh', '-c', 'cat "$1" >"$2"', 'sh', path, fifo]) \
                    if source == fifo else None
                try:
                    with open(path, 'rb') as stream:
                        suite.run_cleave('split', source, '--output', output, '-q', *kind.flags,
                                         *knobs, stdin=stream)
                finally:
                    if feeder:
                        feeder.kill()
                        feeder.wait()
                found = harness.files_of(output)
                for tree in found, wanted:
                    tree.pop('cleave.json', None)  # names the input
                harness.check_files(found, wanted)
                shutil.rmtree(output)
            shutil.rmtree(base)
            os.remove(fifo)
    return case


# Templates and the names that they give in a split of the sample, by 3tuple: flows udp, tcp, tcp,
# icmp. * stands for the ending.
TEMPLATES: Dict[str, List[str]] = {
    '{n}.pcap': ['1.pcap*', '2.pcap*', '3.pcap*', '4.pcap*'],
    '{n}.pcap*': ['1.pcap*', '2.pcap*', '3.pcap*', '4.pcap*'],
    '{n}': ['1*', '2*', '3*', '4*'],
    '{n}*': ['1*', '2*', '3*', '4*'],
    '{proto}.pcap': ['udp.pcap*', 'tcp.pcap*', 'tcp-2.pcap*', 'icmp.pcap*'],
    '{proto}.pcap*': ['udp.pcap*', 'tcp.pcap*', 'tcp-2.pcap*', 'icmp.pcap*'],
    '{proto}': ['udp*', 'tcp*', 'tcp-2*', 'icmp*'],
    '{proto}*': ['udp*', 'tcp*', 'tcp-2*', 'icmp*'],
    '{proto}.pcapng': ['udp.pcapng*', 'tcp.pcapng*', 'tcp-2.pcapng*', 'icmp.pcapng*'],
    'all': ['all*', 'all-2*', 'all-3*', 'all-4*'],
    'a.b.c.pcap': ['a.b.c.pcap*', 'a.b.c-2.pcap*', 'a.b.c-3.pcap*', 'a.b.c-4.pcap*'],
    'v1.5 {proto}': ['v1.5 udp*', 'v1.5 tcp*', 'v1.5 tcp-2*', 'v1.5 icmp*'],
    'd/{proto}.pcap': ['d/udp.pcap*', 'd/tcp.pcap*', 'd/tcp-2.pcap*', 'd/icmp.pcap*'],
    'd.pcap/{proto}': ['d.pcap/udp*', 'd.pcap/tcp*', 'd.pcap/tcp-2*', 'd.pcap/icmp*'],
    'd*/{proto}': ['d*/udp*', 'd*/tcp*', 'd*/tcp-2*', 'd*/icmp*'],
    '{proto}/{proto}/f.pcap': ['udp/udp/f.pcap*', 'tcp/tcp/f.pcap*', 'tcp/tcp/f-2.pcap*',
                               'icmp/icmp/f.pcap*'],
    'd/other.pcap': ['d/other.pcap*', 'd/other-2.pcap*', 'd/other-3.pcap*', 'd/other-4.pcap*'],
    'other.pcap': ['other-2.pcap*', 'other-3.pcap*', 'other-4.pcap*', 'other-5.pcap*'],
    'other.pcap*': ['other-2.pcap*', 'other-3.pcap*', 'other-4.pcap*', 'other-5.pcap*'],
    'other{n}.pcap': ['other1.pcap*', 'other2.pcap*', 'other3.pcap*', 'other4.pcap*'],
    '{input}.pcap': ['m.pcap*', 'm-2.pcap*', 'm-3.pcap*', 'm-4.pcap*'],
    'other': ['other*', 'other-2*', 'other-3*', 'other-4*'],
}
# Those that say nothing but where the ending is.
ENDINGS = ['a.something', 'a.capture-of-today', '{proto}.tar.gz', '{proto}.pcap.gz.zst', '{proto}.',
           'manifest.csv', 'manifest.jsonl', 'cleave.json', 'other_2.pcap', 'other_{n}.pcap',
           'other.pcapng', 'a.pcap.lz4', '{src}.{dst}', '{first}', '{proto}.ZST', 'a.', 'a..pcap']


def check_names(kind: Kind, path: str, template: str) -> List[str]:
    """Gives the outputs in the order of the manifest."""
    output, plain = suite.path('named'), suite.path('numbered')
    flags = ('--by', '3tuple')
    split([path], output, '--name', template, *flags, *kind.flags)
    split([path], plain, *flags)
    files = outputs_of(harness.files_of(output))
    with open(os.path.join(output, 'manifest.csv'), 'rb') as f:
        told = [row['file'] for row in manifest_rows('manifest.csv', f.read())]
    check_equal(sorted(told), sorted(files), template + ': files of the manifest')
    for name in told:
        check(name.endswith(kind.ending), '%s: a file is called %s', template, name)
    check_equal(told[-1], 'other.pcap' + kind.ending, template + ': where the rest is')
    found = check_stretches(kind, files)
    wanted = outputs_of(harness.files_of(plain))
    check_equal([found[n] for n in told], [wanted[n] for n in sorted(wanted)],
                template + ': outputs in their order')
    for tree in (output, plain):
        shutil.rmtree(tree)
    return told[:-1]


def names(kind: Kind) -> Callable[[], None]:
    def case() -> None:
        need(kind)
        path = suite.write('m.pcap' + kind.ending, samples.mixed().encode())
        for template, wanted in TEMPLATES.items():
            found = check_names(kind, path, template.replace('*', kind.ending))
            check_equal(found, [n.replace('*', kind.ending) for n in wanted], template)
    return case


def endings(kind: Kind) -> Callable[[], None]:
    def case() -> None:
        need(kind)
        path = suite.write('m.pcap', samples.mixed().encode())
        for template in ENDINGS:
            check_names(kind, path, template)
    return case


def many_flows(kind: Kind) -> Callable[[], None]:
    """More outputs than one directory is given."""
    def case() -> None:
        need(kind)
        rng = suite.random('many-flows ' + kind.word)
        frames = [frame(rng, i, 60) for i in range(1, 10051)]
        data = pf.Capture(pf.Format(), pf.at_times(frames + frames[:200])).encode()
        path = suite.write('capture.pcap', data)
        packed, plain = suite.path('packed'), suite.path('plain')
        split([path], packed, '--window', '262144', '--max-open', '64', *kind.flags)
        split([path], plain)
        check('00010000' in os.listdir(packed), 'no sub-directory')
        check_same(kind, packed, plain)
    return case


def read_again(kind: Kind) -> Callable[[], None]:
    """The outputs are captures: split once more, they are the same outputs."""
    def case() -> None:
        need(kind)
        rng = suite.random('read-again ' + kind.word)
        for name, data in (('a.pcap', sized_capture(rng, False)[0].encode()),
                           ('b.pcapng', ng.encode(made.random_capture(
                               rng, made.Shape(packets=1200, talks=3, payload_max=2800))))):
            output, again = suite.path('out'), suite.path('again')
            summary = split([suite.write(name, data)], output, *kind.flags)
            wanted = harness.files_of(output)
            told = [row['file'] for row in manifest_rows('manifest.csv', wanted['manifest.csv'])]
            paths = [os.path.join(output, n) for n in told]
            records = 0
            for path in paths:
                info = json.loads(suite.run_cleave('info', '--json', path).stdout)
                records += info['records']
            check_equal(records, summary['records_read'], 'records that info counts')
            split(paths, again, *kind.flags)
            found = harness.files_of(again)
            for tree in found, wanted:
                del tree['cleave.json']  # names the inputs
            harness.check_files(found, wanted)
            for tree in output, again:
                shutil.rmtree(tree)
    return case


def mixes(kind: Kind) -> Callable[[], None]:
    """Flags by chance, on captures by chance."""
    def case() -> None:
        need(kind)
        rng = suite.random('mixes ' + kind.word)
        captures = {
            'a.pcap': sized_capture(rng, True)[0].encode(),
            'b.pcapng': ng.encode(made.random_capture(rng, LINKS)),
            # Simple packets have no time to be merged by.
            'c.pcapng': ng.encode(made.random_capture(rng, dataclasses.replace(
                made.EVERYTHING, simple=False))),
            'd.pcap': samples.mixed().encode(),
            'e.pcap': samples.fragmented().encode(),
            'f.pcap': samples.cooked().encode(),
            'g.pcap': samples.tunnels().encode(),
        }
        paths = [suite.write(name, data) for name, data in captures.items()]
        choices: List[Sequence[Tuple[str, ...]]] = [
            [(), ('--by', '3tuple'), ('--by', 'hostpair'), ('--shards', '3')],
            [(), ('--directed',)],
            [(), (), ('--every', '100KiB'), ('--every', '256KiB'), ('--every', '300p')],
            [(), (), ('--max-packets-per-flow', '20'), ('--idle-timeout', '5ms')],
            [(), ('--no-other',)], [(), ('--inner',)], [(), ('--each',), ('--merge',)],
            [(), ('--format', 'pcap'), ('--format', 'pcapng')], [(), ('--no-metadata',)],
            [(), ('--manifest', 'jsonl'), ('--manifest', 'none')], [(), ('--recover',)]]
        for _ in range(10):
            flags = [word for some in choices for word in rng.choice(some)]
            if '--shards' in flags and '--idle-timeout' in flags:
                continue  # refused: a shard holds flows whole
            if '--directed' in flags and '--every' in flags and not {'--by', '--shards'} & set(flags):
                continue  # refused: all records are one flow
            some = rng.sample(paths, rng.randint(1, 4))
            try:
                check_split(rng, kind, some, *flags, more=0)
            except harness.Failed as why:
                raise harness.Failed('with %s of %s: %s' % (
                    ' '.join(flags), ' '.join(map(os.path.basename, some)), why)) from None
    return case


def nothing(kind: Kind) -> Callable[[], None]:
    """No records, no outputs."""
    def case() -> None:
        need(kind)
        rng = suite.random('nothing ' + kind.word)
        m = ng.Maker()
        for data in (samples.no_records().encode(), m.shb(), m.shb() + m.idb() + m.nrb()):
            packed, _ = check_split(rng, kind, [suite.write('capture', data)], more=0)
            check_equal(sorted(os.listdir(packed)), ['cleave.json', 'manifest.csv'], 'files')
        frames = [frame(rng, 0, 60)] * 3
        data = pf.Capture(pf.Format(), pf.at_times(frames)).encode()
        packed, _ = check_split(rng, kind, [suite.write('capture', data)], '--no-other', more=0)
        check_equal(sorted(os.listdir(packed)), ['cleave.json', 'manifest.csv'], 'files')
    return case


def no_room(kind: Kind) -> Callable[[], None]:
    """Where an output cannot grow, nothing is published, and nothing stays."""
    def case() -> None:
        need(kind)
        rng = suite.random('no-room ' + kind.word)
        frames = [frame(rng, 1, 60) + rng.randbytes(1000) for _ in range(2500)]
        path = suite.write('capture.pcap', pf.Capture(pf.Format(), pf.at_times(frames)).encode())
        for limit in (100000, STRETCH, 3 * STRETCH + 100):
            for knobs in ((), ('--window', '4096')):
                def few() -> None:
                    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
                    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
                done = suite.run_cleave('split', path, '--output', suite.path('out'), '-q',
                                        *kind.flags, *knobs, status=2, preexec_fn=few)
                check(b'cannot be written at byte' in done.stderr, 'it says: %s',
                      done.stderr.decode())
                check_equal(sorted(os.listdir(suite.dir)), ['capture.pcap', 'nothing.pcap'],
                            'what is there')
    return case


def tool_frames() -> None:
    """zstd counts the frames that these tests find."""
    kind = KINDS[0]
    need(kind)
    rng = suite.random('tool-frames')
    path = suite.write('capture.pcap', sized_capture(rng, False)[0].encode())
    split([path], suite.path('out'), '--window', '4096', *kind.flags)
    n_checked = 0
    for name, data in outputs_of(harness.files_of(suite.path('out'))).items():
        told = harness.run([harness.tool('zstd'), '-l', '-v', suite.path('out', name)])
        text = told.stdout.decode()
        frames = re.search('Frames: *([0-9]+)', text)
        size = re.search(r'Decompressed Size:.*\(([0-9]+) B\)', text)
        if not frames or not size:
            raise harness.Skip('what zstd -l -v says has another form: %s' % text)
        found = list(zstd_parts(data))
        check_equal((int(frames.group(1)), int(size.group(1))),
                    (len(found), sum(p.plain for p in found)), name)
        n_checked += len(found) > 1
    check(n_checked > 4, 'few outputs have several frames')


def reads(tool: str, path: str) -> Optional[str]:
    """What the tool says of each frame of a capture, or None where it complains."""
    if tool == 'capinfos':
        args = [harness.tool(tool), '-T', '-r', '-c', '-d', '-u', path]
    else:
        args = [harness.tool(tool), '-n', '-2', '-r', path, '-o', 'frame.generate_md5_hash:TRUE',
                '-T', 'fields', '-e', 'frame.time_epoch', '-e', 'frame.md5_hash']
    done = harness.run(args)
    return done.stdout.decode().replace(path, '') if done.returncode == 0 else None


def packed_by_tool(kind: Kind, data: bytes) -> bytes:
    """In stretches, each by a run of its own."""
    pieces = [data[i:i + STRETCH] for i in range(0, len(data), STRETCH)]
    if kind.word == 'gzip':
        return b''.join(map(gzip.compress, pieces))
    return b''.join(harness.run([harness.tool('zstd'), '-c'], input=p).stdout for p in pieces)


def wireshark(kind: Kind, tool: str) -> Callable[[], None]:
    """Its tools read an output of one stretch, and one of many, as they read the plain one.

    Where one cannot read that many frames of the compressor's own tool, nothing is asked of it:
    Wireshark, 4.0 for one, looks for a frame of zstd where its buffer begins, and nowhere else.
    """
    def case() -> None:
        need(kind)
        harness.tool(tool)
        rng = suite.random('%s %s' % (tool, kind.word))
        for n in (100, 6000):
            frames = [frame(rng, 1, rng.choice([60, 600, 1514])) for _ in range(n)]
            data = pf.Capture(pf.Format(), pf.at_times(frames, samples.NOON)).encode()
            path = suite.write('capture.pcap', data)
            wanted = reads(tool, path)
            check(wanted, '%s does not read the capture', tool)
            theirs = suite.write('theirs.pcap' + kind.ending, packed_by_tool(kind, data))
            if reads(tool, theirs) != wanted:
                raise harness.Skip('this %s does not read what %s made of %d bytes in %d runs' % (
                    tool, kind.word, len(data), -(-len(data) // STRETCH)))
            split([path], suite.path('out'), '--name', 'all.pcap', *kind.flags)
            found = reads(tool, suite.path('out', 'all.pcap' + kind.ending))
            check(found is not None, '%s complains', tool)
            check(found == wanted, '%s reads other frames', tool)
            shutil.rmtree(suite.path('out'))
    return case


def main() -> int:
    cases: Dict[str, Callable[[], None]] = {'tool-frames': tool_frames}
    for kind in KINDS:
        cases['sizes-' + kind.word] = sizes(kind, False)
        cases['huge-records-' + kind.word] = sizes(kind, True)
        for make in (parts, traffic, pcapng, converted, metadata, several, damaged, streamed, names,
                     endings, many_flows, read_again, mixes, nothing, no_room):
            cases['%s-%s' % (make.__name__.replace('_', '-'), kind.word)] = make(kind)
        for tool in ('capinfos', 'tshark'):
            cases['%s-%s' % (tool, kind.word)] = wireshark(kind, tool)
    return suite.run(cases)


if __name__ == '__main__':
    sys.exit(main())
