# SPDX-License-Identifier: BSD-2-Clause
"""Merging splits held against mergecap's order, and what tshark reads in the inputs.

Each output must have the frames of its flow in that order, with the fields that they have in the
inputs. At equal times mergecap takes the last named of its inputs: it is given them in the reverse
order. It gets packets without options, since it gives some of them others' codes.
"""
import dataclasses
import hashlib
import os
import subprocess
import sys
from typing import Callable, Dict, List, NamedTuple, Sequence, Tuple

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'support'))
# pylint: disable=wrong-import-position
import harness
import mergereference as mref
import pcapfile as pf
import pcapngfile as ng
import pcapngreference as ngref
import pcapngsamples as made
import samples
from harness import Failed, check_equal
from pcapngsamples import Shape

FIELD_GROUPS = 8
SHAPE = Shape(packets=60, interfaces=3, options=True, obsolete=True, metadata=True, resolutions=(
    None, ng.tsresol(10, 6), ng.tsresol(10, 9), ng.tsresol(10, 3)))

suite = harness.Suite(__doc__.split('\n', maxsplit=1)[0])


# ---- tshark ----

FIELDS = ['frame.time_epoch', 'frame.len', 'frame.cap_len', 'frame.md5_hash', 'frame.comment',
          'frame.encap_type', 'frame.packet_flags', 'frame.packet_id', 'frame.drop_count',
          'frame.interface_queue', 'frame.verdict.hw', 'frame.verdict.ebpf_tc',
          'frame.verdict.ebpf_xdp', 'frame.interface_name', 'frame.interface_description']
N_NAMES = 2


class Frame(NamedTuple):
    ts_ns: int
    length: int
    caplen: int
    digest: str
    rest: Tuple[str, ...]  # the other fields


def ask_tshark(path: str) -> List[Frame]:
    """Frames of packets; tshark makes frames of custom blocks too, without an interface."""
    args = [harness.tool('tshark'), '-n', '-r', path, '-o', 'frame.generate_md5_hash:TRUE',
            '-T', 'fields', '-E', 'separator=/t', '-E', 'occurrence=a', '-E', 'aggregator=|']
    if path.endswith('ng'):
        args += ['-Y', 'frame.interface_id']
    for field in FIELDS:
        args += ['-e', field]
    done = harness.run(args)
    check_equal(done.returncode, 0, 'tshark on %s, which says %s' % (path, done.stderr.decode()))
    frames = []
    for line in done.stdout.decode().split('\n')[:-1]:
        values = line.split('\t')
        check_equal(len(values), len(FIELDS), 'fields of %r' % line)
        sec, _, frac = values[0].partition('.')
        frames.append(Frame(int(sec) * 10**9 + int(frac.ljust(9, '0')), int(values[1]),
                            int(values[2]), values[3], tuple(values[4:])))
    return frames


def without_options(data: bytes) -> bytes:
    out = []
    for block in ng.blocks(data):
        if isinstance(block, ng.Packet):
            end = 28 + block.caplen + ng.padding(block.caplen)
            out.append(block.maker.block(block.type, block.raw[8:end]))
        elif block.type in (ng.SHB, ng.IDB):
            out.append(block.raw)
    return b''.join(out)


def check_order(inputs: Sequence[bytes]) -> None:
    """The model's order is mergecap's."""
    if not inputs:
        return
    bare = [without_options(data) if mref.is_pcapng(data) else data for data in inputs]
    paths = [suite.write('bare-%d' % i, data) for i, data in reversed(list(enumerate(bare)))]
    one = suite.path('mergecap.pcapng')
    done = harness.run([harness.tool('mergecap'), '-F', 'pcapng', '-I', 'none', '-w', one, *paths])
    check_equal(done.returncode, 0, 'mergecap, which says %s' % done.stderr.decode())
    frames = ask_tshark(one)
    packets = ngref.of_bytes(mref.merged(inputs)).packets
    check_equal(len(frames), len(packets), 'packets of mergecap')
    for i, (frame, p) in enumerate(zip(frames, packets)):
        check_equal((p.ts_ns, p.origlen, p.caplen, hashlib.md5(p.data).hexdigest()), frame[:4],
                    'packet %d of the model, against mergecap' % i)


# ---- checks ----

