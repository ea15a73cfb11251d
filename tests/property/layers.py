# SPDX-License-Identifier: BSD-2-Clause
"""Whose packet a record is, outside and inside of tunnels, held against what tshark reads.

Every capture that cleave opens is split twice, as it is and with --inner. The manifest says whose
packets an output holds; each record is found again in one output. tshark, without reassembly, names
the headers of the frame one after the other: the first network header with its ports is what a
plain split goes by, the last what --inner goes by. Later fragments follow their first one in
cleave; of theirs the addresses and the protocol are compared. Built packets (support/layers.py) are
compared with what they were built from as well, whole and cut at every length.
"""
import collections
import concurrent.futures
import csv
import fnmatch
import hashlib
import json
import os
import sys
from typing import (Callable, Dict, Iterable, Iterator, List, NamedTuple, Optional, Sequence, Tuple,
                    Union)

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'support'))
# pylint: disable=wrong-import-position
import harness
import layers
import pcapfile as pf
import pcapngfile as ng
import reference
from harness import Failed, check, check_equal
from layers import Ends, ends_of

MODES = {'outer': (), 'inner': ('--inner',)}
LEN_MAX = 0x7fffffff  # what tshark makes of lengths beyond it
NG_MAGIC = b'\n\r\r\n'

SHOW = 12  # disagreements of a capture
EPOCH = 10**18  # nanoseconds; later packets of a test follow at one each

# Built packets that tshark 4.0 reads otherwise, by names of packets, and why.
UNREAD: Dict[str, str] = {
    'IPv6 in NULL, Linux, *': 'AF_INET6 of Linux, 10, is not among the values that tshark knows',
    'IPv6 in LOOP, Linux': 'the same',
    'IPv6 in ENC, [!N]*': 'of ENC tshark knows AF_INET6 of NetBSD and OpenBSD alone',
    'ARCnet, later part*': 'RFC 1201: a later part has no network header; tshark reads on',
    'IPv? in SLIP': 'tshark shows bytes',
    'IPv? in PPP, bridged, LAN id': 'RFC 3518 section 4.2: four bytes more; tshark skips none',
    'IPv? in FDDI, synchronous': 'tshark reads LLC of asynchronous frames only',
    'IPv? in ATM, routed': 'tshark takes everything for LLC',
    'IPv? in ATM of Linux': 'tshark reads packets without LLC only',
    'IPv? in nflog, big': 'tshark takes the byte order from the savefile',
    'IPv? in Ethernet, QinQ 9[23]00': 'tshark knows 0x9100 only, or one other by setting',
    'IPv? in Ethernet, EDSA': 'tshark does not know the tag',
    'IPv? in Ethernet, Broadcom*': 'tshark reads a longer tag; Linux has 4 bytes and the type',
    'IPv? in ERSPAN III, IP over *': 'tshark reads Ethernet frames only',
    'IPv? in VXLAN-GPE, none named over *': 'tshark wants to know the protocol',
    'IPv? in CAPWAP, 802.11 over *': 'a setting of tshark: bytes of frame control are swapped',
    'IPv? in CAPWAP, 802.11, QoS over *': 'the same',
    'IPv? in CAPWAP, 802.11, radio over *': 'the same',
    'VXLAN, no identifier over *': 'RFC 7348 section 5: the flag must be set; tshark reads on',
    'Geneve, version 1 over *': 'RFC 8926 section 3.4: must be dropped; tshark reads on',
    'GRE in UDP, version 2 over *': 'RFC 2784 section 2.3.1: must be 0; tshark reads on',
    'CAPWAP, later fragment over *': 'what begins a fragment is no header; tshark reads on',
    'Teredo, BitTorrent over *': 'tshark goes by the port alone',
    'Teredo, more than trailers over *': 'what follows is no trailer of RFC 6081',
    'MPLS in UDP, RTP over *': 'tshark goes by the port alone',
    'IPv? in GTP-U, Ethernet, first nibble *': 'tshark goes by the first nibble alone',
    'IPv? in netANALYZER, transparent': 'tshark shows bytes',
    'NSH, version 1': 'RFC 8300 section 2.2: must be 0; tshark reads on',
    'NSH, length 4': 'RFC 8300 section 2.2: two words at least; tshark reads on',
    'IPv? in NSH* over IPv?': 'IP protocol 145 is unknown to tshark',
    'IPv? in GRE, Arista* over *': 'tshark 4.0 knows time stamps only; later ones do DzGRE',
    'IPv? in Juniper, MLPPP, link services*': 'tcpdump reads it so',
    'IPv4 in Juniper, MLPPP, services*': 'the same',
    'IPv? in Juniper, GGSN': 'the same',
    'IPv? in Juniper, GGSN, extensions': 'the same',
    'IPv? in Juniper, services': 'the same',
    'IPv? in Juniper, services, extensions': 'the same',
    'IPv? in exported, tags': 'tshark shows addresses, but of no header',
    'IPv? in exported, raw': 'of link types tshark knows Ethernet only',
    'IPIP, 17 deep': 'tshark goes deeper',
    'IPIP, 20 deep': 'the same',
    'GRE, 17 deep': 'the same',
    'GRE, 20 deep': 'the same',
}

