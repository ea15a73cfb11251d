# SPDX-License-Identifier: BSD-2-Clause
# Captures joined with cat: read as one where they are of a kind, else up to where the next begins.
sample mixed a.pcap
"$PYTHON" - <<'END'
import struct

record = struct.pack('<IIII', 10**9, 0, 14, 14) + bytes(14)
a = struct.pack('<IHHIIII', 0xa1b2c3d4, 2, 4, 0, 0, 262144, 1) + record
ng = (struct.pack('<IIIHHqI', 0x0a0d0d0a, 28, 0x1a2b3c4d, 1, 0, -1, 28) +
      struct.pack('<IIHHII', 1, 20, 1, 0, 262144, 20))
for name, data in {
        'same': a + a[:24] + a,
        'order': a + struct.pack('>IHHIIII', 0xa1b2c3d4, 2, 4, 0, 0, 262144, 1),
        'raw': a + struct.pack('<IHHIIII', 0xa1b2c3d4, 2, 4, 0, 0, 262144, 101) + record,
        'nano': a + struct.pack('<IHHIIII', 0xa1b23c4d, 2, 4, 0, 0, 262144, 1) + record,
        'pcapng': a + ng,
        'pcap': ng + a,
        'cut': a[:-9] + struct.pack('>IHHIIII', 0xa1b2c3d4, 2, 4, 0, 0, 262144, 1) + 3 * (
            struct.pack('>IIII', 10**9, 0, 14, 14) + bytes(14)),
}.items():
    with open(name, 'wb') as f:
        f.write(data)
END
cat a.pcap a.pcap >twice.pcap
try cleave split twice.pcap -o out --verify | grep -v took
try cleave info same
try cleave split --merge twice.pcap same -q -o merged --json | grep -e joined -e records_read
for file in order raw nano pcapng pcap cut; do
    try cleave split $file -o none --dry-run -q
    try cleave split $file -o none --dry-run -q --recover
done
cleave split a.pcap -o verified -q
can_verify verified
for file in verified/00000001*; do
    head -c 24 "$file" >header
    cat header >>"$file"
done
try cleave verify verified | grep -v took
