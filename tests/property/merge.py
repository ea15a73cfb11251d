# SPDX-License-Identifier: BSD-2-Clause
"""Properties of split --merge: the records of several captures in the order of their times.

A plain model (tests/support/mergereference.py) makes one capture of the inputs. A merging split has
to be the split of that capture byte for byte, and what the reference splitters predict for it.
Options with numbers, whose byte order may have to change, are held against the numbers that they
were built from. Threads, window, memory and open outputs must not change a byte.
"""
import collections
import dataclasses
import gzip
import itertools
import json
import os
import random
import struct
import sys
from typing import Callable, Dict, List, NamedTuple, Optional, Sequence, Tuple

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
from harness import Failed, check, check_equal
from mergereference import is_pcapng, merged
from pcapngsamples import Shape

FIELD_GROUPS = 14

suite = harness.Suite(__doc__.split('\n', maxsplit=1)[0])
checks = mc.Checks(suite)


# ---- cases: classic mc.savefiles ----

def pcap_alike(**form) -> Callable[[], None]:
    """Records are copied byte for byte."""
    def case() -> None:
        rng = suite.random('pcap-alike %s' % form)
        for n_inputs in (2, 3, 7):
            formats = [pf.Format(snaplen=rng.choice([262144, 65535, 0]), **form)
                       for _ in range(n_inputs)]
            inputs = mc.savefiles(rng, formats)
            done = checks.merge(inputs)
            check(not is_pcapng(merged(inputs)), 'the inputs are alike')
        if not form:
            checks.knobs(rng, done, more=1)
    return case


def pcap_keys() -> None:
    rng = suite.random('pcap-keys')
    inputs = mc.savefiles(rng, [pf.Format(), pf.Format()])
    for by in ('flow', '3tuple', 'hostpair'):
        for directed in (False, True):
            checks.merge(inputs, by=by, directed=directed)
    checks.merge(inputs, '--no-other')


def pcap_unlike() -> None:
    """Byte orders, resolutions and link types that cannot stand side by side."""
    rng = suite.random('pcap-unlike')
    usual = pf.Format()
    others = [pf.Format(big_endian=True), pf.Format('ns'), pf.Format('modified'), pf.Format(fcs=4),
              pf.Format('ns', True), pf.Format('modified', True), pf.Format(version=(2, 3)),
              pf.Format(linktype=pf.LINK_RAW), pf.Format('ns', linktype=pf.LINK_SLL),
              pf.Format(linktype=pf.LINK_NULL, big_endian=True)]
    for other in others:
        formats = rng.choice([[usual, other], [other, usual, other]])
        done = checks.merge(mc.savefiles(rng, formats, 60))
    checks.knobs(rng, done, more=1)
    checks.merge(mc.savefiles(rng, [usual] + others, 40))


