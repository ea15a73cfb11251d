# SPDX-License-Identifier: BSD-2-Clause
"""Properties of a split, on captures that are random or made to mislead.

The reference (tests/support/reference.py) predicts every file of the output directory: all outputs
byte for byte under their names, and the manifest. That covers: each record in exactly one output or
one drop count, unchanged, in capture order, both directions together. Then threads, window, memory,
open outputs and the input's byte order must not change a byte.
"""
import gzip
import itertools
import json
import os
import random
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
import reference
from harness import check, check_equal

PIECE = 256 * 1024  # bytes that one scanner looks at, as of this writing; captures span several

suite = harness.Suite(__doc__.split('\n', maxsplit=1)[0])


# ---- random packets ----

class Talk(NamedTuple):
    """Two endpoints and a protocol."""
    a: str
    b: str
    proto: int
    a_port: int
    b_port: int


HOSTS4 = ['10.0.0.1', '10.0.0.2', '10.0.1.0', '192.168.0.255', '172.16.5.4', '0.0.0.0',
          '255.255.255.255', '224.0.0.251']
HOSTS6 = ['2001:db8::1', '2001:db8::2', '2001:db8:0:1::', 'fe80::1', '::', 'ff02::fb',
          '::ffff:10.0.0.1', '2001:0:0:1:0:0:0:1', '1:0:0:2:3:0:0:4']
PROTOS = [pf.TCP, pf.TCP, pf.UDP, pf.UDP, pf.UDPLITE, pf.SCTP, pf.DCCP, pf.ICMP, pf.GRE, pf.ESP,
          89, 200]
EXTENSION_MIXES = [(), (), (), (pf.HOP_BY_HOP,), (pf.ROUTING, pf.DESTINATION), (pf.AH,),
                   (pf.HOP_BY_HOP, pf.DESTINATION, pf.ROUTING, pf.AH, pf.DESTINATION)]


def random_talk(rng: random.Random) -> Talk:
    hosts = rng.choice([HOSTS4, HOSTS4, HOSTS6])
    proto = rng.choice(PROTOS)
    if proto == pf.ICMP and hosts is HOSTS6:
        proto = pf.ICMPV6
    ports = [0, 53, 80, 443, 65535, rng.randrange(65536)]
    # A host may talk to itself, also from a port to the same port.
    return Talk(rng.choice(hosts), rng.choice(hosts), proto, rng.choice(ports), rng.choice(ports))


class Made(NamedTuple):
    """Network layer bytes, and what they were made from."""
    data: bytes
    wanted: Dict[str, str]


def one_packet(rng: random.Random, talk: Talk, payload: bytes) -> List[Made]:
    """A packet of the talk in a random direction, or its fragments."""
    src, dst, sport, dport = (talk.a, talk.b, talk.a_port, talk.b_port) if rng.random() < 0.5 \
        else (talk.b, talk.a, talk.b_port, talk.a_port)
    wanted = {'src': src, 'dst': dst, 'proto': str(talk.proto)}
    with_ports = talk.proto in origins.WITH_PORTS
    if with_ports:
        body = pf.transport(talk.proto, src, dst, sport, dport, payload, rng.randrange(256))
    else:
        body = payload
    ports = {'sport': str(sport), 'dport': str(dport)} if with_ports else {}
    if len(body) > 24 and rng.random() < 0.1:
        parts = pf.fragments(src, dst, talk.proto, body, 8 * rng.randint(1, 3), rng.getrandbits(16))
        return [Made(data, {**wanted, **(ports if i == 0 else {'fragment': 'yes'})})
                for i, data in enumerate(parts)]
    if ':' in src:
        data = pf.ipv6(src, dst, talk.proto, body, extensions=rng.choice(EXTENSION_MIXES))
    else:
        options = rng.choice([b'', b'', b'', bytes.fromhex('94040000'), bytes(40)])
        data = pf.ipv4(src, dst, talk.proto, body, rng.getrandbits(16), options=options)
    return [Made(data, {**wanted, **ports})]


