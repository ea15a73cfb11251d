# SPDX-License-Identifier: BSD-2-Clause
"""What split --merge has to make of several captures, worked out slowly: one capture.

Each input is a list of records with the blocks behind them; always the input whose next record is
the earliest is taken, at equal times the one that was named first. What is taken is written down as
classic pcap where all inputs are alike, else as one section of pcapng. Blocks of the other byte
order are taken apart and put together again.
"""
import collections
import os
import random
import struct
from fractions import Fraction
from typing import Dict, Iterable, Iterator, List, NamedTuple, Optional, Sequence, Tuple

import harness
import pcapfile as pf
import pcapngfile as ng

MAGIC = b'\n\r\r\n'
CAPLEN_MAX = 262144


# ---- blocks in the other byte order ----

# Fixed fields behind the two of every block, and which of them tells the bytes of data that follow.
FIELDS = {ng.SHB: 'IHHq', ng.IDB: 'HHI', ng.EPB: 'IIIII', ng.OPB: 'HHIIII', ng.DSB: 'II',
          ng.CUSTOM: 'I', ng.CUSTOM_PRIVATE: 'I', ng.NRB: ''}
DATA_LENGTH = {ng.EPB: 3, ng.OPB: 4, ng.DSB: 1}
IF_TZONE, IF_TXSPEED, IF_RXSPEED = 10, 16, 17
EPB_PROCESS_THREAD = 8
NUMBERS = {(ng.IDB, ng.IF_SPEED): 'Q', (ng.IDB, IF_TZONE): 'i', (ng.IDB, ng.IF_TSOFFSET): 'q',
           (ng.IDB, IF_TXSPEED): 'Q', (ng.IDB, IF_RXSPEED): 'Q',
           (ng.EPB, ng.PACKET_FLAGS): 'I', (ng.EPB, ng.EPB_DROPCOUNT): 'Q',
           (ng.EPB, ng.EPB_PACKETID): 'Q', (ng.EPB, ng.EPB_QUEUE): 'I',
           (ng.EPB, EPB_PROCESS_THREAD): 'II', (ng.OPB, ng.PACKET_FLAGS): 'I'}
CUSTOM_OPTIONS = (2988, 2989, 19372, 19373)  # an enterprise's number, then what it likes
VERDICT_HARDWARE, VERDICT_TC, VERDICT_XDP = 0, 1, 2


def value_layout(kind: int, code: int, value: bytes) -> str:
    """How the value begins, for struct; the rest of it is bytes."""
    if code in CUSTOM_OPTIONS:
        return 'I' if len(value) >= 4 else ''
    layout = NUMBERS.get((kind, code), '')
    if (kind, code) == (ng.EPB, ng.EPB_VERDICT) and value[:1] in (b'\x01', b'\x02'):
        layout = 'BQ'
    return layout if struct.calcsize('<' + layout) == len(value) else ''


def reordered(layout: str, value: bytes, old: str, new: str) -> bytes:
    size = struct.calcsize('<' + layout)
    return struct.pack(new + layout, *struct.unpack(old + layout, value[:size])) + value[size:]


def turned_entries(raw: bytes, kind: int, old: str, new: str) -> Tuple[bytes, bytes]:
    """Options, or the records of a block of names (kind 0), up to their end; and what is behind."""
    out = b''
    while len(raw) >= 4:
        code, length = struct.unpack_from(old + 'HH', raw)
        out += struct.pack(new + 'HH', code, length)
        raw = raw[4:]
        if code == ng.END_OF_OPTIONS:
            break
        whole = length + ng.padding(length)
        value = raw[:length]
        layout = value_layout(kind, code, value) if kind else ''
        out += reordered(layout, value, old, new) + raw[length:whole]
        raw = raw[whole:]
    return out, raw


