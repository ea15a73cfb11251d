# SPDX-License-Identifier: BSD-2-Clause
"""What the suites of merging splits share: captures to merge, and whether what comes is right.

A merging split has to be the split of the capture that the model (mergereference.py) makes, byte
for byte, and what the reference splitters predict for that one.
"""
import bz2
import collections
import contextlib
import gzip
import json
import lzma
import os
import random
import subprocess
import threading
from typing import (Callable, Dict, Iterable, Iterator, List, Mapping, NamedTuple,
                    Optional, Sequence)

import harness
import mergereference as mref
import pcapfile as pf
import pcapngfile as ng
import pcapngreference as ngref
import pcapngsamples as made
import reference
import samples
from harness import Failed, check_equal
from mergereference import is_pcapng, merged
from pcapngsamples import Shape

NOON_NS = made.NOON * 10**9
RUBBISH = b'\xff'  # no record and no block begins with it
FULL = Shape(sections=3, packets=200, interfaces=4, links=made.LINKS,
             resolutions=made.RESOLUTIONS, options=True, obsolete=True, metadata=True, ignored=True,
             snapped=True)

# An input is looked at in windows, as of this writing: one that is mapped, one that is read.
MAPPED_WINDOW, PCAP_WINDOW, PCAPNG_WINDOW = 64 << 20, 1 << 20, 16 << 20


# ---- captures ----

def talks_of(rng: random.Random, n: int = 20) -> List[made.Talk]:
    return [made.random_talk(rng) for _ in range(n)]


def random_savefile(rng: random.Random, fmt: pf.Format, talks: Sequence[made.Talk], n: int,
                    steps: Sequence[int] = (0, 1, 1000, -1000, 10**6, -10**6, 10**9)) -> pf.Capture:
    """steps: nanoseconds from a record to the next."""
    packets: List[pf.Packet] = []
    now = NOON_NS + rng.choice([0, 0, 10**9, -10**9])
    while len(packets) < n:
        if fmt.linktype == pf.LINK_ETHERNET and rng.random() < 0.05:
            data = rng.choice(made.NO_ADDRESS)
        else:
            payload = rng.randbytes(rng.randrange(120))
            data = made.on_link(rng, fmt.linktype, made.ip_packet(rng, rng.choice(talks), payload))
        now += rng.choice(steps)
        packets.append(pf.Packet(data, now, len(data) + rng.choice([0, 0, 0, 4])))
    return pf.Capture(fmt, packets)


def savefiles(rng: random.Random, formats: Sequence[pf.Format], n: int = 150,
              **more) -> List[bytes]:
    talks = talks_of(rng)  # flows go through all inputs
    return [random_savefile(rng, fmt, talks, n, **more).encode() for fmt in formats]


def captures(rng: random.Random, shapes: Sequence[Shape]) -> List[bytes]:
    talks = talks_of(rng)
    return [ng.encode(made.random_capture(rng, shape, talks)) for shape in shapes]


def syn(i: int) -> bytes:
    src = '10.9.%d.%d' % (i >> 8 & 255, i & 255)
    return pf.frame(src, '192.0.2.1', pf.TCP, pf.tcp(src, '192.0.2.1', 1024 + i % 7, 80, pf.SYN))