def on_link(rng: random.Random, linktype: int, data: bytes) -> bytes:
    """The IP packet as a packet of the link type, in one of the ways that there are."""
    v6 = data[0] >> 4 == 6
    ethertype = pf.TYPE_IPV6 if v6 else pf.TYPE_IPV4
    if linktype == pf.LINK_ETHERNET:
        way = rng.randrange(12)
        if way == 0:
            return pf.ethernet(data, ethertype, vlans=[rng.choice([1, 7])])
        if way == 1:
            return pf.ethernet(data, ethertype, vlans=[(0x88a8, 5), (0x8100, rng.choice([1, 7]))])
        if way == 2:
            return pf.ethernet(data, ethertype, vlans=[(0x9100, 5), 9, 3])
        if way == 3:
            return pf.ethernet(pf.mpls(data, [16, 17][:rng.randint(1, 2)]), pf.TYPE_MPLS)
        if way == 4:
            return pf.ethernet(pf.pppoe(data, 0x57 if v6 else 0x21), pf.TYPE_PPPOE)
        if way == 5 and len(data) < 1400:
            return pf.snap(data, ethertype)
        if way == 6:
            return pf.ethernet(data, ethertype) + bytes(rng.randint(1, 46))  # padding, or FCS
        return pf.ethernet(data, ethertype)
    if linktype in (pf.LINK_SLL, pf.LINK_SLL2):
        return (pf.sll if linktype == pf.LINK_SLL else pf.sll2)(data, ethertype)
    if linktype == pf.LINK_PPP_ETHER:
        return pf.pppoe(data, 0x57 if v6 else 0x21)
    if linktype == pf.LINK_C_HDLC or linktype == pf.LINK_PPP_HDLC and rng.random() < 0.3:
        return rng.choice([b'\x0f\0', b'\x8f\0']) + struct.pack('!H', ethertype) + data
    if linktype in (pf.LINK_PPP, pf.LINK_PPP_HDLC):
        return rng.choice([b'\xff\x03', b'']) + (b'\0\x57' if v6 else b'\0\x21') + data
    if linktype == pf.LINK_NULL:
        return struct.pack(rng.choice('<>') + 'I', rng.choice([10, 24, 28, 30]) if v6 else 2) + data
    if linktype == pf.LINK_LOOP:
        return struct.pack('>I', 24 if v6 else 2) + data
    return data


NO_ADDRESS = [pf.arp('10.0.0.1', '10.0.0.2'), b'', b'\0', bytes(13), bytes(60),
              pf.ethernet(b'\x42\x42\x03' + bytes(35), 38),  # spanning tree
              pf.ethernet(bytes(46), 0x88cc),                # LLDP
              pf.ethernet(b'\x45', pf.TYPE_IPV4), pf.ethernet(b'\x60' + bytes(30), pf.TYPE_IPV6)]


def random_capture(rng: random.Random, n: int, linktype: int = pf.LINK_ETHERNET,
                   talks: int = 40, payload_max: int = 200) -> Tuple[pf.Capture, List[dict]]:
    """Also gives what each packet was made from; None where it was made from nothing."""
    fmt = pf.Format(rng.choice(['us', 'us', 'ns', 'modified']), rng.random() < 0.5, linktype,
                    rng.choice([262144, 65535, 0]), rng.choice([None, None, 4]))
    everybody = [random_talk(rng) for _ in range(talks)]
    packets: List[pf.Packet] = []
    wanted: List[dict] = []
    now = rng.randrange(2**31) * 10**9
    while len(packets) < n:
        if rng.random() < 0.03:
            made = [Made(rng.choice(NO_ADDRESS), {})] if linktype == pf.LINK_ETHERNET \
                else [Made(b'', {})]
            frames = [made[0].data]
        else:
            made = one_packet(rng, rng.choice(everybody),
                              rng.randbytes(rng.randrange(payload_max)))
            frames = [on_link(rng, linktype, m.data) for m in made]
        for m, data in zip(made, frames):
            now = max(0, now + rng.choice([0, 1, 1000, 10**6, 10**9, -1000]))
            packets.append(pf.Packet(data, now, len(data) + rng.choice([0, 0, 0, 4])))
            wanted.append(m.wanted)
    return pf.Capture(fmt, packets), wanted


# ---- checks ----

def check_split(capture: str, saved: pf.Savefile, by: str = 'flow', directed: bool = False,
                flags: Sequence[str] = (), status: int = 0) -> str:
    """Splits and compares the whole directory with the reference's. Gives the directory."""
    output = suite.path('%s-%s' % (by, 'directed' if directed else 'both'))
    wanted = reference.tree(saved, by, directed)
    summary = suite.split(capture, output, '--by', by, *(['--directed'] if directed else []),
                          *flags, status=status)
    files = harness.files_of(output)
    check('cleave.json' in files, 'cleave.json is missing')
    found = {n: data for n, data in files.items() if n.endswith('.pcap')}
    harness.check_files(found, wanted.files)
    harness.check_files({'manifest.csv': files['manifest.csv']}, {'manifest.csv': wanted.manifest})
    for name, count in wanted.counts.items():
        check_equal(summary[name], count, 'summary: ' + name)
    check_equal(summary['records_read'], len(saved.records), 'summary: records_read')
    check_equal(summary['written_bytes'], sum(map(len, wanted.files.values())),
                'summary: written_bytes')
    return output