def turned(raw: bytes, old: str, new: str) -> bytes:
    """A block in the byte order that is wanted."""
    if old == new:
        return raw
    kind, total = struct.unpack_from(old + 'II', raw)
    body = raw[8:-4]
    if kind in FIELDS:
        layout = FIELDS[kind]
        values = struct.unpack_from(old + layout, body)
        out = struct.pack(new + layout, *values)
        rest = body[len(out):]
        if kind in DATA_LENGTH:
            length = values[DATA_LENGTH[kind]]
            length += ng.padding(length)
            out, rest = out + rest[:length], rest[length:]
        if kind == ng.NRB:
            names, rest = turned_entries(rest, 0, old, new)
            out += names
        if kind not in (ng.CUSTOM, ng.CUSTOM_PRIVATE):
            options, rest = turned_entries(rest, kind, old, new)
            out += options
        body = out + rest
    return struct.pack(new + 'II', kind, total) + body + struct.pack(new + 'I', total)


# ---- one capture of several ----

def is_unknown(kind: int) -> bool:
    """A block whose contents cannot be turned, or be referred to by number."""
    return kind not in (ng.SHB, ng.IDB, ng.ISB, ng.CUSTOM_PRIVATE, ng.JOURNAL) + ng.PACKETS + \
        ng.METADATA


DAY_NS = 86400 * 10**9


def turns(times: Sequence[Optional[int]]) -> List[int]:
    """When it is each record's turn: a time far ahead of one that soon follows is not trusted, and
    without a time it is before all that have one."""
    out: List[int] = []
    known = [-2**63 if t is None else t for t in times]
    for i, t in enumerate(known):
        earlier = [s for s in known[i + 1:i + 257] if t - s > DAY_NS]
        trusted = (out and t - out[-1] <= DAY_NS) or not earlier
        out.append(t if trusted else earlier[0])
    return out


def in_order(of_inputs: Sequence[Sequence[Optional[int]]]) -> List[Tuple[int, int]]:
    """Pairs of input and record."""
    times = [turns(of_input) for of_input in of_inputs]
    at = [0] * len(times)
    order: List[Tuple[int, int]] = []
    while True:
        heads = [(of_input[at[k]], k) for k, of_input in enumerate(times) if at[k] < len(of_input)]
        if not heads:
            return order
        k = min(heads)[1]
        order.append((k, at[k]))
        at[k] += 1


def is_pcapng(data: bytes) -> bool:
    return data[:4] == MAGIC


def read_savefile(data: bytes) -> pf.Savefile:
    return pf.parse(data, CAPLEN_MAX)


def all_alike(inputs: Sequence[bytes]) -> bool:
    """Savefiles whose headers differ in their snaplen at most, and in what nobody uses."""
    return len({(data[:8], data[20:24], is_pcapng(data)) for data in inputs}) == 1 and \
        not is_pcapng(inputs[0])


def clamped(ts_ns: int) -> int:
    """Times that 64 bits of nanoseconds cannot tell apart are equal."""
    whole = 2**63 // 10**9 * 10**9 - 10**9
    return max(-whole, min(ts_ns, whole))


class Lane(NamedTuple):
    """An input: what comes before its first record, then each record with what follows it."""
    begin: List[ng.Block]
    records: List[List[ng.Block]]

    @property
    def times(self) -> List[Optional[int]]:
        """A record without a time has that of the one before it, or of the first one with a time."""
        own = [packet.ts_ns for packet in ng.of_kind([g[0] for g in self.records], ng.Packet)]
        last = next((t for t in own if t is not None), None)
        found: List[Optional[int]] = []
        for ts_ns in own:
            last = last if ts_ns is None else ts_ns
            found.append(None if last is None else clamped(last))
        return found