# Of link types that tshark does not know: those that tcpdump does not read either, and why.
UNREAD_BY_TCPDUMP: Dict[str, str] = {
    'IPv? in SLIP of BSD/OS': 'libpcap has 24 bytes before the packet, tcpdump another number',
    'IPv? in PPP of BSD/OS': 'nothing is printed',
    'IPv6 in Juniper, IPsec*': 'tcpdump reads IPv4 only',
    'IPv? in Juniper, MFR': 'tcpdump looks for the NLPID within the cookie',
    'IPv? in Juniper, MFR, extensions': 'the same',
    'IPv? in Cisco HDLC with direction': 'tcpdump does not know the link type',
    'IPv? in frame relay with direction': 'the same',
    'IPv? in MPLS': 'the same',
}

SWAPPED_SEQUENCE = 'the controller swaps sequence control, too: tshark takes its number for a ' \
    'fragment\'s, and goes on only where it may reassemble'

# Where tshark errs, or does what cleave does not set out to do. By capture, mode and frames.
DISAGREED: Dict[str, Dict[str, Dict[Tuple[int, ...], str]]] = {
    'capwap.pcap': {'inner': {(318, 329, 337, 347, 379): SWAPPED_SEQUENCE}},
    'capwap_data.pcapng': {'inner': {(1, 2, 3, 7, 8, 9, 10, 11, 12): SWAPPED_SEQUENCE}},
    'AH-IPcomp-IPv4.pcap': {'inner': {
        (3, 4, 5, 7): 'RFC 3173: compressed; tshark inflates it, cleave goes no further'}},
}

suite = harness.Suite(__doc__.split('\n', maxsplit=1)[0])

# ---- tshark ----

SETTINGS = ['ip.defragment:FALSE', 'ipv6.defragment:FALSE', 'tcp.desegment_tcp_streams:FALSE',
            'sctp.reassembly:FALSE', 'wlan.defragment:FALSE', 'capwap.reassemble:FALSE',
            'ip.check_checksum:FALSE', 'tcp.check_checksum:FALSE', 'udp.check_checksum:FALSE',
            'ipv6.exthdr_under_root_protocol_tree:TRUE', 'frame.generate_md5_hash:TRUE']
DECODE_AS = ['mpls.label==%d,pwethcw' % layers.LABEL_CW,
             'mpls.label==%d,pwethnocw' % layers.LABEL_NO_CW, 'udp.port==8472,vxlan']
PORTS = {'tcp': 'tcp', 'udp': 'udp', 'udplite': 'udp', 'sctp': 'sctp', 'dccp': 'dccp'}
NEXT = {'ipv6.hopopts': 'ipv6.hopopts.nxt', 'ipv6.routing': 'ipv6.routing.nxt',
        'ipv6.fraghdr': 'ipv6.fraghdr.nxt', 'ipv6.dstopts': 'ipv6.dstopts.nxt',
        'ah': 'ah.next_header', 'mipv6': 'mip6.proto', 'hip': 'hip.proto',
        'ipv6.shim6': 'ipv6.shim6.nxt'}