KNOBS: Dict[str, List[str]] = {
    '--threads': ['1', '2', '5'],
    '--window': ['4096', '65536', ''],
    '--memory': ['1MiB', ''],
    '--max-open': ['1', '3', '64', ''],
    '--cache': ['keep', 'drop'],
}


def check_knobs(rng: random.Random, capture: str, base: str, *flags: str, more: int = harness.times(6),
                status: int = 0) -> None:
    wanted = harness.tree_digest(base)
    for i, knobs in enumerate(harness.knob_settings(KNOBS, rng, more)):
        output = suite.path('knobs-%d' % i)
        suite.split(capture, output, *flags, *knobs, status=status)
        found = harness.tree_digest(output)
        if found != wanted:
            harness.check_files(harness.files_of(output), harness.files_of(base))
        check_equal(found, wanted, 'tree with ' + ' '.join(knobs))
        subprocess.run(['rm', '-rf', output], check=True)


def check_capture(rng: random.Random, capture: pf.Capture, more: int = harness.times(6)) -> None:
    """The reference's files, whatever the knobs."""
    data = capture.encode()
    path = suite.write('capture.pcap', data)
    base = check_split(path, pf.parse(data))
    check_knobs(rng, path, base, more=more)


# ---- cases: random ----

def every_key(linktype: int) -> Callable[[], None]:
    def case() -> None:
        rng = suite.random('every-key %d' % linktype)
        capture, wanted = random_capture(rng, 400, linktype)
        for packet, w in zip(capture.packets, wanted):
            # The reference itself: what it reads is what the packet was made from.
            ends = origins.endpoints(linktype, packet.data)
            same = {k: v for k, v in ends.items() if k not in ('family', *origins.OF_THE_PACKET)}
            for side in ('src', 'dst'):
                if side in w:
                    w[side] = origins.ipv6_text(pf.address(w[side])) if ':' in w[side] \
                        else w[side]
            check_equal(same, w, 'the reference on %s' % packet.data.hex())
        for snaplen in (262144, rng.randint(30, 70)):
            cut = capture.cut(snaplen)
            data = cut.encode()
            path = suite.write('capture-%d.pcap' % snaplen, data)
            for by in ('flow', '3tuple', 'hostpair'):
                for directed in (False, True):
                    subprocess.run(['rm', '-rf', suite.path('%s-both' % by),
                                    suite.path('%s-directed' % by)], check=True)
                    check_split(path, pf.parse(data), by, directed)
    return case


def knobs() -> None:
    rng = suite.random('knobs')
    capture, _ = random_capture(rng, 3000, talks=300)
    check_capture(rng, capture, more=12)


def no_other() -> None:
    rng = suite.random('no-other')
    capture, _ = random_capture(rng, 500)
    data = capture.encode()
    path = suite.write('capture.pcap', data)
    wanted = reference.tree(pf.parse(data), no_other=True)
    for threads in '1', '2':
        output = suite.path('out' + threads)
        summary = suite.split(path, output, '--no-other', '--threads', threads)
        check_equal(summary['dropped']['other'], wanted.counts['other'], 'dropped')
        check(summary['dropped']['other'] > 0, 'the capture has nothing to drop')
        found = {n: d for n, d in harness.files_of(output).items() if n.endswith('.pcap')}
        harness.check_files(found, wanted.files)


def byte_order() -> None:
    """The other byte order gives the same names with the same packets, in that byte order."""
    rng = suite.random('byte-order')
    capture, _ = random_capture(rng, 2000, talks=100)
    trees = []
    for big in (False, True):
        data = capture.as_format(big_endian=big).encode()
        os.makedirs(suite.path(str(big)))
        path = suite.write('%s/capture.pcap' % big, data)
        output = suite.path(str(big), 'out')
        suite.split(path, output)
        tree = {}
        for name, content in harness.files_of(output).items():
            if not name.endswith('.pcap'):
                tree[name] = content if name == 'manifest.csv' else b''
                continue
            saved = pf.parse(content)
            check_equal(saved.format.big_endian, big, 'byte order of ' + name)
            tree[name] = [(r.ts_ns, r.origlen, r.data) for r in saved.records]
        trees.append(tree)
    check_equal(sorted(trees[0]), sorted(trees[1]), 'names')
    for name, content in trees[0].items():
        check(content == trees[1][name], '%s differs between the byte orders', name)


