# SPDX-License-Identifier: BSD-2-Clause
# An archive is proven as a directory is; what it has beside its members' bytes is looked at too.
sample mixed a.pcap
cleave split a.pcap -o probe.zip -q 2>log || { grep 'built without' log >&2 && skip 'this build has no CRC-32'; }
can_verify probe.zip
rm -f probe.zip
cleave split a.pcap -o whole.zip -q
try cleave verify whole.zip a.pcap | grep -v took
try cleave verify whole.zip -q
try cleave split a.pcap -o verified.zip --verify | grep verified
try cleave verify verified.zip -q
# alter PYTHON: of the archive's bytes d, where member i begins at at[i], its entry at entry[i].
alter() {
    printf '# %s\n' "$1" >&2
    "$PYTHON" - "$1" <<'END'
import struct, sys, zipfile
with open('whole.zip', 'rb') as f:
    d = bytearray(f.read())
at = [m.header_offset for m in zipfile.ZipFile('whole.zip').infolist()]
end = len(d) - 22
entry = [struct.unpack_from('<I', d, end + 16)[0]]
for _ in at[1:]:
    name, extra, comment = struct.unpack_from('<HHH', d, entry[-1] + 28)
    entry.append(entry[-1] + 46 + name + extra + comment)
def put(form, where, *values):
    struct.pack_into('<' + form, d, where, *values)
n, size, start = struct.unpack_from('<HII', d, end + 10)
def wide(length=44, members=n):
    d[end:end] = struct.pack('<IQHHIIQQQQIIQI', 0x06064b50, length, 0, 45, 0, 0, members, members,
                             size, start, 0x07064b50, 0, end, 1)
exec(sys.argv[1])
with open('out.zip', 'wb') as f:
    f.write(d)
END
    try cleave verify out.zip a.pcap -q
}
alter 'd[at[1] + 10] = 7'
alter 'd[entry[1] + 12] = 7'
alter 'd[at[0] + 100] ^= 1'
alter 'd[at[2] + 14] ^= 1; d[entry[2] + 16] ^= 1'
alter 'd[at[2] + 31:at[2] + 35] = d[entry[2] + 47:entry[2] + 51] = b"/../"'
alter 'd[at[-1]] = 0'
alter 'd[entry[0]:entry[2]] = d[entry[1]:entry[2]] + d[entry[0]:entry[1]]'
alter 'put("H", end + 20, 3); d += b"hi!"'
alter 'd += b"more"'
alter 'd[:0] = b"first"'
alter 'd[entry[0]:entry[0]] = b"hole"; put("I", end + 4 + 16, entry[0] + 4)'
alter 'd[end:end] = b"hole"'
# What is not looked at any further.
alter 'd = d[:-1]'
alter 'put("H", end + 4, 1)'
alter 'put("I", end + 12, 0x7fffffff)'
alter 'put("H", end + 8, 2); put("H", end + 10, 2)'
alter 'd[entry[1]] = 0'
alter 'put("I", entry[1] + 42, end)'
alter 'put("H", entry[1] + 34, 3)'
alter 'put("H", entry[-1] + 32, 1000)'
alter 'put("I", entry[1] + 20, 5000); put("I", entry[1] + 24, 5000)'
alter 'put("I", entry[1] + 24, 0xffffffff); put("H", entry[1] + 30, 4); put("I", end + 12, size + 4)
d[entry[2]:entry[2]] = bytes((1, 0, 0, 0))'
alter 'put("HH", end + 8, 999, 999)'
alter 'd[end:end] = struct.pack("<IIQI", 0x07064b50, 0, 0, 1)'
alter 'wide(length=1 << 40)'
alter 'wide(members=n + 1)'
alter 'd[at[-1] + 30] ^= 1'
alter 'd[at[-1] + 8] = d[entry[-1] + 10] = 8'
alter 'd[at[-1] + 8] = 8'
alter 'd[at[-1] + 14] ^= 1'
alter 'put("H", at[-1] + 43, 0)'
alter 'd[entry[-1] + 20] += 10; d[entry[-1] + 24] += 10'
alter 'd[entry[-1] + 46] = d[at[-1] + 30] = 88'
alter 'd[:] = b"text"'
