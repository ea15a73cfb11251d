# SPDX-License-Identifier: BSD-2-Clause
# What pcap cannot hold, or its readers refuse, is not made; pcapng holds it.
"$PYTHON" - <<'END'
import struct


def block(kind, body):
    body += bytes(-len(body) % 4)
    return struct.pack('<II', kind, 12 + len(body)) + body + struct.pack('<I', 12 + len(body))


head = (block(0x0a0d0d0a, struct.pack('<IHHq', 0x1a2b3c4d, 1, 0, -1)) +
        block(1, struct.pack('<HHIHH8sHH', 1, 0, 0, 14, 8, struct.pack('<q', -10**6), 0, 0)))


def packet(seconds, length=60):
    ticks = (seconds + 10**6) * 10**6
    return block(6, struct.pack('<IIIII', 0, ticks >> 32, ticks & 0xffffffff, length, length) +
                 bytes(length))


for name, packets in {
        'before': [packet(-1), packet(0)],
        'after': [packet(2**32 - 1), packet(2**32)],
        'far': [packet(5), packet(2**40)],
        'long': [packet(5, 262144), packet(5), packet(5, 262145)],
}.items():
    with open(name + '.pcapng', 'wb') as f:
        f.write(head + b''.join(packets))
END
for name in before after far long; do
    try cleave split $name.pcapng --format pcap -o none -q
    try cleave split $name.pcapng -o $name --by none | grep -v took
done
try cleave split before.pcapng --after 1970-01-01 --format pcap -o later -q
try cleave split long.pcapng --snaplen 262144 --format pcap -o cut -q
names .
