# SPDX-License-Identifier: BSD-2-Clause
"""Splits of captures from the field, held against what tshark reads in each frame.

For every classic pcap of the shared captures whose link type cleave knows: tshark, without
reassembly, names the outermost addresses, protocol and ports of each frame. For each key every
output must hold exactly the frames of one key, in order, byte for byte; every frame must be in one.
capinfos must read every output and find as many packets in sum; mergecap of all outputs too.
"""
import concurrent.futures
import json
import os
import struct
import subprocess
import sys
from typing import Callable, Dict, List, NamedTuple, Optional, Tuple

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'support'))
# pylint: disable=wrong-import-position
import harness
import pcapfile as pf
import reference
from harness import check, check_equal

KEYS = ('flow', '3tuple', 'hostpair')
CAPLEN_MAX = 262144  # of the link types that cleave knows

# Frames that tshark and cleave read differently although cleave is right, or has said so: for
# these the reference's reading counts. By capture: frame numbers and the reason.
DISAGREED: Dict[str, Dict[Tuple[int, ...], str]] = {
    'MplsPackets.pcap': {
        (2,): 'tshark goes on into the Ethernet frame of a pseudowire (RFC 4448) over MPLS; to '
              'cleave that is a tunnel, it stays closed, and around it is no network address'},
    'fuzz-2006-06-26-2594.pcap': {
        (669,): 'a hop-by-hop header of 768 bytes of which 32 are there: tshark believes the '
                'protocol that it names, cleave goes no further than the header'},
}

suite = harness.Suite(__doc__.split('\n', maxsplit=1)[0])


# ---- tshark ----

FIELDS = ['frame.number', 'frame.time_epoch', 'frame.protocols', 'ip.src', 'ip.dst', 'ip.proto',
          'ip.frag_offset', 'ipv6.src', 'ipv6.dst', 'ipv6.nxt', 'ipv6.hopopts.nxt',
          'ipv6.routing.nxt', 'ipv6.fraghdr.nxt', 'ipv6.fraghdr.offset', 'ipv6.dstopts.nxt',
          'ah.next_header', 'tcp.srcport', 'tcp.dstport', 'udp.srcport', 'udp.dstport',
          'sctp.srcport', 'sctp.dstport', 'dccp.srcport', 'dccp.dstport']
NO_REASSEMBLY = [word for option in ('ip.defragment', 'ipv6.defragment',
                                     'tcp.desegment_tcp_streams', 'sctp.reassembly')
                 for word in ('-o', option + ':FALSE')]
NEXT_FIELD = {'ipv6.hopopts': 'ipv6.hopopts.nxt', 'ipv6.routing': 'ipv6.routing.nxt',
              'ipv6.fraghdr': 'ipv6.fraghdr.nxt', 'ipv6.dstopts': 'ipv6.dstopts.nxt',
              'ah': 'ah.next_header'}
PORT_LAYERS = {'tcp': 'tcp', 'udp': 'udp', 'udplite': 'udp', 'sctp': 'sctp', 'dccp': 'dccp'}


class Frame(NamedTuple):
    ts_ns: int
    ends: reference.Endpoints


def outermost(fields: Dict[str, List[str]]) -> reference.Endpoints:
    """The endpoints of the first network layer of frame.protocols; values come outermost first."""
    layers = fields['frame.protocols'][0].split(':')
    at = next((i for i, layer in enumerate(layers) if layer in ('ip', 'ipv6')), None)
    if at is None:
        return {}
    if not fields[layers[at] + '.src'] and layers[at + 1:at + 2] == ['ipv6']:
        at += 1  # IPv6 under the EtherType of IPv4: the version decides
    family = layers[at]
    if not fields[family + '.src']:
        return {}  # tshark gave up before the addresses
    ends = {'family': '4' if family == 'ip' else '6', 'src': fields[family + '.src'][0],
            'dst': fields[family + '.dst'][0]}
    at += 1
    if family == 'ip':
        ends['proto'] = fields['ip.proto'][0]
        if int(fields['ip.frag_offset'][0]):
            return ends
    else:
        for side in ('src', 'dst'):
            ends[side] = reference.ipv6_text(pf.address(ends[side]))
        ends['proto'] = fields['ipv6.nxt'][0]
        used: Dict[str, int] = {}
        while at < len(layers) and layers[at] in NEXT_FIELD:
            name = NEXT_FIELD[layers[at]]
            k = used.get(name, 0)
            if k >= len(fields[name]):
                return ends  # the header is cut short
            used[name] = k + 1
            ends['proto'] = fields[name][k]
            if layers[at] == 'ipv6.fraghdr' and int(fields['ipv6.fraghdr.offset'][0]):
                return ends
            at += 1
    prefix = PORT_LAYERS.get(layers[at]) if at < len(layers) else None
    if prefix and fields[prefix + '.srcport'] and fields[prefix + '.dstport']:
        ends['sport'] = fields[prefix + '.srcport'][0]
        ends['dport'] = fields[prefix + '.dstport'][0]
    return ends


