# SPDX-License-Identifier: BSD-2-Clause
"""--dedup held against editcap -w, on captures of one flow whose times do not go back.

Where there is one flow and one link header, both drop the same records: those whose bytes came
before within the window. Of several captures mergecap gives the order, but for records of one time.
"""
import os
import random
import sys
from typing import List

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'support'))
# pylint: disable=wrong-import-position
import harness
import pcapfile as pf
from harness import check, check_equal

suite = harness.Suite(__doc__.split('\n', maxsplit=1)[0])


def packets(rng: random.Random, n: int) -> List[pf.Packet]:
    """Of one connection, both ways, with few different payloads; some are cut short."""
    now, found = 1500000000 * 10**9, []
    for _ in range(n):
        ends = rng.choice([('10.0.0.1', '10.0.0.2', 5000, 80), ('10.0.0.2', '10.0.0.1', 80, 5000)])
        payload = bytes([rng.randrange(3)]) * rng.choice([20, 200])
        data = pf.ethernet(pf.ip(*ends[:2], pf.TCP, pf.tcp(*ends, pf.ACK, payload, rng.randrange(2), 1)))
        now += rng.choice([0, 1000, 99000, 100000, 101000, 400000, 999000, 10**6, 1001000, 5 * 10**6])
        found.append(pf.Packet(data[:rng.choice([len(data)] * 9 + [60])], now, len(data)))
    return found


def one(window_ns: int, n_captures: int):
    def case() -> None:
        rng = suite.random('%d of %d' % (window_ns, n_captures))
        for _ in range(harness.times(4)):
            paths = []
            for i in range(n_captures):
                data = pf.Capture(pf.Format('ns'), packets(rng, 400)).encode()
                paths.append(suite.write('%d.pcap' % i, data))
            merged, wanted, out = suite.path('merged.pcap'), suite.path('wanted.pcap'), suite.path('out')
            commands = [['mergecap', '-F', 'nsecpcap', '-w', merged, *paths],
                        ['editcap', '-F', 'nsecpcap', '-w', '%.9f' % (window_ns / 1e9), merged, wanted]]
            for command in commands:
                done = harness.run([harness.tool(command[0])] + command[1:])
                check_equal(done.returncode, 0, '%s, which says %s' % (command[0], done.stderr.decode()))
            suite.run_cleave('split', *paths, '--merge', '--dedup=%dns' % window_ns, '-q', '-f', '-o', out,
                             '--name', 'one.pcap', '--verify')
            found = []
            for path in (os.path.join(out, 'one.pcap'), wanted):
                with open(path, 'rb') as f:
                    records = [(r.ts_ns, r.origlen, r.data) for r in pf.parse(f.read()).records]
                found.append(sorted(records) if n_captures > 1 else records)
            check_equal(len(found[0]), len(found[1]), 'number of records')
            for i, (a, b) in enumerate(zip(*found)):
                check(a == b, 'record %d of those that are left', i + 1)
    return case


CASES = {'%s-of-%d' % (name, n): one(ns, n) for n in (1, 2)
         for name, ns in (('100us', 10**5), ('1ms', 10**6), ('2s', 2 * 10**9))}

if __name__ == '__main__':
    sys.exit(suite.run(CASES))
