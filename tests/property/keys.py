# SPDX-License-Identifier: BSD-2-Clause
"""Keys of any fields, cuts, caps, shards and Community IDs, held against a plain reference.

tests/support/reference.py predicts which records each output has, in which order, each row of
the manifest, and all counts. Captures are random, of both formats, with what keys can be made of:
VLANs, link addresses, tunnels, interfaces; fragments in any order, what is no IP, hosts that talk
to themselves, ports that are used again, times that run backwards or are not there.
"""
import collections
import csv
import dataclasses
import io
import itertools
import json
import os
import random
import shutil
import struct
import sys
from fractions import Fraction
from typing import Callable, Dict, List, NamedTuple, Optional, Sequence, Tuple

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'support'))
# pylint: disable=wrong-import-position
import harness
import origins
import pcapfile as pf
import pcapngfile as ng
import pcapngreference as ngref
import reference
from harness import check, check_equal
from origins import community_id
from reference import Cuts, Listed, Options

suite = harness.Suite(__doc__.split('\n', maxsplit=1)[0])


# ---- random packets ----

class Talk(NamedTuple):
    """Two endpoints and a protocol."""
    a: str
    b: str
    proto: int
    a_port: int
    b_port: int


HOSTS4 = ['10.0.0.1', '10.0.0.2', '10.0.1.0', '192.168.0.255']
HOSTS6 = ['2001:db8::1', '2001:db8::2', 'fe80::1']
PROTOS = [pf.TCP, pf.TCP, pf.TCP, pf.UDP, pf.UDP, pf.SCTP, pf.UDPLITE, pf.ICMP, pf.ESP, 89]
FLAGS = [pf.SYN, pf.SYN | pf.ACK, pf.ACK, pf.ACK, pf.ACK | pf.PSH, pf.FIN | pf.ACK, pf.RST, 0]
MACS = ['02:00:00:00:00:01', '02:00:00:00:00:02', '02:00:00:00:00:03']
VLANS: List[Sequence] = [(), (), (), (7,), (8,), ((pf.TYPE_QINQ, 5), 7), ((pf.TYPE_QINQ, 7), 5),
                         ((pf.TYPE_QINQ, 5), 7, 9)]
NO_ADDRESS = [pf.arp('10.0.0.1', '10.0.0.2'), b'', bytes(13), bytes(60),
              pf.ethernet(b'\x42\x42\x03' + bytes(35), 38), pf.ethernet(bytes(46), 0x88cc),
              pf.ethernet(bytes(46), 0x88cc, vlans=[7]), pf.ethernet(b'\x45', pf.TYPE_IPV4)]


def random_talk(rng: random.Random) -> Talk:
    hosts = rng.choice([HOSTS4, HOSTS4, HOSTS6])
    proto = rng.choice(PROTOS)
    if proto == pf.ICMP and hosts is HOSTS6:
        proto = pf.ICMPV6
    ports = [0, 53, 443, 50000, 50001]
    # A host may talk to itself, also from a port to the same port.
    return Talk(rng.choice(hosts), rng.choice(hosts), proto, rng.choice(ports), rng.choice(ports))


def body(rng: random.Random, talk: Talk, forth: bool, payload: bytes) -> bytes:
    src, dst, sport, dport = (talk.a, talk.b, talk.a_port, talk.b_port) if forth \
        else (talk.b, talk.a, talk.b_port, talk.a_port)
    if talk.proto == pf.TCP:
        # Few numbers: a SYN may be sent again, or be another connection's.
        seq, ack = rng.choice([1, 2, 0xffffffff, 0]), rng.choice([1, 2, 3, 0])
        return pf.tcp(src, dst, sport, dport, rng.choice(FLAGS), payload, seq, ack)
    if talk.proto in origins.WITH_PORTS:
        return pf.transport(talk.proto, src, dst, sport, dport, payload)
    if talk.proto == pf.ICMP:
        return pf.icmp(rng.choice([0, 8, 3, 13, 14]), rng.choice([0, 1]), payload=payload)
    if talk.proto == pf.ICMPV6:
        return pf.icmp6(src, dst, rng.choice([128, 129, 1, 135]), payload + bytes(4))
    return payload


def tunnelled(rng: random.Random, packet: bytes, src: str, dst: str) -> Tuple[int, bytes]:
    """Protocol and payload of a packet that carries the packet."""
    v6 = packet[0] >> 4 == 6
    kind = pf.TYPE_IPV6 if v6 else pf.TYPE_IPV4
    number = rng.choice([0, 1, 4711])
    frame = pf.ethernet(packet, kind, *rng.sample(MACS, 2), vlans=rng.choice(VLANS))

    def udp(port: int, content: bytes) -> Tuple[int, bytes]:
        return pf.UDP, pf.udp(src, dst, rng.choice([50000, 50001]), port, content)
    way = rng.randrange(9)
    if way == 0:
        return (41 if v6 else 4), packet
    if way == 1:
        return pf.GRE, struct.pack('!HH', 0, kind) + packet
    if way == 2:
        return pf.GRE, struct.pack('!HHI', 0x2000, kind, number) + packet
    if way == 3:
        return pf.GRE, struct.pack('!HHI', 0x2000, origins.TYPE_BRIDGED, number) + frame
    if way == 4:
        return udp(origins.VXLAN_PORT, struct.pack('!II', 0x08000000, number << 8) + frame)
    if way == 5:
        return udp(origins.GTP_PORT, struct.pack('!BBHI', 0x30, 255, len(packet), number) + packet)
    if way == 6:
        return udp(origins.GENEVE_PORT, struct.pack('!HHI', 0, origins.TYPE_BRIDGED, number << 8) + frame)
    if way == 7:
        return udp(origins.GENEVE_PORT, struct.pack('!HHI', 0, kind, number << 8) + packet)
    # Nothing with an address inside: the tunnel's ends count, and its identifier.
    return udp(origins.VXLAN_PORT, struct.pack('!II', 0x08000000, number << 8) + NO_ADDRESS[0])


def on_ethernet(rng: random.Random, packet: bytes, macs: Sequence[str],
                vlans: Sequence) -> bytes:
    kind = pf.TYPE_IPV6 if packet[0] >> 4 == 6 else pf.TYPE_IPV4
    if rng.random() < 0.1:
        packet = pf.mpls(packet, rng.choice([[16], [17], [16, 17], [1, 2, 3, 4, 5]]))
        kind = pf.TYPE_MPLS
    return pf.ethernet(packet, kind, *macs, vlans=vlans)


def packets_of(rng: random.Random, talk: Talk) -> List[bytes]:
    """IP packets: one, or the fragments of one, some of which may be missing."""
    forth = rng.random() < 0.6
    src, dst = (talk.a, talk.b) if forth else (talk.b, talk.a)
    proto, content = talk.proto, body(rng, talk, forth, rng.randbytes(rng.randrange(80)))
    for _ in range(rng.choice([0, 0, 0, 0, 1, 2])):
        inside = pf.ip(src, dst, proto, content)
        hosts = rng.choice([HOSTS4, HOSTS6])
        src, dst = rng.choice(hosts), rng.choice(hosts)
        proto, content = tunnelled(rng, inside, src, dst)
    if rng.random() < 0.15 and len(content) > 8:
        size = rng.choice([8, 16, 24, 64, 128])
        parts = list(pf.fragments(src, dst, proto, content, size, rng.choice([1, 2, 3])))
        order = rng.randrange(4)
        if order == 1:
            parts.reverse()
        elif order == 2:
            rng.shuffle(parts)
        elif order == 3:
            parts.pop(rng.randrange(len(parts)))
        return parts
    return [pf.ip(src, dst, proto, content)]


class Event(NamedTuple):
    packet: bytes
    linktype: int
    origlen: int
    now: Fraction  # seconds


