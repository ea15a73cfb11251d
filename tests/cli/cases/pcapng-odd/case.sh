# SPDX-License-Identifier: BSD-2-Clause
# pcapng whose packets are sound, and what is around them is not what every reader takes.
"$PYTHON" - <<'END'
import struct


def block(kind, body):
    body += bytes(-len(body) % 4)
    return struct.pack('<II', kind, len(body) + 12) + body + struct.pack('<I', len(body) + 12)


def interface(link=1, snaplen=0, options=b''):
    return block(1, struct.pack('<HHI', link, 0, snaplen) + options)


def packet(n, iface=0, options=b''):
    return block(6, struct.pack('<5I', iface, 0, n * 1000000, 60, 60) + bytes(60) + options)


def save(name, *parts):
    with open(name, 'wb') as f:
        f.write(b''.join(parts))


def section(options=b''):
    return block(0x0a0d0d0a, struct.pack('<IHHq', 0x1a2b3c4d, 1, 0, -1) + options)


beyond = struct.pack('<HH4s', 1, 5, b'long')  # of 5 bytes, 4 are there
simple = block(3, struct.pack('<I', 60) + bytes(60))
save('options.pcapng', section(beyond), interface(options=b'\11\0\1\0\6\0\0\0' + beyond), packet(1),
     packet(2, options=beyond), packet(3))
save('section.pcapng', section(beyond), interface(), packet(1))
save('resolution.pcapng', section(), interface(options=b'\11\0\1\0\x1e\0\0\0'), packet(1), packet(2))
save('simple.pcapng', section(), interface(snaplen=60), packet(1), simple, packet(2))
save('snaplens.pcapng', section(), interface(snaplen=60), packet(1), interface(snaplen=90),
     packet(2, 1))
save('links.pcapng', section(), interface(), packet(1), section(), interface(101), packet(2))
save('late.pcapng', section(), packet(1), interface(), packet(2), packet(3))
save('order.pcapng', b'\n\r\r\n' + struct.pack('<IIHHqI', 28, 0x1a2b3c00, 1, 0, -1, 28))
END
try cleave split options.pcapng --verify
try cleave split section.pcapng -q
try cleave split resolution.pcapng
try cleave split resolution.pcapng -f --format pcap
try cleave split simple.pcapng --format pcap
try cleave split simple.pcapng options.pcapng -o merged --merge --by none
try cleave split snaplens.pcapng
try cleave split snaplens.pcapng -f --format pcap
try cleave split links.pcapng
try cleave split late.pcapng
try cleave split late.pcapng -f --recover
try cleave split order.pcapng