def savefile_blocks(saved: pf.Savefile) -> List[ng.Block]:
    """One interface with the options that it needs, and a packet block for each record."""
    fmt, maker = saved.format, ng.Maker()
    options = maker.if_options(resolution=ng.tsresol(10, 9) if fmt.kind == 'ns' else None,
                               fcslen=fmt.fcs or None)
    out = [maker.idb(fmt.linktype, fmt.snaplen, options)]
    out += [maker.epb(0, r.ts_ns // fmt.tick_ns, r.data, r.origlen) for r in saved.records]
    return list(ng.blocks(ng.encode([ng.Section(maker, out)])))


def lane(data: bytes) -> Lane:
    found = ng.parse(data)[0] if is_pcapng(data) else savefile_blocks(read_savefile(data))
    made_of = Lane([], [])
    for block in found:
        if isinstance(block, ng.Packet):
            made_of.records.append([])
        (made_of.records[-1] if made_of.records else made_of.begin).append(block)
    return made_of


def merged_savefile(inputs: Sequence[bytes]) -> bytes:
    saved = [read_savefile(data) for data in inputs]
    widest = max(saved, key=lambda s: s.format.snaplen)
    order = in_order([[r.ts_ns for r in s.records] for s in saved])
    return widest.header + b''.join(saved[k].records[i].raw for k, i in order)


def merged_sections(inputs: Sequence[bytes]) -> bytes:
    """One section with the interfaces of all; blocks keep their place behind the one before."""
    lanes = [lane(data) for data in inputs]
    big = all(is_pcapng(data) and data[8:12] == b'\x1a\x2b\x3c\x4d' for data in inputs)
    new = '>' if big else '<'
    headers = [block for data, one in zip(inputs, lanes) if is_pcapng(data)
               for block in one.begin[:1] if isinstance(block, ng.SectionHeader)]
    out = [turned(headers[0].raw[:16] + b'\xff' * 8 + headers[0].raw[24:], headers[0].order, new)
           if headers else ng.Maker(big).shb()]
    numbers: Dict[Tuple[int, int, int], int] = {}
    times = [one.times for one in lanes]
    first = min((t[0] for t in times if t and t[0] is not None), default=0)

    def timed(block: ng.Packet, number: int, ts_ns: Optional[int]) -> bytes:
        """A simple packet block can only be of interface 0: it becomes one of the usual kind."""
        of = block.interface
        seconds = Fraction(first if ts_ns is None else ts_ns, 10**9) - of.tsoffset
        ticks = int(seconds * of.ticks_per_second // 1)
        return ng.Maker(big).epb(number, ticks, block.data, block.origlen)

    def put(k: int, blocks: Iterable[ng.Block], ts_ns: Optional[int] = None) -> None:
        for block in blocks:
            raw = block.raw
            if isinstance(block, ng.SectionHeader) or is_unknown(block.type):
                continue
            if block.type == ng.SPB:
                assert isinstance(block, ng.Packet)
                out.append(timed(block, numbers[k, block.section, block.interface.id], ts_ns))
                continue
            if isinstance(block, ng.Interface):
                numbers[k, block.section, block.id] = len(numbers)
            elif isinstance(block, ng.Packet):
                raw = block.on_interface(numbers[k, block.section, block.interface.id])
            out.append(turned(raw, block.order, new))

    for k, one in enumerate(lanes):
        put(k, one.begin)
    for k, i in in_order(times):
        put(k, lanes[k].records[i], times[k][i])
    return b''.join(out)


def merged(inputs: Sequence[bytes]) -> bytes:
    return merged_savefile(inputs) if all_alike(inputs) else merged_sections(inputs)


# ---- captures from the field ----

LARGEST = 150000  # bytes; all this is slow


def _sound(data: bytes) -> bool:
    """Nothing is wrong with it that these readers could see otherwise than the program."""
    if is_pcapng(data):
        found, fault = ng.parse(data)
        return fault is None and not any(b.type == ng.SPB for b in found)
    try:
        saved = read_savefile(data)
    except ValueError:
        return False
    return saved.damage_at is None and saved.format.version == (2, 4)


def field_groups(rng: random.Random, n: int) -> Iterator[Tuple[List[str], List[bytes]]]:
    """Names and bytes of a few captures each, every other time of one kind."""
    top = harness.shared_captures()
    known: Dict[str, bytes] = {}
    kinds = collections.defaultdict(list)
    for name in sorted(os.listdir(top)):
        path = os.path.join(top, name)
        if not name.endswith(('.pcap', '.pcapng')) or os.path.getsize(path) > LARGEST:
            continue
        with open(path, 'rb') as f:
            data = f.read()
        if len(data) >= pf.FILE_HEADER_LEN and _sound(data):
            known[name] = data
            kinds[is_pcapng(data) or (data[:4], data[20:24])].append(name)
    for i in range(n):
        some = rng.choice([k for k in kinds.values() if len(k) > 1]) if i % 2 else list(known)
        names = rng.sample(some, min(len(some), rng.randint(2, 5)))
        yield names, [known[name] for name in names]