def events(rng: random.Random, n: int, links: Sequence[int] = (pf.LINK_ETHERNET,),
           start: int = 1500033600, talks: int = 30, fragments: bool = True) -> List[Event]:
    """Talks that overlap; the fragments of one packet lie among other packets."""
    everybody = [random_talk(rng) for _ in range(talks)]
    now = Fraction(start)
    pending: List[Tuple[bytes, Sequence[str], Sequence]] = []
    found: List[Event] = []
    while len(found) < n:
        if len(pending) < 4:
            macs, vlans = rng.sample(MACS, 2), rng.choice(VLANS)
            parts = packets_of(rng, rng.choice(everybody))
            if fragments or len(parts) == 1:
                pending += [(p, macs, vlans if rng.random() < 0.9 else ()) for p in parts]
            continue
        packet, macs, vlans = pending.pop(0 if rng.random() < 0.7 else rng.randrange(len(pending)))
        link = rng.choice(list(links))
        data = packet if link == pf.LINK_RAW else on_ethernet(rng, packet, macs, vlans)
        if rng.random() < 0.04:
            data = rng.choice(NO_ADDRESS) if link == pf.LINK_ETHERNET else b''
        origlen = len(data) + rng.choice([0, 0, 0, 4])
        if rng.random() < 0.03:
            data = data[:rng.randrange(15, 60)]
        now += rng.choice([Fraction(0), Fraction(1, 10**6), Fraction(1, 1000), Fraction(1),
                           Fraction(-1, 1000), Fraction(rng.randrange(-3000, 4000), 1000),
                           Fraction(rng.randrange(20))])
        now = max(now, Fraction(start))
        found.append(Event(data, link, origlen, now))
    return found


class Made(NamedTuple):
    """A capture, as bytes and as records."""
    data: bytes
    records: List[reference.Record]

    @property
    def name(self) -> str:
        return 'capture.pcapng' if self.data[:4] == b'\n\r\r\n' else 'capture.pcap'


