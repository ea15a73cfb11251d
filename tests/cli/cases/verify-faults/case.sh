# SPDX-License-Identifier: BSD-2-Clause
# Each way in which an output can be wrong, with the file and the byte.
sample mixed a.pcap
cleave split a.pcap -o whole -q
can_verify whole
# fault WHAT: spoils out; the first TCP connection's output is f, its records r.
fault() {
    rm -rf out
    cp -r whole out
    "$PYTHON" - <<END
import glob, os, struct
name = glob.glob('out/*_443.pcap')[0]
data, at = open(name, 'rb').read(), 24
head, r = data[:24], []
while at < len(data):
    end = at + 16 + struct.unpack_from('<I', data, at + 8)[0]
    r.append(bytearray(data[at:end]))
    at = end
other = open(glob.glob('out/*_80.pcap')[0], 'rb').read()
$2
if os.path.isfile(name):
    open(name, 'wb').write(head + b''.join(r))
END
    printf '# %s\n' "$1"
    printf '# %s\n' "$1" >&2
    try cleave verify out -q
}
fault 'a byte of a packet' 'r[2][-1] ^= 1'
fault 'a packet cut short' 'r[3][8] -= 1; r[3].pop()'
fault 'a time' 'r[2][4] += 1'
fault 'a length on the wire' 'r[2][12] += 1'
fault 'a record missing' 'del r[2]'
fault 'the last missing' 'del r[-1]'
fault 'a record twice' 'r.insert(3, r[2])'
fault 'two in the wrong order' 'r[2], r[4] = r[4], r[2]'
fault 'a record of another flow' 'r.insert(1, other[24:24 + 16 + other[32]])'
fault 'a record that nobody has' 'r.append(bytes(r[0][:16]) + bytes(len(r[0]) - 16))'
fault 'another header' 'head = head[:16] + bytes(8)'
fault 'no output' 'os.remove(name)'
fault 'a directory' 'os.remove(name); os.mkdir(name)'
fault 'an output cut short' 'r[-1] = r[-1][:20]'
fault 'a file too many' 'open("out/more", "w").close()'
fault 'a directory too many' 'os.mkdir("out/more")'
fault 'no manifest' 'os.remove("out/manifest.csv")'
fault 'a count' 'm = "out/cleave.json"; t = open(m).read(); open(m, "w").write(t.replace(": 4", ": 5"))'
# The same twice: one of two equal records may be missing.
cp a.pcap b.pcap
cleave split a.pcap b.pcap -o whole -q -f
fault 'one of two' 'del r[2]'