def long_savefile(rng: random.Random, fmt: pf.Format, size: int, lengths: Sequence[int]) -> bytes:
    """lengths: of packets, to choose from."""
    whole = bytes(range(256)) * (max(lengths) // 256 + 1)
    out, now, n = [fmt.header()], NOON_NS, 0
    while n < size:
        now += rng.choice([0, 1000, 10**6])
        data = syn(rng.randrange(9)) + whole
        out.append(fmt.record(data[:rng.choice(lengths)], now))
        n += len(out[-1])
    return b''.join(out)


def long_capture(rng: random.Random, m: ng.Maker, size: int) -> bytes:
    out, now, n = [m.shb(), m.idb()], made.NOON * 10**6, 0
    while n < size:
        now += rng.choice([0, 1, 1000])
        data = syn(rng.randrange(9)) + bytes(rng.choice([60, 60000, 500000, 1200000]))
        out.append(m.epb(0, now, data, options=m.epb_options(['here'], 1)))
        if rng.random() < 0.1:
            out.append(m.custom(1, bytes(rng.choice([5, 3000000, 9000000])), False))
            n += len(out[-1])
        n += len(data)
    return b''.join(out)


# ---- checks ----

Setting = Sequence[str]


def without_summary(files: Mapping[str, bytes]) -> Dict[str, bytes]:
    """cleave.json names the inputs."""
    return {name: data for name, data in files.items() if name != 'cleave.json'}


def count_dropped(blocks: Iterable[ng.Block]) -> Dict[str, int]:
    types = collections.Counter(block.type for block in blocks)
    return {'interface_statistics': types[ng.ISB], 'custom': types[ng.CUSTOM_PRIVATE],
            'unknown': sum(n for kind, n in types.items() if mref.is_unknown(kind))}


def check_summary(summary: dict, record: dict, inputs: Sequence[bytes]) -> None:
    records = [len(mref.lane(data).records) for data in inputs]
    check_equal(summary['inputs'], len(inputs), 'summary: inputs')
    check_equal(summary['records_read'], sum(records), 'summary: records_read')
    check_equal(record['options']['merge'], True, 'cleave.json: merge')
    check_equal([i['records'] for i in record['inputs']], records, 'cleave.json: records of inputs')
    blocks = [b for data in inputs if is_pcapng(data) for b in ng.parse(data)[0]]
    for kind, n in count_dropped(blocks).items():
        check_equal(summary['dropped_blocks'][kind], n, 'summary: dropped blocks: ' + kind)


def kinds_settled(blocks: Iterable[ng.Block]) -> bool:
    """Whether all outputs as pcap have the same resolution: whether one of nanoseconds is needed is
    known before the first packet, or none is."""
    packets = False
    for block in blocks:
        packets |= isinstance(block, ng.Packet)
        if isinstance(block, ng.Interface) and 10**6 % block.ticks_per_second:
            return not packets
    return True


def check_reference(files: Mapping[str, bytes], model: bytes, form: str, by: str,
                    directed: bool, flags: Setting) -> None:
    """The outputs are what the reference splitters make of the model's capture."""
    drop_other = '--no-other' in flags
    if not is_pcapng(model) and form != 'pcapng':
        wanted = reference.tree(pf.parse(model), by, directed, drop_other)
        found = {n: data for n, data in files.items() if n.endswith('.pcap')}
        harness.check_files(found, wanted.files)
        harness.check_files({'manifest.csv': files['manifest.csv']},
                            {'manifest.csv': wanted.manifest})
        return
    src = ngref.of_bytes(model)
    outputs = ngref.partition(src.packets, by, directed, drop_other)
    if form == 'pcap':
        if kinds_settled(src.blocks):
            ngref.check_pcap_tree(files, outputs, None)
        return
    ngref.check_tree(files, outputs, src, '--no-metadata' not in flags)
    ngref.check_manifest(files['manifest.csv'], outputs)


class Merged(NamedTuple):
    paths: List[str]
    output: str
    summary: dict


KNOBS: Dict[str, List[str]] = {
    '--threads': ['1', '2', '5'],
    '--window': ['4096', '65536', ''],
    '--memory': ['1MiB', ''],
    '--max-open': ['1', '3', '64', ''],
    '--cache': ['drop', ''],
}


PACKED: Dict[str, Callable[[bytes], bytes]] = {'gz': gzip.compress, 'bz2': bz2.compress,
                                               'xz': lzma.compress}
WAYS = ['plain', 'fifo', '-', *PACKED, 'fifo of gz']


@contextlib.contextmanager
def fed(pipes: Mapping[str, bytes]) -> Iterator[None]:
    """FIFOs that are written to by threads of their own."""
    def feed(path: str, data: bytes) -> None:
        with contextlib.suppress(BrokenPipeError), open(path, 'wb') as pipe:
            pipe.write(data)
    threads = [threading.Thread(target=feed, args=one, daemon=True) for one in pipes.items()]
    for path in pipes:
        os.mkfifo(path)
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        for path, thread in zip(pipes, threads):
            os.close(os.open(path, os.O_RDONLY | os.O_NONBLOCK))  # who waits for a reader goes on
            thread.join(harness.HANGS_S)
            os.unlink(path)


class Checks:
    """Of one suite, in its working directory."""

    def __init__(self, suite: harness.Suite) -> None:
        self.suite = suite

    def clear(self, *names: str) -> None:
        subprocess.run(['rm', '-rf', *(self.suite.path(name) for name in names)], check=True)

    def split(self, paths: Sequence[str], output: str, *flags: str, status: int = 0) -> dict:
        return self.suite.split(paths[0], output, *paths[1:], *flags, status=status)

    def write_all(self, inputs: Sequence[bytes], name: str = 'in') -> List[str]:
        endings = ['pcapng' if is_pcapng(data) else 'pcap' for data in inputs]
        return [self.suite.write('%s-%d.%s' % (name, i, ending), data)
                for i, (data, ending) in enumerate(zip(inputs, endings))]

    def merge(self, inputs: Sequence[bytes], *flags: str, by: str = 'flow', directed: bool = False,
              stored: Optional[Sequence[bytes]] = None, status: int = 0,
              refer: bool = True) -> Merged:
        """Merges and splits, and checks all of it. stored: what the files hold, where that is more
        than the model is to see. refer: the reference splitters know all that is in the captures.
        """
        paths = self.write_all(stored or inputs)
        self.clear('merged', 'one')
        key = ['--by', by, *(['--directed'] if directed else [])]
        output = self.suite.path('merged')
        summary = self.split(paths, output, '--merge', *key, *flags, status=status)
        files = harness.files_of(output)
        check_summary(summary, json.loads(files['cleave.json']), inputs)

        model = merged(inputs)
        form = flags[flags.index('--format') + 1] if '--format' in flags else ''
        asked: Setting = []
        if not form:
            form = 'pcapng' if any(map(is_pcapng, inputs)) else 'pcap'
            asked = ['--format', form] if is_pcapng(model) else []
        one = self.suite.write('model.pcapng' if is_pcapng(model) else 'model.pcap', model)
        again = [flag for flag in flags if flag != '--recover']
        whole = self.split([one], self.suite.path('one'), *key, *asked, *again)
        harness.check_files(without_summary(files),
                            without_summary(harness.files_of(self.suite.path('one'))))
        for name in ('records_read', 'captured_bytes', 'written_bytes', 'other', 'fragments',
                     'orphans', 'cut_short', 'flows', 'outputs', 'rounded', 'first', 'last',
                     'dropped'):
            check_equal(summary.get(name), whole.get(name), 'summary: ' + name)
        if refer:
            check_reference(files, model, form, by, directed, flags)
        return Merged(paths, output, summary)

    def knobs(self, rng: random.Random, done: Merged, *flags: str, more: int = 3,
              status: int = 0) -> None:
        """The result, cleave.json included, is the same with all of them."""
        wanted = harness.tree_digest(done.output)
        output = self.suite.path('knobs')
        for knobs in harness.knob_settings(KNOBS, rng, more):
            self.split(done.paths, output, '--merge', *flags, *knobs, status=status)
            found = harness.tree_digest(output)
            if found != wanted:
                print('        with ' + ' '.join(knobs))
                harness.check_files(harness.files_of(output), harness.files_of(done.output))
            check_equal(found, wanted, 'tree with ' + ' '.join(knobs))
            self.clear('knobs')

    def ways(self) -> List[str]:
        """By which an input may come, without what this build does not decompress."""
        unknown = []
        for name, pack in PACKED.items():
            path = self.suite.write('probe.' + name, pack(samples.mixed().encode()))
            done = self.suite.run_cleave('info', path, status=None)
            if b'does not read' in done.stderr:
                unknown.append(name)
        return [way for way in WAYS if way.split()[-1] not in unknown]

    def split_ways(self, inputs: Sequence[bytes], ways: Sequence[str], output: str, *flags: str,
                   status: int = 0) -> dict:
        """Each input on its way: a file, compressed, a FIFO, standard input."""
        paths: List[str] = []
        pipes: Dict[str, bytes] = {}
        stream: Optional[str] = None
        for i, (data, way) in enumerate(zip(inputs, ways)):
            packing = way.split()[-1]
            if packing in PACKED:
                data = PACKED[packing](data)
            if way == '-':
                stream = self.suite.write('stdin', data)
                paths.append('-')
            elif way.startswith('fifo'):
                paths.append(self.suite.path('fifo-%d' % i))
                pipes[paths[-1]] = data
            else:
                paths.append(self.suite.write('way-%d' % i, data))
        with fed(pipes), contextlib.ExitStack() as stack:
            stdin = stack.enter_context(open(stream, 'rb')) if stream else subprocess.DEVNULL
            done = self.suite.run_cleave('split', '--merge', '--json', '--output', output, *flags,
                                         *paths, status=status, stdin=stdin)
            return json.loads(done.stdout)

    def same_by(self, inputs: Sequence[bytes], done: Merged, ways: Sequence[Sequence[str]],
                *flags: str, status: int = 0) -> None:
        """What files give comes by other ways too."""
        wanted = without_summary(harness.files_of(done.output))
        output = self.suite.path('ways')
        for chosen in ways:
            summary = self.split_ways(inputs, chosen, output, *flags, status=status)
            for name in ('records_read', 'damages', 'skipped_bytes', 'damage'):
                check_equal(summary[name], done.summary[name], 'summary: ' + name)
            try:
                harness.check_files(without_summary(harness.files_of(output)), wanted)
            except Failed as fault:
                raise Failed('as %s: %s' % (', '.join(chosen), fault)) from None
            self.clear('ways')
