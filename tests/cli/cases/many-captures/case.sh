# SPDX-License-Identifier: BSD-2-Clause
# Captures that follow one another are open one at a time, whatever way they are read.
not_under_valgrind the limits
"$PYTHON" - <<'END'
import gzip, struct
def record(at, data):
    return struct.pack('<IIII', at, 0, len(data), len(data)) + data
def udp(port):
    ip = bytes.fromhex('450000240000000040110000' '0a000001' '0a000002')
    return bytes(12) + b'\x08\x00' + ip + struct.pack('>HHHH', port, 53, 16, 0) + bytes(8)
header = struct.pack('<IHHiIII', 0xa1b2c3d4, 2, 4, 0, 0, 262144, 1)
whole = header
for k in range(200):
    part = b''.join(record(1700000000 + 60 * k + i // 30, udp(i % 20)) for i in range(700))
    whole += part
    with open('%03d.pcap' % k, 'wb') as f:
        f.write(header + part)
    with open('%03d.gz' % k, 'wb') as f:
        f.write(gzip.compress(header + part, 1))
with open('whole', 'wb') as f:
    f.write(whole)
END
cleave split whole -o want -q
for how in pcap gz; do
    for merge in '' --merge; do
        with_descriptors 16 cleave split [0-9]*.$how $merge -o out -q -f || echo "$how $merge: fails"
        cmp want/manifest.csv out/manifest.csv
        for f in want/*.pcap; do cmp "$f" out/"${f#*/}"; done
        with_descriptors 16 cleave split [0-9]*.$how $merge --verify --cache drop -o out -q -f ||
            echo "$how $merge --verify: fails"
    done
done
ls want | grep -c pcap
