# SPDX-License-Identifier: BSD-2-Clause
# A time that is far off, a clock that is set back, captures in the wrong order: each is named once, and
# decides nothing but for its own record.
"$PYTHON" - <<'END'
import struct
def record(at, port):
    ip = bytes.fromhex('450000240000000040110000' '0a000001' '0a000002')
    data = bytes(12) + b'\x08\x00' + ip + struct.pack('>HHHH', port, 53, 16, 0) + bytes(8)
    return struct.pack('<IIII', at, 0, len(data), len(data)) + data
def write(name, times):
    with open(name + '.pcap', 'wb') as f:
        f.write(struct.pack('<IHHiIII', 0xa1b2c3d4, 2, 4, 0, 0, 262144, 1))
        for i, at in enumerate(times):
            f.write(record(at, 1000 + i % 3))
T = 1700000040
sane = [T + 10 * i for i in range(120)]
write('sane', sane)
write('future', sane[:30] + [0xffffffff] + sane[31:])
write('past', sane[:30] + [0] + sane[31:])
write('back', sane[:60] + [t - 3600 for t in sane[60:]])
quiet = [T, T + 10, T + 20, T + 30, T + 2000, T + 2010]
write('quiet-future', [T, T + 10, 0xffffffff, T + 30, T + 2000, T + 2010])
write('quiet-past', [T, T + 10, 0, T + 30, T + 2000, T + 2010])
for k in range(4):
    write('part%d' % k, sane[30 * k:30 * k + 30])
END
for f in sane future past back; do
    cleave split $f.pcap --every 60s -o every >log || cat log
    echo "$f: $(ls every | grep -c pcap) outputs"
    sed -n '/^disorder/p; /begins before/p' log
    rm -r every
done
for f in future past; do
    cleave split quiet-$f.pcap --by hostpair --idle-timeout 5m -o idle >log || cat log
    echo "quiet-$f: $(cut -d, -f8 idle/manifest.csv | tr '\n' ' ')"
    sed -n '/^disorder/p; /begins before/p' log
    rm -r idle
done
cleave split future.pcap back.pcap --report page.html --active-timeout 1h -o a >log || cat log
sed -n '/^disorder/p; /begins before/p' log
cleave split future.pcap -o plain | sed -n '/^disorder/p; /begins before/p'
try cleave split part0.pcap part2.pcap part1.pcap part3.pcap -o b >log
sed -n '/^disorder/p; /begins before/p' log
cleave split part0.pcap part2.pcap part1.pcap part3.pcap --merge -o c >log
sed -n '/^disorder/p; /begins before/p' log
cleave split part?.pcap -o d | sed -n '/^disorder/p; /begins before/p'
cleave split part2.pcap part1.pcap part0.pcap --json -o e | "$PYTHON" -c 'import json, sys
told = json.load(sys.stdin)
print({name: told[name] for name in ("earlier", "overlaps")})'
