# SPDX-License-Identifier: BSD-2-Clause
# What a format or a name cannot hold.
"$PYTHON" - <<'END'
import struct


def block(kind, body):
    return struct.pack('<II', kind, len(body) + 12) + body + struct.pack('<I', len(body) + 12)


def interface(link, snaplen=0):
    return block(1, struct.pack('<HHI', link, 0, snaplen))


def packet(iface):
    return block(6, struct.pack('<5I', iface, 0, 0, 0, 0))


section = block(0x0a0d0d0a, struct.pack('<IHHq', 0x1a2b3c4d, 1, 0, -1))
for name, blocks in {
        'simple': interface(1) + block(3, bytes(4)),
        'links': b''.join(map(interface, range(1000, 1300))) + packet(299),
        'interfaces': interface(1) * 40000 + block(2, struct.pack('<HHIIII', 39999, 0, 0, 0, 0, 0)),
        'snaplen': interface(1, 0xffffffff) + packet(0),
}.items():
    with open(name + '.pcapng', 'wb') as f:
        f.write(section + blocks)
N = 16777216
with open('long.pcap', 'wb') as f:  # of USBPcap, whose packets may have 128 MiB
    f.write(struct.pack('<IHHiIII', 0xa1b2c3d4, 2, 4, 0, 0, N, 249))
    f.write(struct.pack('<4I', 1, 0, N, N))
    f.truncate(24 + 16 + N)
END
sample mixed a.pcap
try cleave split long.pcap -o out -f --format pcapng
try cleave split long.pcap links.pcapng -o out -f --merge
try cleave split a.pcap simple.pcapng -o out -f --merge
cp interfaces.pcapng more.pcapng
try cleave split interfaces.pcapng more.pcapng -o out -f --merge -q
try cleave split links.pcapng -o out -f --format pcap
try cleave split snaplen.pcapng -o out -f --format pcap
try cleave split a.pcap -o out -f --by mac,ip,port --name "$("$PYTHON" -c 'print("{key}" * 25)')"
names .
