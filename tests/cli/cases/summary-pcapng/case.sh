# SPDX-License-Identifier: BSD-2-Clause
# What the summary says of blocks that are no packets, and of times that pcap cannot hold.
"$PYTHON" - <<'END'
import struct


def block(kind, body):
    return struct.pack('<II', kind, len(body) + 12) + body + struct.pack('<I', len(body) + 12)


def packet(iface, ticks):
    return block(6, struct.pack('<5I', iface, 0, ticks, 60, 60) + bytes(60))


section = block(0x0a0d0d0a, struct.pack('<IHHq', 0x1a2b3c4d, 1, 0, -1))
ethernet, raw = (block(1, struct.pack('<HHI', link, 0, 0) + b'\11\0\1\0\14\0\0\0')
                 for link in (1, 101))  # picoseconds
names, secrets = block(4, bytes(4)), block(10, b'KSLT' + bytes(4))
statistics, custom, private = block(5, bytes(12)), block(0x40000bad, bytes(4)), block(99, bytes(4))
with open('a.pcapng', 'wb') as f:
    f.write(section + ethernet + names + secrets + packet(0, 2001) + packet(0, 1000) + raw +
            packet(1, 3000) + statistics + custom + private)
END
try cleave info a.pcapng
try cleave split a.pcapng
try cleave split a.pcapng -f --no-metadata
try cleave split a.pcapng -f --format pcap