def old_versions() -> None:
    """Savefiles of the early nineties have the lengths the other way round."""
    rng = suite.random('old-versions')
    inputs = []
    for version in ((2, 2), (2, 2), (543, 0)):
        capture = mc.random_savefile(rng, pf.Format(version=version), mc.talks_of(rng, 5), 40)
        body = b''
        for p in capture.packets:
            sec, ns = divmod(p.ts_ns, 10**9)
            body += struct.pack('<IIII', sec, ns // 1000, p.origlen or 0, len(p.data)) + p.data
        inputs.append(capture.format.header() + body)
    checks.merge(inputs[:2])
    checks.merge(inputs)


def two_taps() -> None:
    """The fragments of a datagram in two mc.captures, and one direction of each flow in either."""
    rng = suite.random('two-taps')
    for kinds in (('us', 'us'), ('us', 'ns')):
        taps: List[List[pf.Packet]] = [[], []]
        now = mc.NOON_NS
        for i in range(60):
            a, b = '10.0.0.%d' % (i % 7 + 1), '10.0.1.1'
            for tap, (src, dst, sport, dport) in enumerate(((a, b, 4000 + i % 3, 53),
                                                            (b, a, 53, 4000 + i % 3))):
                now += 1000
                datagram = pf.udp(src, dst, sport, dport, rng.randbytes(rng.randrange(10, 90)))
                taps[tap].append(pf.Packet(pf.frame(src, dst, pf.UDP, datagram), now))
            src, dst = rng.choice([(a, b), (b, a)])
            whole = pf.udp(src, dst, 7000 + i % 5, 7001, rng.randbytes(150))
            parts = list(pf.fragments(src, dst, pf.UDP, whole, 32, i))
            if i % 3 == 0:
                parts.reverse()
            for part in parts:
                now += 1000
                taps[rng.randrange(2)].append(pf.Packet(pf.ethernet(part), now))
        inputs = [pf.Capture(pf.Format(kind), packets).encode()
                  for kind, packets in zip(kinds, taps)]
        done = checks.merge(inputs, refer=kinds[0] == kinds[1])
        check_equal(done.summary['orphans'], 0, 'fragments whose first was not found')
        check(done.summary['fragments'] > 100, 'few fragments')


# ---- cases: pcapng ----

OPTIONS = Shape(options=True, packets=120)
SHAPES: Dict[str, Shape] = {
    'sections': Shape(sections=5, interfaces=2, packets=120),
    'interfaces': Shape(interfaces=6, links=made.LINKS, packets=120),
    'resolutions': Shape(interfaces=5, resolutions=made.RESOLUTIONS, packets=120),
    'options': dataclasses.replace(OPTIONS, interfaces=3, obsolete=True),
    'metadata': Shape(sections=2, metadata=True, packets=120),
    'dropped-blocks': Shape(sections=2, ignored=True, packets=120),
    'full': mc.FULL,
}


def pcapng_shape(name: str, shape: Shape) -> Callable[[], None]:
    """Each section of a byte order of its own; then all inputs little, all big, one against the
    others."""
    def case() -> None:
        rng = suite.random('pcapng ' + name)
        little, big = (dataclasses.replace(shape, big_endian=order) for order in (False, True))
        for shapes in ([shape, shape], [shape] * 4, [little] * 3, [big] * 3, [big, little, little],
                       [little, big, big]):
            inputs = mc.captures(rng, shapes)
            done = checks.merge(inputs)
            if shapes[1] is big:
                wanted = shapes[0] is big
                for path, data in harness.files_of(done.output).items():
                    if path.endswith('.pcapng'):
                        orders = {block.order for block in ng.blocks(data)}
                        check_equal(orders, {'>' if wanted else '<'}, 'byte orders of ' + path)
        if name == 'full':
            checks.knobs(rng, done)
    return case


def pcapng_flags() -> None:
    rng = suite.random('pcapng-flags')
    inputs = mc.captures(rng, [mc.FULL, mc.FULL])
    checks.merge(inputs, '--no-metadata')
    checks.merge(inputs, '--no-other')
    for by in ('3tuple', 'hostpair'):
        checks.merge(inputs, by=by, directed=by == '3tuple')


def mixed_formats() -> None:
    """Classic mc.savefiles among pcapng mc.captures become pcapng."""
    rng = suite.random('mixed-formats')
    big = dataclasses.replace(mc.FULL, big_endian=True)
    for kind in ('us', 'ns', 'modified'):
        for order in (False, True):
            classic = mc.savefiles(rng, [pf.Format(kind, order, fcs=rng.choice([None, 4])),
                                      pf.Format(kind, order, pf.LINK_RAW)], 80)
            ours = mc.captures(rng, [rng.choice([mc.FULL, big]), big])
            checks.merge([classic[0], ours[0]])
            checks.merge([ours[1], classic[0], classic[1], ours[0]])
    checks.knobs(rng, checks.merge([classic[1], ours[1], classic[0]]), more=1)


def section_header() -> None:
    """The merged section is the first pcapng capture's, whatever stands before it."""
    for orders in itertools.product((False, True), repeat=2):
        inputs = []
        for i, big in enumerate(orders):
            m = ng.Maker(big)
            options = m.options([(ng.COMMENT, b'number %d' % i), (ng.SHB_HARDWARE, b'abacus'),
                                 (2988, m.pack('I', 32473) + b'text'), (2989, b'\0')])
            body = [m.idb()] + [m.epb(0, 10**15 + k, mc.syn(k)) for k in range(5)]
            inputs.append(ng.Section(m, body, options, give_length=i == 0,
                                     version=(1, 2 * i)).encode())
        classic = samples.mixed().encode()
        for first, mix in ((0, inputs), (1, inputs[::-1]), (0, [classic] + inputs),
                           (1, [classic, inputs[1], classic])):
            done = checks.merge(mix)
            for name, data in harness.files_of(done.output).items():
                if not name.endswith('.pcapng'):
                    continue
                header = ng.of_kind(ng.blocks(data), ng.SectionHeader)[0]
                check_equal(ng.parse_options(header.order, header.options)[0],
                            (ng.COMMENT, b'number %d' % first), name + ': first option')
                check_equal(header.version, (1, 2 * first), name + ': version')


# ---- cases: numbers in options, against what they were built from ----

class Option(NamedTuple):
    """A code and a value: numbers in the section's byte order, then bytes."""
    code: int
    layout: str
    numbers: Tuple[int, ...]
    rest: bytes = b''

    def encode(self, m: ng.Maker) -> Tuple[int, bytes]:
        return self.code, m.pack(self.layout, *self.numbers) + self.rest

    @staticmethod
    def of_bytes(code: int, value: bytes) -> 'Option':
        return Option(code, '', (), value)


class Piece(NamedTuple):
    """A block that can be built in either byte order, for a section that has some interfaces."""
    ts_ns: Optional[int]  # None: no packet
    build: Callable[[ng.Maker, int], bytes]


def customs(rng: random.Random) -> List[Option]:
    """Whose first number is in the section's byte order, and what follows in none that is known."""
    found = [Option(code, 'I', (rng.getrandbits(32),), rng.randbytes(rng.randrange(12)))
             for code in mref.CUSTOM_OPTIONS]
    return found + [Option.of_bytes(2989, rng.randbytes(3)), Option.of_bytes(0x7abc, b'abcd'),
                    Option.of_bytes(ng.COMMENT, 'ein Wörtchen'.encode())]


def interface_options(rng: random.Random, offset: int) -> List[Option]:
    found = [Option(ng.IF_SPEED, 'Q', (rng.getrandbits(64),)),
             Option(mref.IF_TZONE, 'i', (rng.randrange(-43200, 43200),)),
             Option(mref.IF_TXSPEED, 'Q', (rng.getrandbits(64),)),
             Option(mref.IF_RXSPEED, 'Q', (rng.getrandbits(64),)),
             Option.of_bytes(4, pf.address('192.0.2.7') + pf.address('255.255.255.0')),
             Option.of_bytes(5, pf.address('2001:db8::7') + b'\x40'),
             Option.of_bytes(6, bytes(range(6))), Option.of_bytes(7, bytes(range(8))),
             Option.of_bytes(11, b'\0tcp'), Option.of_bytes(ng.IF_FCSLEN, b'\x04'),
             Option.of_bytes(ng.IF_TSRESOL, b'\x09'), Option.of_bytes(12, b'none')]
    return found + customs(rng) + [Option(ng.IF_TSOFFSET, 'q', (offset,))]


def packet_options(rng: random.Random, kind: int, more: Sequence[Option]) -> List[Option]:
    found = [Option(ng.PACKET_FLAGS, 'I', (rng.getrandbits(32),)),
             Option.of_bytes(ng.PACKET_HASH, b'\x02' + rng.randbytes(4)),
             Option.of_bytes(ng.PACKET_HASH, b'\x03' + rng.randbytes(16))]
    if kind == ng.EPB:
        found += [Option(ng.EPB_DROPCOUNT, 'Q', (rng.getrandbits(64),)),
                  Option(ng.EPB_PACKETID, 'Q', (rng.getrandbits(64),)),
                  Option(ng.EPB_QUEUE, 'I', (rng.getrandbits(32),)),
                  Option.of_bytes(ng.EPB_VERDICT, b'\0' + rng.randbytes(5)),
                  *more]
    chosen = found + customs(rng)
    return rng.sample(chosen, rng.randint(0, len(chosen)))


def one_interface(rng: random.Random, offset: int) -> Piece:
    options, snaplen = interface_options(rng, offset), rng.getrandbits(32) | 0x10000
    return Piece(None, lambda m, _: m.idb(
        pf.LINK_ETHERNET, snaplen, m.options([o.encode(m) for o in options])))


def one_described(rng: random.Random, ts_ns: int, offsets: Sequence[int],
                  more: Sequence[Option]) -> Piece:
    k = rng.randrange(len(offsets))
    kind = rng.choice([ng.EPB, ng.EPB, ng.OPB])
    options, end = packet_options(rng, kind, more), rng.random() < 0.7
    ticks, data, origlen = ts_ns - offsets[k] * 10**9, mc.syn(rng.randrange(6)), rng.getrandbits(32)
    data += rng.randbytes(rng.randrange(4))
    drops = rng.getrandbits(16)

    def build(m: ng.Maker, base: int) -> bytes:
        encoded = m.options([o.encode(m) for o in options], end)
        if kind == ng.EPB:
            return m.epb(base + k, ticks, data, origlen, encoded)
        return m.opb(base + k, ticks, data, origlen, encoded, drops)
    return Piece(ts_ns, build)


def one_other(rng: random.Random) -> Piece:
    """Names, secrets, a custom block; with options."""
    own = [Option.of_bytes(2, b'ns.example'), Option.of_bytes(3, pf.address('192.0.2.53'))]
    more = customs(rng)
    names = [(pf.address('10.9.0.%d' % i), 'host%d.example' % i) for i in range(rng.randrange(4))]
    names.append((pf.address('2001:db8::5'), 'six.example'))
    secrets, number = rng.randbytes(rng.randrange(20)), rng.getrandbits(32)
    builds: List[Callable[[ng.Maker, int], bytes]] = [
        lambda m, _: m.nrb(names, m.options([o.encode(m) for o in own + more])),
        lambda m, _: m.nrb(names),
        lambda m, _: m.dsb(secrets, number, m.options([o.encode(m) for o in more])),
        lambda m, _: m.dsb(secrets, number),
        lambda m, _: m.custom(number, secrets)]
    return Piece(None, rng.choice(builds))


INTERFACES = 2


def described(rng: random.Random, n: int, more: Sequence[Option] = ()) -> List[Piece]:
    offsets = [rng.randrange(-10**6, 10**6) for _ in range(INTERFACES)]
    pieces = [one_interface(rng, offset) for offset in offsets]
    now = 2 * 10**6 * 10**9
    for _ in range(n):
        now += rng.choice([0, 1, 10**3, 10**9])
        pieces.append(one_described(rng, now, offsets, more))
        if rng.random() < 0.1:
            pieces.append(one_other(rng))
    return pieces


def as_input(pieces: Sequence[Piece], m: ng.Maker) -> bytes:
    return m.shb() + b''.join(piece.build(m, 0) for piece in pieces)


def as_merged(inputs: Sequence[Sequence[Piece]], m: ng.Maker) -> bytes:
    """The merged capture, built in the byte order that it has to have."""
    out = [m.shb()]
    groups: List[List[List[Piece]]] = []
    for k, pieces in enumerate(inputs):
        groups.append([])
        for piece in pieces:
            if piece.ts_ns is not None:
                groups[k].append([])
            if groups[k]:
                groups[k][-1].append(piece)
            else:
                out.append(piece.build(m, INTERFACES * k))
    for k, i in mref.in_order([[group[0].ts_ns or 0 for group in one] for one in groups]):
        out += [piece.build(m, INTERFACES * k) for piece in groups[k][i]]
    return b''.join(out)


def check_orders(inputs: Sequence[Sequence[Piece]], orders: Sequence[bool]) -> None:
    """orders: whether each input is big-endian."""
    wanted = as_merged(inputs, ng.Maker(all(orders)))
    stored = [as_input(pieces, ng.Maker(big)) for pieces, big in zip(inputs, orders)]
    paths = checks.write_all(stored)
    checks.clear('merged')
    checks.split(paths, suite.path('merged'), '--merge')
    try:
        mc.check_reference(harness.files_of(suite.path('merged')), wanted, 'pcapng', 'flow', False,
                           ())
    except Failed as fault:
        raise Failed('inputs that are %s: %s' % (
            ', '.join('big' if big else 'little' for big in orders), fault)) from None
    check_equal(merged(stored), wanted, 'the model')  # of these tests: it turns what it reads


def numbers() -> None:
    """Every number that an option has is the same number, whichever byte orders there are."""
    rng = suite.random('numbers')
    for n_inputs in (2, 3):
        inputs = [described(rng, 60) for _ in range(n_inputs)]
        for orders in itertools.product((False, True), repeat=n_inputs):
            check_orders(inputs, orders)


def numbers_read() -> None:
    """The same, read back option by option."""
    rng = suite.random('numbers-read')
    inputs = [described(rng, 80), described(rng, 80)]
    found = []
    for orders in itertools.product((False, True), repeat=2):
        paths = checks.write_all([as_input(p, ng.Maker(big)) for p, big in zip(inputs, orders)])
        checks.clear('merged')
        checks.split(paths, suite.path('merged'), '--merge')
        meanings: 'collections.Counter[str]' = collections.Counter()
        for name, data in harness.files_of(suite.path('merged')).items():
            if name.endswith('.pcapng'):
                meanings.update(name + ' ' + meaning(b) for b in ng.blocks(data))
        check(any('(8, (' in text for text in meanings), 'no number was read')
        found.append(meanings)
    for other in found[1:]:
        check_equal(sorted((other - found[0]).items())[:2], sorted((found[0] - other).items())[:2],
                    'what the blocks mean')


def meaning(block: ng.Block) -> str:
    """A block's options as numbers, and its packet."""
    if isinstance(block, ng.Packet):
        head: Tuple[object, ...] = (block.ts, block.origlen, block.data, block.drops,
                                    block.interface.id)
    elif isinstance(block, ng.Interface):
        head = (block.linktype, block.snaplen, block.resolution, block.tsoffset)
    else:
        return str(block.type)
    options: List[Tuple[int, Tuple[int, ...], bytes]] = []
    for code, value in ng.parse_options(block.order, block.options):
        layout = mref.value_layout(block.type, code, value)
        size = struct.calcsize('<' + layout)
        options.append((code, struct.unpack(block.order + layout, value[:size]), value[size:]))
    return repr((block.type, head, options))


def numbers_verdict() -> None:
    """Verdicts of eBPF are a byte and a number of 64 bits."""
    rng = suite.random('numbers-verdict')
    more = [Option(ng.EPB_VERDICT, 'BQ', (kind, rng.getrandbits(64)))
            for kind in (mref.VERDICT_TC, mref.VERDICT_XDP)]
    more += [Option.of_bytes(ng.EPB_VERDICT, bytes([kind]) + b'short') for kind in (1, 2)]
    for orders in itertools.product((False, True), repeat=2):
        check_orders([described(rng, 40, more), described(rng, 40, more)], orders)


def numbers_process() -> None:
    """A process and a thread are two numbers of 32 bits each."""
    rng = suite.random('numbers-process')
    more = [Option(mref.EPB_PROCESS_THREAD, 'II', (rng.getrandbits(32), rng.getrandbits(32)))]
    for orders in itertools.product((False, True), repeat=2):
        check_orders([described(rng, 40, more), described(rng, 40, more)], orders)


# ---- cases: order ----

def equal_times() -> None:
    """At equal times the input named first comes first; nothing is sorted within an input."""
    rng = suite.random('equal-times')
    same = [pf.Format()] * 4
    checks.merge(mc.savefiles(rng, same, 60, steps=[0]))
    done = checks.merge(mc.savefiles(rng, same, 200, steps=[0, 0, 0, 10**6]))
    checks.knobs(rng, done, more=1)
    one = mc.savefiles(rng, [pf.Format()], 50, steps=[0, 1000])
    checks.merge(one * 3)
    a, b = mc.savefiles(rng, [pf.Format()] * 2, 100, steps=[0, 0, 10**6])
    checks.merge([a, b])
    checks.merge([b, a])
    checks.merge([a, b, a, b])
    # Finer than a coarse clock: equal as nanoseconds, in ticks of all kinds.
    m = ng.Maker()
    inputs = []
    for i, (base, power, ticks) in enumerate(((10, 0, 7), (10, 3, 7000), (10, 12, 7 * 10**12 + 999),
                                              (2, 20, 7 << 20), (10, 9, 7 * 10**9))):
        options = m.if_options('if%d' % i, ng.tsresol(base, power))
        inputs.append(m.shb() + m.idb(1, 0, options) + m.epb(0, ticks, mc.syn(i)) * 3 +
                      m.epb(0, ticks + 1, mc.syn(i)))
    for _ in range(8):
        checks.merge(rng.sample(inputs, 3))


def backwards() -> None:
    """Where times run backwards within an input, its order holds."""
    rng = suite.random('backwards')
    for steps in ([-1000], [-10**9, 10**9], [-10**10, 10**9 // 3, 0, 0]):
        checks.merge(mc.savefiles(rng, [pf.Format()] * 3, 100, steps=steps))
        checks.merge(mc.savefiles(rng, [pf.Format(), pf.Format('ns')], 60, steps=steps))
    # One input ends before the others begin, and the other way round.
    formats = [pf.Format(), pf.Format()]
    early = mc.random_savefile(rng, formats[0], mc.talks_of(rng), 50, [1000])
    late = pf.Capture(formats[1], [dataclasses.replace(p, ts_ns=p.ts_ns + 10**12)
                                   for p in early.packets])
    checks.merge([early.encode(), late.encode()])
    checks.merge([late.encode(), early.encode()])


def far_ahead() -> None:
    """A record of the future, or some in a row, hold nothing up; a pause of days does."""
    rng = suite.random('far-ahead')
    same = pf.Capture(pf.Format(), mc.random_savefile(rng, pf.Format(), mc.talks_of(rng), 300,
                                                      [10**6]).packets)
    for places in ((0,), (0, 1, 2), (20,), (20, 21, 40), range(299), range(150, 300)):
        odd = [dataclasses.replace(p, ts_ns=p.ts_ns + 50 * 365 * mref.DAY_NS) if i in places else p
               for i, p in enumerate(same.packets)]
        for form in (pf.Format(), pf.Format('ns')):
            late = pf.Capture(form, odd).encode()
            checks.merge([late, same.encode()])
            checks.merge([same.encode(), late, late])
    order = mref.in_order([[0, 10, 20], [9 * mref.DAY_NS, 5, 15]])
    check_equal(order, [(0, 0), (1, 0), (1, 1), (0, 1), (1, 2), (0, 2)], 'the order')


def wild_times() -> None:
    """Any 64 bits are a time, of any resolution, at any offset."""
    rng = suite.random('wild-times')
    for _ in range(4):
        inputs = []
        for _ in range(3):
            m = ng.Maker(rng.random() < 0.5)
            out = [m.shb()]
            for k in range(8):
                resolution = rng.choice([ng.tsresol(10, rng.randrange(20)),
                                         ng.tsresol(2, rng.randrange(64))])
                offset = rng.choice([None, None, rng.getrandbits(40), -rng.getrandbits(40),
                                     rng.getrandbits(63), -2**63, 2**63 - 1])
                out.append(m.idb(1, 0, m.if_options('if%d' % k, resolution, offset)))
            for i in range(150):
                ticks = rng.choice([0, 2**64 - 1, rng.getrandbits(64), rng.getrandbits(50)])
                out.append(rng.choice([m.epb, m.opb])(rng.randrange(8), ticks, mc.syn(i % 20)))
            inputs.append(b''.join(out))
        checks.merge(inputs, refer=False)  # of such times the manifest's texts are cut off


# ---- cases: inputs of all sorts ----

def empty_inputs() -> None:
    """Captures without records, of every kind, among others and alone."""
    rng = suite.random('empty-inputs')
    full = mc.savefiles(rng, [pf.Format()], 40)[0]
    sections = mc.captures(rng, [mc.FULL])[0]
    nothing = pf.Capture(pf.Format(), []).encode()
    for big in (False, True):
        m = ng.Maker(big)
        shb, idb = m.shb(), m.shb() + m.idb(1, 0, m.if_options('unused'))
        names = idb + m.nrb([(bytes(4), 'zero')]) + m.isb(0) + m.custom(1, b'x')
        for empty in (shb, idb, names, names * 2):
            checks.merge(rng.choice([[empty, sections], [empty, empty], [full, empty]]))
            checks.merge([full, empty, sections, empty])
    checks.merge([nothing, nothing])
    checks.merge([nothing, full, nothing])
    checks.merge([nothing, sections])
    checks.merge([pf.Capture(pf.Format('ns', True), []).encode(), full])


def one_input() -> None:
    """With one input --merge changes nothing."""
    rng = suite.random('one-input')
    simple = mc.captures(rng, [Shape(sections=3, simple=True, snapped=True)])[0]
    classic = mc.savefiles(rng, [pf.Format()])[0]
    for data, status in ((classic, 0), (mc.captures(rng, [mc.FULL])[0], 0), (simple, 0),
                         (classic[:-1], 1), (pf.Format('ns', True).header(), 0)):
        path = checks.write_all([data])[0]
        packed = suite.write('packed.gz', gzip.compress(data))
        for name in (path, packed):
            checks.split([name], suite.path('plain'), status=status)
            checks.split([name], suite.path('merged'), '--merge', status=status)
            found, wanted = (harness.files_of(suite.path(n)) for n in ('merged', 'plain'))
            said = [json.loads(files.pop('cleave.json')) for files in (found, wanted)]
            harness.check_files(found, wanted)
            check_equal(said[0]['options'].pop('merge'), True, 'cleave.json: merge')
            check_equal(said[1]['options'].pop('merge'), False, 'cleave.json: merge')
            check_equal(said[0], said[1], 'cleave.json')
            checks.clear('plain', 'merged')


def many_inputs() -> None:
    """Hundreds of mc.captures of a few records each."""
    rng = suite.random('many-inputs')
    talks = mc.talks_of(rng)
    alike = [mc.random_savefile(rng, pf.Format(), talks, rng.randrange(8)).encode()
             for _ in range(300)]
    done = checks.merge(alike)
    checks.split(done.paths, suite.path('few'), '--merge', '--max-open', '2', '--memory', '1MiB')
    check_equal(harness.tree_digest(suite.path('few')), harness.tree_digest(done.output),
                'tree with few outputs open')
    shape = Shape(packets=5, interfaces=2, metadata=True, ignored=True, options=True)
    mixed = [rng.choice(alike) if rng.random() < 0.3 else
             ng.encode(made.random_capture(rng, shape, talks)) for _ in range(150)]
    checks.merge(mixed)


def few_descriptors() -> None:
    """All is split with few descriptors, also where inputs take some of them all the time."""
    rng = suite.random('few-descriptors')
    inputs = []
    for k in range(60):
        frames = [mc.syn(rng.randrange(400)) for _ in range(30)]
        packets = pf.at_times(frames, mc.NOON_NS + k, 10**6)
        inputs.append(pf.Capture(pf.Format(), packets).encode())
    done = checks.merge(inputs)
    wanted = mc.without_summary(harness.files_of(done.output))
    packed = [suite.write('packed-%d' % i, gzip.compress(data)) for i, data in enumerate(inputs)]
    for kind, paths in (('plain', done.paths), ('compressed', packed)):
        for limit in ('1024', '256'):
            told = harness.run(['sh', '-c', 'ulimit -n "$0" && exec "$@"', limit, suite.cleave,
                                'split', '--merge', '-q', '-o', suite.path('few'), *paths])
            check_equal((told.returncode, told.stderr.decode()), (0, ''),
                        'status and messages with %s descriptors, %s inputs' % (limit, kind))
            harness.check_files(mc.without_summary(harness.files_of(suite.path('few'))), wanted)
            checks.clear('few')


def huge_records() -> None:
    """Records longer than a buffer between ones of a few bytes."""
    rng = suite.random('huge-records')
    classic, sections = [], []
    for k in range(2):
        packets = []
        m = ng.Maker(k == 1)
        out = [m.idb(1, 0, m.if_options('x', comments=['y' * 60000]))]
        for i in range(60):
            size = rng.choice([262144, 200000, 65000, 60, 60, 60])
            data = (mc.syn(i % 5) + rng.randbytes(size))[:size]
            packets.append(pf.Packet(data, mc.NOON_NS + i * 1000 + k))
            out.append(m.epb(0, made.NOON * 10**6 + i, data, options=m.epb_options(
                ['z' * rng.choice([0, 65000])])))
            if i % 20 == 19:
                out.append(m.custom(1, rng.randbytes(300000), rng.random() < 0.5))
        classic.append(pf.Capture(pf.Format(), packets).encode())
        sections.append(ng.Section(m, out).encode())
    done = checks.merge(classic)
    checks.knobs(rng, done, more=1)
    checks.merge(sections)
    checks.knobs(rng, checks.merge([sections[1], classic[0]]), more=1)


def longest_records() -> None:
    """What fits into a block of pcapng is merged; what does not is merged or refused, and is no
    damage."""
    block_max = 16 << 20
    for linktype in (231, 249):  # D-Bus, USBPcap: of 128 MiB at most
        for longest in (block_max - 32, block_max - 34, block_max - 31, block_max + 1000000):
            packets = [pf.Packet(bytes(length), mc.NOON_NS + i)
                       for i, length in enumerate((100, longest, 100))]
            longish = pf.Capture(pf.Format(linktype=linktype), packets).encode()
            paths = checks.write_all([longish, samples.mixed().encode()])
            done = suite.run_cleave('split', '--merge', '--json', '-o', suite.path('merged'),
                                    *paths, status=None)
            fine = (0,) if longest <= block_max - 32 else (0, 2)
            check(done.returncode in fine, 'status %d with a packet of %d bytes: %s',
                  done.returncode, longest, done.stderr.decode())
            if done.returncode == 0:
                found, wanted = json.loads(done.stdout), checks.split(paths, suite.path('one'))
                for name in ('records_read', 'captured_bytes', 'written_bytes', 'outputs'):
                    check_equal(found[name], wanted[name], 'summary: ' + name)
            checks.clear('merged', 'one')


FLAGS: List[mc.Setting] = [
    ('--snaplen', '50'), ('--top', '3'), ('--min-packets', '4'), ('--min-bytes', '500'),
    ('--every', '10p'), ('--every', '2s'), ('--every', '4KiB'), ('--shards', '3'),
    ('--idle-timeout', '500ms'), ('--active-timeout', '3s'), ('--port', '53,443'),
    ('--host', '10.0.0.0/8', '--proto', 'udp'), ('--vlan', '7'), ('--filter', 'tcp or greater 150'),
    ('--after', str(made.NOON + 1), '--before', str(made.NOON + 9)),
    ('--max-packets-per-flow', '3'), ('--max-bytes-per-flow', '400'), ('--manifest', 'jsonl'),
    ('--name', '{first}/{n}_{part}_{key}', '--every', '7p')]


def other_flags() -> None:
    """What else is asked for is asked of the merged capture."""
    rng = suite.random('other-flags')
    alike = mc.savefiles(rng, [pf.Format()] * 3)
    shape = dataclasses.replace(mc.FULL, links=(pf.LINK_ETHERNET,), packets=100)
    unlike = mc.captures(rng, [shape] * 2)
    unlike.append(alike[0])
    for flags in FLAGS:
        checks.merge(rng.choice([alike, unlike]), *flags, refer=False)
    for by in ('connection', 'client,server', 'ip,port', 'iface', 'vlan', 'mac', 'none'):
        checks.merge(rng.choice([alike, unlike]), by=by, refer=False)


def streamed() -> None:
    """What comes through pipes or compressed is merged like files."""
    rng = suite.random('streamed')
    ways = checks.ways()
    shape = dataclasses.replace(mc.FULL, packets=600, payload_max=900)
    alike = mc.savefiles(rng, [pf.Format()] * 4, 1000)
    unlike = mc.captures(rng, [shape, shape])
    unlike += mc.savefiles(rng, [pf.Format('ns', True), pf.Format()])
    for inputs in (alike, unlike):
        done = checks.merge(inputs)
        mixes = [[way] * 4 for way in ways if way != '-']
        for chosen in mixes + [rng.sample(ways, 4) for _ in range(4)]:
            knobs = rng.choice([(), *harness.knob_settings(mc.KNOBS, rng, 2)])
            checks.same_by(inputs, done, [chosen], *knobs)


def windows() -> None:
    """Records and blocks that lie across the ends of windows, in each input at other places."""
    rng = suite.random('windows')
    fmt = pf.Format()
    ways = [['fifo', 'fifo', '-']]
    if 'gz' in checks.ways():
        ways.append(['gz', 'gz', 'fifo of gz'])
    lengths = [60, 1000, 1000, 1400, 60000, mref.CAPLEN_MAX]
    inputs = [mc.long_savefile(rng, fmt, size * mc.PCAP_WINDOW, lengths) for size in (5, 4, 1)]
    checks.same_by(inputs, checks.merge(inputs, refer=False), ways)
    inputs = [mc.long_capture(rng, ng.Maker(big), 3 * mc.PCAPNG_WINDOW) for big in (False, True)]
    checks.same_by(inputs, checks.merge(inputs, refer=False), ways)
    lengths = [200000, mref.CAPLEN_MAX]
    inputs = [mc.long_savefile(rng, fmt, mc.MAPPED_WINDOW * 9 // 8, lengths),
              mc.long_savefile(rng, fmt, mc.PCAP_WINDOW, lengths)]
    checks.merge(inputs, refer=False)


# ---- cases: conversion ----

def to_pcap() -> None:
    rng = suite.random('to-pcap')
    shape = dataclasses.replace(mc.FULL, packets=150)
    for _ in range(3):
        inputs = mc.captures(rng, [shape, shape])
        classic = mc.savefiles(rng, [pf.Format('ns', True), pf.Format(linktype=pf.LINK_RAW)], 60)
        checks.merge(inputs, '--format', 'pcap')
        checks.merge([classic[0], inputs[1], classic[1]], '--format', 'pcap')
        done = checks.merge(classic + inputs, '--format', 'pcap')
    checks.knobs(rng, done, '--format', 'pcap', more=1)
    checks.merge(mc.savefiles(rng, [pf.Format()] * 3), '--format', 'pcap')
    checks.merge(mc.savefiles(rng, [pf.Format(), pf.Format('ns')]), '--format', 'pcap')


def to_pcapng() -> None:
    rng = suite.random('to-pcapng')
    for kind in ('us', 'ns', 'modified'):
        for big in (False, True):
            inputs = mc.savefiles(rng, [pf.Format(kind, big)] * 3, 60)
            checks.merge(inputs, '--format', 'pcapng')
            checks.merge(inputs[:1] + mc.savefiles(rng, [pf.Format('us', not big)], 60), '--format',
                        'pcapng')
    checks.knobs(rng, checks.merge(inputs, '--format', 'pcapng'), '--format', 'pcapng', more=1)
    checks.merge(mc.captures(rng, [mc.FULL, mc.FULL]), '--format', 'pcapng')


# ---- cases: mc.captures from the field ----

def field() -> None:
    """The merging split of mc.captures from the field is the split of the model's capture."""
    rng = suite.random('field')
    for names, inputs in mref.field_groups(rng, FIELD_GROUPS):
        for flags in ((), ('--format', rng.choice(['pcap', 'pcapng']))):
            try:
                checks.merge(inputs, *flags, refer=False)
            except Failed as fault:
                raise Failed('%s %s: %s' % (' '.join(names), ' '.join(flags), fault)) from None


def main() -> int:
    cases: Dict[str, Callable[[], None]] = {
        'pcap-alike-little': pcap_alike(), 'pcap-alike-big': pcap_alike(big_endian=True),
        'pcap-alike-ns': pcap_alike(kind='ns'), 'pcap-alike-modified': pcap_alike(kind='modified'),
        'pcap-alike-fcs': pcap_alike(fcs=4), 'pcap-alike-raw': pcap_alike(linktype=pf.LINK_RAW)}
    for case in (pcap_keys, pcap_unlike, old_versions, two_taps):
        cases[case.__name__.replace('_', '-')] = case
    for name, shape in SHAPES.items():
        cases['pcapng-' + name] = pcapng_shape(name, shape)
    for case in (pcapng_flags, mixed_formats, section_header, numbers, numbers_read,
                 numbers_verdict, numbers_process, equal_times, backwards, far_ahead, wild_times,
                 empty_inputs, one_input, many_inputs, few_descriptors, huge_records,
                 longest_records, other_flags, streamed, windows, to_pcap, to_pcapng, field):
        cases[case.__name__.replace('_', '-')] = case
    return suite.run(cases)


if __name__ == '__main__':
    sys.exit(main())