# Where nothing follows these, they are the protocol.
PROTOCOLS_TOO, NO_NEXT = ('mipv6', 'hip', 'ipv6.shim6'), '59'
PROTOS = {name: number for number, name in reference.PROTO_NAMES.items()}
# What these carry stands within them.
NESTED = ('wlan_aggregate', 'docsis')
SHOWN = ['frame', 'ip', 'ipv6', *PORTS, *NEXT, *NESTED]
Layer = Tuple[str, Dict[str, str]]


class Opinion(NamedTuple):
    """Of one frame. None: no network address."""
    ends: Optional[Ends]
    fragment: bool = False  # a later one: of the ports nothing is said


class Frame(NamedTuple):
    number: int
    ident: Tuple[int, int, str]  # length, captured length, digest
    ts_ns: int
    outer: Opinion
    inner: Opinion


def opinion(found: Sequence[Layer], at: int, inner: bool) -> Opinion:
    """Of the network header found[at]; inner: look behind the AH of IPv4."""
    family, fields = found[at]
    if family == 'ip' and 'ip.src' not in fields and at + 1 < len(found) and \
            found[at + 1][0] == 'ipv6':
        at += 1  # IPv6 under the EtherType of IPv4: the version decides
        family, fields = found[at]
    if family + '.src' not in fields or family + '.dst' not in fields:
        return Opinion(None)  # cut short before the addresses
    src, dst = fields[family + '.src'], fields[family + '.dst']
    proto = int(fields['ip.proto' if family == 'ip' else 'ipv6.nxt'])
    at += 1
    if int(fields.get('ip.frag_offset', '0')):
        return Opinion(ends_of(src, dst, proto), True)
    while at < len(found) and found[at][0] in NEXT and \
            (family == 'ipv6' or inner and found[at][0] == 'ah'):
        kind, fields = found[at]
        if NEXT[kind] not in fields or kind in PROTOCOLS_TOO and fields[NEXT[kind]] == NO_NEXT:
            break
        proto = int(fields[NEXT[kind]])
        if int(fields.get('ipv6.fraghdr.offset', '0')):
            return Opinion(ends_of(src, dst, proto), True)
        at += 1
    prefix = PORTS.get(found[at][0]) if at < len(found) else None
    if prefix and prefix + '.srcport' in found[at][1] and prefix + '.dstport' in found[at][1]:
        sport, dport = (int(found[at][1][prefix + end]) for end in ('.srcport', '.dstport'))
        return Opinion(ends_of(src, dst, proto, sport, dport))
    return Opinion(ends_of(src, dst, proto))


def within(fields: object) -> Iterator[Layer]:
    """Headers that are not at the top of the tree."""
    for name, value in fields if isinstance(fields, list) else ():
        if not isinstance(value, list):
            continue
        if name in SHOWN:
            yield name, dict(reversed(value))
        else:
            yield from within(value)


def frame_of(packet: object) -> Frame:
    source = dict(dict(packet)['_source'])
    found: List[Layer] = []
    for name, fields in dict(source)['layers']:
        if name in NESTED:
            found += within(fields)
        else:
            # Of a field that comes again, the first is the header's own.
            found.append((name, dict(reversed(fields)) if isinstance(fields, list) else {}))
    meta = dict(found)['frame']
    sec, frac = meta.get('frame.time_epoch', '0.0').split('.')
    at = [i for i, (name, fields) in enumerate(found) if name in ('ip', 'ipv6')]
    nothing = Opinion(None)
    return Frame(int(meta['frame.number']),
                 (int(meta['frame.len']), int(meta['frame.cap_len']), meta['frame.md5_hash']),
                 int(sec) * 10**9 + int(frac.ljust(9, '0')),
                 opinion(found, at[0], False) if at else nothing,
                 innermost(found, at) if at else nothing)


def innermost(found: Sequence[Layer], at: Sequence[int]) -> Opinion:
    """The last network header that is whole; a tunnel with less in it is the packet itself."""
    for i in reversed(at):
        told = opinion(found, i, True)
        if told.ends:
            return told
    return Opinion(None)


