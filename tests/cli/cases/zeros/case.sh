# SPDX-License-Identifier: BSD-2-Clause
# Zeros in the place of records, and a length within which valid records begin.
sample mixed a.pcap
cp a.pcap tail.pcap
head -c 4096 /dev/zero >>tail.pcap
cp a.pcap long.pcap
head -c 1000000 /dev/zero >>long.pcap
(head -c 24 a.pcap; head -c 512 /dev/zero; tail -c +25 a.pcap) >hole.pcap
"$PYTHON" - <<'END'
import struct

record = struct.pack('<IIII', 10**9, 0, 60, 60) + bytes(60)
header = struct.pack('<IHHIIII', 0xa1b2c3d4, 2, 4, 0, 0, 262144, 1)
with open('empty.pcap', 'wb') as f:
    f.write(header + record + struct.pack('<IIII', 10**9, 0, 0, 0) + record)
with open('swallows.pcap', 'wb') as f:
    f.write(header + record[:8] + struct.pack('<II', 60 + 256, 60) + bytes(60) + 9 * record)
END
for file in tail long hole empty; do
    try cleave split $file.pcap -o out -q -f
    try cleave split $file.pcap -o out --recover -q -f
    sed -n 's, *"records_read",records_read,p' out/cleave.json
done
try cleave split swallows.pcap -o out --recover -q -f
sed -n 's, *"records_read",records_read,p' out/cleave.json
try cleave info tail.pcap
