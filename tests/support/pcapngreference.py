# SPDX-License-Identifier: BSD-2-Clause
"""What splits of pcapng captures have to give, worked out slowly.

Flows come from reference.py, with the link type of each record's interface. An output is not
predicted byte for byte, since blocks other than packets may stand in more than one place: each
check here reads it back and holds it against the input's blocks.
"""
import collections
import csv
import dataclasses
import io
import ipaddress
import struct
from typing import Dict, Iterable, List, Mapping, NamedTuple, Optional, Sequence, Set, Tuple

import pcapfile as pf
import pcapngfile as ng
import reference
from harness import Failed, check, check_equal
from origins import Fields

OTHER = 'other.pcapng'


class Output(NamedTuple):
    """A flow's records in the order of the capture."""
    name: str  # under the default template
    ends: Fields  # of the first record; empty: `other`
    packets: List[ng.Packet]


@dataclasses.dataclass
class Source:
    """The blocks of all inputs, one input behind the other."""
    blocks: List[ng.Block]
    converted: Set[int]  # sections made of classic savefiles: no block of these is in a file

    @property
    def packets(self) -> List[ng.Packet]:
        return ng.of_kind(self.blocks, ng.Packet)

    def of_types(self, *types: int) -> List[ng.Block]:
        return [block for block in self.blocks if block.type in types]