def ask_tshark(path: str) -> List[Frame]:
    args = [harness.tool('tshark'), '-n', '-r', path, '-T', 'json', '-Y', 'frame.encap_type',
            '-J', ' '.join(SHOWN)]
    for setting in SETTINGS:
        args += ['-o', setting]
    for setting in DECODE_AS:
        args += ['-d', setting]
    done = harness.run(args)  # a damaged capture: its status tells, after the frames before it
    if b"data that TShark doesn't support" in done.stderr:
        raise harness.Skip('tshark does not know the link type')
    try:
        packets = json.loads(done.stdout, object_pairs_hook=lambda pairs: pairs)
    except ValueError:
        raise Failed('tshark: ' + done.stderr.decode()) from None
    return [frame_of(p) for p in packets]


# ---- cleave ----

class Kept(NamedTuple):
    """A record in an output."""
    output: str
    ends: Optional[Ends]
    ident: Tuple[int, int, str]
    ts_ns: Optional[int]


def records_of(path: str) -> List[Tuple[Tuple[int, int, str], Optional[int]]]:
    with open(path, 'rb') as f:
        data = f.read()
    packets: Sequence[Union[ng.Packet, pf.Record]] = pf.parse(data).records \
        if data[:4] != NG_MAGIC else ng.of_kind(ng.blocks(data), ng.Packet)
    return [((min(p.origlen, LEN_MAX), p.caplen, hashlib.md5(p.data).hexdigest()), p.ts_ns)
            for p in packets]


def ask_cleave(path: str, flags: Sequence[str]) -> List[Kept]:
    """Splits; what the manifest says of each record, in no order but that of each output."""
    output = suite.path('out')
    done = suite.run_cleave('split', path, '--output', output, '--force', '-q', *flags,
                            status=None)
    check(done.returncode in (0, 1), 'cleave split: status %d: %s', done.returncode,
          done.stderr.decode(errors='replace'))
    kept: List[Kept] = []
    seen: Dict[object, str] = {}
    with open(os.path.join(output, 'manifest.csv'), encoding='utf-8', newline='') as f:
        for row in csv.DictReader(f):
            ends = None
            if row['flow']:
                proto = int(row['proto']) if row['proto'].isdigit() else PROTOS[row['proto']]
                ports = [int(row[p]) if row[p] else None for p in ('sport', 'dport')]
                ends = ends_of(row['src'], row['dst'], proto, *ports)
            check(ends not in seen, '%s and %s are of one flow: %s', row['file'],
                  seen.get(ends), ends)
            seen[ends] = row['file']
            kept += [Kept(row['file'], ends, *r)
                     for r in records_of(os.path.join(output, row['file']))]
    return kept


def settle(frames: Sequence[Frame], kept: Sequence[Kept]) -> Dict[int, Kept]:
    """The output of each frame. Equal records that are in several outputs: by time, by order."""
    found: Dict[int, Kept] = {}
    there: Dict[object, List[Kept]] = collections.defaultdict(list)
    for k in kept:
        there[k.ident].append(k)
    wanted: Dict[object, List[Frame]] = collections.defaultdict(list)
    for f in frames:
        wanted[f.ident].append(f)
    check_equal({i: len(a) for i, a in there.items()}, {i: len(a) for i, a in wanted.items()},
                'records')
    for ident, some in wanted.items():
        rest = list(there[ident])
        for f in some:
            k = next((k for k in rest if k.ts_ns == f.ts_ns), rest[0])
            rest.remove(k)
            found[f.number] = k
    return found


# ---- one against the other ----

def differ(told: Opinion, ours: Optional[Ends]) -> bool:
    if told.fragment and told.ends and ours:
        return told.ends.without_ports() != ours.without_ports()
    return told.ends != ours


def text(ends: Optional[Ends]) -> str:
    return str(ends) if ends else 'no network address'