def old_versions() -> None:
    """Savefiles of the early nineties have the lengths the other way round."""
    rng = suite.random('old-versions')
    capture, _ = random_capture(rng, 200, payload_max=60)
    for version in (2, 2), (2, 3), (543, 0):
        fmt = pf.Format(version=version, linktype=capture.format.linktype)
        body = b''
        for p in capture.packets:
            sec, ns = divmod(p.ts_ns, 10**9)
            origlen = p.origlen if p.origlen is not None else len(p.data)
            body += struct.pack('<IIII', sec, ns // 1000, origlen, len(p.data)) + p.data
        data = fmt.header() + body
        path = suite.write('capture.pcap', data)
        saved = pf.parse(data)
        check_equal([r.data for r in saved.records], [p.data for p in capture.packets], 'reader')
        check_split(path, saved)
        subprocess.run(['rm', '-rf', suite.path('flow-both')], check=True)


def many_flows() -> None:
    """More outputs than one directory is given."""
    rng = suite.random('many-flows')
    frames = [pf.frame('10.%d.%d.%d' % (i >> 16, i >> 8 & 255, i & 255), '192.0.2.1', pf.UDP,
                       pf.udp('10.0.0.1', '192.0.2.1', 1000, 53)) for i in range(20500)]
    frames += rng.sample(frames, 500)
    data = pf.Capture(pf.Format(), pf.at_times(frames)).encode()
    path = suite.write('capture.pcap', data)
    base = check_split(path, pf.parse(data))
    wanted = harness.tree_digest(base)
    suite.split(path, suite.path('few'), '--max-open', '4', '--window', '65536', '--threads', '3')
    check_equal(harness.tree_digest(suite.path('few')), wanted, 'tree with few descriptors')


# ---- cases: captures that mislead a scanner which guesses where records begin ----

def syn(i: int) -> bytes:
    src = '10.9.%d.%d' % (i >> 8 & 255, i & 255)
    return pf.frame(src, '192.0.2.1', pf.TCP, pf.tcp(src, '192.0.2.1', 1024 + i % 7, 80, pf.SYN))


def false_chains() -> None:
    """Payloads that are savefiles themselves: chains of records with right times and lengths."""
    rng = suite.random('false-chains')
    fmt = pf.Format(rng.choice(['us', 'ns', 'modified']), rng.random() < 0.5)
    packets: List[pf.Packet] = []
    size, i = 0, 0
    while size < harness.times(40) * PIECE:
        now = 10**18 + i * 10**6
        inner = b''.join(fmt.record(syn(i + k), now + k * 1000) for k in range(rng.randint(1, 700)))
        cut = inner[rng.randrange(64):]  # begins inside a record at times
        packets.append(pf.Packet(pf.frame('10.1.0.%d' % (i % 50), '10.2.0.1', pf.UDP,
                                          pf.udp('10.1.0.1', '10.2.0.1', 9, 9, cut[:60000])), now))
        if rng.random() < 0.3:
            packets.append(pf.Packet(syn(i), now))
        size += len(packets[-1].data) + 16
        i += 1
    check_capture(rng, pf.Capture(fmt, packets))


def false_chain_to_the_end() -> None:
    """The last packet is nothing but a chain that ends exactly with the file."""
    rng = suite.random('false-chain-to-the-end')
    fmt = pf.Format()
    packets = pf.at_times([syn(i) for i in range(3000)], 10**18)
    inner = b''.join(fmt.record(syn(i), 10**18 + i) for i in range(3700))[-262144 + 100:]
    packets.append(pf.Packet(pf.ethernet(inner, 0x88b5), 10**18))
    packets.append(pf.Packet(pf.ethernet(inner[-262000:], 0x88b5), 10**18))
    check_capture(rng, pf.Capture(fmt, packets))


def empty_packets() -> None:
    """Nothing but record headers."""
    rng = suite.random('empty-packets')
    packets = [pf.Packet(b'', 10**9 * (1 + i // 3), rng.choice([0, 60, 1500])) for i in range(90000)]
    check_capture(rng, pf.Capture(pf.Format(big_endian=rng.random() < 0.5), packets), more=2)


def empty_near_the_epoch() -> None:
    """Record headers that are zeros but for a byte: every 4th byte could be a record's first."""
    rng = suite.random('empty-near-the-epoch')
    packets = [pf.Packet(b'', 10**9, 0) for _ in range(60000)]
    packets += pf.at_times([syn(i) for i in range(100)], 10**9, 0)
    packets += [pf.Packet(b'', 10**9, 0) for _ in range(60000)]
    check_capture(rng, pf.Capture(pf.Format(), packets), more=2)


def zeros_near_the_epoch() -> None:
    """Payloads of zeros are chains of empty records at second 0."""
    rng = suite.random('zeros-near-the-epoch')
    packets = []
    for i in range(1500):
        payload = bytes(rng.choice([0, 16, 1400, 9000]))
        packets.append(pf.Packet(pf.frame('10.0.0.%d' % (i % 20), '10.0.1.1', pf.UDP, pf.udp(
            '10.0.0.1', '10.0.1.1', 7, 7, payload)), i * 1000000))
    check_capture(rng, pf.Capture(pf.Format('ns', rng.random() < 0.5), packets))


def huge_beside_tiny() -> None:
    """Records longer than a window and than a piece between ones of a few bytes."""
    rng = suite.random('huge-beside-tiny')
    packets = []
    for i in range(40):
        size = rng.choice([262144, 262144, 200000, 65000, 5000])
        head = pf.ethernet(pf.ipv4('10.3.0.%d' % (i % 5), '10.4.0.1', 253, bytes(20)))
        packets.append(pf.Packet((head + rng.randbytes(size))[:size], 10**18 + i * 1000))
        packets += pf.at_times([syn(i + k) for k in range(rng.choice([0, 1, 3, 400]))], 10**18, 0)
    check_capture(rng, pf.Capture(pf.Format('modified'), packets))


def many_records() -> None:
    """More records than the references that small memory holds: rounds end inside a window."""
    rng = suite.random('many-records')
    fmt = pf.Format(linktype=pf.LINK_RAW, big_endian=rng.random() < 0.5)
    frames = [pf.ipv4('10.0.0.%d' % rng.randrange(30), '10.0.1.1', 253) for _ in range(1000)]
    pattern = pf.Capture(fmt, pf.at_times(frames, 10**18)).encode()
    times = 700
    header, body = pattern[:pf.FILE_HEADER_LEN], pattern[pf.FILE_HEADER_LEN:]
    path = suite.write('capture.pcap', header + body * times)
    wanted = {name: header + data[pf.FILE_HEADER_LEN:] * times
              for name, data in reference.tree(pf.parse(pattern)).files.items()}
    base = suite.path('base')
    summary = suite.split(path, base, '--memory', '1MiB', '--threads', '1')
    check_equal(summary['records_read'], 1000 * times, 'records')
    check(summary['rounds'] > 1, 'one round was enough: the capture is too small for this case')
    found = {n: data for n, data in harness.files_of(base).items() if n.endswith('.pcap')}
    harness.check_files(found, wanted)
    check_knobs(rng, path, base, more=1)


def wild_times() -> None:
    """Times far apart and fractions that no second has: unlikely records are records."""
    rng = suite.random('wild-times')
    fmt = pf.Format()
    body, n = [], 0
    while n < 6 * PIECE:
        data = syn(rng.randrange(300)) + rng.randbytes(rng.randrange(300))
        head = struct.pack('<IIII', rng.getrandbits(32), rng.getrandbits(32) % 10**9, len(data),
                           rng.choice([len(data), 0, 0xffffffff]))
        body.append(head + data)
        n += 16 + len(data)
    data = fmt.header() + b''.join(body)
    path = suite.write('capture.pcap', data)
    check_knobs(rng, path, check_split(path, pf.parse(data)))


def damaged() -> None:
    """Whatever the knobs, all before the fault is split, and nothing behind it."""
    rng = suite.random('damaged')
    fmt = pf.Format(big_endian=rng.random() < 0.5)
    good = [fmt.record(syn(i % 500) + rng.randbytes(i % 1000), 10**18 + i) for i in range(6000)]
    kinds = {
        'cut in a packet': b''.join(good)[:-1],
        'cut in a header': b''.join(good) + good[0][:7],
        'insane length': b''.join(good[:4000]) + fmt.record(b'', 10**18, caplen=0x7fffffff) +
                         b''.join(good[4000:]),
        'insane first': fmt.record(b'', 10**18, caplen=262145) + b''.join(good),
        'zeros first': fmt.record(b'', 10**18, caplen=0xffffffff) + bytes(PIECE * 3),
    }
    for i, (kind, body) in enumerate(kinds.items()):
        data = fmt.header() + body
        os.makedirs(suite.path(str(i)))
        path = suite.write('%d/capture.pcap' % i, data)
        saved = pf.parse(data, caplen_max=262144)
        check(saved.damage_at is not None, '%s: the capture is sound', kind)
        output = suite.path(str(i), 'out')
        wanted = reference.tree(saved)
        summary = suite.split(path, output, status=1)
        found = {n: d for n, d in harness.files_of(output).items() if n.endswith('.pcap')}
        harness.check_files(found, wanted.files)
        check_equal(summary['damage']['byte'], saved.damage_at, kind + ': byte of the fault')
        check_equal(summary['damage']['record'], len(saved.records) + 1,
                    kind + ': record of the fault')
        info = suite.run_cleave('info', '--json', path, status=1)
        check_equal(json.loads(info.stdout)['records'], len(saved.records),
                    kind + ': records that info counts')
        check_knobs(rng, path, output, more=2, status=1)


def check_damaged(rng: random.Random, data: bytes, recovered: List[pf.Record], *flags: str,
                  status: int = 1) -> None:
    """All before the fault, and with --recover these records, whatever the knobs."""
    path = suite.write('capture.pcap', data)
    saved = pf.parse(data, caplen_max=262144)
    output = check_split(path, saved, flags=flags, status=1 if saved.damage_at else 0)
    check_knobs(rng, path, output, *flags, more=2, status=1 if saved.damage_at else 0)
    for flags in (('--recover',), ('--recover', '--by', 'none', '--format', 'pcapng')):
        output = suite.path('recovered')
        summary = suite.split(path, output, *flags, status=status)
        check_equal(summary['records_read'], len(recovered), 'records with --recover')
        if len(flags) == 1:
            wanted = reference.tree(pf.Savefile(saved.format, saved.header, recovered, None))
            found = {n: d for n, d in harness.files_of(output).items() if n.endswith('.pcap')}
            harness.check_files(found, wanted.files)
        check_knobs(rng, path, output, *flags, more=2, status=status)
        subprocess.run(['rm', '-rf', output, suite.path('flow-both')], check=True)


def some_records(rng: random.Random, fmt: pf.Format, n: int, at: int = 10**18) -> List[bytes]:
    return [fmt.record(syn(rng.randrange(500)) + rng.randbytes(rng.randrange(600)), at + i)
            for i in range(n)]


def records_of(fmt: pf.Format, parts: Sequence[bytes]) -> List[pf.Record]:
    return list(pf.parse(fmt.header() + b''.join(parts)).records)


def joined() -> None:
    """Captures of one kind that cat joined are one; one of another kind ends it."""
    rng = suite.random('joined')
    kinds = ('us', 3000), ('ns', 3000), ('modified', 3000), ('us', 0)
    ended = rng.sample(kinds, harness.times(len(kinds)))
    for kind, first in kinds:
        fmt = pf.Format(kind, rng.random() < 0.5)
        parts = [some_records(rng, fmt, rng.choice([0, 1, 3000]) if first or i == 4 else i // 3,
                              10**18 + i * 10**16) for i in range(5)]
        data = b''.join(fmt.header() + b''.join(p) for p in parts)
        whole = records_of(fmt, [b''.join(p) for p in parts])
        check_damaged(rng, data, whole, status=0)
        summary = json.loads(suite.run_cleave('info', '--json', suite.path('capture.pcap')).stdout)
        check_equal((summary['records'], summary['joined']), (len(whole), 5), 'info')
        if (kind, first) not in ended:
            continue
        others = [pf.Format(kind, not fmt.big_endian), pf.Format(kind, fmt.big_endian, 101),
                  pf.Format('us' if kind == 'ns' else 'ns', fmt.big_endian),
                  pf.Format(kind, fmt.big_endian, version=(2, 3))]
        for other in rng.sample(others, harness.times(len(others))):
            more = other.header() + b''.join(some_records(rng, other, rng.choice([0, 1, 1000])))
            check_damaged(rng, data + more, whole)


def cut_and_joined() -> None:
    """The first capture's last record is cut: with --recover it is lost, and nothing after it."""
    rng = suite.random('cut-and-joined')
    fmt = pf.Format(rng.choice(['us', 'ns', 'modified']), rng.random() < 0.5)
    for other in (fmt, pf.Format(fmt.kind, not fmt.big_endian)):
        first = some_records(rng, fmt, 1500)
        second = some_records(rng, other, rng.choice([3, 2000]))
        data = fmt.header() + b''.join(first)[:-rng.randrange(1, 24)] + other.header() + \
            b''.join(second)
        recovered = first[:-1] + (second if other == fmt else [])
        check_damaged(rng, data, records_of(fmt, recovered))


def holes() -> None:
    """Zeros between records and at the end are no records, and nothing around them is lost."""
    rng = suite.random('holes')
    for kind in ('us', 'modified'):
        fmt = pf.Format(kind, rng.random() < 0.5)
        parts = [some_records(rng, fmt, rng.choice([3, 50, 2000])) for _ in range(4)]
        sizes = [rng.choice([24, 100, 4096, 70001, 3 << 20]) for _ in parts]
        data = fmt.header() + b''.join(b''.join(p) + bytes(n) for p, n in zip(parts, sizes))
        check_damaged(rng, data, records_of(fmt, [b''.join(p) for p in parts]))


def swallowed() -> None:
    """A length with a bit too much, within which valid records begin: these are not lost."""
    rng = suite.random('swallowed')
    fmt = pf.Format(big_endian=rng.random() < 0.5)
    records = some_records(rng, fmt, 4000)
    data = bytearray(fmt.header() + b''.join(records))
    lost = set()
    starts = list(itertools.accumulate(map(len, records), initial=pf.FILE_HEADER_LEN))
    for i in range(200, len(records), 400):
        more = 1 << rng.randrange(13, 17)
        if starts[i + 1] + more not in starts:  # else it would be as lawful as those within it
            struct.pack_into(fmt.order + 'I', data, starts[i] + 8, len(records[i]) - 16 + more)
            lost.add(i)
    kept = [r for i, r in enumerate(records) if i not in lost]
    path = suite.write('capture.pcap', bytes(data))
    output = suite.path('recovered')
    summary = suite.split(path, output, '--recover', status=1)
    check_equal(summary['damages'], len(lost), 'faults')
    wanted = reference.tree(pf.parse(fmt.header() + b''.join(kept)))
    found = {n: d for n, d in harness.files_of(output).items() if n.endswith('.pcap')}
    harness.check_files(found, wanted.files)
    check_knobs(rng, path, output, '--recover', status=1)


def protocol_zero() -> None:
    """Protocol 0 of IPv4 is a protocol like any other."""
    frames = [pf.frame('10.0.0.1', '10.0.0.2', 0, b'abcd'), pf.frame('10.0.0.1', '10.0.0.2', 255)]
    data = pf.Capture(pf.Format(), pf.at_times(frames)).encode()
    check_split(suite.write('capture.pcap', data), pf.parse(data))


# ---- cases: records longer than those of most captures ----

LINK_USBPCAP = 249  # of 128 MiB at most


def long_records() -> None:
    """What comes through a pipe or compressed in little memory is split like the file."""
    rng = suite.random('long-records')
    fmt = pf.Format(big_endian=rng.random() < 0.5, linktype=LINK_USBPCAP)
    packets = []
    for length in rng.sample([270000, 300000, 600000, 1 << 20, 3 << 20, 20 << 20], 4):
        packets += [rng.randbytes(rng.randrange(1, 3000)) for _ in range(rng.choice([0, 600]))]
        packets.append(rng.randbytes(1 << 16) * (length >> 16) + bytes(length & 0xffff))
    packets += [b'the end'] * rng.choice([0, 1, 3000])
    records = [fmt.record(data, 10**18 + i) for i, data in enumerate(packets)]
    bad = rng.choice([i for i, data in enumerate(packets) if len(data) > 1 << 18])
    faulty = records[:bad] + [fmt.record(b'', 10**18, caplen=0x7fffffff)] + records[bad:]
    for body, flags, status in ((records, (), 0), (faulty, (), 1), (faulty, ('--recover',), 1)):
        data = fmt.header() + b''.join(body)
        path = suite.write('capture.pcap', data)
        base = suite.path('base')
        if status:
            wanted = suite.split(path, base, *flags, status=status)
        else:
            base = check_split(path, pf.parse(data))
            wanted = {'records_read': len(packets), 'skipped_bytes': 0}
        tree = harness.files_of(base)
        for way in ('pipe', 'gz'):
            output = suite.path('streamed')

            def run(stdin: Optional[IO[bytes]]) -> dict:
                # pylint: disable=cell-var-from-loop
                done = suite.run_cleave(
                    'split', '-' if stdin else suite.write('capture.pcap.gz', gzip.compress(data, 1)),
                    '-o', output, '--json', '-t', rng.choice(['1', '2', '5']), '--memory', '1MiB',
                    *flags, status=status, stdin=stdin)
                return json.loads(done.stdout)
            found = harness.by_pipe(path, run) if way == 'pipe' else run(None)
            for name in ('records_read', 'skipped_bytes'):
                check_equal(found[name], wanted[name], way + ': ' + name)
            files = harness.files_of(output)
            for one in (files, tree):
                one.pop('cleave.json', None)  # names the input
            harness.check_files(files, tree)
            subprocess.run(['rm', '-rf', output], check=True)
        subprocess.run(['rm', '-rf', base], check=True)


# ---- cases: limits ----

FLOWS = harness.times(200000)
MEMORY = 16 << 20
# What --memory does not speak of: a flow's slot and place in the manifest (entries and names leave
# memory when they are more), and what every run needs: scanned records of three batches, stages of
# the threads, the allocator's slack.
BYTES_PER_FLOW = 48
FIXED = 32 << 20
ANON_BOUND = MEMORY + FLOWS * BYTES_PER_FLOW + FIXED


def limits() -> None:
    """Many flows in little memory through few descriptors."""
    if os.statvfs(suite.dir).f_favail < 2 * FLOWS:
        raise harness.Skip('the file system of %s has no %d inodes' % (suite.dir, FLOWS))
    path = suite.path('flood.pcap')
    suite.run_cleave('generate', 'synflood', '--count', str(FLOWS), '--output', path,
                     '--interval', '1ms')
    digests, summaries = [], []
    for flags in (['--max-open', '64', '--memory', '16MiB'], []):
        output = suite.path('out')
        status, anon, resident = harness.watched([suite.cleave, 'split', path, '--output', output,
                                                  '--json', *flags])
        check_equal(status, 0, 'status')
        print('        %s flows %s: peak anonymous %.1f MiB, peak resident %.1f MiB (the mapped '
              'capture included)' % (FLOWS, ' '.join(flags) or 'without limits', anon / 2**20,
                                     resident / 2**20))
        if flags and not suite.args.sanitized:
            check(anon > 0, 'the peak of anonymous memory could not be read')
            check(anon < ANON_BOUND, 'peak anonymous memory %d is not below %d', anon, ANON_BOUND)
        digests.append(harness.tree_digest(output))
        summaries.append(sum(len(files) for _, _, files in os.walk(output)))
        subprocess.run(['rm', '-rf', output], check=True)
    check_equal(summaries[0], FLOWS + 2, 'files')
    check_equal(digests[0], digests[1], 'the tree with limits')


# Beside what the records under way take: stages of the threads, the program's own.
STREAM_BOUND = MEMORY + (8 << 20)


def streams() -> None:
    """What comes through a pipe takes no more than what --memory says, whatever its format."""
    for fmt in ('pcap', 'pcapng'):
        path = suite.path('stream.' + fmt)
        suite.run_cleave('generate', 'traffic', '--flows', '500', '--bytes', '100MB', '--format', fmt,
                         '-q', '-o', path)
        for threads in ('1', '2', '4'):
            args = [suite.cleave, 'split', '-', '-o', suite.path('out'), '-q', '--shards', '4', '-t',
                    threads, '--memory', '16MiB']
            status, anon, _ = harness.by_pipe(
                path, lambda stdin: harness.watched(args, stdin)) # pylint: disable=cell-var-from-loop
            check_equal(status, 0, 'status')
            print('        %s, %s threads: peak anonymous %.1f MiB' % (fmt, threads, anon / 2**20))
            if not suite.args.sanitized:
                check(anon > 0, 'the peak of anonymous memory could not be read')
                check(anon < STREAM_BOUND, 'peak anonymous memory %d is not below %d', anon,
                      STREAM_BOUND)
            subprocess.run(['rm', '-rf', suite.path('out')], check=True)


def main() -> int:
    cases: Dict[str, Callable[[], None]] = {
        'every-key-%d' % linktype: every_key(linktype) for linktype in origins.LINKS}
    for case in (knobs, no_other, byte_order, old_versions, many_flows, false_chains,
                 false_chain_to_the_end, empty_packets, empty_near_the_epoch, zeros_near_the_epoch,
                 huge_beside_tiny, many_records, wild_times, damaged, joined, cut_and_joined, holes, swallowed,
                 protocol_zero, long_records, streams, limits):
        cases[case.__name__.replace('_', '-')] = case
    return suite.run(cases)


if __name__ == '__main__':
    sys.exit(main())