def from_savefile(saved: pf.Savefile) -> bytes:
    """A classic savefile as one pcapng section."""
    fmt, maker = saved.format, ng.Maker()
    resolution = ng.tsresol(10, 9 if fmt.kind == 'ns' else 6)
    out = [maker.idb(fmt.linktype, fmt.snaplen, maker.if_options(resolution=resolution))]
    out += [maker.epb(0, r.ts_ns // fmt.tick_ns, r.data, r.origlen) for r in saved.records]
    return ng.encode([ng.Section(maker, out)])


def source(inputs: Iterable[bytes]) -> Source:
    """Each up to its damage; offsets and sections are counted through."""
    all_blocks: List[ng.Block] = []
    converted: Set[int] = set()
    base = sections = 0
    for data in inputs:
        if data[:4] != b'\n\r\r\n':
            data = from_savefile(pf.parse(data))
            converted.add(sections)
        found, _ = ng.parse(data)
        moved = [dataclasses.replace(b, offset=b.offset + base, section=b.section + sections)
                 for b in found]
        base += len(data)
        sections = moved[-1].section + 1 if moved else sections
        all_blocks += moved
    return Source(all_blocks, converted)


def of_bytes(data: bytes) -> Source:
    return source([data])


def partition(packets: Sequence[ng.Packet], by: str = 'flow', directed: bool = False,
              drop_other: bool = False) -> List[Output]:
    """In order of appearance, `other` last."""
    opt = reference.Options(reference.by_of(by, directed), no_other=drop_other)
    records = [reference.Record(i, p.interface.linktype, p.data, p.ts_ns, p.origlen, len(p.raw), 0,
                                p.offset) for i, p in enumerate(packets)]
    outputs = []
    for flow in reference.split(records, opt).flows:
        name = reference.default_name(flow, opt)
        outputs.append(Output(name[:-len('.pcap')] + '.pcapng', flow.origin.ends,
                              [packets[r.number] for r in flow.records]))
    return outputs


# ---- pcapng out ----

def _check_raw(what: str, found: Sequence[bytes], wanted: Sequence[bytes]) -> None:
    """The same blocks; tells the first that differs."""
    for i, (a, b) in enumerate(zip(found, wanted)):
        if a != b:
            raise Failed('%s: block %d of %d is\n%s instead of\n%s' % (
                what, i, len(found), a[:500].hex(), b[:500].hex()))
    check_equal(len(found), len(wanted), what + ': number of blocks')


def randoms(block: ng.Block) -> Optional[Set[str]]:
    """Client randoms of a block of TLS secrets; None: not all of it can be told."""
    kind, length = struct.unpack_from(block.order + 'II', block.raw, 8)
    if kind != ng.TLS_KEY_LOG:
        return None
    found = set()
    for line in block.raw[16:16 + length].decode('latin-1').split('\n'):
        if line and not line.startswith('#'):
            fields = line.split(' ')
            if len(fields) < 3 or len(fields[1]) != 64:
                return None
            found.add(fields[1].lower())
    return found or None


def names_for(block: ng.Block, addresses: Set[bytes]) -> bytes:
    """A block of names with those of the addresses alone; empty: there are none."""
    at, kept = 8, b''
    while at < len(block.raw) - 4:
        kind, length = struct.unpack_from(block.order + 'HH', block.raw, at)
        at += 4
        if kind == ng.NRB_END:
            break
        size = 4 if kind == ng.NRB_IPV4 else 16
        if block.raw[at:at + size] in addresses:
            kept += block.raw[at - 4:at + length + ng.padding(length)]
        at += length + ng.padding(length)
    body = kept + bytes(4) + block.raw[at:-4]
    length = struct.pack(block.order + 'I', len(body) + 12)
    return block.raw[:4] + length + body + length if kept else b''


def hellos_of(packets: Iterable[ng.Packet]) -> Dict[str, int]:
    """Client randoms of the packets' handshakes, and the first byte where they are."""
    found: Dict[str, int] = {}
    for packet in packets:
        at = packet.data.find(b'\x16\x03\x01\0\x2c\x01\0\0\x28\x03\x03')
        if at >= 0:
            found.setdefault(packet.data[at + 11:at + 43].hex(), packet.offset)
    return found


def wanted_metadata(sent: Sequence[ng.Block], ends: Fields, src: Source, section: int,
                    packets: Sequence[ng.Packet]) -> Tuple[List[Tuple[int, bytes]], List[bytes]]:
    """What of a section's an output gets: with its byte in the input, and behind all else. Secrets
    are those of its handshakes, where they are or where the handshake is if that comes later; and
    at the end those that no output has a handshake for."""
    mine = hellos_of(packets)
    by_section: Dict[int, List[ng.Packet]] = {}
    for packet in src.packets:
        by_section.setdefault(packet.section, []).append(packet)
    anyones = set(hellos_of(p for s in range(section + 1) for p in by_section.get(s, [])))
    addresses = {ipaddress.ip_address(ends[side]).packed for side in ('src', 'dst') if ends}
    early: List[Tuple[int, bytes]] = []
    late: List[bytes] = []
    for block in sent:
        found = randoms(block) if block.type == ng.DSB else None
        if found is not None:
            known = [mine[r] for r in found if r in mine]
            if known:
                early.append((max(block.offset, min(known) - 1), block.raw))
            elif not found & anyones:
                late.append(block.raw)
            continue
        raw = names_for(block, addresses) if addresses and block.type == ng.NRB else block.raw
        if raw:
            early.append((block.offset, raw))
    return sorted(early, key=lambda one: one[0]), late


def _check_metadata(where: str, packets: Sequence[ng.Packet], sent: Sequence[Tuple[int, bytes]],
                    rest: Sequence[bytes], found: Sequence[ng.Block]) -> None:
    """Each block once, in order, and none behind a record that it stood before."""
    came = [b.raw for b in found if ng.is_metadata(b.type)]
    _check_raw(where + ': metadata', came, [raw for _, raw in sent] + list(rest))
    n_before = 0
    arrived = iter(packets)
    for block in found:
        if isinstance(block, ng.Packet):
            packet = next(arrived)
            due = sum(offset < packet.offset for offset, _ in sent)
            check(n_before >= due, '%s: the record at byte %d comes behind %d of %d metadata '
                  'blocks that it has before it in the input', where, block.offset, n_before, due)
        n_before += ng.is_metadata(block.type)


def _check_copied(where: str, header: ng.SectionHeader, packets: Sequence[ng.Packet],
                  metadata: Tuple[Sequence[Tuple[int, bytes]], Sequence[bytes]],
                  found: Sequence[ng.Block]) -> None:
    """A section of an output that has these packets of one section of the input."""
    mine = found[0]
    assert isinstance(mine, ng.SectionHeader)
    check_equal((mine.raw[:16] + mine.raw[24:]).hex(), (header.raw[:16] + header.raw[24:]).hex(),
                where + ': section header without the length of the section')
    check(mine.length in (-1, header.length), '%s: the section has length %d, in the input %d',
          where, mine.length, header.length)
    ids: Dict[int, int] = {}
    needed: List[ng.Interface] = []
    for packet in packets:
        if packet.interface.id not in ids:
            check(packet.type != ng.SPB or not ids, '%s: a capture that these checks do not know',
                  where)
            ids[packet.interface.id] = len(ids)
            needed.append(packet.interface)
    _check_raw(where + ': interfaces', [i.raw for i in ng.of_kind(found, ng.Interface)],
               [i.raw for i in needed])
    _check_raw(where + ': packets', [p.raw for p in ng.of_kind(found, ng.Packet)],
               [p.on_interface(ids[p.interface.id]) for p in packets])
    _check_metadata(where, packets, *metadata, found)
    known = (ng.SHB, ng.IDB) + ng.PACKETS
    check_equal([hex(b.type) for b in found if b.type not in known and not ng.is_metadata(b.type)],
                [], where + ': other blocks')


def _check_converted(where: str, packets: Sequence[ng.Packet], found: Sequence[ng.Block]) -> None:
    """A section of an output made of a classic savefile's records."""
    interfaces = ng.of_kind(found, ng.Interface)
    wanted = packets[0].interface
    check_equal([(i.linktype, i.snaplen, i.resolution, i.tsoffset) for i in interfaces],
                [(wanted.linktype, wanted.snaplen, wanted.resolution, 0)],
                where + ': interfaces (link type, snaplen, if_tsresol, if_tsoffset)')
    check_equal([b.type for b in found if b.type not in (ng.SHB, ng.IDB, ng.EPB)], [],
                where + ': other blocks')
    for i, (a, b) in enumerate(zip(ng.of_kind(found, ng.Packet), packets)):
        check_equal((a.ts, a.caplen, a.origlen, a.data), (b.ts, b.caplen, b.origlen, b.data),
                    '%s: packet %d' % (where, i))
    check_equal(len(ng.of_kind(found, ng.Packet)), len(packets), where + ': packets')


def check_output(name: str, data: bytes, output: Output, src: Source,
                 metadata: bool = True) -> None:
    try:
        found = list(ng.blocks(data))
    except ng.Damage as fault:
        raise Failed('%s is no sound pcapng capture: %s' % (name, fault)) from None
    by_section: Dict[int, List[ng.Packet]] = {}
    for packet in output.packets:
        by_section.setdefault(packet.section, []).append(packet)
    check_equal(found[-1].section + 1 if found else 0, len(by_section), name + ': sections')
    headers = {h.section: h for h in ng.of_kind(src.blocks, ng.SectionHeader)}
    for number, (section, packets) in enumerate(by_section.items()):
        where = '%s: section %d (of the input %d)' % (name, number, section)
        mine = [b for b in found if b.section == number]
        if section in src.converted:
            _check_converted(where, packets, mine)
            continue
        sent = [b for b in src.blocks
                if metadata and b.section == section and ng.is_metadata(b.type)]
        early, late = wanted_metadata(sent, output.ends, src, section, output.packets)
        last = number == len(by_section) - 1
        _check_copied(where, headers[section], packets, (early, late if last else []), mine)


def check_names(found: Iterable[str], wanted: Iterable[str], what: str) -> None:
    found, wanted = set(found), set(wanted)
    check(found == wanted, '%s: missing %s, unexpected %s', what, sorted(wanted - found)[:5],
          sorted(found - wanted)[:5])


def check_tree(files: Mapping[str, bytes], outputs: Sequence[Output], src: Source,
               metadata: bool = True) -> None:
    """All that a split as pcapng wrote, but for the manifest and the summary."""
    ours = {'cleave.json', 'manifest.csv'}
    check_names((n for n in files if n not in ours and not n.endswith('/')),
                (o.name for o in outputs), 'outputs')
    for output in outputs:
        check_output(output.name, files[output.name], output, src, metadata)


# ---- pcap out ----

def fine_before_packets(blocks: Iterable[ng.Block]) -> bool:
    """Whether an interface before the first packet has more than a million ticks per second."""
    for block in blocks:
        if isinstance(block, ng.Packet):
            return False
        if isinstance(block, ng.Interface) and block.ticks_per_second > 10**6:
            return True
    return False


Frame = Tuple[Optional[int], int, bytes]  # time (ns), original length, packet


def frames(packets: Iterable[ng.Packet], with_times: bool = True) -> Tuple[Frame, ...]:
    return tuple((p.ts_ns if with_times else None, p.origlen, p.data) for p in packets)


def check_pcap_tree(files: Mapping[str, bytes], outputs: Sequence[Output], fine: Optional[bool],
                    with_times: bool = True) -> None:
    """All that a split as pcap wrote. fine: times in nanoseconds; None: in either."""
    names = [n for n in files if n not in ('cleave.json', 'manifest.csv') and not n.endswith('/')]
    check_equal([n for n in names if not n.endswith('.pcap')], [], 'other files')
    wanted: 'collections.Counter[Tuple[int, Tuple[Frame, ...]]]' = collections.Counter()
    for output in outputs:
        links = {p.interface.linktype for p in output.packets}
        for link in links:
            of_link = [p for p in output.packets if p.interface.linktype == link]
            wanted[link, frames(of_link, with_times)] += 1
    found: 'collections.Counter[Tuple[int, Tuple[Frame, ...]]]' = collections.Counter()
    for name in names:
        saved = pf.parse(files[name])
        fmt = saved.format
        check_equal(saved.damage_at, None, name + ': damage')
        if fine is not None:
            check_equal(fmt.kind, 'ns' if fine else 'us', name + ': kind of savefile')
        check(fmt.snaplen == 0 or all(r.caplen <= fmt.snaplen for r in saved.records),
              '%s: records longer than the snaplen %d: libpcap cuts them', name, fmt.snaplen)
        found[fmt.linktype, tuple((r.ts_ns if with_times else None, r.origlen, r.data)
                                  for r in saved.records)] += 1
    for what, more in (('missing', wanted - found), ('unexpected', found - wanted)):
        for link, content in more:
            raise Failed('%d outputs %s, the first: link type %d, %d records: %s' % (
                sum(more.values()), what, link, len(content),
                [(t, n, d[:40].hex()) for t, n, d in content[:3]]))
    flows = [o for o in outputs if o.ends]
    if all(len({p.interface.linktype for p in o.packets}) == 1 for o in flows):
        check_names((n for n in names if not n.startswith('other')),
                    (o.name[:-len('ng')] for o in flows), 'outputs of flows')


# ---- the manifest ----

def check_manifest(table: bytes, outputs: Sequence[Output]) -> None:
    """Files, sums and times of the rows; times only where every record of an output has one."""
    rows = list(csv.DictReader(io.StringIO(table.decode(), newline='')))
    check_equal([r['file'] for r in rows], [o.name for o in outputs], 'manifest: file')
    for row, output in zip(rows, outputs):
        where = 'manifest: %s: ' % output.name
        packets = output.packets
        for column, total in (('packets', len(packets)),
                              ('captured_bytes', sum(p.caplen for p in packets)),
                              ('wire_bytes', sum(p.origlen for p in packets))):
            check_equal(int(row['src_' + column]) + int(row['dst_' + column]), total,
                        where + column)
        times = [p.ts_ns for p in packets if p.ts_ns is not None]
        if len(times) == len(packets):
            check_equal(row['first'], reference.time_text(min(times)), where + 'first')
            check_equal(row['last'], reference.time_text(max(times)), where + 'last')
        links = {p.interface.linktype for p in packets}
        if len(links) == 1:
            check_equal(row['linktype'], str(*links), where + 'linktype')
