# SPDX-License-Identifier: BSD-2-Clause
"""Properties of a split of pcapng captures, random ones and ones made to mislead.

Each output is read back by a reader that believes nothing, and held against the input's blocks
(tests/support/pcapngreference.py): every packet block in exactly one output, the same but for its
interface id; sections, interfaces and metadata as its records need them. Then threads, window,
memory and open outputs must not change a byte.
"""
import dataclasses
import gzip
import json
import os
import random
import re
import struct
import subprocess
import sys
from typing import IO, Callable, Dict, List, NamedTuple, Optional, Sequence, Tuple

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'support'))
# pylint: disable=wrong-import-position
import harness
import origins
import pcapfile as pf
import pcapngfile as ng
import pcapngreference as ngref
import pcapngsamples as made
import samples
from harness import check, check_equal
from pcapngsamples import EVERYTHING, Shape

suite = harness.Suite(__doc__.split('\n', maxsplit=1)[0])


# ---- checks ----

def split(paths: Sequence[str], output: str, *flags: str, status: int = 0) -> dict:
    return suite.split(paths[0], output, *paths[1:], *flags, status=status)


def dropped_blocks(src: ngref.Source, metadata: bool) -> Dict[str, int]:
    known = (ng.SHB, ng.IDB, ng.ISB, ng.CUSTOM_PRIVATE) + ng.PACKETS + ng.METADATA
    return {'interface_statistics': len(src.of_types(ng.ISB)),
            'custom': len(src.of_types(ng.CUSTOM_PRIVATE)),
            'unknown': sum(b.type not in known and not (metadata and ng.is_metadata(b.type))
                           for b in src.blocks),
            'metadata': 0 if metadata else len(src.of_types(*ng.METADATA))}


def check_summary(summary: dict, src: ngref.Source, outputs: Sequence[ngref.Output],
                  files: Dict[str, bytes], metadata: bool) -> None:
    others = [p for p in src.packets
              if not origins.endpoints(p.interface.linktype, p.data)]
    check_equal(summary['records_read'], len(src.packets), 'summary: records_read')
    check_equal(summary['flows'], sum(bool(o.ends) for o in outputs), 'summary: flows')
    check_equal(summary['other'], len(others), 'summary: other')
    check_equal(summary['outputs'], len(outputs), 'summary: outputs')
    check_equal(summary['written_bytes'],
                sum(len(d) for n, d in files.items() if n not in ('cleave.json', 'manifest.csv')),
                'summary: written_bytes')
    if len(src.converted) < len({b.section for b in src.blocks}):
        check('dropped_blocks' in summary, 'summary: no dropped_blocks')
        check_equal(summary['dropped_blocks'], dropped_blocks(src, metadata),
                    'summary: dropped_blocks')


def check_split(inputs: Sequence[bytes], *flags: str, by: str = 'flow', directed: bool = False,
                status: int = 0, manifest: bool = True,
                names: Sequence[str] = ()) -> Tuple[List[str], str]:
    """Splits to pcapng and checks all of it. Gives the captures' paths and the output."""
    paths = [suite.write(names[i] if names else 'capture-%d.pcapng' % i, data)
             for i, data in enumerate(inputs)]
    output = suite.path('out')
    subprocess.run(['rm', '-rf', output], check=True)
    src = ngref.source(inputs)
    metadata = '--no-metadata' not in flags
    outputs = ngref.partition(src.packets, by, directed, '--no-other' in flags)
    summary = split(paths, output, '--by', by, *(['--directed'] if directed else []), *flags,
                    status=status)
    files = harness.files_of(output)
    ngref.check_tree(files, outputs, src, metadata)
    check_summary(summary, src, outputs, files, metadata)
    if manifest:
        ngref.check_manifest(files['manifest.csv'], outputs)
    return paths, output


KNOBS: Dict[str, List[str]] = {
    '--threads': ['1', '2', '5'],
    '--window': ['4096', '65536', ''],
    '--memory': ['1MiB', ''],
    '--max-open': ['1', '3', '64', ''],
}


def check_knobs(rng: random.Random, paths: Sequence[str], base: str, *flags: str, more: int = 6,
                status: int = 0) -> None:
    wanted = harness.tree_digest(base)
    output = suite.path('knobs')
    for knobs in harness.knob_settings(KNOBS, rng, more):
        split(paths, output, *flags, *knobs, status=status)
        found = harness.tree_digest(output)
        if found != wanted:
            print('        with ' + ' '.join(knobs))
            harness.check_files(harness.files_of(output), harness.files_of(base))
        check_equal(found, wanted, 'tree with ' + ' '.join(knobs))
        subprocess.run(['rm', '-rf', output], check=True)


def capture(rng: random.Random, shape: Shape) -> bytes:
    return ng.encode(made.random_capture(rng, shape))


def random_shape(name: str, shape: Shape, *flags: str, times: int = 6) -> Callable[[], None]:
    """Several captures of a shape; the spare ones cost little and find the rare mixes."""
    def case() -> None:
        rng = suite.random(name)
        for _ in range(times):
            check_split([capture(rng, shape)], *flags)
    return case


# ---- cases: what a capture may have in it, one by one ----

