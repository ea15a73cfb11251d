# SPDX-License-Identifier: BSD-2-Clause
# What follows the last member: zeros are padding, all else is a fault; also in an output.
"$PYTHON" - <<'END'
import struct, zlib


def stored_gzip(data):
    return (b'\x1f\x8b\x08\0\0\0\0\0\0\3' + struct.pack('<BHH', 1, len(data), len(data) ^ 0xffff) +
            data + struct.pack('<II', zlib.crc32(data), len(data)))


record = struct.pack('<IIII', 10**9, 0, 14, 14) + bytes(14)
first = stored_gzip(struct.pack('<IHHIIII', 0xa1b2c3d4, 2, 4, 0, 0, 262144, 1) + record)
second = stored_gzip(record)
for name, text in {
        'two.gz': first + second,
        'padded.gz': first + bytes(512) + second + bytes(1000),
        'magic.gz': first + b'\x1e' + second[1:],
        'appended.gz': first + second + b'note: received on Monday\n',
        'skippable.zst': bytes.fromhex('502a4d180300000061626328b5') + bytes(6),
        'nothing.zst': bytes.fromhex('5f2a4d1803000000616263'),
}.items():
    with open(name, 'wb') as f:
        f.write(text)
END
cleave info two.gz 2>&1 | grep 'this build does not read' >&2 && skip 'no zlib'
for file in two.gz padded.gz magic.gz appended.gz; do
    try cleave split "$file" -o out -q -f
    sed -n "s, *\"records_read\",records_read,p" out/cleave.json
done
for file in *.zst; do
    try cleave split "$file" -o none
done
cleave split two.gz -o packed -q --compress gzip
can_verify packed
for file in packed/*.gz; do
    printf 'x' >>"$file"
done
try cleave verify packed
