# SPDX-License-Identifier: BSD-2-Clause
# What outputs get of names, secrets and the like, and what is said of it, also beforehand.
"$PYTHON" - <<'END'
import struct


def block(kind, body):
    body += bytes(-len(body) % 4)
    return struct.pack('<II', kind, len(body) + 12) + body + struct.pack('<I', len(body) + 12)


def packet(client, payload):
    ip = struct.pack('>BBHHHBBH4B4B', 0x45, 0, 40 + len(payload), 0, 0, 64, 6, 0, 10, 0, 0, client,
                     192, 0, 2, 1)
    tcp = struct.pack('>HHIIBBHHH', 5000 + client, 443, 1, 1, 0x50, 0x18, 8192, 0, 0)
    frame = bytes(12) + b'\x08\x00' + ip + tcp + payload
    return block(6, struct.pack('<5I', 0, 0, client, len(frame), len(frame)) + frame)


def hello(client):
    return packet(client, b'\x16\3\1\0\x2c\1\0\0\x28\3\3' + bytes([client] * 32) + bytes(6))


def secrets(client):
    line = b'CLIENT_RANDOM %s %s\n' % (bytes([client] * 32).hex().encode(), b'5a' * 48)
    return block(10, struct.pack('<II', 0x544c534b, len(line)) + line)


def names(*clients):
    body = b''
    for client in clients:
        name = bytes([10, 0, 0, client]) + b'host%d.example\0' % client
        body += struct.pack('<HH', 1, len(name)) + name + bytes(-len(name) % 4)
    return block(4, body + bytes(4))


section = block(0x0a0d0d0a, struct.pack('<IHHq', 0x1a2b3c4d, 1, 0, -1))
interface = block(1, struct.pack('<HHI', 1, 0, 0))
with open('secrets.pcapng', 'wb') as f:
    f.write(section + interface + names(1, 2, 9) + names(8) + secrets(1) + secrets(3) + hello(1) +
            hello(2) + secrets(2) + packet(2, b'x'))
with open('large.pcapng', 'wb') as f:
    f.write(section + interface)
    for _ in range(3):
        f.write(block(0xbad, bytes(1 << 20)))
    f.write(b''.join(hello(client) for client in range(30)))
END
try cleave split secrets.pcapng --dry-run
try cleave split secrets.pcapng --verify
cd secrets.flows
for f in *.pcapng; do
    printf '%s: %s secrets, names:%s\n' "$f" "$(grep -ao CLIENT_RANDOM "$f" | wc -l | tr -d ' ')" \
        "$(grep -ao 'host[0-9]*' "$f" | tr '\n' ' ' | sed 's/host/ /g;s/ *$//')"
done
cd ..
try cleave split secrets.pcapng -f --by none
try cleave split large.pcapng
