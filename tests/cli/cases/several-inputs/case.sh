# SPDX-License-Identifier: BSD-2-Clause
# Captures one behind the other, in the order given, are one capture.
# rotate FILE N PART PART: the first N records into one file, the others into another.
rotate() {
    "$PYTHON" - "$@" <<'END'
import struct, sys
data, n, at = open(sys.argv[1], 'rb').read(), int(sys.argv[2]), 24
for _ in range(n):
    at += 16 + struct.unpack_from('<I', data, at + 8)[0]
open(sys.argv[3], 'wb').write(data[:at])
open(sys.argv[4], 'wb').write(data[:24] + data[at:])
END
}
same() {
    diff -r -x cleave.json "$1" "$2" && echo "$1 and $2 are the same"
}
sample mixed a.pcap
rotate a.pcap 11 a.1 a.2
cleave split a.pcap -o whole -q
try cleave split a.1 a.2 -o parts
same whole parts
rotate a.pcap 0 a.3 a.4
cleave split a.3 a.4 -o first-empty -q
same whole first-empty
cleave split a.4 a.3 -o last-empty -q
same whole last-empty

# Datagrams of which each file has fragments.
sample fragmented f.pcap
cleave split f.pcap -o f-whole -q
for n in 1 3 5 7 10 12; do
    rotate f.pcap $n f.1 f.2
    cleave split f.1 f.2 -o f-parts -q -f
    same f-whole f-parts
done

try cleave split a.2 a.1 -o backwards
names backwards
cut -d, -f 1,8,9 backwards/manifest.csv

# What is damaged does not hide what comes behind it.
head -c 200 a.1 >a.cut
try cleave split a.cut a.2 -o damaged
cp a.cut again.cut
try cleave split a.cut again.cut a.2 -o damaged-twice -q

try cleave split a.1 missing a.2 -o none
try cleave split missing a.1 -o none
echo text >text
try cleave split a.1 a.2 text -o none
names . | grep none
exit 0