def ask_tshark(path: str) -> List[Frame]:
    args = [harness.tool('tshark'), '-n', '-r', path, *NO_REASSEMBLY, '-T', 'fields',
            '-E', 'separator=/t', '-E', 'occurrence=a', '-E', 'aggregator=|']
    for field in FIELDS:
        args += ['-e', field]
    done = harness.run(args)  # a damaged capture: its status tells, after the frames before it
    frames = []
    for i, line in enumerate(done.stdout.decode().splitlines()):
        values = line.split('\t')
        check_equal(len(values), len(FIELDS), 'fields of line %d' % (i + 1))
        fields = {n: v.split('|') if v else [] for n, v in zip(FIELDS, values)}
        check_equal(fields['frame.number'], [str(i + 1)], 'frame number')
        sec, frac = fields['frame.time_epoch'][0].split('.')
        frames.append(Frame(int(sec) * 10**9 + int(frac.ljust(9, '0')), outermost(fields)))
    return frames


# ---- one capture ----

def time_is_sound(fmt: pf.Format, record: pf.Record) -> bool:
    """A fraction of more than a second overflows what tshark calculates in."""
    frac, = struct.unpack_from(fmt.order + 'I', record.raw, 4)
    return frac * fmt.tick_ns < 10**9


def keys_of(ends: reference.Endpoints) -> Dict[str, reference.Key]:
    return {by: reference.flow_key(ends, by, False) for by in KEYS}


def settle(name: str, saved: pf.Savefile, frames: List[Frame]) -> List[reference.Endpoints]:
    """tshark's endpoints of each frame, but for the listed ones; tells the differences."""
    listed = {n: why for numbers, why in DISAGREED.get(name, {}).items() for n in numbers}
    settled, faults, idle = [], [], set(listed)
    for number, (record, frame) in enumerate(zip(saved.records, frames), 1):
        ours = reference.endpoints(saved.format.linktype, record.data)
        differ = keys_of(ours) != keys_of(frame.ends)
        if differ and number in listed:
            idle.discard(number)
            settled.append(ours)
            continue
        if differ:
            faults.append('frame %d: tshark %s, reference %s' % (number, frame.ends, ours))
        settled.append(frame.ends)
    if faults:
        print('        %s: %d frames are read differently by the reference:\n        %s' % (
            name, len(faults), '\n        '.join(faults[:8])))
    check(not idle, 'listed frames that agree by now: %s', sorted(idle))
    return settled


def check_key(name: str, path: str, saved: pf.Savefile, ends: List[reference.Endpoints],
              by: str) -> str:
    output = suite.path(by)
    summary = suite.split(path, output, '--by', by, '--manifest', 'none',
                          status=0 if saved.damage_at is None else 1)
    check_equal(summary['records_read'], len(saved.records), 'records read')
    wanted = reference.split(saved, by, ends=ends).files
    files = harness.files_of(output)
    found = {n: data for n, data in files.items() if n.endswith('.pcap')}
    check_equal(sorted(set(files) - set(found)), ['cleave.json'], 'files beside the outputs')
    harness.check_files(found, wanted)
    n = sum(len(pf.parse(data).records) for data in found.values())
    check_equal(n, len(saved.records), 'records in all outputs of ' + name)
    return output


def check_capinfos(output: str, n_records: int) -> None:
    paths = [os.path.join(output, n) for n in sorted(harness.files_of(output))
             if n.endswith('.pcap')]
    total = 0
    for i in range(0, len(paths), 1000):
        done = harness.run([harness.tool('capinfos'), '-T', '-r', '-c', '-M', *paths[i:i + 1000]])
        check_equal(done.returncode, 0, 'capinfos: ' + done.stderr.decode() + ': status')
        rows = [line.split('\t') for line in done.stdout.decode().splitlines()]
        check_equal(len(rows), len(paths[i:i + 1000]), 'files that capinfos reads')
        total += sum(int(row[1]) for row in rows)
    check_equal(total, n_records, 'packets that capinfos counts')