def as_pcap(rng: random.Random, some: Sequence[Event], kind: Optional[str] = None,
            big: Optional[bool] = None) -> Made:
    fmt = pf.Format(kind or rng.choice(['us', 'ns', 'modified']),
                    rng.random() < 0.5 if big is None else big)
    saved = pf.Capture(fmt, [pf.Packet(e.packet, e.now * 10**9 // 1, e.origlen) for e in some])
    data = saved.encode()
    return Made(data, reference.of_pcap(pf.parse(data)))


def as_pcapng(rng: random.Random, some: Sequence[Event], simple: bool = True,
              offset: int = 0, sections: int = 3) -> Made:
    """Interfaces for each link type, several of each; sections that may be of one interface only,
    whose packets may lack a time. offset: seconds that all interfaces are before the epoch."""
    made: List[ng.Section] = []
    rest = list(some)
    while rest:
        n = len(rest) if len(made) == sections - 1 else rng.randrange(1, len(rest) + 1)
        mine, rest = rest[:n], rest[n:]
        m = ng.Maker(rng.random() < 0.5)
        links = sorted({e.linktype for e in mine})
        single = simple and len(links) == 1 and rng.random() < 0.4
        ifaces = links if single else links * rng.randint(1, 2)
        out = [m.idb(link, 0, m.if_options('if%d' % i, rng.choice(
            [None, ng.tsresol(10, 6), ng.tsresol(10, 9)]), -offset if offset else None))
               for i, link in enumerate(ifaces)]
        units = [i.ticks_per_second for i in ng.of_kind(
            ng.blocks(m.shb() + b''.join(out)), ng.Interface)]
        for e in mine:
            i = rng.choice([k for k, link in enumerate(ifaces) if link == e.linktype])
            if single and rng.random() < 0.5:
                out.append(m.spb(e.packet))
                continue
            options = m.epb_options(['x' * rng.randrange(40)]) if rng.random() < 0.1 else b''
            out.append(m.epb(i, e.now * units[i] // 1, e.packet, e.origlen, options))
        made.append(ng.Section(m, out))
    data = ng.encode(made)
    return Made(data, reference.of_pcapng(ng.blocks(data)))


BOTH_LINKS = (pf.LINK_ETHERNET, pf.LINK_ETHERNET, pf.LINK_RAW)


def captures(rng: random.Random, n: int, **more) -> List[Made]:
    made = [as_pcap(rng, events(rng, n, **more)),
            as_pcapng(rng, events(rng, n, BOTH_LINKS, **more)),
            as_pcapng(rng, events(rng, n, **more))]
    return rng.sample(made, harness.times(len(made)))


# ---- checks ----

def split(paths: Sequence[str], output: str, *flags: str, status: int = 0) -> dict:
    """Splits, checks that the books balance, gives the summary."""
    done = suite.run_cleave('split', *paths, '--output', output, '--json', *flags, status=status)
    summary = json.loads(done.stdout)
    check_equal(summary['records_read'] + summary['copies'],
                summary['records_written'] + sum(summary['dropped'].values()),
                'records read and copied, against those written and dropped')
    return summary


def check_counts(summary: dict, counts: Dict[str, int]) -> None:
    found = {**summary, 'capped': summary['dropped']['capped'],
             'dropped_other': summary['dropped']['other'],
             'duplicates': summary['dropped']['duplicates'],
             'filtered': summary['dropped']['filtered']}
    check_equal({k: found[k] for k in counts}, counts, 'counts')


def contents(made: Made) -> Callable[[str, bytes, Sequence[reference.Record]], None]:
    """Checks that an output has these records and no others, as they were."""
    if made.name.endswith('.pcap'):
        saved = pf.parse(made.data)

        def check_pcap(name: str, data: bytes, records: Sequence[reference.Record]) -> None:
            wanted = saved.header + b''.join(saved.records[r.number].raw for r in records)
            harness.check_files({name: data}, {name: wanted})
        return check_pcap
    src = ngref.of_bytes(made.data)

    def check_pcapng(name: str, data: bytes, records: Sequence[reference.Record]) -> None:
        packets = [src.packets[r.number] for r in records]
        ngref.check_output(name, data, ngref.Output(name, {}, packets), src)
    return check_pcapng


def other_name(flow: reference.Flow, ending: str) -> str:
    return ('other' if flow.number == 1 else 'other_%d' % flow.number) + ending


def check_rows(table: bytes, wanted: Sequence[Dict[str, str]]) -> None:
    rows = list(csv.DictReader(io.StringIO(table.decode(), newline='')))
    check_equal([r['file'] for r in rows], [w['file'] for w in wanted], 'manifest: file')
    for found, want in zip(rows, wanted):
        check_equal(sorted(found), sorted(want), 'manifest: columns')
        different = {k: (found[k], want[k]) for k in want if found[k] != want[k]}
        check(not different, 'manifest: %s: found and wanted: %s', found['file'], different)


def in_shards(rows: Sequence[Dict[str, str]]) -> List[Dict[str, str]]:
    """What is a shard's source is chance: only sums of both directions can be told."""
    out = []
    for row in rows:
        row = dict(row)
        for column in ('packets', 'captured_bytes', 'wire_bytes'):
            row['src_' + column] = str(int(row['src_' + column]) + int(row.pop('dst_' + column)))
        flags = row['src_tcp_flags'] + row.pop('dst_tcp_flags')
        row['src_tcp_flags'] = ''.join(f for f in 'FSRPAUEC' if f in flags)
        out.append(row)
    return out


def has_community(files: Dict[str, bytes]) -> bool:
    return b'community_id' in files['manifest.csv'].split(b'\n', 1)[0]


def check_split(made: Made, by: Optional[str], opt: Options, *flags: str) -> str:
    """The outputs, their rows and all counts are the reference's. Gives the directory."""
    path, output = suite.write(made.name, made.data), suite.path('out')
    shutil.rmtree(output, ignore_errors=True)
    ending = os.path.splitext(made.name)[1]
    asked = [] if by is None else ['--by', by]
    for flag, on in (('--directed', opt.by.directed), ('--inner', opt.inner),
                     ('--no-other', opt.no_other)):
        asked += [flag] if on else []
    for flag, number in (('--shards', opt.shards), ('--max-packets-per-flow', opt.max_packets),
                         ('--max-bytes-per-flow', opt.max_bytes), ('--community-seed', opt.seed)):
        asked += [flag, str(number)] if number else []
    c = opt.cuts
    for flag, ns in (('--idle-timeout', c.idle_ns), ('--active-timeout', c.active_ns)):
        asked += [flag, '%dns' % ns] if ns else []
    asked += ['--dedup=%dns' % opt.dedup_ns] if opt.dedup_ns else []
    asked += ['--dedup-ignore', ','.join(sorted(opt.ignore))] if opt.ignore else []
    if c.every:
        asked += ['--every', '%d%s' % (c.every_n, {'time': 'ns', 'size': 'B', 'records': 'p'}[
            c.every])]
    wanted = reference.split(made.records, opt)
    try:
        summary = split([path], output, *asked, '--name', '{n}' + ending, *flags)
        check_counts(summary, wanted.counts)
        files = harness.files_of(output)
        names = [('%d%s' % (f.number, ending) if f.key else other_name(f, ending))
                 for f in wanted.flows]
        if len(wanted.flows) > reference.FAN_OUT:
            raise harness.Failed('a smaller capture, please')
        ngref.check_names((n for n in files if n not in ('cleave.json', 'manifest.csv')), names,
                          'outputs')
        check_one = contents(made)
        for name, flow in zip(names, wanted.flows):
            check_one(name, files[name], flow.records)
        rows = [reference.row(flow, name, opt, has_community(files))
                for name, flow in zip(names, wanted.flows)]
        if opt.shards:
            table = list(csv.DictReader(io.StringIO(files['manifest.csv'].decode(), newline='')))
            check_equal(in_shards(table), in_shards(rows), 'manifest')
        else:
            check_rows(files['manifest.csv'], rows)
    except harness.Failed as fault:
        raise harness.Failed('%s: %s' % (' '.join([made.name] + asked), fault)) from None
    return output


# ---- cases: duplicates ----

def copy_of(rng: random.Random, packet: bytes) -> bytes:
    """What a copy of an Ethernet frame with an IP packet may look like from elsewhere."""
    frame, at = bytearray(packet), 12
    while frame[at:at + 2] in (b'\x81\x00', b'\x88\xa8'):
        at += 4
    datagram = frame[at + 2:]
    change = rng.randrange(9)
    if len(datagram) < 40 or frame[at:at + 2] not in (b'\x08\x00', b'\x86\xdd') or change == 0:
        return packet
    v4, end = datagram[0] >> 4 == 4, len(frame)
    if change == 1:  # a router
        datagram[8 if v4 else 7] -= 1
        frame[:12] = rng.randbytes(12)
        datagram[10:12] = rng.randbytes(2) if v4 else datagram[10:12]
    elif change == 2:
        datagram[1] ^= 0x20
    elif change == 3:  # a transport's checksum, or something else
        datagram[min(rng.choice([26, 36, 46, 50, 56, 60]), len(datagram) - 1)] ^= 0xff
    elif change == 4:
        datagram[11 if v4 else 39] ^= 1
    elif change == 5:  # padding
        datagram += rng.randbytes(rng.randrange(1, 9))
    elif change == 6:
        frame[at:at] = struct.pack('!HH', 0x8100, rng.choice([7, 8]))
        at += 4
    elif change == 7:
        frame[:12] = pf.mac(rng.choice(MACS)) + pf.mac(rng.choice(MACS))
    else:
        end = rng.randrange(at + 2, end)
    return (bytes(frame[:at + 2]) + bytes(datagram))[:end + 16 if change == 5 else end + 4]


def duplicates() -> None:
    """Records that were seen before, as they were or changed on the way, close by or not."""
    rng = suite.random('duplicates')
    for _ in range(harness.times(12)):
        some = events(rng, 250)
        out: List[Event] = []
        for e in some:
            if out and rng.random() < 0.5:
                old = rng.choice(out[-rng.choice([1, 5, 40]):])
                packet = copy_of(rng, old.packet) if old.linktype == pf.LINK_ETHERNET else old.packet
                e = old._replace(packet=packet, origlen=None)
            before = out[-1].now if out else Fraction(1500000000)
            apart = rng.choice([0, 1, 100, 300, 999, 1000, 1001, 5000, 10**7, -200, -3000])
            out.append(e._replace(now=before + Fraction(apart, 10**6)))
        made = rng.choice([as_pcap, as_pcapng])(rng, out)
        by = rng.choice(['flow', 'connection', 'none', 'host', 'ip,vlan', 'mac', 'client,server', 'iface',
                         'tunnel,ip', 'ip/24'])
        ignore = frozenset(w for w in ('ttl', 'tos', 'checksum', 'vlan', 'mac', 'iface')
                           if rng.random() < 0.35)
        ns = rng.choice([1, 300000, 10**6, 10**7, 10**12])
        check_split(made, by, options(by, rng.random() < 0.2, inner=rng.random() < 0.3, dedup_ns=ns,
                                      ignore=ignore, no_other=rng.random() < 0.2),
                    '--verify', *['--threads', rng.choice('125'), '--window', rng.choice(
                        ['4096', '64KiB', '1GiB']), '--memory', rng.choice(['1MiB', '64MiB'])])


def trailers() -> None:
    """What follows a datagram is no part of the one within it, whatever length that one claims."""
    inner = pf.ipv4('10.0.0.1', '10.0.0.2', pf.UDP, pf.udp('10.0.0.1', '10.0.0.2', 5, 6, bytes(60)))
    for kept in (len(inner), 70, 40, 24):
        outer = pf.ethernet(pf.ipv4('192.0.2.1', '192.0.2.2', 4, inner[:kept]))
        frames = [outer, outer + b'\1\2\3\4', outer + b'\5\6\7\x08']
        data = pf.Capture(pf.Format(), pf.at_times(frames)).encode()
        made = Made(data, reference.of_pcap(pf.parse(data)))
        for through in (False, True):
            opt = options('flow', inner=through, dedup_ns=10**9)
            check_equal(reference.split(made.records, opt).counts['duplicates'], 2, 'duplicates')
            check_split(made, 'flow', opt)


# ---- cases: lists ----

def some_rows(rng: random.Random, made: Made, opt: Options, n: int) -> List[Listed]:
    """Of flows that are there, or nearly; each says something else of its flow."""
    rows = []
    known = [(o.ends, r.ts_ns) for o, r in zip(reference.origins_of(made.records, opt), made.records)
             if o.ends and r.ts_ns is not None]
    while known and len(rows) < n:
        ends, ts_ns = rng.choice(known)
        with_ports = int(ends['proto']) in origins.WITH_PORTS
        value = {'src': ends['src'], 'dst': ends['dst'], 'proto': ends['proto']}
        if with_ports and 'sport' in ends:
            value.update(sport=ends['sport'], dport=ends['dport'])
        if rng.random() < 0.6:
            value = {k: v for k, v in value.items() if rng.random() < 0.6}
        if rng.random() < 0.3:
            turned = {'src': 'dst', 'dst': 'src', 'sport': 'dport', 'dport': 'sport'}
            value = {turned.get(k, k): v for k, v in value.items()}
        if rng.random() < 0.1 and community_id(ends, opt.seed):
            value = {'community_id': community_id(ends, opt.seed)}
        elif rng.random() < 0.1:
            value.pop('dst', None)
            value['src'] = '192.0.2.%d' % rng.randrange(99)
        if not value:
            continue
        if rng.random() < 0.4:
            value['first'] = ts_ns - rng.choice([0, 1, 10**9])
        if rng.random() < 0.4:
            value['last'] = ts_ns + rng.choice([0, 1, 10**10, -1])
        if rng.random() < 0.5:
            value['label'] = rng.choice(['benign', 'a, "b"', 'c;d', 'Ä', 'x/y'])
        rows.append(Listed(**value))
    return rows


def as_csv(rng: random.Random, rows: Sequence[Listed]) -> str:
    names = {'src': ['src', 'SRC_IP', 'saddr'], 'sport': ['sport', 'src_port'], 'dst': ['dst', 'dest_ip'],
             'dport': ['dport', 'dest_port'], 'proto': ['proto', 'Protocol'], 'label': ['label'],
             'community_id': ['community_id'], 'first': ['first'], 'last': ['last']}
    columns = rng.sample(sorted(names), len(names))
    out = io.StringIO()
    writer = csv.writer(out, delimiter=rng.choice(',;\t') if not any(
        set(row.label) & set('",;') for row in rows) else rng.choice(',;'), lineterminator=rng.choice(['\n', '\r\n']))
    writer.writerow([rng.choice(names[c]) for c in columns] + ['more'])
    for row in rows:
        value = row._asdict()
        for time in ('first', 'last'):
            if value[time] is not None:
                value[time] = reference.time_text(value[time])
        if value['proto'] and rng.random() < 0.5:
            value['proto'] = reference.PROTO_NAMES.get(int(value['proto']), value['proto']).upper()
        writer.writerow([value[c] for c in columns] + ['"?,'])
    return out.getvalue()


def as_json(rng: random.Random, rows: Sequence[Listed]) -> str:
    """As Suricata has it, or with the manifest's names."""
    lines = []
    for row in rows:
        value = {k: v for k, v in row._asdict().items() if v not in (None, '')}
        for time in {'first', 'last'} & set(value):
            value[time] = reference.time_text(value[time])
        for number in {'sport', 'dport'} & set(value):
            value[number] = int(value[number])
        if rng.random() < 0.5:
            renamed = {'src': 'src_ip', 'dst': 'dest_ip', 'sport': 'src_port', 'dport': 'dest_port'}
            flow = {{'first': 'start', 'last': 'end'}[k]: value.pop(k)[:-1] + '+0000'
                    for k in ('first', 'last') if k in value}
            value = {renamed.get(k, k): v for k, v in value.items()}
            value.update(event_type='flow', deep={'src': [1, {'x': '}'}]}, flow={'pkts': 1e3, **flow})
        items = list(value.items())
        rng.shuffle(items)
        lines.append(json.dumps(dict(items), ensure_ascii=rng.random() < 0.5))
        if rng.random() < 0.1:
            lines.append(rng.choice(['', '{"event_type":"stats","uptime":1}', '{}']))
    return '\n'.join(lines) + '\n'


def as_zeek(rng: random.Random, rows: Sequence[Listed]) -> str:
    """conn.log: a row without times, or with both."""
    text = '#separator \\x09\n#path\tconn\n#fields\tts\tuid\tid.orig_h\tid.orig_p\tid.resp_h\tid.resp_p\tproto\t' \
        'duration\tlabel\tcommunity_id\n#types\ttime\tstring\n'
    for i, row in enumerate(rows):
        ts = duration = ''
        if row.first is not None and row.last is not None:
            ts, duration = ('%d.%09d' % divmod(n, 10**9) for n in (row.first, row.last - row.first))
        cells = [ts, 'C%d' % i, row.src, row.sport, row.dst, row.dport, row.proto, duration, row.label,
                 row.community_id]
        text += '\t'.join(c or rng.choice(['-', '(empty)']) for c in cells) + '\n'
    return text + '#close\t2026-11-26\n'


def lists() -> None:
    """Records of the flows that a list has, whatever it says of them and however it is written."""
    rng = suite.random('lists')
    for _ in range(harness.times(12)):
        made = rng.choice([as_pcap, as_pcapng])(rng, events(rng, 250))
        by = rng.choice(['flow', 'flow,label', 'label', 'ip', 'host,label', 'client,label', 'connection'])
        inner, seed = rng.random() < 0.3, rng.choice([0, 7])
        opt = options(by, inner=inner, seed=seed)
        rows = some_rows(rng, made, opt, rng.choice([1, 3, 10, 40]))
        write = rng.choice([as_csv, as_json, as_zeek])
        if write is as_zeek:
            rows = [r if (r.first is None) == (r.last is None) and (r.first is None or r.last >= r.first)
                    else r._replace(first=None, last=None) for r in rows]
        path = suite.write('list', write(rng, rows).encode())
        check_split(made, by, dataclasses.replace(opt, rows=tuple(rows)), '--flows', path, '--verify',
                    '--threads', rng.choice('125'), '--window', rng.choice(['4096', '1GiB']))


# ---- cases: keys ----

SINGLE = ['ip', 'proto', 'port', 'vlan', 'mac', 'tunnel', 'host', 'client', 'server', 'service',
          'iface']
WORDS = SINGLE + ['flow', '5tuple', '3tuple', 'hostpair', 'connection', 'session', 'none', 'ip/24',
                  'Hostpair/24,64', 'client/30', 'server/0,33', 'HOST/31,127', '3Tuple/9,0,VLAN']


def options(by: str, directed: bool = False, **more) -> Options:
    key = reference.by_of(by)
    if directed and key.takes('a') | key.takes('b'):  # else there are no directions
        key = reference.by_of(by, directed)
    cuts = more.pop('cuts', Cuts())
    return Options(key, Cuts(key.connections, cuts.idle_ns, cuts.active_ns, cuts.every,
                             cuts.every_n), **more)


def one_by_one(inner: bool) -> Callable[[], None]:
    """Each field and each alias, both directions together and apart."""
    def case() -> None:
        rng = suite.random('one-by-one %s' % inner)
        for made in captures(rng, 500):
            for by in WORDS:
                for directed in (False, True):
                    check_split(made, by, options(by, directed, inner=inner))
    return case


def random_by(rng: random.Random) -> str:
    """Fields that go together."""
    words = rng.sample(SINGLE, rng.randint(2, 6))
    if 'host' in words:
        words = [w for w in words if w not in ('ip', 'client', 'server', 'service')]
    elif rng.random() < 0.2:
        words = [w for w in words if w not in ('client', 'server', 'service')] + ['connection']
    def with_prefix(word: str) -> str:
        if word not in ('ip', 'host', 'client', 'server', 'connection') or rng.random() < 0.7:
            return word
        v6 = ',%d' % rng.choice([0, 16, 64, 127, 128])
        return word + '/%d' % rng.choice([0, 8, 23, 24, 31, 32]) + rng.choice(['', v6])
    return ','.join(map(with_prefix, words))


def combinations() -> None:
    rng = suite.random('combinations')
    for made in captures(rng, 400):
        for _ in range(harness.times(25)):
            by = random_by(rng)
            check_split(made, by, options(by, rng.random() < 0.3, inner=rng.random() < 0.3,
                                          no_other=rng.random() < 0.2))


def hosts_of_fragments() -> None:
    """One host within a tunnel between two, and the other way round: each fragment goes where its
    datagram's first one goes, once."""
    pairs = [('192.0.2.1', '192.0.2.2'), ('127.0.0.1', '127.0.0.1')]
    for outer, inner in (pairs, pairs[::-1]):
        packet = pf.ip(*inner, pf.UDP, pf.udp(*inner, 5, 6, bytes(100)))
        tunnel = struct.pack('!HH', 0, pf.TYPE_IPV4) + packet
        parts = list(pf.fragments(*outer, pf.GRE, tunnel, 64, 7))
        for order in (parts, parts[::-1]):
            frames = pf.at_times(map(pf.ethernet, order))
            data = pf.Capture(pf.Format(), frames).encode()
            made = Made(data, reference.of_pcap(pf.parse(data)))
            for by in ('host', 'host,port', 'host,tunnel'):
                check_split(made, by, options(by, inner=True))


def clients_of_the_chosen() -> None:
    """A record that is left out does not say who began its flow. Here it is a first fragment, which
    is kept for those that follow it: a server's SYN-ACK, in pieces, of which the list has the last."""
    client, server = '192.0.2.1', '192.0.2.2'
    for sent, flags in ((server, pf.SYN | pf.ACK), (client, pf.SYN)):
        ends = (client, server, 50000, 80) if sent == client else (server, client, 80, 50000)
        for ends in (ends, ends[:2] + (ends[3], ends[2])):  # the port would say the contrary
            segment = pf.tcp(*ends, flags, bytes(140))
            parts = list(pf.fragments(*ends[:2], pf.TCP, segment, 64, 7))
            whole = pf.ipv4(*ends[:2], pf.TCP, pf.tcp(*ends, pf.ACK, bytes(10)))
            packets = pf.at_times(map(pf.ethernet, [*parts, whole]))
            data = pf.Capture(pf.Format(), packets).encode()
            made = Made(data, reference.of_pcap(pf.parse(data)))
            for n, packet in enumerate(packets):
                path = suite.write('list', ('src,first\n%s,%s\n' % (
                    client, reference.time_text(packet.ts_ns))).encode())
                rows = (Listed(src=client, first=packet.ts_ns),)
                for by in ('client', 'server,service', 'client,label'):
                    for directed in (False, True):
                        opt = options(by, directed, rows=rows)
                        check_split(made, by, opt, '--flows', path, '--verify')


def bssids() -> None:
    """802.11 frames of each kind, which may be cut at any byte: those whose BSSID is not there are a
    flow of their own."""
    rng = suite.random('bssids')
    macs = [pf.mac('02:00:00:00:00:%02x' % i) for i in range(4)] + [b'\xff' * 6]
    packets, wanted = [], collections.defaultdict(list)
    for n in range(300):
        one, two, three = (rng.choice(macs) for _ in range(3))
        kind = rng.choice([0x08, 0x08, 0x88, 0x48, 0x80, 0x40, 0xb0, 0xa4, 0xb4, 0xd4, 0x0c])
        ds = rng.choice([0, 1, 2, 3]) if kind & 0x0c == 8 else 0
        protected = rng.choice([0, 0x40]) if kind & 0x0c == 8 else 0
        frame = bytes([kind, ds | protected, 0, 0]) + one + two + three + bytes(2)
        frame += bytes(6 if ds == 3 else 0) + bytes(2 if kind == 0x88 else 0)
        if kind & 0x0c == 8 and rng.random() < 0.5:
            frame += bytes.fromhex('aaaa030000000800') + pf.ip('10.0.0.1', '10.0.0.2', pf.UDP,
                                                               pf.udp('10.0.0.1', '10.0.0.2', 1, 2, b''))
        frame = frame[:rng.randrange(len(frame) + 1)] if rng.random() < 0.2 else frame
        if kind & 0x0c == 8:
            where = {0: 16, 1: 4, 2: 10}.get(ds)
        else:
            where = 16 if kind & 0x0c == 0 else 4 if kind == 0xa4 else None
        bssid = frame[where:where + 6] if where else b''
        known = len(bssid) == 6 and bssid != macs[-1]
        wanted[bssid.hex(':') if known else ''].append(n)
        packets.append(frame)
    link = rng.choice([(105, b''), (127, bytes([0, 0, 8, 0, 0, 0, 0, 0]))])
    data = pf.Capture(pf.Format(linktype=link[0]), pf.at_times(link[1] + p for p in packets)).encode()
    path, saved = suite.write('capture.pcap', data), pf.parse(data)
    shutil.rmtree(suite.path('out'), ignore_errors=True)
    split([path], suite.path('out'), '--by', 'bssid', '--name', '{bssid}.pcap', '--verify')
    files = harness.files_of(suite.path('out'))
    rows = list(csv.DictReader(io.StringIO(files['manifest.csv'].decode(), newline='')))
    check_equal(sorted(r['bssid'] for r in rows), sorted(wanted), 'networks')
    for r in rows:
        check_equal(r['file'], (r['bssid'].replace(':', '-') or 'nobssid') + '.pcap', 'a name')
        harness.check_files({r['file']: files[r['file']]}, {r['file']: saved.header + b''.join(
            saved.records[n].raw for n in wanted[r['bssid']])})


def tunnel_ports() -> None:
    """Tunnels on other ports, of which one is another tunnel's own."""
    rng = suite.random('tunnel-ports')
    own = origins.VXLAN_PORT, origins.GTP_PORT, origins.GENEVE_PORT
    try:
        origins.VXLAN_PORT, origins.GTP_PORT, origins.GENEVE_PORT = 2152, 5555, 4789
        made = as_pcap(rng, events(rng, 400))
        for by, inner in (('flow', True), ('tunnel', False), ('tunnel,ip', True), ('client', True)):
            check_split(made, by, options(by, inner=inner), '--tunnel-port',
                        'VXLAN=2152,geneve=4789,gtp=5555', '--verify')
    finally:
        origins.VXLAN_PORT, origins.GTP_PORT, origins.GENEVE_PORT = own


def order_of_fields() -> None:
    """The order in which fields are named, and naming one twice, change nothing."""
    rng = suite.random('order-of-fields')
    made = as_pcapng(rng, events(rng, 300, BOTH_LINKS))
    path = suite.write(made.name, made.data)
    for words in (['vlan', 'ip', 'iface'], ['service', 'client', 'mac'], ['port', '3tuple']):
        trees = set()
        for i, order in enumerate(itertools.permutations(words)):
            for by in (','.join(order), ','.join(order + order[:1])):
                output = suite.path('out-%d' % i)
                split([path], output, '--by', by, '--force')
                os.remove(os.path.join(output, 'cleave.json'))
                trees.add(harness.tree_digest(output))
                shutil.rmtree(output)
        check_equal(len(trees), 1, 'different trees by the fields ' + ' '.join(words))


def refused() -> None:
    """What contradicts itself is refused, and nothing is made."""
    path = suite.write('capture.pcap', pf.Capture(pf.Format(), []).encode())
    for flags in (['--by', 'host,ip'], ['--by', 'host,client'], ['--by', 'host,connection'],
                  ['--by', 'connection,server'], ['--by', 'host,flow'], ['--by', ''],
                  ['--by', 'ip,'], ['--by', 'none,ip'], ['--by', 'ip,none'], ['--by', 'ip/33'],
                  ['--shards', '0'], ['--shards', '65537'], ['--shards', '2', '--by', 'none'],
                  ['--shards', '2', '--by', 'connection'],
                  ['--shards', '2', '--idle-timeout', '1s'],
                  ['--shards', '2', '--by', 'host'], ['--shard-by', 'ip'],
                  ['--shards', '2', '--shard-by', 'ip', '--by', 'ip'], ['--every', '60'],
                  ['--every', '0s'], ['--every', '0p'], ['--every', '1x'], ['--every', '-1s'],
                  ['--idle-timeout', '0'], ['--idle-timeout', '99999999999999999999s'],
                  ['--max-packets-per-flow', '0'], ['--max-bytes-per-flow', '0'],
                  ['--community-seed', '65536'], ['--name', '{part:0}'], ['--name', '{vlan:2}']):
        suite.run_cleave('split', path, '--output', suite.path('out'), *flags, status=2)
        check(not os.path.exists(suite.path('out')), 'an output, with %s', ' '.join(flags))


KNOBS: Dict[str, List[str]] = {'--threads': ['1', '2', '5'], '--window': ['4096', '65536', ''],
                               '--memory': ['1MiB', ''], '--max-open': ['1', '3', '']}


def check_knobs(rng: random.Random, path: str, base: str, n: int, *flags: str) -> None:
    """Nothing depends on how the work is done."""
    wanted = harness.tree_digest(base)
    for _ in range(n):
        knobs = [word for flag, values in KNOBS.items() for value in [rng.choice(values)]
                 if value for word in (flag, value)]
        output = suite.path('knobs')
        shutil.rmtree(output, ignore_errors=True)
        split([path], output, *flags, *knobs)
        if harness.tree_digest(output) != wanted:
            harness.check_files(harness.files_of(output), harness.files_of(base))
            raise harness.Failed('another tree with ' + ' '.join(knobs))


def knobs() -> None:
    rng = suite.random('knobs')
    for flags in (['--by', 'vlan,mac,tunnel,iface'], ['--by', 'host,port'],
                  ['--by', 'client,service'], ['--by', 'connection', '--inner'],
                  ['--by', 'flow', '--every', '10s', '--idle-timeout', '3s'],
                  ['--by', 'ip', '--every', '700B', '--max-packets-per-flow', '3'],
                  ['--every', '100p'], ['--shards', '7', '--inner']):
        made = rng.choice([as_pcap(rng, events(rng, 3000, talks=200)),
                           as_pcapng(rng, events(rng, 3000, BOTH_LINKS, talks=200))])
        path, base = suite.write(made.name, made.data), suite.path('base')
        shutil.rmtree(base, ignore_errors=True)
        split([path], base, *flags, '--threads', '1')
        check_knobs(rng, path, base, 4, *flags)


# ---- cases: names ----

def names() -> None:
    """The fields of names are those of the rows."""
    rng = suite.random('names')
    template = '{n}~{part}~{shard:2}~{vlan}~{mac}~{tunnel}~{iface}~{community_id}~{src}~{dport}'
    for made in captures(rng, 300):
        path = suite.write(made.name, made.data)
        for by in ('flow,vlan,mac,tunnel,iface', 'vlan', 'mac', 'tunnel,iface', 'flow', 'host',
                   'client', 'ip,mac'):
            for more in ([], ['--every', '50p']):
                output = suite.path('out')
                shutil.rmtree(output, ignore_errors=True)
                split([path], output, '--by', by, '--name', template + '.pcap', *more)
                with open(os.path.join(output, 'manifest.csv'), newline='', encoding='utf-8') as f:
                    rows = [r for r in csv.DictReader(f) if r['flow']]
                check(rows, 'no rows')
                for row in rows:
                    found = os.path.splitext(row['file'].split('/')[-1])[0].split('~')
                    macs = '_'.join(m.replace(':', '-') for m in
                                    (row.get('src_mac', ''), row.get('dst_mac', '')) if m)
                    community = row.get('community_id', '')
                    wanted = [row.get('output', row['flow']), row.get('part', '1'), '00',
                              (row['vlan'] or 'untagged') if 'vlan' in row else '-',
                              macs or 'nomac', row.get('tunnel', '') or '-',
                              row.get('iface', '') or '-',
                              community.translate({47: 95, 43: 45, 58: 45}) or '-',
                              row['src'].replace(':', '-') or 'any', row['dport'] or '-']
                    check_equal(found, wanted, 'name by %s' % by)


# ---- cases: cuts ----

def connections() -> None:
    """Ports that are used again, with and without a handshake."""
    rng = suite.random('connections')
    for made in captures(rng, 800, talks=8):
        for by in ('connection', 'connection,vlan', 'connection,iface'):
            for directed in (False, True):
                check_split(made, by, options(by, directed, inner=rng.random() < 0.3))
        cuts = Cuts(idle_ns=2 * 10**9, active_ns=20 * 10**9)
        check_split(made, 'connection', options('connection', cuts=cuts))


def timeouts() -> None:
    rng = suite.random('timeouts')
    for made in captures(rng, 400, talks=10):
        for idle, active in ((1, 0), (10**9, 0), (0, 5 * 10**9), (3 * 10**9, 30 * 10**9),
                             (0, 1), (2**62, 2**62)):
            for by in ('flow', rng.choice(['vlan', 'none', 'host'])):
                check_split(made, by, options(by, cuts=Cuts(idle_ns=idle, active_ns=active)))


def before_the_epoch(rng: random.Random, n: int) -> Made:
    """Times on both sides of the epoch."""
    return as_pcapng(rng, events(rng, n, start=0, talks=10), offset=600)


def every_time() -> None:
    """Slices are aligned to the epoch; a time that ran backwards stays in its slice."""
    rng = suite.random('every-time')
    for made in captures(rng, 500, talks=10) + [before_the_epoch(rng, 500)]:
        for ns in (1, 10**9, 7 * 10**9, 60 * 10**9, 2**62):
            cuts = Cuts(every='time', every_n=ns)
            check_split(made, None, options('none', cuts=cuts))
            by = rng.choice(['flow', 'ip', 'vlan,iface', 'host', 'client', 'connection', 'none'])
            check_split(made, by, options(by, rng.random() < 0.3, cuts=cuts))


def every_records() -> None:
    rng = suite.random('every-records')
    for made in captures(rng, 400, talks=10):
        for n in (1, 2, 3, 100, 400, 10**9):
            cuts = Cuts(every='records', every_n=n)
            check_split(made, None, options('none', cuts=cuts))
            by = rng.choice(['flow', 'ip', 'tunnel', 'host', 'service', 'connection'])
            check_split(made, by, options(by, cuts=cuts))


def every_size() -> None:
    """Sizes are those of classic pcap, whatever the format; one record is always taken."""
    rng = suite.random('every-size')
    for made in captures(rng, 400, talks=10):
        for n in (1, 24, 200, 1000, 5000, 10**9):
            cuts = Cuts(every='size', every_n=n)
            check_split(made, None, options('none', cuts=cuts))
            by = rng.choice(['flow', 'ip', 'mac', 'host', 'connection'])
            check_split(made, by, options(by, cuts=cuts))


def every_size_exactly() -> None:
    """No output of more than one record is larger than was asked, and none could be longer."""
    rng = suite.random('every-size-exactly')
    made = as_pcap(rng, events(rng, 2000))
    path, output = suite.write(made.name, made.data), suite.path('out')
    limit = 4096
    split([path], output, '--every', '%dB' % limit, '--name', '{n}.pcap')
    files = harness.files_of(output)
    order = [pf.parse(files['%d.pcap' % (i + 1)]) for i in range(len(files) - 2)]
    for saved, following in zip(order, order[1:]):
        size = pf.FILE_HEADER_LEN + sum(len(r.raw) for r in saved.records)
        check(size <= limit or len(saved.records) == 1, 'an output of %d bytes', size)
        check(size + len(following.records[0].raw) > limit, 'an output of %d bytes has room', size)


def caps() -> None:
    rng = suite.random('caps')
    for made in captures(rng, 500, talks=10):
        for packets, size in ((1, 0), (5, 0), (0, 1), (0, 500), (3, 400)):
            by = rng.choice(['flow', 'ip', 'none', 'vlan', 'host', 'client', 'connection'])
            check_split(made, by, options(by, max_packets=packets, max_bytes=size,
                                          no_other=rng.random() < 0.3))


def all_at_once() -> None:
    """Cuts of several kinds, with caps."""
    rng = suite.random('all-at-once')
    for made in captures(rng, 400, talks=8) + [before_the_epoch(rng, 400)]:
        for _ in range(harness.times(12)):
            every = rng.choice(['', 'time', 'size', 'records'])
            n = {'': 0, 'time': rng.choice([10**9, 10**10]), 'size': rng.choice([300, 2000]),
                 'records': rng.choice([2, 7])}[every]
            cuts = Cuts(idle_ns=rng.choice([0, 10**9, 5 * 10**9]),
                        active_ns=rng.choice([0, 10**10]), every=every, every_n=n)
            by = rng.choice(['flow', 'connection', random_by(rng)])
            check_split(made, by, options(
                by, rng.random() < 0.3, inner=rng.random() < 0.3, cuts=cuts,
                max_packets=rng.choice([0, 0, 3]), max_bytes=rng.choice([0, 0, 300])))


# ---- cases: shards ----

def shards() -> None:
    """Each flow in one shard, that which its key says; all together they are the capture."""
    rng = suite.random('shards')
    for made in captures(rng, 500):
        for by in ('flow', 'hostpair', 'vlan,mac', 'tunnel', 'client,service', 'port', 'iface'):
            n = rng.choice([1, 2, 3, 8, 255, 65536])
            check_split(made, by, options(by, shards=n, inner=rng.random() < 0.3))
        cuts = Cuts(every='time', every_n=10**10)
        check_split(made, 'flow', options('flow', shards=3, cuts=cuts, max_packets=20))


def shard_files(output: str) -> Dict[str, bytes]:
    return {name: data for name, data in harness.files_of(output).items()
            if name not in ('cleave.json', 'manifest.csv')}


def bare(data: bytes) -> List[Tuple[int, bytes]]:
    """Time and packet of each record, in any format."""
    if data[:4] == b'\n\r\r\n':
        return [(p.ts_ns, p.data) for p in ng.of_kind(ng.blocks(data), ng.Packet)]
    return [(r.ts_ns, r.data) for r in pf.parse(data).records]


def shards_alike() -> None:
    """The same shards from either byte order and format, in the default's names."""
    rng = suite.random('shards-alike')
    some = [e._replace(origlen=len(e.packet), now=Fraction(e.now * 10**6 // 1, 10**6))
            for e in events(rng, 800)]
    trees = []
    for made in (as_pcap(rng, some, 'us', False), as_pcap(rng, some, 'ns', True),
                 as_pcap(rng, some, 'modified', False), as_pcapng(rng, some, simple=False)):
        path, output = suite.write(made.name, made.data), suite.path('out')
        shutil.rmtree(output, ignore_errors=True)
        split([path], output, '--shards', '5')
        trees.append({os.path.splitext(name)[0]: bare(data)
                      for name, data in shard_files(output).items()})
    check(len(trees[0]) >= 5, 'few shards')
    check_equal(sorted(trees[0])[:2], ['other', 'shard_000'], 'names')
    for tree in trees[1:]:
        check(tree == trees[0], 'the shards differ between the formats')


def two_machines() -> None:
    """Two captures, each split by itself: their shards of a number fit together."""
    rng = suite.random('two-machines')
    some = events(rng, 1000, fragments=False)
    whole = as_pcap(rng, some, 'us', False)
    at = rng.randrange(300, 700)
    halves = [as_pcap(rng, some[:at], 'us', False), as_pcap(rng, some[at:], 'us', False)]
    for flags in ([], ['--shard-by', 'hostpair'], ['--shard-by', '3tuple']):
        found = []
        for made, knob in ((whole, '2'), (halves[0], '1'), (halves[1], '5')):
            path, output = suite.write('capture.pcap', made.data), suite.path('out')
            shutil.rmtree(output, ignore_errors=True)
            split([path], output, '--shards', '6', '--threads', knob, *flags)
            found.append(shard_files(output))
        header = whole.data[:pf.FILE_HEADER_LEN]
        for name, data in found[0].items():
            parts = [half.get(name, header)[pf.FILE_HEADER_LEN:] for half in found[1:]]
            check(data == header + b''.join(parts), '%s is not what both halves have', name)
        split([suite.write('a.pcap', halves[0].data), suite.write('b.pcap', halves[1].data)],
              suite.path('joined'), '--shards', '6', *flags, '--force')
        harness.check_files(shard_files(suite.path('joined')), found[0])


def symmetric() -> None:
    """The captures with all directions turned round have the same shards."""
    rng = suite.random('symmetric')
    pairs = []
    for _ in range(600):
        t = random_talk(rng)
        if t.proto not in (pf.TCP, pf.UDP, pf.SCTP):
            continue
        there = pf.ip(t.a, t.b, t.proto, pf.transport(t.proto, t.a, t.b, t.a_port, t.b_port))
        back = pf.ip(t.b, t.a, t.proto, pf.transport(t.proto, t.b, t.a, t.b_port, t.a_port))
        pairs.append((there, back))
    where = []
    for k in range(2):
        some = [Event(pair[k], pf.LINK_RAW, len(pair[k]), Fraction(i))
                for i, pair in enumerate(pairs)]
        fmt = pf.Format('us', linktype=pf.LINK_RAW)
        data = pf.Capture(fmt, [pf.Packet(e.packet, e.now * 10**9 // 1) for e in some]).encode()
        output = suite.path('out%d' % k)
        split([suite.write('capture.pcap', data)], output, '--shards', '4')
        where.append({name: [r.ts_ns for r in pf.parse(content).records]
                      for name, content in shard_files(output).items()})
    check_equal(where[1], where[0], 'times by shard')


def balance() -> None:
    """100,000 flows that are much alike, in 8 shards."""
    kinds: Dict[str, Callable[[int], Tuple[str, str, int, int]]] = {
        'ports': lambda i: ('10.0.0.1', '10.0.0.2', i % 60000, 80 + i // 60000),
        'hosts': lambda i: ('10.%d.%d.%d' % (i >> 16, i >> 8 & 255, i & 255), '192.0.2.1', 5, 80),
        'hosts of IPv6': lambda i: ('2001:db8::%x:%x' % (i >> 16, i & 0xffff), '2001:db8::', 5, 80),
    }
    n, shards_n = 100000, 8
    for kind, of in kinds.items():
        out = [pf.Format(linktype=pf.LINK_RAW).header()]
        for i in range(n):
            src, dst, sport, dport = of(i)
            ports = struct.pack('!HHHH', sport, dport, 8, 0)
            if ':' in src:
                packet = struct.pack('!IHBB', 6 << 28, 8, pf.UDP, 64) + pf.address(src) + \
                    pf.address(dst) + ports
            else:
                packet = struct.pack('!BBHHHBBH', 0x45, 0, 28, 0, 0, 64, pf.UDP, 0) + \
                    pf.address(src) + pf.address(dst) + ports
            out.append(struct.pack('<IIII', i, 0, len(packet), len(packet)) + packet)
        output = suite.path('out')
        shutil.rmtree(output, ignore_errors=True)
        split([suite.write('capture.pcap', b''.join(out))], output, '--shards', str(shards_n))
        with open(os.path.join(output, 'manifest.csv'), newline='', encoding='utf-8') as f:
            counts = [int(r['src_packets']) + int(r['dst_packets']) for r in csv.DictReader(f)]
        check_equal((len(counts), sum(counts)), (shards_n, n), kind + ': shards, records')
        check(max(counts) <= 1.1 * n / shards_n, '%s: uneven shards: %s', kind, counts)


# ---- cases: Community ID ----

# Of https://github.com/corelight/community-id-spec, baseline/: with the seeds 0 and 1.
PUBLISHED = [
    ({'src': 'fe80::200:86ff:fe05:80da', 'dst': 'fe80::260:97ff:fe07:69ea', 'proto': '58',
      'type': '135', 'code': '0'}, '1:dGHyGvjMfljg6Bppwm3bg0LO8TY=',
     '1:kHa1FhMYIT6Ym2Vm2AOtoOARDzY='),
    ({'src': 'fe80::260:97ff:fe07:69ea', 'dst': 'fe80::200:86ff:fe05:80da', 'proto': '58',
      'type': '136', 'code': '0'}, '1:dGHyGvjMfljg6Bppwm3bg0LO8TY=',
     '1:kHa1FhMYIT6Ym2Vm2AOtoOARDzY='),
    ({'src': '3ffe:501:1800:2345::2', 'dst': '3ffe:507:0:1:200:86ff:fe05:80da', 'proto': '58',
      'type': '3', 'code': '0'}, '1:2ObVBgIn28oZvibYZhZMBgh7WdQ=',
     '1:lVEtCZpYu84Xqaa++3lXFyuu2n4='),
    ({'src': '3ffe:501:410:0:2c0:dfff:fe47:33e', 'dst': '3ffe:507:0:1:200:86ff:fe05:80da',
      'proto': '58', 'type': '1', 'code': '4'}, '1:hLZd0XGWojozrvxqE0dWB1iM6R0=',
     '1:W8MHwXpWzpoSTD+cGcaJr4u0ys8='),
    ({'src': 'fe80::260:97ff:fe07:69ea', 'dst': 'ff02::1', 'proto': '58', 'type': '134',
      'code': '0'}, '1:pkvHqCL88/tg1k4cPigmZXUtL00=', '1:K/ee5UCqAMAQXDorP5nSa2CGLjc='),
    ({'src': '192.168.0.89', 'dst': '192.168.0.1', 'proto': '1', 'type': '8', 'code': '0'},
     '1:X0snYXpgwiv9TZtqg64sgzUn6Dk=', '1:03g6IloqVBdcZlPyX8r0hgoE7kA='),
    ({'src': '10.0.0.1', 'dst': '10.0.0.2', 'proto': '1', 'type': '11', 'code': '0'},
     '1:YHxtAirCG//0OzkcVAukqKQN9xM=', '1:XjUibYHaafLQ3pxQeiMI8g25q20='),
    ({'src': '2607:f8b0:400c:c03::1a', 'dst': '2001:470:e5bf:dead:4957:2174:e82c:4887',
      'proto': '6', 'sport': '25', 'dport': '63943'}, '1:/qFaeAR+gFe1KYjMzVDsMv+wgU4=',
     '1:eJYTW6AOzFLlSUoESovMjnu7rMw='),
    ({'src': '192.168.170.8', 'dst': '192.168.170.56', 'proto': '132', 'sport': '7', 'dport': '7'},
     '1:MP2EtRCAUIZvTw6MxJHLV7N7JDs=', '1:5w3ZRjeKBzqT3zsaEECDGjUbYeg='),
    ({'src': '128.232.110.120', 'dst': '66.35.250.204', 'proto': '6', 'sport': '34855',
      'dport': '80'}, '1:LQU9qZlK+B5F3KDmev6m5PMibrg=', '1:3V71V58M3Ksw/yuFALMcW0LAHvc='),
    ({'src': '8.8.8.8', 'dst': '192.168.1.52', 'proto': '17', 'sport': '53', 'dport': '54585'},
     '1:d/FP5EW3wiY1vCndhwleRRKHowQ=', '1:Q9We8WO3piVF8yEQBNJF4uiSVrI='),
    ({'src': '10.1.12.1', 'dst': '10.1.12.2', 'proto': '46'}, '1:KHlLkgoJW7ifUTyTSgyVfkFHzKw=',
     '1:rYir8gphR31noO9iDRQmF/BteEI='),
]


def needs_community(path: str) -> None:
    output = suite.path('probe')
    split([path], output, '--force')
    if not has_community(harness.files_of(output)):
        raise harness.Skip('this build has no Community IDs')


def packet_of(ends: Dict[str, str]) -> bytes:
    src, dst, proto = ends['src'], ends['dst'], int(ends['proto'])
    if proto == pf.ICMP:
        content = pf.icmp(int(ends['type']), int(ends['code']))
    elif proto == pf.ICMPV6:
        content = bytes([int(ends['type']), int(ends['code'])]) + bytes(30)
    elif proto in origins.WITH_PORTS:
        content = pf.transport(proto, src, dst, int(ends['sport']), int(ends['dport']))
    else:
        content = bytes(20)
    return pf.frame(src, dst, proto, content)


def ids_of(frames: Sequence[bytes], *flags: str) -> List[str]:
    data = pf.Capture(pf.Format(), pf.at_times(frames)).encode()
    output = suite.path('out')
    shutil.rmtree(output, ignore_errors=True)
    path = suite.write('capture.pcap', data)
    needs_community(path)
    split([path], output, *flags)
    with open(os.path.join(output, 'manifest.csv'), newline='', encoding='utf-8') as f:
        return [r['community_id'] for r in csv.DictReader(f)]


def published() -> None:
    """The values that the specification publishes."""
    for ends, plain, seeded in PUBLISHED:
        for seed, wanted in ((0, plain), (1, seeded)):
            check_equal(origins.community_id(ends, seed), wanted, 'the reference on %s' % ends)
            check_equal(ids_of([packet_of(ends)], '--community-seed', str(seed)), [wanted],
                        '%s with seed %d' % (ends, seed))


def community() -> None:
    """All pairs of ICMP, what goes one way, all kinds of protocols, both directions, seeds."""
    rng = suite.random('community')
    everybody: List[Dict[str, str]] = []
    pairs4, pairs6 = (itertools.permutations(h, 2) for h in (HOSTS4, HOSTS6))
    hosts = itertools.cycle(list(pairs4) + [('10.0.0.9', '10.0.0.9')])
    hosts6 = itertools.cycle(list(pairs6))
    for kind in range(256):
        for proto, ends in ((pf.ICMP, next(hosts)), (pf.ICMPV6, next(hosts6))):
            everybody.append({'src': ends[0], 'dst': ends[1], 'proto': str(proto),
                              'type': str(kind), 'code': str(rng.randrange(256))})
    for proto in (pf.TCP, pf.UDP, pf.SCTP, pf.UDPLITE, pf.DCCP):
        for _ in range(40):
            src, dst = next(rng.choice([hosts, hosts6]))
            everybody.append({'src': src, 'dst': dst, 'proto': str(proto),
                              'sport': str(rng.randrange(65536)),
                              'dport': str(rng.choice([53, rng.randrange(65536)]))})
    everybody += [{'src': src, 'dst': dst, 'proto': str(proto)} for proto in (2, 46, 50, 89, 255)
                  for src, dst in (next(hosts), next(hosts6))]
    for seed in (0, 1, 65535):
        # A flow's ID is its first record's: each record is split alone, in a VLAN of its own.
        frames = [frame[:12] + struct.pack('!HH', 0x8100, 1 + i) + frame[12:]
                  for i, frame in enumerate(packet_of(e) for e in everybody)]
        found = ids_of(frames, '--by', 'flow,vlan', '--community-seed', str(seed))
        wanted = [origins.community_id(e, seed) for e in everybody]
        different = [(e, a, b) for e, a, b in zip(everybody, found, wanted) if a != b]
        check(len(found) == len(wanted) and not different, 'seed %d: %s', seed, different[:3])


def captured() -> None:
    """captured_bytes is what was read, once per record, whatever becomes of the records."""
    rng = suite.random('captured')
    made = rng.choice(captures(rng, 150))
    path = suite.write(made.name, made.data)
    info = json.loads(suite.run_cleave('info', '--json', path).stdout)
    options = (
        (), ('--no-other',), ('--inner',), ('--directed',), ('--top', '2'), ('--min-packets', '3'),
        ('--min-bytes', '500', '--no-other'), ('--max-packets-per-flow', '1'),
        ('--max-bytes-per-flow', '200'), ('--snaplen', '40'), ('--shards', '3'), ('--every', '9p'),
        ('--idle-timeout', '1s'), ('--proto', 'tcp', '--snaplen', '60'), ('--filter', 'udp'),
        ('--port', '1-30000'), ('--format', 'pcapng'), ('--dry-run',), ('--each',),
        ('--max-packets-per-flow', '1', '--no-other', '--proto', 'udp', '--dry-run'))
    ran = 0
    with open(path, 'rb') as f:
        again = suite.write('again', f.read())
    for by in ('flow', 'connection', '3tuple', 'hostpair', 'none', 'host', 'host,proto',
               'host,port', 'client', 'server', 'service', 'vlan', 'mac', 'tunnel', 'iface'):
        for flags in options:
            done = suite.run_cleave('split', path, again, '--by', by, '-o', suite.path('out'),
                                    '--force', '--json', *flags, status=None)
            if done.returncode == 2:  # these exclude one another
                continue
            ran += 1
            summary = json.loads(done.stdout)
            for name in ('captured_bytes', 'records'):
                check_equal(summary[{'records': 'records_read'}.get(name, name)], 2 * info[name],
                            '--by %s %s: %s' % (by, ' '.join(flags), name))
    check(ran > 200, 'only %d of these could be run', ran)


# ---- all ----

CASES: Dict[str, Callable[[], None]] = {
    'duplicates': duplicates,
    'trailers': trailers,
    'lists': lists,
    'one-by-one': one_by_one(False),
    'one-by-one-inner': one_by_one(True),
    'combinations': combinations,
    'hosts-of-fragments': hosts_of_fragments,
    'clients-of-the-chosen': clients_of_the_chosen,
    'bssids': bssids,
    'tunnel-ports': tunnel_ports,
    'order-of-fields': order_of_fields,
    'refused': refused,
    'knobs': knobs,
    'names': names,
    'connections': connections,
    'timeouts': timeouts,
    'every-time': every_time,
    'every-records': every_records,
    'every-size': every_size,
    'every-size-exactly': every_size_exactly,
    'caps': caps,
    'all-at-once': all_at_once,
    'shards': shards,
    'shards-alike': shards_alike,
    'two-machines': two_machines,
    'symmetric': symmetric,
    'balance': balance,
    'published': published,
    'community': community,
    'captured': captured,
}

if __name__ == '__main__':
    sys.exit(suite.run(CASES))