def compare(path: str, frames: Sequence[Frame],
            listed: Dict[str, Dict[Tuple[int, ...], str]]) -> None:
    """listed: of each mode the frames in which cleave and tshark disagree, and why."""
    faults: List[str] = []
    for mode, flags in MODES.items():
        found = settle(frames, ask_cleave(path, flags))
        known = {n for numbers in listed.get(mode, {}) for n in numbers}
        for f in frames:
            told: Opinion = getattr(f, mode)
            ours = found[f.number].ends
            if differ(told, ours) != (f.number in known):
                faults.append('%s, frame %d: tshark: %s; cleave: %s%s' % (
                    mode, f.number, text(told.ends), text(ours),
                    ' (listed, and agree by now)' if f.number in known else ''))
    if faults:
        raise Failed('%d disagreements:\n  %s' % (len(faults), '\n  '.join(faults[:SHOW])))


def opens(path: str) -> bool:
    return suite.run_cleave('info', '--json', path, status=None).returncode in (0, 1)


def capture_case(path: str, asked: 'concurrent.futures.Future[List[Frame]]') -> \
        Callable[[], None]:
    def case() -> None:
        if not opens(path):
            raise harness.Skip('cleave does not open it')
        compare(path, asked.result(), DISAGREED.get(os.path.basename(path), {}))
    return case


# ---- built packets ----

def save(name: str, linktype: int, packets: Iterable[bytes]) -> str:
    """As a savefile; the time in nanoseconds is the number of the packet."""
    fmt = pf.Format('ns', linktype=linktype)
    return suite.write(name, pf.Capture(fmt, pf.at_times(packets, EPOCH, 1)).encode())


def by_linktype() -> Dict[int, List[layers.Made]]:
    found: Dict[int, List[layers.Made]] = collections.defaultdict(list)
    for made in layers.everything():
        found[made.linktype].append(made)
    return found


def told_by_cleave(path: str, mode: str) -> Dict[int, Optional[Ends]]:
    return {kept.ts_ns - EPOCH: kept.ends for kept in ask_cleave(path, MODES[mode])
            if kept.ts_ns is not None}


def built_case(linktype: int, made: Sequence[layers.Made]) -> Callable[[], None]:
    def case() -> None:
        path = save('built.pcap', linktype, (m.data for m in made))
        faults: List[str] = []
        for mode in MODES:
            ours = told_by_cleave(path, mode)
            check_equal(sorted(ours), list(range(len(made))), 'records')
            faults += ['%s, %s: built from %s; cleave: %s; bytes %s' % (
                mode, m.name, text(getattr(m, mode)), text(ours[i]), m.data.hex())
                for i, m in enumerate(made) if ours[i] != getattr(m, mode)]
        if faults:
            raise Failed('%d faults:\n  %s' % (len(faults), '\n  '.join(faults[:SHOW])))
    return case


def ask_tcpdump(path: str) -> List[str]:
    """A line for each packet."""
    done = harness.run([harness.tool('tcpdump'), '-n', '-t', '-r', path])
    return [line for line in done.stdout.decode(errors='replace').split('\n')
            if line and not line.startswith(('\t', ' '))]


def built_tcpdump(path: str, made: Sequence[layers.Made]) -> None:
    """tcpdump names the addresses, but for UNREAD_BY_TCPDUMP."""
    faults = []
    lines = ask_tcpdump(path)
    for m, line in zip(made, lines + [''] * (len(made) - len(lines))):
        unread = any(fnmatch.fnmatchcase(m.name, pattern) for pattern in UNREAD_BY_TCPDUMP)
        if m.outer and (m.outer.a[0] in line and m.outer.b[0] in line) == unread:
            faults.append('%s: built from %s; tcpdump: %s' % (m.name, text(m.outer), line))
    if faults:
        raise Failed('%d disagreements:\n  %s' % (len(faults), '\n  '.join(faults[:SHOW])))