def check_merge(inputs: Sequence[bytes]) -> None:
    """Few flows, please: tshark is asked for each output."""
    check_order(inputs)
    pcapng = any(map(mref.is_pcapng, inputs))
    paths = [suite.write('in-%d.%s' % (i, 'pcapng' if mref.is_pcapng(data) else 'pcap'), data)
             for i, data in enumerate(inputs)]
    lanes = [ask_tshark(path) for path in paths]
    order = mref.in_order([mref.lane(data).times for data in inputs])
    frames = [lanes[k][i] for k, i in order]
    packets = ngref.of_bytes(mref.merged(inputs)).packets
    number_of = {p.offset: i for i, p in enumerate(packets)}
    output = suite.path('out')
    subprocess.run(['rm', '-rf', output], check=True)
    suite.split(paths[0], output, *paths[1:], '--merge', '--by', 'hostpair')
    for flow in ngref.partition(packets, 'hostpair'):
        name = flow.name if pcapng else flow.name[:-len('ng')]
        wanted = [frames[number_of[p.offset]] for p in flow.packets]
        found = ask_tshark(os.path.join(output, name))
        if not all(map(mref.is_pcapng, inputs)):  # a savefile's interface has no name
            wanted, found = ([f._replace(rest=f.rest[:-N_NAMES]) for f in some]
                             for some in (wanted, found))
        check_equal(found, wanted, 'frames of ' + name)


# ---- cases ----

def built(name: str, *shapes: Shape) -> Callable[[], None]:
    def case() -> None:
        rng = suite.random(name)
        talks = [made.random_talk(rng) for _ in range(3)]
        check_merge([ng.encode(made.random_capture(rng, shape, talks)) for shape in shapes])
    return case


def savefiles() -> None:
    """Alike, of several resolutions and byte orders, and among pcapng."""
    rng = suite.random('savefiles')
    usual = samples.extensions()
    talks = [made.random_talk(rng) for _ in range(3)]
    shape = dataclasses.replace(SHAPE, links=(pf.LINK_ETHERNET,))
    sections = ng.encode(made.random_capture(rng, shape, talks))
    classic = []
    for kind, big in (('us', False), ('us', False), ('ns', True)):
        packets = [dataclasses.replace(p, ts_ns=p.ts_ns + rng.randrange(-10**7, 10**7))
                   for p in usual.packets * 10]
        classic.append(pf.Capture(pf.Format(kind, big), packets).encode())
    check_merge(classic[:2])
    check_merge(classic)
    check_merge([classic[2], sections, classic[0]])


def times() -> None:
    """Equal times, and times that run backwards."""
    rng = suite.random('times')
    frames = samples.extensions().packets
    for steps in ([0], [0, 0, 1000], [-1000, 1000], [-10**9, 10**6, 10**9, 0]):
        inputs = []
        for kind in ('us', 'ns', 'us'):
            now, packets = samples.NOON, []
            for _ in range(200):
                now += rng.choice(steps)
                packets.append(pf.Packet(rng.choice(frames).data, now))
            inputs.append(pf.Capture(pf.Format(kind), packets).encode())
        check_merge(inputs)


def verdicts() -> None:
    """Verdicts that are numbers of 64 bits."""
    frames = samples.extensions().packets[:3]
    for orders in ((False, True), (True, False), (True, True)):
        inputs = []
        for big in orders:
            m = ng.Maker(big)
            out = [m.shb(), m.idb()]
            for i in range(9):
                verdict = m.pack('BQ', 1 + i % 2, i % 5)
                out.append(m.epb(0, 10**15 + i, frames[i % 3].data,
                                 options=m.epb_options(verdict=verdict)))
            inputs.append(b''.join(out))
        check_merge(inputs)


def field() -> None:
    """Captures from the field, but for those that mergecap does not read."""
    rng = suite.random('field')
    for names, inputs in mref.field_groups(rng, FIELD_GROUPS):
        paths = [suite.write('alone-%d' % i, data) for i, data in enumerate(inputs)]
        read = [harness.run([harness.tool('mergecap'), '-w', os.devnull, path]).returncode == 0
                for path in paths]
        try:
            check_order([data for data, known in zip(inputs, read) if known])
        except Failed as fault:
            raise Failed('%s: %s' % (' '.join(names), fault)) from None


def main() -> int:
    try:
        for name in ('mergecap', 'tshark'):
            harness.tool(name)
    except harness.Skip as why:
        return suite.run({'tshark': harness.skipped(why)})
    little, big = (dataclasses.replace(SHAPE, big_endian=order) for order in (False, True))
    cases: Dict[str, Callable[[], None]] = {
        'little': built('little', little, little), 'big': built('big', big, big),
        'little-and-big': built('little-and-big', little, big),
        'several': built('several', big, little, SHAPE, big)}
    for case in (savefiles, times, verdicts, field):
        cases[case.__name__] = case
    return suite.run(cases)


if __name__ == '__main__':
    sys.exit(main())
