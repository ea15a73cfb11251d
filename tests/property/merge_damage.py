# SPDX-License-Identifier: BSD-2-Clause
"""Merging splits of captures that are damaged, and what is refused.

Damage in one input costs what is behind it there, and nothing of the others; with --recover what is
found behind it counts too. An input beside one without records is split as it is alone, however it
is damaged.
"""
import dataclasses
import gzip
import itertools
import json
import os
import random
import struct
import sys
import zlib
from typing import Callable, Dict, List, NamedTuple, Optional, Sequence

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'support'))
# pylint: disable=wrong-import-position
import harness
import mergechecks as mc
import mergereference as mref
import pcapfile as pf
import pcapngfile as ng
import pcapngsamples as made
import samples
from harness import check, check_equal
from mergereference import merged
from pcapngsamples import Shape

suite = harness.Suite(__doc__.split('\n', maxsplit=1)[0])
checks = mc.Checks(suite)


# ---- cases: what is refused ----

def not_captures() -> None:
    """What cannot be split alone cannot be merged, and leaves nothing behind."""
    good = suite.write('good.pcap', samples.mixed().encode())
    for name, data in (('text', b'no capture at all, is it? no\n' * 3),
                       ('head', samples.mixed().encode()[:20]), ('section', ng.Maker().shb()[:20])):
        bad = suite.write(name, data)
        for paths in ([good, bad], [bad, good]):
            done = suite.run_cleave('split', '--merge', '-q', '-o', suite.path('out'), *paths,
                                    status=2)
            check(bad in done.stderr.decode(), 'no word of %s: %s', name, done.stderr)
            check(not os.path.exists(suite.path('out')), 'an output of %s', name)
    done = suite.run_cleave('split', '--merge', '--each', '-q', '-o', suite.path('out'), good, good,
                            status=2)
    check(b'--each' in done.stderr, 'no word of --each: %s', done.stderr)
    check(not os.path.exists(suite.path('out')), 'an output of --merge --each')


def simple_packets() -> None:
    """They have no time: their place is behind the record before them."""
    frame = mc.syn(1)
    classic = samples.mixed().encode()
    for big in (False, True):
        m, other = ng.Maker(big), ng.Maker(not big)
        noon = made.NOON * 10**6
        good = other.shb() + other.idb() + b''.join(
            other.epb(0, noon + 3 * i, mc.syn(i)) for i in range(9))
        head = m.shb() + m.idb(1, 0, m.if_options(resolution=ng.tsresol(2, 30)))
        ticks = made.NOON << 30

        def timed(i: int) -> bytes:
            return m.epb(0, ticks + (i << 20), mc.syn(i))  # pylint: disable=cell-var-from-loop
        alone = head + m.spb(frame) * 3
        begins = head + m.spb(frame) * 2 + m.idb() + timed(3) + timed(5)
        among = m.shb() + m.idb(1, 50) + m.epb(0, noon, frame[:50]) + m.spb(frame[:50], 60) + \
            m.epb(0, noon + 13, frame[:50]) + m.spb(frame[:50], 60) * 2
        later = good + m.shb() + m.idb() + m.spb(frame) + m.epb(0, noon + 4, frame) + m.spb(frame)
        for some in (alone, begins, among, later):
            for inputs in ([some, good], [good, some], [classic, good, some], [some, some],
                           [alone, some, begins]):
                done = checks.merge(inputs)
                check_equal(done.summary['untimed'], sum(
                    b.type == ng.SPB for data in inputs if mref.is_pcapng(data)
                    for b in ng.blocks(data)), 'summary: untimed')


# ---- cases: damage ----

class Bent(NamedTuple):
    stored: bytes
    before: bytes            # the records up to the fault are all of this
    around: Optional[bytes]  # and of this what --recover finds too; None: anyone's guess
    at: int                  # byte of the fault
    skipped: int             # bytes that --recover passes over
    faults: int = 1