def built_tshark_case(linktype: int, made: Sequence[layers.Made]) -> Callable[[], None]:
    """tshark reads what was built as it was meant, but for UNREAD; else tcpdump does."""
    def case() -> None:
        path = save('built.pcap', linktype, (m.data for m in made))
        try:
            frames = ask_tshark(path)
        except harness.Skip:
            built_tcpdump(path, made)
            return
        check_equal([f.number for f in frames], list(range(1, len(made) + 1)), 'frames')
        faults: List[str] = []
        for f, m in zip(frames, made):
            unread = any(fnmatch.fnmatchcase(m.name, pattern) for pattern in UNREAD)
            different = [mode for mode in MODES if getattr(f, mode).ends != getattr(m, mode)]
            if bool(different) != unread:
                faults.append('%s: built from %s, in it %s; tshark: %s, in it %s%s' % (
                    m.name, text(m.outer), text(m.inner), text(f.outer.ends),
                    text(f.inner.ends), ' (listed, and agrees by now)' if unread else ''))
        if faults:
            raise Failed('%d disagreements:\n  %s' % (len(faults), '\n  '.join(faults[:SHOW])))
    return case


def unread_case() -> None:
    """Each row of UNREAD is of packets that there are."""
    names = [m.name for m in layers.everything()]
    rows = [*UNREAD, *UNREAD_BY_TCPDUMP]
    check_equal([p for p in rows if not fnmatch.filter(names, p)], [], 'rows without a packet')
    check_equal([n for n, k in collections.Counter(names).items() if k > 1], [], 'names used twice')


def cut_case(linktype: int, made: Sequence[layers.Made]) -> Callable[[], None]:
    """Every packet cut at every length: no address but those of the whole packet."""
    def case() -> None:
        cuts = [(m, n) for m in made for n in range(len(m.data) + 1)]
        path = save('cut.pcap', linktype, (m.data[:n] for m, n in cuts))
        faults: List[str] = []
        for mode in MODES:
            ours = told_by_cleave(path, mode)
            check_equal(len(ours), len(cuts), 'records')
            whole = {m.name: ours[i] for i, (m, n) in enumerate(cuts) if n == len(m.data)}
            for i, (m, n) in enumerate(cuts):
                if not may_be(ours[i], whole[m.name], m if mode == 'inner' else None):
                    faults.append('%s, %s, %d of %d bytes: %s; the whole packet: %s; bytes %s' % (
                        mode, m.name, n, len(m.data), text(ours[i]), text(whole[m.name]),
                        m.data[:n].hex()))
        if faults:
            raise Failed('%d faults:\n  %s' % (len(faults), '\n  '.join(faults[:SHOW])))
    return case


def pair(ends: Ends) -> Tuple[str, str]:
    return ends.a[0], ends.b[0]


def may_be(ours: Optional[Ends], whole: Optional[Ends], tunnel: Optional[layers.Made]) -> bool:
    """Of a part of a packet: nothing, less than of the whole one, or the tunnel that is cut."""
    if ours is None or ours == whole:
        return True
    if tunnel and tunnel.outer and pair(ours) in map(pair, (tunnel.outer, *tunnel.between)):
        return True
    return whole is not None and ours.a[1] is None and pair(ours) == pair(whole)


def main() -> int:
    cases: Dict[str, Callable[[], None]] = {}
    cases['unread'] = unread_case
    links = sorted(by_linktype().items())
    asked = links
    if suite.args.only == '*':
        asked = suite.random('links').sample(links, harness.times(len(links)))
    for linktype, made in links:
        cases['built/%d' % linktype] = built_case(linktype, made)
        if (linktype, made) in asked:
            cases['built-tshark/%d' % linktype] = built_tshark_case(linktype, made)
        cases['cut/%d' % linktype] = cut_case(linktype, made)
    try:
        top = harness.shared_captures()
        print(harness.run([harness.tool('tshark'), '--version']).stdout.decode().split('\n')[0])
    except harness.Skip as why:
        cases['captures'] = harness.skipped(why)
        return suite.run(cases)
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        for name in sorted(os.listdir(top)):
            path = os.path.join(top, name)
            if name != 'INDEX.tsv' and os.path.isfile(path):
                cases[name] = capture_case(path, pool.submit(ask_tshark, path))
        return suite.run(cases)


if __name__ == '__main__':
    sys.exit(main())
