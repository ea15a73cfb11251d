# SPDX-License-Identifier: BSD-2-Clause
# Compressed data with faults that their libraries find, or with what is no capture in them.
"$PYTHON" - <<'END'
import struct, zlib


def stored_gzip(data, flips=0):
    return (b'\x1f\x8b\x08\0\0\0\0\0\0\3' + struct.pack('<BHH', 1, len(data), len(data) ^ 0xffff) +
            data + struct.pack('<II', zlib.crc32(data) ^ flips, len(data)))


data = struct.pack('<IHHIIII', 0xa1b2c3d4, 2, 4, 0, 0, 262144, 1)
xz = bytes.fromhex('fd377a585a000004e6d6b446')
dictionary = bytes.fromhex('0200210126000000')  # 3 GiB
for name, text in {
        'cut.gz': stored_gzip(data)[:-1],
        'sum.gz': stored_gzip(data, flips=1),
        'bad.xz': xz + bytes(range(40)),
        'large.xz': xz + dictionary + struct.pack('<I', zlib.crc32(dictionary)),
        'bad.bz2': b'BZh9' + bytes(40),
        'long.zst': bytes.fromhex('28b52ffd00ff010000'),  # a window of 3.75 TiB
        **{'%d.gz' % i: stored_gzip(magic + bytes(24)) for i, magic in enumerate((
            b'\x1f\x8b', b'\x28\xb5\x2f\xfd', b'\x04\x22\x4d\x18', b'\xfd7zXZ', b'BZh'))},
}.items():
    with open(name, 'wb') as f:
        f.write(text)
END
for file in cut.gz sum.gz bad.xz large.xz bad.bz2 long.zst; do
    cleave info $file 2>&1 | grep 'this build does not read' >&2 && skip "$file: no library for it"
    try cleave split $file -o out -q -f
done
for file in ?.gz; do
    try cleave split $file -o none
done
try cleave info cut.gz
names .