def reader() -> None:
    """The builder and the reader of these tests agree; no cleave in it."""
    rng = suite.random('reader')
    for big in (False, True):
        m = ng.Maker(big)
        options = m.epb_options(['a', 'b'], 1, [b'\x02abcd'], 2, 3, 4, b'\0x')
        resolution = ng.tsresol(2, 20)
        body = [m.idb(1, 3, m.if_options('x', resolution, -5, 4, ['c'])), m.idb(101),
                m.epb(0, 3 << 20 | 1, b'abc', 9, options), m.opb(1, 1 << 40, b'abcde', drops=8),
                m.spb(b'abc', 7), m.nrb([(bytes(4), 'n')]), m.isb(1), m.dsb(b's'),
                m.custom(1, b'd'), m.custom(1, b'd', False), m.block(77, b'')]
        data = ng.Section(m, body, m.options([(ng.COMMENT, b'h')]), give_length=True).encode()
        found = list(ng.blocks(data * 2))
        check_equal([b.raw for b in found[1:len(body) + 1]], body, 'blocks')
        check_equal([b.raw for b in found[len(body) + 2:]], body, 'blocks of the second section')
        check_equal(b''.join(b.raw for b in found), data * 2, 'bytes')
        epb, opb, spb = ng.of_kind(found, ng.Packet)[:3]
        i = epb.interface
        check_equal((i.linktype, i.snaplen, i.name, i.resolution, i.tsoffset, i.fcslen, i.comments),
                    (1, 3, 'x', resolution, -5, 4, ('c',)), 'interface')
        check_equal((epb.ts_ns, epb.caplen, epb.origlen, epb.data, epb.options),
                    (-2 * 10**9 + 953, 3, 9, b'abc', options), 'enhanced packet')
        check_equal(len(ng.parse_options(epb.order, epb.options)), 8, 'options')
        check_equal((opb.ts_ns, opb.origlen, opb.data, opb.drops, opb.interface.linktype),
                    ((1 << 40) * 1000, 5, b'abcde', 8, 101), 'obsolete packet')
        check_equal((spb.ts, spb.caplen, spb.origlen, spb.data), (None, 3, 7, b'abc'),
                    'simple packet')
        moved = epb.on_interface(1)
        check_equal([x for x, (a, b) in enumerate(zip(epb.raw, moved)) if a != b],
                    [11 if big else 8], 'bytes of the interface id')
    for _ in range(20):
        data = capture(rng, EVERYTHING)
        check_equal(b''.join(b.raw for b in ng.blocks(data)), data, 'bytes of a random capture')
        check_equal(len(ng.of_kind(ng.blocks(data), ng.Packet)), EVERYTHING.packets, 'packets')


def identity() -> None:
    """A capture of one flow is its own split."""
    for big in (False, True):
        m = ng.Maker(big)
        packets = [f for f in samples.udp_talk('10.0.0.1', '10.0.0.2', 7, 8)] * 3
        body = [m.idb(1, 65535, m.if_options('eth0', comments=['here']))]
        body += [m.epb(0, 10**15 + i, p, options=m.epb_options(['packet %d' % i]))
                 for i, p in enumerate(packets)]
        for given in (False, True):
            data = ng.Section(m, body, m.options([(ng.SHB_OS, b'none')]), given).encode()
            _, output = check_split([data])
            if not given:
                files = harness.files_of(output)
                harness.check_files({'it': files['00000001_udp_10.0.0.1_7_10.0.0.2_8.pcapng']},
                                    {'it': data})


def no_packets() -> None:
    """Captures without packets make no outputs; they are not damaged."""
    for big in (False, True):
        m = ng.Maker(big)
        more = [m.nrb([(bytes(4), 'zero')]), m.isb(0), m.custom(1, b'x')]
        for body in ([], [m.idb()], [m.idb()] + more):
            section = ng.Section(m, body)
            check_split([section.encode()])
            check_split([section.encode() * 3])


def minor_version() -> None:
    """Some writers say 1.2; it is read as 1.0, and kept."""
    m = ng.Maker()
    body = [m.idb()] + [m.epb(0, 1, f) for f in samples.udp_talk('10.0.0.1', '10.0.0.2', 7, 8)]
    check_split([ng.Section(m, body, version=(1, 2)).encode()])


ALL_LINKS = made.LINKS
SHAPES: Dict[str, Shape] = {
    'little-endian': Shape(big_endian=False),
    'big-endian': Shape(big_endian=True),
    'options': Shape(options=True),
    'interfaces': Shape(interfaces=6),
    'linktypes': Shape(interfaces=6, links=ALL_LINKS),
    'resolutions': Shape(interfaces=6, resolutions=made.RESOLUTIONS),
    'obsolete-packets': Shape(interfaces=3, obsolete=True, options=True),
    'simple-packets': Shape(sections=3, simple=True, snapped=True),
    'snapped': Shape(interfaces=3, snapped=True),
    'sections': Shape(sections=8, interfaces=3),
    'metadata': Shape(metadata=True),
    'metadata-sections': Shape(sections=6, interfaces=3, metadata=True, packets=150),
    'dropped-blocks': Shape(sections=3, interfaces=2, ignored=True),
    'everything': EVERYTHING,
}


def no_metadata() -> None:
    rng = suite.random('no-metadata')
    for shape in (SHAPES['metadata-sections'], EVERYTHING):
        data = capture(rng, shape)
        check(ngref.of_bytes(data).of_types(*ng.METADATA), 'the capture has nothing to leave out')
        check_split([data], '--no-metadata')