def check_mergecap(output: str, wanted: List[Frame]) -> None:
    """All outputs merged by time are as many packets at the same times."""
    merged = suite.path('merged.pcap')
    paths = [os.path.join(output, n) for n in sorted(harness.files_of(output))
             if n.endswith('.pcap')]
    done = harness.run([harness.tool('mergecap'), '-F', 'nsecpcap', '-w', merged, *paths])
    check_equal(done.returncode, 0, 'mergecap: ' + done.stderr.decode() + ': status')
    times = [r.ts_ns for r in pf.read(merged).records]
    check_equal(len(times), len(wanted), 'packets that mergecap merges')
    check_equal(sorted(times), sorted(f.ts_ns for f in wanted), 'their times')


EXACT = {('SkypeIRC.pcap', 'hostpair'): (183, 16), ('SkypeIRC.pcap', 'flow'): (224, 16)}
MERGED = {'SkypeIRC.pcap', 'nanosecs_big_endian.pcap', 'dns_fragmented.pcap', 'sctp.pcap',
          'fritzbox-ip.pcap', 'nfsv3.pcap'}


def capture_case(name: str, path: str,
                 asked: 'concurrent.futures.Future[List[Frame]]') -> Callable[[], None]:
    def case() -> None:
        with open(path, 'rb') as f:
            saved = pf.parse(f.read(), CAPLEN_MAX)
        frames = asked.result()
        check_equal(len(frames), len(saved.records), 'frames that tshark reads')
        for number, (frame, record) in enumerate(zip(frames, saved.records), 1):
            if time_is_sound(saved.format, record):
                check_equal(record.ts_ns, frame.ts_ns, 'time of frame %d' % number)
        ends = settle(name, saved, frames)
        for by in KEYS:
            output = check_key(name, path, saved, ends, by)
            if (name, by) in EXACT:
                with open(os.path.join(output, 'cleave.json'), encoding='utf-8') as f:
                    told = json.load(f)
                n_flows, n_other = EXACT[name, by]
                check_equal(told['flows'], n_flows, 'flows by ' + by)
                check_equal(told['outputs'], n_flows + 1, 'outputs by ' + by)
                check_equal(len(pf.read(os.path.join(output, 'other.pcap')).records), n_other,
                            'records of other')
        check_capinfos(suite.path('flow'), len(saved.records))
        if name in MERGED:
            check_mergecap(suite.path('flow'), frames)
    return case


def skip(why: str) -> Callable[[], None]:
    def case() -> None:
        raise harness.Skip(why)
    return case


def why_not(path: str) -> Optional[str]:
    """Why a file of the shared captures is not compared; None: it is."""
    with open(path, 'rb') as f:
        head = f.read(pf.FILE_HEADER_LEN)
    try:
        pf.parse(head)
    except ValueError as why:
        return str(why)
    done = suite.run_cleave('info', '--json', path, status=None)
    if done.returncode not in (0, 1):
        return 'cleave info: ' + done.stderr.decode(errors='replace').strip()
    told = json.loads(done.stdout)
    if not told['linktype_supported']:
        return 'link type %d (%s) is not known' % (told['linktype'], told['linktype_name'])
    return None


def main() -> int:
    try:
        top = harness.shared_captures()
        version = subprocess.run([harness.tool('tshark'), '--version'], check=False,
                                 capture_output=True).stdout.decode().split('\n', maxsplit=1)[0]
    except harness.Skip as why:
        return suite.run({'tshark': skip(str(why))})
    print(version)
    with open(os.path.join(top, 'INDEX.tsv'), encoding='utf-8') as index:
        names = sorted(line.split('\t', 1)[0] for line in index.readlines()[1:])
    cases: Dict[str, Callable[[], None]] = {}
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        for name in names:
            path = os.path.join(top, name)
            if not os.path.isfile(path):
                cases[name] = skip('is in the index and not there')
                continue
            reason = why_not(path)
            cases[name] = skip(reason) if reason else \
                capture_case(name, path, pool.submit(ask_tshark, path))
        return suite.run(cases)


if __name__ == '__main__':
    sys.exit(main())
