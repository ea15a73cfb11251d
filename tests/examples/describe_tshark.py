#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""What clv_packet_describe() says of packets held against tshark, for captures of the field without
tunnels: where headers end, how long payloads are, senders, VLANs and fragments.

tests/examples/packets.c asks the library. tshark's lengths are those on the wire: packets that were
cut when they were captured are not compared. Its ip.frag_offset counts bytes, or in older versions
eights of them.
"""
import collections
import csv
import os
import sys
from typing import Callable, Dict, Iterator, List, NamedTuple

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'support'))
# pylint: disable=wrong-import-position
import harness
from harness import check

LEAST = 10000  # packets that are compared
TCP, UDP = 6, 17
FIELDS = ('frame.cap_len', 'frame.len', 'frame.encap_type', 'frame.protocols', 'ip.proto', 'ip.len',
          'ip.hdr_len', 'ip.id', 'ip.frag_offset', 'ip.flags.mf', 'tcp.len', 'udp.length',
          'ieee8021ad.id', 'vlan.id', 'eth.src')


class Packet(NamedTuple):
    """A line of the example."""
    number: str
    tuple: str
    network: str
    transport: str
    payload: str
    payload_len: str
    sender: str
    vlans: str
    fragment: str
    carriers: str


def more_flags(parser) -> None:
    parser.add_argument('--packets', required=True, help='the example, built')


suite = harness.Suite(__doc__.split('\n', maxsplit=1)[0], more_flags)


def without_tunnels(top: str) -> List[str]:
    """Of the captures of the field."""
    with open(os.path.join(top, 'INDEX.tsv'), newline='', encoding='utf-8') as f:
        rows = list(csv.DictReader(f, delimiter='\t', quoting=csv.QUOTE_NONE))
    names = [row['file'] for row in rows if ' tunnel=' not in ' ' + (row['features'] or '')]
    return sorted(name for name in names if os.path.isfile(os.path.join(top, name)))


def ask_tshark(path: str) -> Iterator[Dict[str, List[str]]]:
    words = [harness.tool('tshark'), '-n', '-r', path, '-o', 'ip.defragment:FALSE',
             '-T', 'fields', '-E', 'separator=/t', '-E', 'occurrence=a', '-E', 'aggregator=|']
    for field in FIELDS:
        words += ['-e', field]
    for line in harness.run(words).stdout.decode().split('\n')[:-1]:
        found = {field: value.split('|') if value else []
                 for field, value in zip(FIELDS, line.split('\t'))}
        if found['frame.encap_type']:  # else it is a block of pcapng that tshark shows as a frame
            yield found


def ask_cleave(path: str) -> List[Packet]:
    done = harness.run([suite.args.packets, path])
    if done.returncode == 2:
        raise harness.Skip('no capture')
    return [Packet(*line.split('\t')) for line in done.stdout.decode().split('\n')[:-1]]


def differences(ours: Packet, theirs: Dict[str, List[str]]) -> Iterator[str]:
    """Of one packet with IPv4, by the field."""
    def number(field: str) -> int:
        return int(theirs[field][0], 0)
    left = number('ip.len') - number('ip.hdr_len')
    if int(ours.transport) - int(ours.network) != number('ip.hdr_len'):
        yield 'length of the header'
    at, more = number('ip.frag_offset'), theirs['ip.flags.mf'][0] in ('1', 'True')
    if at or more:
        want = ['%d:%d%s' % (number('ip.id'), offset, '+' if more else '')
                for offset in (at, 8 * at)]
        if ours.fragment not in want:
            yield 'fragment'
        return
    if ours.fragment:
        yield 'fragment'
    if number('ip.proto') == TCP and theirs['tcp.len'] and \
            int(ours.payload_len) != number('tcp.len'):
        yield 'payload of TCP'
    if number('ip.proto') == UDP and theirs['udp.length'] and \
            int(ours.payload_len) != min(left, number('udp.length')) - 8:
        yield 'payload of UDP'


def frame_differences(ours: Packet, theirs: Dict[str, List[str]]) -> Iterator[str]:
    """Of one frame; of frames within frames tshark says the outermost first."""
    if theirs['frame.encap_type'] != ['1'] or \
            theirs['frame.protocols'][0].split(':').count('eth') != 1:
        return
    if ours.sender != theirs['eth.src'][0]:
        yield 'sender'
    if ours.vlans != ','.join((theirs['ieee8021ad.id'] + theirs['vlan.id'])[:2]):
        yield 'VLANs'


n_compared = 0


def capture_case(path: str) -> Callable[[], None]:
    def case() -> None:
        global n_compared
        found: Dict[str, List[str]] = collections.defaultdict(list)
        for ours, theirs in zip(ask_cleave(path), ask_tshark(path)):
            if not theirs['ip.proto'] or theirs['frame.cap_len'] != theirs['frame.len'] or \
                    ours.tuple == 'other':
                continue
            n_compared += 1
            for what in [*differences(ours, theirs), *frame_differences(ours, theirs)]:
                found[what].append('packet %s: %r, %r' % (ours.number, ours, theirs))
        check(not found, '%s', '; '.join(
            '%s of %d packets, %s' % (what, len(where), where[0]) for what, where in found.items()))
    return case


def enough() -> None:
    if suite.args.only != '*':
        raise harness.Skip('not all captures were compared')
    check(n_compared >= LEAST, 'no more than %d packets were compared', n_compared)


def main() -> int:
    try:
        harness.tool('tshark')
        top = harness.shared_captures()
    except harness.Skip as why:
        return suite.run({'tshark': harness.skipped(why)})
    cases: Dict[str, Callable[[], None]] = {
        name: capture_case(os.path.join(top, name)) for name in without_tunnels(top)}
    cases['enough'] = enough
    return suite.run(cases)


if __name__ == '__main__':
    sys.exit(main())
