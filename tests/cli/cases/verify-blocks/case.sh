# SPDX-License-Identifier: BSD-2-Clause
# Records of pcapng also have an interface and options, which must be those of the capture.
"$PYTHON" - <<'END'
import struct


def block(kind, body):
    return struct.pack('<II', kind, len(body) + 12) + body + struct.pack('<I', len(body) + 12)


with open('a.pcapng', 'wb') as f:
    f.write(block(0x0a0d0d0a, struct.pack('<IHHq', 0x1a2b3c4d, 1, 0, -1)))
    for name in b'east', b'west':
        f.write(block(1, struct.pack('<HHI', 1, 0, 0) + b'\2\0\4\0' + name + bytes(4)))
    for iface in 0, 1:
        f.write(block(6, struct.pack('<5I', iface, 0, 0, 60, 60) + bytes(60) + b'\1\0\4\0word' + bytes(4)))
END
cleave split a.pcapng -o whole -q
can_verify whole
for change in word:other west:nort; do
    rm -rf out
    cp -r whole out
    "$PYTHON" - "${change%:*}" "${change#*:}" <<'END'
import sys
old, new = (word.encode()[:4] for word in sys.argv[1:])
with open('out/other.pcapng', 'rb') as f:
    data = f.read()
with open('out/other.pcapng', 'wb') as f:
    f.write(data.replace(old, new, 1))
END
    try cleave verify out -q
done
