# SPDX-License-Identifier: BSD-2-Clause
# What cannot be decoded is kept, and its link types are named, up to eight of them.
sample unknown-link a.pcap
try cleave split a.pcap
names a.flows
try cleave split a.pcap -o dropped --no-other
names dropped
try cleave split a.pcap --dry-run
"$PYTHON" - <<'END'
import struct


def block(kind, body):
    return struct.pack('<II', kind, len(body) + 12) + body + struct.pack('<I', len(body) + 12)


frame = bytes(12) + b'\x08\x00' + bytes(46)
data = block(0x0a0d0d0a, struct.pack('<IHHq', 0x1a2b3c4d, 1, 0, -1))
links = [227, 1, 271, 65000, 227, *range(64000, 64008)]
for link in links:
    data += block(1, struct.pack('<HHI', link, 0, 0))
for i in list(range(len(links))) * 2 + [0]:
    data += block(6, struct.pack('<IIIII', i, 0, 7, len(frame), len(frame)) + frame)
with open('many.pcapng', 'wb') as f:
    f.write(data)
END
try cleave split many.pcapng -o many
try cleave split many.pcapng a.pcap -o each --each