def hello(i: int, random_bytes: bytes) -> bytes:
    body = b'\x03\x03' + random_bytes + bytes(6)
    return samples.tcp_talk('10.1.%d.%d' % (i // 250, i % 250), '192.0.2.1', 10000 + i, 443,
                            b'\x16\x03\x01\0\x2c\x01\0\0\x28' + body)[3]


def secrets() -> None:
    """An output gets the secrets of its handshakes, wherever these are; what is of no handshake, and
    what cannot be told, all get."""
    rng = suite.random('secrets')
    for _ in range(4):
        m = ng.Maker(rng.random() < 0.5)
        keys = [rng.randbytes(32) for _ in range(20)]

        def dsb(*some: bytes) -> bytes:
            # pylint: disable=cell-var-from-loop
            return m.dsb(b''.join(b'CLIENT_RANDOM %s %s\n' % (k.hex().encode(), b'5a' * 48)
                                  for k in some), ng.TLS_KEY_LOG)
        body = [dsb(k) for k in keys[:5]] + [dsb(*keys[5:8])]
        body += [m.epb(0, n, frame) for n, frame in enumerate(
            [hello(i, key) for i, key in enumerate(keys[:18])] * 2 + [syn(i) for i in range(99)])]
        body += [dsb(k) for k in keys[8:]] + [dsb(rng.choice(keys)) for _ in range(6)]
        body += [m.dsb(b'a key', ng.WIREGUARD_KEY_LOG), m.nrb([(pf.address('10.1.0.3'), 'three'),
                                                               (pf.address('192.0.2.1'), 'one'),
                                                               (pf.address('1.1.1.1'), 'none')])]
        rng.shuffle(body)
        data = m.shb() + m.idb() + b''.join(body)
        paths, base = check_split([data])
        check_knobs(rng, paths, base)
        check_split([data], by='hostpair')
        check_split([data, data])
        check(any(0 < f.count(b'CLIENT') < len(keys) for f in harness.files_of(base).values()),
              'no output has fewer secrets than all')


def secrets_beside_quic() -> None:
    """A flow that may be QUIC has all secrets; those of no handshake all others have, too."""
    m = ng.Maker()
    key = bytes(range(32))
    initial = b'\xc0\0\0\0\1\x08' + bytes(range(8)) + b'\0\0\x44\x96' + b'\x55' * 1190
    quic = pf.frame('10.0.0.5', '10.0.0.6', pf.UDP,
                    pf.udp('10.0.0.5', '10.0.0.6', 5000, 443, initial))
    whole = hello(0, key)
    at = whole.index(b'\x16\x03\x01')
    torn = [pf.frame('10.1.0.0', '192.0.2.1', pf.TCP,
                     pf.tcp('10.1.0.0', '192.0.2.1', 10000, 443, payload=part))
            for part in (whole[at:at + 5], whole[at + 5:])]
    line = b'CLIENT_RANDOM %s %s\n' % (key.hex().encode(), b'5a' * 48)
    for packets in (torn + [quic], [quic] + torn):
        data = m.shb() + m.idb() + m.dsb(line, ng.TLS_KEY_LOG) + b''.join(
            m.epb(0, i, packet) for i, packet in enumerate(packets))
        path, output = suite.write('beside', data), suite.path('out')
        split([path], output)
        found = [d.count(line) for name, d in harness.files_of(output).items()
                 if name.endswith('.pcapng')]
        check_equal(found, [1, 1], 'blocks of secrets by output')
        suite.run_cleave('verify', '-q', output, path)
        subprocess.run(['rm', '-rf', output], check=True)


def bounded() -> None:
    """Outputs together have little more of metadata than the input, however much of it there is."""
    m = ng.Maker()
    frames = [hello(i, bytes(32)) for i in range(2000)]
    names = [(pf.address('192.0.2.1'), 'server%d' % i) for i in range(3000)]
    line = b'CLIENT_RANDOM %s %s\n' % (b'00' * 32, b'5a' * 48)
    for many in (m.custom(32473, bytes(1 << 20)), m.custom(32473, b'') * 60000, m.nrb(names) * 9,
                 m.block(0x80000001, bytes(12)) * 50000, m.dsb(line, ng.TLS_KEY_LOG) * 5000,
                 m.dsb(line * 6000, ng.TLS_KEY_LOG)):
        data = m.shb() + m.idb() + many + b''.join(m.epb(0, i, f) for i, f in enumerate(frames))
        path, output = suite.write('many', data), suite.path('out')
        dry = split([path], output, '--dry-run')
        summary = split([path], output)
        check_equal(summary['records_written'], len(frames), 'records')
        size = sum(len(d) for d in harness.files_of(output).values())
        check(size < (64 << 20) + 4 * len(data), '%d bytes of %d', size, len(data))
        check(summary['metadata_bytes'] <= size, 'bytes of metadata')
        check(summary['metadata_beyond'] > 0, 'nothing was too much')
        check(dry['metadata_bytes'] > 0, 'no word of it before')
        subprocess.run(['rm', '-rf', output], check=True)
        whole = split([path], output, '--by', 'none')
        check_equal((whole['metadata_bytes'], whole['metadata_beyond'], whole['metadata_unused']),
                    (len(many), 0, 0), 'metadata of a single output')
        subprocess.run(['rm', '-rf', output], check=True)


def no_other() -> None:
    rng = suite.random('no-other')
    data = capture(rng, EVERYTHING)
    other = [o for o in ngref.partition(ngref.of_bytes(data).packets) if not o.ends]
    check(other, 'the capture has nothing to drop')
    paths, _ = check_split([data], '--no-other')
    summary = split(paths, suite.path('again'), '--no-other')
    check_equal(summary['dropped']['other'], len(other[0].packets), 'dropped')


def keys() -> None:
    rng = suite.random('keys')
    data = capture(rng, EVERYTHING)
    for by in ('flow', '3tuple', 'hostpair'):
        for directed in (False, True):
            check_split([data], by=by, directed=directed)


def same_format() -> None:
    """--format that asks for what would come anyway changes nothing."""
    rng = suite.random('same-format')
    for name, data, form in (('a.pcapng', capture(rng, EVERYTHING), 'pcapng'),
                             ('b.pcap', samples.mixed().encode(), 'pcap')):
        path = suite.write(name, data)
        split([path], suite.path(form))
        split([path], suite.path(form + '-asked'), '--format', form)
        check_equal(harness.tree_digest(suite.path(form + '-asked')),
                    harness.tree_digest(suite.path(form)), 'tree with --format ' + form)


# ---- cases: nothing depends on how the work is cut ----

def knobs() -> None:
    rng = suite.random('knobs')
    for shape in (Shape(sections=4, packets=2500, interfaces=6, links=ALL_LINKS, options=True,
                        obsolete=True, simple=True, ignored=True, talks=250),
                  Shape(sections=12, packets=1500, interfaces=4, metadata=True, ignored=True,
                        resolutions=made.RESOLUTIONS, talks=60, payload_max=900)):
        paths, base = check_split([capture(rng, shape)])
        check_knobs(rng, paths, base)


def knobs_of_several() -> None:
    rng = suite.random('knobs-of-several')
    shape = Shape(sections=3, packets=700, interfaces=4, options=True, obsolete=True, metadata=True)
    inputs = [capture(rng, shape), samples.mixed().encode(), capture(rng, shape)]
    paths, base = check_split(inputs, names=['a.pcapng', 'b.pcap', 'c.pcapng'])
    check_knobs(rng, paths, base)


def streamed() -> None:
    """What comes through a pipe or compressed is split like the file."""
    rng = suite.random('streamed')
    shape = dataclasses.replace(EVERYTHING, packets=3000, payload_max=900)
    data = capture(rng, shape)
    found = list(ng.blocks(data))
    packets = ng.of_kind(found, ng.Packet)
    bad = rng.choice(packets[len(packets) // 2:]).offset
    for status, content in ((0, data), (1, data[:bad] + bytes(40) + data[bad + 40:])):
        path = suite.write('capture.pcapng', content)
        packed = suite.write('capture.pcapng.gz', gzip.compress(content))
        base = suite.path('base')
        split([path], base, status=status)
        wanted = harness.files_of(base)
        check(len(wanted) > 20, 'few outputs')
        for knobs in [()] + harness.knob_settings(KNOBS, rng, 2):
            for source in (packed, '-'):
                output = suite.path('streamed')
                with open(path, 'rb') as stream:
                    suite.run_cleave('split', source, '--output', output, '-q', *knobs,
                                     status=status, stdin=stream)
                files = harness.files_of(output)
                for tree in files, wanted:
                    tree.pop('cleave.json', None)  # names the input
                harness.check_files(files, wanted)
                subprocess.run(['rm', '-rf', output], check=True)
        subprocess.run(['rm', '-rf', base], check=True)


BLOCK_MAX = 16 << 20
LONG = [270000, 300000, 600000, 1 << 20, 3 << 20, 9 << 20, BLOCK_MAX]


def long_block(rng: random.Random, m: ng.Maker, i: int, length: int) -> bytes:
    """Of one kind or another, and of so many bytes, or a few less."""
    fill = rng.randbytes(1 << 16) * (length >> 16) + bytes(length & 0xfffc)
    talk = syn(i)
    if rng.random() < 0.3:
        return m.custom(1, fill[:length - 16], False)
    return m.epb(0, 10**15 + i, talk + fill[:length - 32 - len(talk) & ~3])


def with_long_blocks(rng: random.Random, m: ng.Maker, lengths: Sequence[int]) -> bytes:
    """Blocks of the lengths, most of them after up to two megabytes of ordinary records."""
    out, i = [m.idb(1)], 0
    for length in lengths:
        ordinary = rng.choice([0, rng.randrange(2 << 20)])
        while ordinary > 0:
            out.append(m.epb(0, 10**15 + i, syn(i % 40) + rng.randbytes(i % 7) * 200))
            ordinary -= len(out[-1])
            i += 1
        if rng.random() < 0.6:
            out.append(m.idb(1))
        out.append(long_block(rng, m, i, length))
    out += [m.epb(0, 10**15 + i, syn(i % 40)) for _ in range(rng.choice([0, 1, 100]))]
    return ng.Section(m, out).encode()


def zstd_of(data: bytes) -> Optional[bytes]:
    try:
        return harness.run([harness.tool('zstd'), '-q', '-1', '-c'], input=data).stdout
    except harness.Skip:
        return None


def split_stream(way: str, path: str, output: str, *flags: str, status: int) -> dict:
    def run(stdin: Optional[IO[bytes]]) -> dict:
        done = suite.run_cleave('split', '-' if way == 'pipe' else path + '.' + way, '--output',
                                output, '--json', *flags, status=status, stdin=stdin)
        return json.loads(done.stdout)
    return harness.by_pipe(path, run) if way == 'pipe' else run(None)


def told_of(summary: dict) -> dict:
    """What is the same wherever the bytes come from."""
    told = {name: summary[name] for name in ('records_read', 'damages', 'skipped_bytes',
                                             'dropped_blocks', 'written_bytes')}
    told['damage'] = summary['damage'] and (summary['damage']['byte'], summary['damage']['record'],
                                            summary['damage']['what'])
    return told


def check_streams(rng: random.Random, data: bytes, *flags: str, status: int = 0) -> None:
    """In little memory, with windows of a megabyte, the capture comes out as from the file."""
    path = suite.write('stream', data)
    suite.write('stream.gz', gzip.compress(data, 1))
    packed = zstd_of(data)
    if packed:
        suite.write('stream.zst', packed)
    base = suite.path('base')
    told = told_of(split([path], base, *flags, status=status))
    wanted = harness.files_of(base)
    wanted.pop('cleave.json', None)  # names the input
    subprocess.run(['rm', '-rf', base], check=True)
    for way in ['pipe', 'gz'] + ['zst'] * bool(packed):
        for threads in rng.sample(['1', '2', '5'], 2):
            output = suite.path('streamed')
            summary = split_stream(way, path, output, '-t', threads, '--memory', '1MiB', *flags,
                                   status=status)
            check_equal(told_of(summary), told, 'summary')
            files = harness.files_of(output)
            files.pop('cleave.json', None)
            harness.check_files(files, wanted)
            subprocess.run(['rm', '-rf', output], check=True)


def long_records() -> None:
    """Blocks of up to the longest, of which a stream's windows hold few bytes at first."""
    rng = suite.random('long-records')
    for k in range(2):
        lengths = [rng.choice(LONG) for _ in range(6)] + [BLOCK_MAX]
        rng.shuffle(lengths)
        m = ng.Maker(k == 1)
        data = with_long_blocks(rng, m, lengths[:3]) + \
            with_long_blocks(rng, ng.Maker(k == 0), lengths[3:])
        check_split([data])
        check_streams(rng, data)
        check_streams(rng, data, *rng.choice([['--verify'], ['--snaplen', '70']]))


def long_records_damaged() -> None:
    """The same with a fault in a long block, or behind one; with rubbish before one that windows
    end in; or cut in one."""
    rng = suite.random('long-records-damaged')
    lengths = [rng.choice(LONG[4:]) for _ in range(4)] + [rng.choice(LONG[:3]) for _ in range(6)]
    data = with_long_blocks(rng, ng.Maker(rng.random() < 0.5), lengths)
    found = list(ng.blocks(data))
    at = rng.choice([i for i, b in enumerate(found) if len(b.raw) > 1 << 20 and i + 1 < len(found)])
    faults = [data[:found[k].offset] + bytes(40) + data[found[k].offset + 40:] for k in (at, at + 1)]
    begin = found[at].offset
    faults.append(data[:begin] + b'\xff' * (2500000 + rng.randrange(1 << 20)) + data[begin:])
    faults.append(data[:begin + len(found[at].raw) // 2])
    for bad in faults:
        check_streams(rng, bad, status=1)
        check_streams(rng, bad, '--recover', status=1)


# ---- cases: captures that mislead a scanner which guesses where blocks begin ----

def syn(i: int) -> bytes:
    src = '10.9.%d.%d' % (i >> 8 & 255, i & 255)
    return pf.frame(src, '192.0.2.1', pf.TCP, pf.tcp(src, '192.0.2.1', 1024 + i % 7, 80, pf.SYN))


def false_section(rng: random.Random, m: ng.Maker, first: int) -> bytes:
    """What looks like a piece of a capture, with or without its beginning."""
    body = [m.idb(rng.choice([1, 101]))] if rng.random() < 0.5 else []
    for i in range(first, first + rng.randint(1, 300)):
        body.append(m.epb(0, 10**15 + i, syn(i)) if rng.random() < 0.9 else
                    rng.choice([m.isb(0), m.nrb(), m.spb(syn(i)), m.opb(0, 10**15, syn(i))]))
    return (m.shb() if rng.random() < 0.3 else b'') + b''.join(body)


def false_chains() -> None:
    """Packets, names, secrets and custom blocks that are captures themselves."""
    rng = suite.random('false-chains')
    m = ng.Maker(rng.random() < 0.5)
    out, size, i = [m.idb(1), m.idb(1)], 0, 0
    ignored = [lambda data: m.custom(7, data, False), lambda data: m.block(0x7fff0001, data)]
    copied = [m.dsb, lambda data: m.custom(7, data)]  # into every output: a few, and no more
    while size < 7 << 20:
        inner = false_section(rng, rng.choice([m, m, m, ng.Maker(not m.big_endian)]), i)
        inner = inner[rng.choice([0, 0, 4, 28, rng.randrange(64)]):][:60000]
        src = '10.1.0.%d' % (i % 40)
        frame = pf.frame(src, '10.2.0.1', pf.UDP, pf.udp(src, '10.2.0.1', 9, 9, inner))
        cut = rng.choice([frame, frame, b'\0\0' + frame])  # at times the blocks inside are aligned
        out.append(m.epb(i % 2, 10**15 + i, cut))
        if rng.random() < 0.02:
            out.append(rng.choice(ignored)(inner))
        if copied and i % 50 == 49:
            out.append(copied.pop()(inner[:30000]))
        if rng.random() < 0.3:
            out.append(m.epb(1, 10**15 + i, syn(i)))
        size += len(out[-1]) + len(cut)
        i += 1
    paths, base = check_split([ng.Section(m, out).encode()])
    check_knobs(rng, paths, base, more=3)


def huge(rng: random.Random, metadata_len: int) -> bytes:
    """Blocks longer than a window, of every kind, between ones of a few bytes. Outputs are so few
    that no one may have too much metadata for its number."""
    sections = []
    for big in (False, True, False):
        m = ng.Maker(big)
        out = [m.idb(1, 0, m.if_options('x', comments=['y' * 60000]))]
        for i in range(25):
            head = pf.ethernet(pf.ipv4('10.3.0.%d' % (i % 4), '10.4.0.1', 253, bytes(20)))
            size = rng.choice([262144, 200000, 65000, 5000])
            out.append(m.epb(0, 10**15 + i, (head + rng.randbytes(size))[:size],
                             options=m.epb_options(['z' * rng.choice([0, 65000])])))
            out += [m.epb(0, 10**15 + i, syn(k % 2)) for k in range(rng.choice([0, 1, 3, 100]))]
            if i % 4 == 3:
                data = rng.randbytes(rng.choice([70000, 300000]))
                out.append(rng.choice([m.custom(1, data, False), m.block(0x7fff0001, data)]))
                data = rng.randbytes(rng.randrange(metadata_len))
                out.append(rng.choice([m.dsb(data), m.custom(1, data)]))
        sections.append(ng.Section(m, out, give_length=big))
    return ng.encode(sections)


def huge_blocks() -> None:
    rng = suite.random('huge-blocks')
    paths, base = check_split([huge(rng, 5000)])
    check_knobs(rng, paths, base, more=3)


def huge_metadata() -> None:
    """Little memory is no reason to leave out what the outputs are to have."""
    rng = suite.random('huge-metadata')
    paths, base = check_split([huge(rng, 400000)])
    check_knobs(rng, paths, base, more=3)


def many_sections() -> None:
    """Sections of a few packets each, in turns of byte order."""
    rng = suite.random('many-sections')
    talks = [made.random_talk(rng) for _ in range(12)]
    sections = []
    for i in range(700):
        m = ng.Maker(rng.random() < 0.5)
        n = rng.randint(1, 3)
        out = [m.idb(1, 0, m.if_options('if%d-%d' % (i, k))) for k in range(n)]
        for _ in range(rng.randrange(5)):
            packet = made.on_link(rng, 1, made.ip_packet(rng, rng.choice(talks), b'x'))
            out.append(m.epb(rng.randrange(n), 10**15 + i, packet))
        if rng.random() < 0.1:
            out.append(made.metadata_block(rng, m))
        sections.append(ng.Section(m, out, give_length=rng.random() < 0.5))
    paths, base = check_split([ng.encode(sections)])
    check_knobs(rng, paths, base, more=3)


def many_interfaces() -> None:
    """Interface ids of more than one byte, most of which an output has no use for."""
    rng = suite.random('many-interfaces')
    for big in (False, True):
        m = ng.Maker(big)
        n = 1500
        out = [m.idb(1, 0, m.if_options('if%d' % k)) for k in range(n)]
        for i in range(1200):
            k = rng.choice([rng.randrange(n), n - 1, 255, 256, 257])
            out.append(rng.choice([m.epb, m.opb])(k, 10**15 + i, syn(i % 20)))
        paths, base = check_split([ng.Section(m, out).encode()])
    check_knobs(rng, paths, base, more=2)


def obsolete_ids() -> None:
    """The obsolete block has 16 bits for an interface: later numbers must not be cut to fit."""
    m = ng.Maker()
    n = 65600
    out = [m.idb(1, 0, m.if_options('first'))] + [m.idb(1)] * n
    out += [m.epb(k, k, syn(1)) for k in range(1, n + 1)] + [m.opb(0, n + 1, syn(1))]
    path = suite.write('capture.pcapng', ng.Section(m, out).encode())
    output = suite.path('out')
    split([path], output, '--manifest', 'none')
    packets: List[ng.Packet] = []
    for name, data in harness.files_of(output).items():
        if name.endswith('.pcapng'):
            packets += ng.of_kind(ng.blocks(data), ng.Packet)
    check_equal(len(packets), n + 1, 'packets')
    check_equal(packets[-1].interface.name, 'first', 'interface of the last')


def wild_times() -> None:
    """Any 64 bits are a time, of any resolution that 64 bits can count, at any offset."""
    rng = suite.random('wild-times')
    for big in (False, True):
        m = ng.Maker(big)
        out = []
        for k in range(60):
            resolution = rng.choice([ng.tsresol(10, rng.randrange(20)),
                                     ng.tsresol(2, rng.randrange(64))])
            offset = rng.choice([None, rng.getrandbits(63), -rng.getrandbits(63), -2**63,
                                 2**63 - 1])
            out.append(m.idb(1, 0, m.if_options('if%d' % k, resolution, offset)))
        for i in range(1500):
            ticks = rng.choice([0, 2**64 - 1, rng.getrandbits(64), rng.getrandbits(50)])
            out.append(rng.choice([m.epb, m.opb])(rng.randrange(60), ticks, syn(i % 50)))
        paths, base = check_split([ng.Section(m, out).encode()], manifest=False)
    check_knobs(rng, paths, base, more=2)


# ---- cases: several inputs ----

def several_inputs() -> None:
    rng = suite.random('several-inputs')
    shape = Shape(sections=2, packets=150, interfaces=3, links=ALL_LINKS, options=True,
                  obsolete=True, simple=True, metadata=True, ignored=True)
    talks = [made.random_talk(rng) for _ in range(40)]  # flows go through all inputs
    inputs = [ng.encode(made.random_capture(rng, shape, talks)) for _ in range(4)]
    check_split(inputs)
    check_split([inputs[0], inputs[0]])
    m = ng.Maker()
    check_split([m.shb(), inputs[1], m.shb() + m.idb() + m.nrb()])


def mixed_inputs() -> None:
    """Classic savefiles among pcapng captures become pcapng."""
    rng = suite.random('mixed-inputs')
    shape = Shape(sections=2, packets=150, interfaces=3, metadata=True, ignored=True, options=True)
    for kind in ('us', 'ns', 'modified'):
        classic = samples.mixed().as_format(kind=kind, big_endian=rng.random() < 0.5).encode()
        check_split([classic, capture(rng, shape)], names=['a.pcap', 'b.pcapng'])
        check_split([capture(rng, shape), classic, samples.cooked().encode()],
                    names=['a.pcapng', 'b.pcap', 'c.pcap'])


# ---- cases: conversion ----

def check_to_pcap(inputs: Sequence[bytes], fine: Optional[bool], with_times: bool = True,
                  names: Sequence[str] = ()) -> Tuple[List[str], str]:
    paths = [suite.write(names[i] if names else 'capture-%d.pcapng' % i, data)
             for i, data in enumerate(inputs)]
    output = suite.path('pcap')
    subprocess.run(['rm', '-rf', output], check=True)
    src = ngref.source(inputs)
    outputs = ngref.partition(src.packets)
    summary = split(paths, output, '--format', 'pcap')
    check_equal(summary['records_read'], len(src.packets), 'summary: records_read')
    ngref.check_pcap_tree(harness.files_of(output), outputs, fine, with_times)
    return paths, output


COARSE = (None, ng.tsresol(10, 6), ng.tsresol(10, 3), ng.tsresol(10, 0), ng.tsresol(2, 0),
          ng.tsresol(2, 6))
FINE = (ng.tsresol(10, 9), ng.tsresol(10, 12), ng.tsresol(10, 7), ng.tsresol(2, 20),
        ng.tsresol(2, 32))


def to_pcap(name: str, resolutions: Sequence[Optional[int]], fine: bool,
            **more) -> Callable[[], None]:
    """fine: nanoseconds are what has to come out."""
    def case() -> None:
        rng = suite.random(name)
        shape = Shape(sections=3, packets=300, interfaces=4, resolutions=resolutions, options=True,
                      obsolete=True, metadata=True, ignored=True, **more)
        n = 0
        while n < 5:
            data = capture(rng, shape)
            # What comes is settled before the first packet.
            if ngref.fine_before_packets(ngref.of_bytes(data).blocks) == fine:
                paths, base = check_to_pcap([data], fine)
                n += 1
        check_knobs(rng, paths, base, '--format', 'pcap', more=2)
    return case


OTHER_LINKS = (pf.LINK_ETHERNET, pf.LINK_SLL, pf.LINK_USER0, pf.LINK_PPP, pf.LINK_NULL)


def capture_with_others(m: ng.Maker, links: Sequence[int]) -> bytes:
    """A flow on Ethernet, then packets without an address on interfaces of these numbers."""
    body = [m.idb(link) for link in OTHER_LINKS]
    body += [m.epb(0, 1, f) for f in samples.udp_talk('10.0.0.1', '10.0.0.2', 7, 8)]
    body += [m.epb(number, i, bytes(i)) for i, number in enumerate(links, 1)]
    return ng.Section(m, body).encode()


def to_pcap_other_name() -> None:
    """What has no address is in other.pcap, whatever link types flows have."""
    for links in ([0], [2, 2], [4, 1]):
        _, output = check_to_pcap([capture_with_others(ng.Maker(), links)], False)
        check('other.pcap' in os.listdir(output), 'others of interfaces %s are in %s', links,
              sorted(os.listdir(output)))


def to_pcap_other_order() -> None:
    """Without an address on several link types: files in the same order, whatever the knobs."""
    data = capture_with_others(ng.Maker(), [4, 2, 3, 1, 0, 2, 4, 4])
    paths, base = check_to_pcap([data], False)
    check_knobs(suite.random('to-pcap-other-order'), paths, base, '--format', 'pcap')


def to_pcap_binary() -> None:
    """Coarser than microseconds, and yet no whole number of them: times are kept all the same."""
    rng = suite.random('to-pcap-binary')
    shape = Shape(packets=100, interfaces=2,
                  resolutions=[ng.tsresol(2, n) for n in range(7, 20)])
    for _ in range(4):
        check_to_pcap([capture(rng, shape)], None)


def to_pcap_simple() -> None:
    """Simple packets have no time to keep."""
    rng = suite.random('to-pcap-simple')
    for _ in range(4):
        check_to_pcap([capture(rng, SHAPES['simple-packets'])], None, with_times=False)


def to_pcap_snaplen() -> None:
    """A savefile's snaplen must not cut what an interface's snaplen did not."""
    for snaplen in (0, 1, 60):
        m = ng.Maker()
        out = [m.idb(1, snaplen), m.idb(1, 40)]
        out += [m.epb(i % 2, 10**15 + i, syn(i % 3) + bytes(i)) for i in range(200)]
        check_to_pcap([ng.Section(m, out).encode()], False)


def to_pcap_mixed_inputs() -> None:
    rng = suite.random('to-pcap-mixed-inputs')
    shape = Shape(sections=2, packets=150, interfaces=3, options=True, metadata=True)
    inputs = [samples.mixed().encode(), capture(rng, shape), samples.cooked().encode()]
    check_to_pcap(inputs, False, names=['a.pcap', 'b.pcapng', 'c.pcap'])
    check_to_pcap(inputs[1:], False, names=['b.pcapng', 'c.pcap'])


def to_pcapng() -> None:
    """Classic savefiles of every kind, converted."""
    rng = suite.random('to-pcapng')
    whole = [samples.SAMPLES[name]() for name in ('mixed', 'snapped', 'raw', 'cooked',
                                                  'unknown-link', 'no-records')]
    for classic in whole:
        for kind in ('us', 'ns', 'modified'):
            for big in (False, True):
                data = classic.as_format(kind=kind, big_endian=big).encode()
                paths, base = check_split([data], '--format', 'pcapng', names=['a.pcap'])
                if kind == 'ns' and classic is whole[0]:
                    check_knobs(rng, paths, base, '--format', 'pcapng', more=2)


# ---- cases: damage ----

class Bent(NamedTuple):
    data: bytes
    at: int  # byte of the block that is to be reported


def with_field(raw: bytes, at: int, order: str, value: int) -> bytes:
    return raw[:at] + struct.pack(order + 'I', value & 0xffffffff) + raw[at + 4:]


def bend(data: bytes, found: List[ng.Block], k: int, raw: bytes) -> Bent:
    """Block k replaced."""
    at = found[k].offset
    return Bent(data[:at] + raw + data[at + len(found[k].raw):], at)


def bent_cut(rng: random.Random, data: bytes, found: List[ng.Block], k: int) -> Bent:
    at, length = found[k].offset, len(found[k].raw)
    kept = rng.choice([1, 4, 8, 11, 12, length - 4, length - 1, rng.randrange(1, length)])
    return Bent(data[:at + min(kept, length - 1)], at)


def bent_trailing(rng: random.Random, data: bytes, found: List[ng.Block], k: int) -> Bent:
    b = found[k]
    wrong = rng.choice([0, len(b.raw) - 4, len(b.raw) + 4, len(b.raw) + 1, 0xffffffff])
    return bend(data, found, k, with_field(b.raw, len(b.raw) - 4, b.order, wrong))


def bent_leading(rng: random.Random, data: bytes, found: List[ng.Block], k: int) -> Bent:
    """A whole number of words, which ends somewhere else, at times with another block."""
    b = found[k]
    more = len(found[k + 1].raw) if k + 1 < len(found) and rng.random() < 0.5 else 4
    return bend(data, found, k, with_field(b.raw, 4, b.order, len(b.raw) + more))


def bent_unaligned(rng: random.Random, data: bytes, found: List[ng.Block], k: int) -> Bent:
    b = found[k]
    length = len(b.raw) + rng.choice([-3, -2, -1, 1, 2, 3])
    raw = with_field(b.raw, 4, b.order, length)
    if rng.random() < 0.5:
        raw = with_field(raw, len(raw) - 4, b.order, length)
    return bend(data, found, k, raw)


def bent_small(rng: random.Random, data: bytes, found: List[ng.Block], k: int) -> Bent:
    """Below what any block has, or whole but below what its kind has."""
    b = found[k]
    if b.type not in (ng.SHB, ng.IDB) + ng.PACKETS or rng.random() < 0.4:
        return bend(data, found, k, with_field(b.raw, 4, b.order, rng.choice([0, 4, 8])))
    least = ng.LEAST[b.type]
    return bend(data, found, k, b.maker.block(b.type, b.raw[8:8 + least - 16]))


def bent_beyond(rng: random.Random, data: bytes, found: List[ng.Block], k: int) -> Bent:
    b = found[k]
    left = len(data) - b.offset
    return bend(data, found, k, with_field(b.raw, 4, b.order, rng.choice(
        [left + 4 - left % 4, 0x7ffffffc, 0x80000000, 0xfffffffc])))


def bent_interface(rng: random.Random, data: bytes, found: List[ng.Block], k: int) -> Bent:
    """Of the next number that is free, of the greatest, of the section before."""
    b = found[k]
    assert isinstance(b, ng.Packet)
    n = sum(i.section == b.section and i.offset < b.offset
            for i in ng.of_kind(found, ng.Interface))
    if b.type == ng.SPB or rng.random() < 0.2:
        header = next(h for h in ng.of_kind(found, ng.SectionHeader) if h.section == b.section)
        begin = header.offset + 16
        data = data[:begin] + b'\xff' * 8 + data[begin + 8:]  # its length would not be right now
        return bend(data, found, k, b.maker.shb() + b.raw)._replace(
            at=b.offset + len(b.maker.shb()))
    most = 0xffff if b.type == ng.OPB else 0xffffffff
    return bend(data, found, k, b.on_interface(rng.choice([n, n, n + 1, most])))


def bent_caplen(rng: random.Random, data: bytes, found: List[ng.Block], k: int) -> Bent:
    b = found[k]
    assert isinstance(b, ng.Packet)
    room = len(b.raw) - 32
    wrong = rng.choice([room + 1, room + 4, 0x7fffffff, 0xfffffffc, 0xfffffffd, 0xffffffff])
    return bend(data, found, k, with_field(b.raw, 20, b.order, wrong))


def bent_byte_order(_: random.Random, data: bytes, found: List[ng.Block], k: int) -> Bent:
    b = found[k]
    return bend(data, found, k, with_field(b.raw, 8, b.order, 0x1a2b3c4c))


def bent_garbage(rng: random.Random, data: bytes, _: List[ng.Block], __: int) -> Bent:
    """Bytes behind the last block."""
    n = rng.choice([1, 3, 8, 11, 12, 40, 5000])
    return Bent(data + rng.choice([bytes(n), b'\xff' * n, rng.randbytes(n)]), len(data))


def any_block(b: ng.Block) -> bool:
    return b.offset > 0


def any_packet(b: ng.Block) -> bool:
    return isinstance(b, ng.Packet)


BENT: Dict[str, Tuple[Callable[..., Bent], Callable[[ng.Block], bool]]] = {
    'cut': (bent_cut, any_block),
    'trailing-length': (bent_trailing, any_block),
    'leading-length': (bent_leading, any_block),
    'unaligned-length': (bent_unaligned, any_block),
    'small-length': (bent_small, any_block),
    'length-beyond-the-end': (bent_beyond, any_block),
    'undeclared-interface': (bent_interface, any_packet),
    'caplen-beyond-the-block': (bent_caplen, lambda b: b.type in (ng.EPB, ng.OPB)),
    'garbage-behind': (bent_garbage, any_block),
    'no-byte-order': (bent_byte_order, lambda b: any_block(b) and b.type == ng.SHB),
}


def check_damaged(bent: Bent, *flags: str) -> Tuple[List[str], str]:
    found, fault = ng.parse(bent.data)
    check(fault is not None and fault.offset == bent.at and found[-1].offset < bent.at,
          'the capture is to be damaged at byte %d: %s', bent.at, fault)
    paths, output = check_split([bent.data], *flags, status=1)
    done = suite.run_cleave('split', paths[0], '--output', suite.path('told'), '-q', *flags,
                            status=1)
    told = done.stderr.decode()
    check(re.search(r'\bbyte %d\b' % bent.at, told), 'no word of byte %d: %s', bent.at, told)
    subprocess.run(['rm', '-rf', suite.path('told')], check=True)
    summary = split(paths, suite.path('told'), *flags, status=1)
    check_equal(summary['damage'] and summary['damage']['byte'], bent.at, 'damage: byte')
    subprocess.run(['rm', '-rf', suite.path('told')], check=True)
    return paths, output


def damaged(kind: str) -> Callable[[], None]:
    """Whatever the knobs, all before the fault is split, and nothing behind it."""
    def case() -> None:
        rng = suite.random('damaged ' + kind)
        make, fits = BENT[kind]
        shape = Shape(sections=4, packets=120, interfaces=3, links=ALL_LINKS, options=True,
                      obsolete=True, simple=True, metadata=True, ignored=True)
        for _ in range(12):
            data = capture(rng, shape)
            found = list(ng.blocks(data))
            choices = [i for i, b in enumerate(found) if fits(b)]
            kinds = sorted({found[i].type for i in choices})  # packets are not to outnumber all
            chosen = rng.choice(kinds)
            k = rng.choice([i for i in choices if found[i].type == chosen])
            bent = make(rng, data, found, k)
            paths, base = check_damaged(bent)
        check_knobs(rng, paths, base, more=4, status=1)
    return case


def damaged_simple_length() -> None:
    """The length of a simple packet is the interface's snaplen or its own, and too much."""
    frame = samples.udp_talk('10.0.0.1', '10.0.0.2', 7, 8)[0]
    for big in (False, True):
        m = ng.Maker(big)
        for snaplen, origlen in ((0, len(frame) + 5), (0, 0xffffffff), (1000, 1000),
                                 (0xffffffff, 0xfffffffd)):
            good = m.shb() + m.idb(1, snaplen) + m.spb(frame) * 3
            check_damaged(Bent(good + m.spb(frame, origlen) + m.spb(frame), len(good)))


def damaged_large() -> None:
    """The fault lies windows behind the beginning, with much behind it that looks sound."""
    rng = suite.random('damaged-large')
    m = ng.Maker(rng.random() < 0.5)
    blocks = [m.epb(i % 2, 10**15 + i, syn(i % 300) + rng.randbytes(i % 1400)) for i in range(5000)]
    head = m.shb() + m.idb(1) + m.idb(101)
    for k in (0, 1, 2500, 4999):
        before = head + b''.join(blocks[:k])
        bad = with_field(blocks[k], len(blocks[k]) - 4, m.order, 8)
        paths, base = check_damaged(Bent(before + bad + b''.join(blocks[k + 1:]), len(before)))
        check_knobs(rng, paths, base, more=1, status=1)


def main() -> int:
    cases: Dict[str, Callable[[], None]] = {'reader': reader, 'identity': identity}
    for name, shape in SHAPES.items():
        cases[name] = random_shape(name, shape)
    for case in (no_packets, minor_version, no_metadata, secrets, secrets_beside_quic, bounded,
                 no_other, keys, same_format, knobs,
                 knobs_of_several, false_chains, huge_blocks, huge_metadata, many_sections,
                 many_interfaces, obsolete_ids, wild_times, streamed, long_records,
                 long_records_damaged, several_inputs,
                 mixed_inputs):
        cases[case.__name__.replace('_', '-')] = case
    cases['to-pcap-microseconds'] = to_pcap('to-pcap-microseconds', COARSE, False)
    cases['to-pcap-nanoseconds'] = to_pcap('to-pcap-nanoseconds', FINE, True)
    cases['to-pcap-resolutions'] = to_pcap('to-pcap-resolutions', COARSE + FINE, True)
    cases['to-pcap-linktypes'] = to_pcap('to-pcap-linktypes', COARSE, False, links=ALL_LINKS)
    for case in (to_pcap_other_name, to_pcap_other_order, to_pcap_binary, to_pcap_simple,
                 to_pcap_snaplen, to_pcap_mixed_inputs, to_pcapng):
        cases[case.__name__.replace('_', '-')] = case
    for kind in BENT:
        cases['damaged-' + kind] = damaged(kind)
    for case in (damaged_simple_length, damaged_large):
        cases[case.__name__.replace('_', '-')] = case
    return suite.run(cases)


if __name__ == '__main__':
    sys.exit(main())