def bent_savefile(rng: random.Random, fmt: pf.Format, talks: Sequence[made.Talk],
                  cut: bool = True) -> Bent:
    capture = mc.random_savefile(rng, fmt, talks, 100, [1, 1234567, 10**9 // 3])
    records = [fmt.record(p.data, p.ts_ns, p.origlen) for p in capture.packets if p.data]
    way, k = rng.randrange(0 if cut else 1, 4), rng.choice([0, 1, 50, 80])
    head, rest = fmt.header() + b''.join(records[:k]), b''.join(records[k:])
    if way == 0:  # cut in a packet, or in a header
        return Bent(head + records[k][:rng.randrange(1, len(records[k]))], head, None, len(head), 0)
    if way == 1:
        length = struct.pack(fmt.order + 'I', rng.choice([mref.CAPLEN_MAX + 1, 2**31, 2**32 - 1]))
        wrong = mc.RUBBISH * 8 + length + mc.RUBBISH * (fmt.record_header_len - 12)
        return Bent(head + wrong + rest, head, head + rest, len(head), len(wrong))
    between = mc.RUBBISH * rng.choice([16, 24, 100, 5000])
    if way == 2:
        return Bent(head + between + rest, head, head + rest, len(head), len(between))
    middle, tail = records[k:k + 10], records[k + 10:]
    return Bent(head + between + b''.join(middle) + between + b''.join(tail), head, head + rest,
                len(head), 2 * len(between), 2)


def bent_capture(rng: random.Random, shape: Shape, talks: Sequence[made.Talk],
                 cut: bool = True) -> Bent:
    sections = [dataclasses.replace(s, give_length=False)
                for s in made.random_capture(rng, shape, talks)]
    data = ng.encode(sections)
    found = list(ng.blocks(data))
    packets = [b for b in ng.of_kind(found, ng.Packet) if b.type == ng.EPB]
    b = rng.choice([packets[0], rng.choice(packets), rng.choice(packets), packets[-1]])
    head, rest = data[:b.offset], data[b.offset:]
    behind = rest[len(b.raw):]
    way = rng.randrange(0 if cut else 1, 4)
    if way == 0:
        return Bent(head + b.raw[:rng.randrange(1, len(b.raw))], head, None, len(head), 0)
    if way == 1:
        between = mc.RUBBISH * rng.choice([4, 12, 100, 5000])
        return Bent(head + between + rest, head, head + rest, len(head), len(between))
    wrong = b.on_interface(2**32 - 1)
    if way == 2:
        wrong = b.raw[:-4] + struct.pack(b.order + 'I', len(b.raw) + 4)
    elif rng.random() < 0.5:
        wrong = b.maker.block(ng.IDB, struct.pack(b.order + 'HH', 1, 0))
    # What follows may be a block that is not searched for; a packet is found wherever it is.
    return Bent(head + wrong + b.raw + behind, head, head + rest, len(head), len(wrong))


def check_bent(rng: random.Random, good: Sequence[bytes], bent: Bent, where: int) -> None:
    """All records before the fault, and those of the other inputs; with --recover those behind."""
    def among(data: bytes) -> List[bytes]:
        return [*good[:where], data, *good[where:]]
    done = checks.merge(among(bent.before), stored=among(bent.stored), status=1)
    damage = done.summary['damage']
    check_equal(done.summary['damages'], 1, 'damages')
    record = len(mref.lane(bent.before).records) + 1
    check_equal((damage['byte'], damage['record']), (bent.at, record), 'byte, record of the fault')
    told = suite.run_cleave('split', '--merge', '-q', '-o', suite.path('told'), *done.paths,
                            status=1).stderr.decode()
    check('%s: byte %d' % (done.paths[where], bent.at) in told, 'the message is %s', told)
    checks.clear('told')
    if rng.random() < 0.15:
        checks.knobs(rng, done, more=0, status=1)
    if bent.around is None:
        return
    done = checks.merge(among(bent.around), '--recover', stored=among(bent.stored), status=1)
    check_equal((done.summary['damages'], done.summary['skipped_bytes'],
                 done.summary['damage']['byte']), (bent.faults, bent.skipped, bent.at),
                'faults, bytes skipped, byte of the first fault')
    if rng.random() < 0.15:
        checks.knobs(rng, done, '--recover', more=0, status=1)


def damaged_savefiles() -> None:
    rng = suite.random('damaged-savefiles')
    for kind in ('us', 'ns', 'modified'):
        for others in ([pf.Format(kind)] * 2, [pf.Format(), pf.Format('ns', True)]):
            talks = mc.talks_of(rng)
            good = mc.savefiles(rng, others, 60)
            for where in (0, 1, 2):
                check_bent(rng, good, bent_savefile(rng, pf.Format(kind), talks), where)


def damaged_captures() -> None:
    rng = suite.random('damaged-captures')
    shape = Shape(sections=3, packets=60, interfaces=3, links=made.LINKS, options=True,
                  obsolete=True, metadata=True)
    for _ in range(3):
        talks = mc.talks_of(rng)
        good = [rng.choice(mc.captures(rng, [shape]) + mc.savefiles(rng, [pf.Format()], 60))
                for _ in range(2)]
        for where in (0, 1, 2):
            check_bent(rng, good, bent_capture(rng, shape, talks), where)


def damaged_all() -> None:
    """A fault in each input: each is counted, each costs what is behind it, and no more."""
    rng = suite.random('damaged-all')
    shape = Shape(sections=2, packets=60, interfaces=3, options=True, metadata=True)
    for _ in range(3):
        talks = mc.talks_of(rng)
        bent = [bent_capture(rng, shape, talks, False),
                bent_savefile(rng, pf.Format(), talks, False),
                bent_savefile(rng, pf.Format(), talks, False),
                bent_capture(rng, shape, talks, False)]
        for some in (bent, bent[1:3], bent[::-1]):
            stored = [b.stored for b in some]
            done = checks.merge([b.before for b in some], stored=stored, status=1)
            check_equal(done.summary['damages'], len(some), 'damages')
            check(done.summary['damage']['byte'] in {b.at for b in some}, 'another fault: %s',
                  done.summary['damage'])
            done = checks.merge([b.around or b'' for b in some], '--recover', stored=stored,
                                status=1)
            check_equal((done.summary['damages'], done.summary['skipped_bytes']),
                        (sum(b.faults for b in some), sum(b.skipped for b in some)),
                        'faults, bytes skipped')


def check_files_of_model(model: Sequence[bytes]) -> None:
    """What was merged is the split of the model's capture."""
    checks.split([suite.write('model', merged(model))], suite.path('one'))
    harness.check_files(mc.without_summary(harness.files_of(suite.path('merged'))),
                        mc.without_summary(harness.files_of(suite.path('one'))))
    checks.clear('merged', 'one')


def damaged_streams() -> None:
    """Rubbish that comes by a FIFO. Compressed data that end too early: what they gave counts."""
    rng = suite.random('damaged-streams')
    good = mc.savefiles(rng, [pf.Format()] * 2, 200)
    bent = bent_savefile(rng, pf.Format(), mc.talks_of(rng), False)
    for way in ('fifo', '-'):
        for model, more in ((bent.before, ()), (bent.around or b'', ('--recover',))):
            checks.split_ways([*good, bent.stored], ['plain', 'fifo', way], suite.path('merged'),
                              *more, status=1)
            check_files_of_model([*good, model])
    if 'gz' not in checks.ways():
        raise harness.Skip('this build does not decompress gzip')
    sections = mc.captures(rng, [dataclasses.replace(mc.FULL, sections=1, packets=200)])[0]
    for data in (mc.savefiles(rng, [pf.Format()], 300)[0], sections):
        packed = gzip.compress(data)
        for where in (0, 1, 2):  # at times only gzip's own trailer is cut
            n = len(packed)
            cut = packed[:rng.choice([n - 4, rng.randrange(n // 2, n - 8)])]
            left = zlib.decompressobj(31).decompress(cut)
            stored = [*good[:where], cut, *good[where:]]
            paths = [suite.write('part-%d' % i, one) for i, one in enumerate(stored)]
            for more in (['--recover'], []):
                checks.clear('merged')
                summary = checks.split(paths, suite.path('merged'), '--merge', *more, status=1)
                check('gzip' in summary['damage']['what'], 'another fault: %s', summary['damage'])
                alone = checks.split([paths[where]], suite.path('alone'), *more, status=1)
                checks.clear('alone')
                check_equal(summary['damages'], alone['damages'],
                            'damages, against those of that input alone')
            check_files_of_model([*good[:where], left, *good[where:]])


def spoiled(rng: random.Random, data: bytes, start: int) -> bytes:
    """Some bytes from start on are others, are gone, or are more."""
    out = bytearray(data)
    for _ in range(rng.choice([1, 1, 2, 5])):
        at = rng.randrange(start, len(out))
        way = rng.randrange(4)
        if way == 0:
            out[at] = rng.randrange(256)
        elif way == 1:
            del out[at:at + rng.choice([1, 4, 16, 200])]
        elif way == 2:
            byte = rng.choice([mc.RUBBISH, b'\0', rng.randbytes(1)])
            out[at:at] = byte * rng.choice([1, 4, 16, 300])
        else:
            out[at:at + 4] = struct.pack('<I', rng.choice([0, 3, 6, 2**31, 2**32 - 1]))
    return bytes(out)


def beside_nothing() -> None:
    """However an input is damaged, beside one without records it is what it is alone."""
    rng = suite.random('beside-nothing')
    packed = 'gz' in checks.ways()
    shape = Shape(packets=60, interfaces=3, options=True, metadata=True, ignored=True)
    for i in range(20):
        if i % 2:
            fmt = pf.Format(rng.choice(['us', 'ns', 'modified']), rng.random() < 0.5)
            start, nothing = pf.FILE_HEADER_LEN, fmt.header()
            data = mc.random_savefile(rng, fmt, mc.talks_of(rng), 60).encode()
        else:
            data = mc.captures(rng, [shape])[0]
            found = next(ng.blocks(data))
            start, nothing = len(found.raw), found.raw
        data = spoiled(rng, data, start)
        if packed and rng.random() < 0.3:
            data = gzip.compress(data)
            data = data[:rng.choice([len(data), len(data) - 4, rng.randrange(
                len(data) // 2, len(data))])]
        paths = [suite.write('spoiled', data), suite.write('nothing', nothing)]
        if rng.random() < 0.5:
            paths.reverse()
        for more in (('--no-metadata',), ('--no-metadata', '--recover')):
            alone = suite.run_cleave('split', paths[paths[0].endswith('nothing')], '--json',
                                     '-o', suite.path('alone'), *more, status=None)
            beside = suite.run_cleave('split', *paths, '--merge', '--json',
                                      '-o', suite.path('merged'), *more, status=None)
            check_equal(beside.returncode, alone.returncode, 'status')
            one, two = json.loads(alone.stdout), json.loads(beside.stdout)
            for name in ('records_read', 'damages', 'skipped_bytes', 'damage', 'dropped_blocks'):
                check_equal(two[name], one[name], 'summary: ' + name)
            harness.check_files(mc.without_summary(harness.files_of(suite.path('merged'))),
                                mc.without_summary(harness.files_of(suite.path('alone'))))
            checks.clear('alone', 'merged')


def damaged_sections() -> None:
    """Behind rubbish a section of either byte order is found, first in its input or not."""
    for orders in itertools.product((False, True), repeat=3):
        inputs = []
        for k, big in enumerate(orders):
            m = ng.Maker(big)
            now = made.NOON * 10**6 + k
            body = [m.idb()] + [m.epb(0, now + 3 * i, mc.syn(i)) for i in range(8)]
            inputs.append(ng.Section(m, body).encode())
        before, behind, other = inputs
        stored = [before + mc.RUBBISH * 40 + behind, other]
        checks.merge([before, other], status=1, stored=stored)
        checks.merge([before + behind, other], '--recover', status=1, stored=stored)


def windows_damaged() -> None:
    """Faults in later windows, and rubbish that is longer than one."""
    rng = suite.random('windows-damaged')
    fmt = pf.Format()
    good = [mc.long_savefile(rng, fmt, mc.PCAP_WINDOW, [1000, 60000]) for _ in range(2)]
    head = mc.long_savefile(rng, fmt, 2 * mc.PCAP_WINDOW, [1000, 60000])
    tail = mc.long_savefile(rng, fmt, mc.PCAP_WINDOW, [1000, 60000])[pf.FILE_HEADER_LEN:]
    between = mc.RUBBISH * (3 * mc.PCAP_WINDOW + rng.randrange(mc.PCAP_WINDOW))
    ways = [['fifo', 'plain', '-'], ['plain', 'fifo', 'fifo']]
    stored = [head + between + tail, *good]
    for model, more, skipped in ((head, (), 0), (head + tail, ('--recover',), len(between))):
        done = checks.merge([model, *good], *more, stored=stored, status=1, refer=False)
        check_equal((done.summary['damages'], done.summary['damage']['byte'],
                     done.summary['skipped_bytes']), (1, len(head), skipped),
                    'faults, byte of the fault, bytes skipped')
        checks.same_by(stored, done, ways, *more, status=1)


def main() -> int:
    cases: Dict[str, Callable[[], None]] = {}
    for case in (not_captures, simple_packets, damaged_savefiles, damaged_captures, damaged_all,
                 damaged_streams, damaged_sections, windows_damaged, beside_nothing):
        cases[case.__name__.replace('_', '-')] = case
    return suite.run(cases)


if __name__ == '__main__':
    sys.exit(main())
