# SPDX-License-Identifier: BSD-2-Clause
"""The SYN flood of cleave generate against dpkt's packets, our own, and tshark's checksums."""
import os
import random
import struct
import sys
from typing import Callable, Dict, List

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'support'))
# pylint: disable=wrong-import-position
import harness
import pcapfile as pf
from harness import check, check_equal

SECOND = 10**9
MAC_SRC, MAC_DST = '00:00:01:00:00:01', '00:00:01:00:00:02'

suite = harness.Suite(__doc__.split('\n', maxsplit=1)[0])


def generate(*flags: str, name: str = 'flood.pcap') -> pf.Savefile:
    path = suite.path(name)
    suite.run_cleave('generate', 'synflood', '--output', path, '--force', *flags)
    saved = pf.read(path)
    check(saved.damage_at is None, 'the savefile is damaged at byte %s', saved.damage_at)
    check_equal(saved.format.linktype, pf.LINK_ETHERNET, 'link type')
    return saved


def syn(i: int, src: str = '192.168.0.1', dst: str = '172.16.0.1', sport: int = 60001,
        dport: int = 80) -> bytes:
    """Packet i from 0 of a flood, by our own builder."""
    number, = struct.unpack('!I', pf.address(src))
    sender = '.'.join(str(b) for b in struct.pack('!I', (number + i) & 0xffffffff))
    segment = pf.tcp(sender, dst, sport, dport, pf.SYN, seq=0xdeadbeef)
    return pf.ethernet(pf.ipv4(sender, dst, pf.TCP, segment), src=MAC_SRC, dst=MAC_DST)


def check_flood(saved: pf.Savefile, packets: List[bytes], start_ns: int = SECOND,
                interval_ns: int = SECOND) -> None:
    check_equal(len(saved.records), len(packets), 'packets')
    for i, (record, wanted) in enumerate(zip(saved.records, packets)):
        if record.data != wanted:
            raise harness.Failed('packet %d: %s instead of %s' % (i + 1, record.data.hex(),
                                                                  wanted.hex()))
        ts_ns = start_ns + i * interval_ns
        check_equal(record.ts_ns, ts_ns - ts_ns % saved.format.tick_ns, 'time of %d' % (i + 1))
        check_equal(record.origlen, len(wanted), 'original length of %d' % (i + 1))


# ---- dpkt, which may belong to another Python than the one that runs this ----

DPKT_PROGRAM = r'''
import socket, struct, sys
import dpkt
count = int(sys.argv[1])
first = struct.unpack('!I', socket.inet_aton('192.168.0.1'))[0]
for i in range(count):
    tcp = dpkt.tcp.TCP(sport=60001, dport=80, seq=0xdeadbeef, flags=dpkt.tcp.TH_SYN)
    ip = dpkt.ip.IP(src=struct.pack('!I', first + i), dst=socket.inet_aton('172.16.0.1'),
                    p=dpkt.ip.IP_PROTO_TCP, data=tcp)
    ip.len = len(ip)
    frame = dpkt.ethernet.Ethernet(src=bytes.fromhex('000001000001'),
                                   dst=bytes.fromhex('000001000002'),
                                   type=dpkt.ethernet.ETH_TYPE_IP, data=ip)
    print(bytes(frame).hex())
'''


def as_dpkt_builds() -> None:
    for count, flags in ((100, []), (700, ['--count', '700'])):
        done = harness.run([harness.python_with('dpkt'), '-c', DPKT_PROGRAM, str(count)])
        check_equal(done.returncode, 0, 'dpkt: ' + done.stderr.decode() + ': status')
        check_flood(generate(*flags), [bytes.fromhex(x) for x in done.stdout.decode().split()])


# ---- our own packets ----

def defaults() -> None:
    saved = generate()
    check_equal((saved.format.kind, saved.format.version), ('us', (2, 4)), 'format')
    check_flood(saved, [syn(i) for i in range(100)])


def counting() -> None:
    """The source address carries into its next bytes, and wraps after the last."""
    check_flood(generate('--count', '70000'), [syn(i) for i in range(70000)])
    for src in ('10.0.0.254', '10.0.255.250', '10.255.255.250', '255.255.255.250'):
        check_flood(generate('--count', '20', '--src', src), [syn(i, src) for i in range(20)])


