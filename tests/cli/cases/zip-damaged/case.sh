# SPDX-License-Identifier: BSD-2-Clause
# Zip archives that are damaged, or that somebody made up.
sample mixed a.pcap
cat >make.py <<'END'
import struct, zlib

A = open('a.pcap', 'rb').read()
RAW = zlib.compressobj(0, zlib.DEFLATED, -15)
DEFLATED = RAW.compress(A) + RAW.flush()


def le(value, width):
    return (value & (1 << 8 * width) - 1).to_bytes(width, 'little')


def member(name, data, method=0, flags=0, size=None, crc=None):
    size = len(data) if size is None else size
    crc = zlib.crc32(data) if crc is None else crc
    fields = struct.pack('<HHHIIIIHH', 20, flags, method, 0x5a8f6000, crc, len(data), size, len(name), 0)
    return name, data, fields


def archive(*members, comment=b'', zip64=False):
    out, entries = b'', b''
    for name, data, fields in members:
        entries += b'PK\1\2\x1e\3' + fields + struct.pack('<HHHII', 0, 0, 0, 0o100644 << 16, len(out)) + name
        out += b'PK\3\4' + fields + name + data
    n, at, size = len(members), len(out), len(entries)
    out += entries
    if zip64:
        out += b'PK\6\6' + struct.pack('<QHHIIQQQQ', 44, 45, 45, 0, 0, n, n, size, at)
        out += b'PK\6\7' + struct.pack('<IQI', 0, at + size, 1)
    return bytearray(out + b'PK\5\6' + struct.pack('<HHHHIIH', 0, 0, n, n, size, at, len(comment)) + comment)


def changed(z, magic, offset, width, value, which=0):
    """The archive, with a field of the part that begins so changed."""
    at = -1
    for _ in range(which + 1):
        at = z.index(magic, at + 1)
    z[at + offset:at + offset + width] = le(value, width)
    return z


LOCAL, ENTRY, END, END64 = b'PK\3\4', b'PK\1\2', b'PK\5\6', b'PK\6\6'
one = lambda **more: archive(member(b'a.pcap', A), **more)
two = lambda: archive(member(b'a.pcap', A), member(b'b.pcap', A))
deflated = lambda data=DEFLATED, **more: archive(member(
    b'a.pcap', data, 8, **dict({'size': len(A), 'crc': zlib.crc32(A)}, **more)))
files = {
    # the archive
    'cut': one()[:-30],
    'parts': changed(one(), END, 4, 4, 0x10001),
    'far': changed(one(), END, 16, 4, 0x7fffffff),
    'short': changed(one(), END, 8, 4, 0x30003),
    'ends': changed(one(zip64=True), END, 10, 2, 7),
    'locator': changed(one(zip64=True), END64, 0, 1, 0),
    'length': changed(one(zip64=True), END64, 4, 8, -1),
    # the directory
    'less': changed(two(), END, 8, 4, 0x10001),
    'entry': changed(two(), ENTRY, 0, 1, 0, 1),
    'name': changed(two(), ENTRY, 28, 2, 0xffff, 1),
    'part': changed(two(), ENTRY, 34, 2, 1),
    'wide': changed(two(), ENTRY, 20, 4, 0xffffffff),
    'zero': archive(member(b'a\0.pcap', A)),
    'after': changed(two(), ENTRY, 42, 4, 0x7fffffff),
    'overlap': changed(two(), ENTRY, 20, 4, len(A) * 2),
    'twice': archive(member(b'a.pcap', A), member(b'a.pcap', A + A)),
    # a member
    'header': changed(one(), LOCAL, 0, 1, 0),
    'into': changed(one(), LOCAL, 26, 2, 0xfff),
    'names': changed(one(), LOCAL, 30, 1, 0x62),
    'method': changed(one(), LOCAL, 8, 2, 8),
    'sizes': changed(one(), LOCAL, 22, 4, 5),
    'encrypted': archive(member(b'a.pcap', A, flags=1)),
    'aes': archive(member(b'a.pcap', A, 99)),
    'new': archive(member(b'a.pcap', A, 7777)),
    'two-sizes': archive(member(b'a.pcap', A, size=len(A) + 1)),
    # its data
    'early': deflated(DEFLATED[:-1]),
    'bad': deflated(b'\0' + le(900, 2) + le(~900, 2) + A[:900] + b'\7' + A[900:]),
    'changed': deflated(DEFLATED[:-1] + b'\7'),
    'crc': deflated(crc=1),
    'shorter': deflated(size=len(A) + 1),
    'longer': deflated(size=len(A) - 5),
    'followed': deflated(DEFLATED + b'x'),
    'sound': one(comment=b'a comment, and PK\5\6'),
}
wide = changed(changed(one(), LOCAL, 18, 8, -1), LOCAL, 28, 2, 12)
wide[36:36] = struct.pack('<HHQ', 1, 8, len(A))
files['local-wide'] = changed(wide, END, 16, 4, 36 + 12 + len(A))
entry = archive(member(b'a.pcap', A))
at = entry.index(ENTRY)
entry[at + 24:at + 28] = b'\xff' * 4
entry[at + 30:at + 32] = b'\4\0'
name_end = at + 46 + 6
entry[name_end:name_end] = struct.pack('<HH', 1, 0)
changed(entry, END, 12, 4, 46 + 6 + 4)
files['entry-wide'] = entry
for name, data in files.items():
    with open(name + '.zip', 'wb') as f:
        f.write(data)
open('order', 'w').write('\n'.join(files) + '\n')
END
"$PYTHON" make.py
cleave info crc.zip 2>&1 | grep 'this build does not read' >&2 && skip 'no zlib'
while read -r name; do
    try cleave split "$name.zip" -o out -q -f
done <order
