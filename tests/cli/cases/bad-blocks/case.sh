# SPDX-License-Identifier: BSD-2-Clause
# Blocks of pcapng that cannot be: said which, where, and what is wrong with it.
"$PYTHON" - <<'END'
import struct


def block(kind, body, first=0, last=0):
    n = len(body) + 12
    return struct.pack('<II', kind, first or n) + body + struct.pack('<I', last or n)


def packet(iface, caplen, more=b''):
    return block(6, struct.pack('<5I', iface, 0, 0, caplen, caplen) + bytes(60) + more)


SECTION, INTERFACE, OVERRUN = 0x0a0d0d0a, struct.pack('<HHI', 1, 0, 64), b'\1\0\377\0'
head = struct.pack('<IHHq', 0x1a2b3c4d, 1, 0, -1)
sound = block(SECTION, head) + block(1, INTERFACE) + packet(0, 60)
for name, bad in {
        'interface-options': block(1, INTERFACE + OVERRUN),
        'interface-short': block(1, b'\1\0\0\0'),
        'interface-time': block(1, INTERFACE + b'\11\0\1\0\177\0\0\0'),
        'packet-interface': packet(7, 60),
        'packet-long': packet(0, 100),
        'packet-options': packet(0, 60, OVERRUN),
        'packet-short': block(6, bytes(8)),
        'section-options': block(SECTION, head + OVERRUN),
        'section-order': block(SECTION, bytes(16)),
        'section-short': block(SECTION, head[:8]),
        'section-version': block(SECTION, struct.pack('<IHHq', 0x1a2b3c4d, 2, 0, -1)),
        'simple-long': block(3, struct.pack('<I', 100) + bytes(60)),
        'size': block(5, bytes(8), first=21),
        'size-again': block(5, bytes(8), last=24),
        'size-beyond': block(5, bytes(8), first=400, last=400),
        'size-cut': b'\5\0\0\0\24\0\0',
}.items():
    with open(name, 'wb') as f:
        f.write(sound + bad)
END
for file in interface-* packet-* section-* simple-* size*; do
    try cleave split $file -o out -q -f
done
try cleave info size