def options() -> None:
    rng: random.Random = suite.random('options')
    for _ in range(12):
        src, dst = ('.'.join(str(rng.randrange(1, 255)) for _ in range(4)) for _ in range(2))
        sport, dport = rng.randrange(1, 65536), rng.randrange(1, 65536)
        count, nanoseconds, pad = rng.randint(1, 300), rng.random() < 0.5, rng.random() < 0.5
        start_ns, interval_ns = rng.randrange(1, 2**31 * SECOND), rng.randrange(1000, 10**12)
        flags = ['--src', src, '--dst', dst, '--sport', str(sport), '--dport', str(dport),
                 '--count', str(count), '--start', '%dns' % start_ns,
                 '--interval', '%dns' % interval_ns]
        flags += ['--nanoseconds'] * nanoseconds + ['--pad'] * pad
        saved = generate(*flags)
        check_equal(saved.format.kind, 'ns' if nanoseconds else 'us', 'resolution')
        packets = [syn(i, src, dst, sport, dport) for i in range(count)]
        if pad:
            packets = [p.ljust(60, b'\0') for p in packets]
        check_flood(saved, packets, start_ns, interval_ns)


def units() -> None:
    for text, ns in (('7', 7 * SECOND), ('7s', 7 * SECOND), ('7ms', 7 * 10**6),
                     ('7000us', 7 * 10**6), ('7000000ns', 7 * 10**6), ('7m', 420 * SECOND),
                     ('7h', 25200 * SECOND)):
        check_flood(generate('--count', '3', '--start', text, '--interval', text),
                    [syn(i) for i in range(3)], ns, ns)


def to_stdout() -> None:
    generate('--count', '5000', name='file.pcap')
    done = suite.run_cleave('generate', 'synflood', '--count', '5000', '--output', '-')
    with open(suite.path('file.pcap'), 'rb') as f:
        check(done.stdout == f.read(), 'standard output is not what the file holds')


def checksums() -> None:
    """tshark, asked to verify, finds every checksum good."""
    generate('--count', '600', '--src', '10.0.254.0', '--pad')
    done = harness.run([harness.tool('tshark'), '-n', '-r', suite.path('flood.pcap'), '-o',
                        'ip.check_checksum:TRUE', '-o', 'tcp.check_checksum:TRUE', '-T', 'fields',
                        '-e', 'ip.checksum.status', '-e', 'tcp.checksum.status', '-e', 'tcp.flags',
                        '-e', 'tcp.seq_raw', '-e', 'ip.ttl', '-e', 'tcp.window_size_value'])
    check_equal(done.returncode, 0, 'tshark: ' + done.stderr.decode() + ': status')
    rows = done.stdout.decode().splitlines()
    check_equal(len(rows), 600, 'frames')
    for i, row in enumerate(rows):
        check_equal(row.split('\t'), ['1', '1', '0x0002', str(0xdeadbeef), '64', '65535'],
                    'frame %d' % (i + 1))


def memory() -> None:
    """Memory does not grow with the count."""
    peaks = []
    for count in 300000, 6000000:
        status, _, resident = harness.watched([suite.cleave, 'generate', 'synflood', '--count',
                                               str(count), '--interval', '1us', '--output', '-'])
        check_equal(status, 0, 'status')
        check(resident > 0, 'the peak of %d packets could not be read', count)
        print('        peak resident: %.1f MiB for %d packets' % (resident / 2**20, count))
        peaks.append(resident)
    if not suite.args.sanitized:
        # What 6,000,000 packets hold is 320 MB.
        check(peaks[1] < peaks[0] + (8 << 20), 'memory grows with the packets')


def main() -> int:
    cases: Dict[str, Callable[[], None]] = {
        case.__name__.replace('_', '-'): case for case in
        (as_dpkt_builds, defaults, counting, options, units, to_stdout, checksums, memory)}
    return suite.run(cases)


if __name__ == '__main__':
    sys.exit(main())
