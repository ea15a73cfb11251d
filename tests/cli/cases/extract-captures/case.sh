# SPDX-License-Identifier: BSD-2-Clause
# The capture of an index was moved, is gone, or is another one now.
needs_sqlite
cleave generate traffic -q --flows 20 --packets 4000 --seed 1 -o a.pcap
cleave index a.pcap -q
cleave extract a.flows.db --flow 3 -q -o wanted.pcap
mkdir archive
mv a.pcap archive
try cleave extract a.flows.db --flow 3 -o out.pcap
try cleave flows a.flows.db --limit 1 --csv | sed '2,3d'
try cleave extract a.flows.db --flow 3 --capture archive/a.pcap -q -o named.pcap
cmp named.pcap wanted.pcap
cp a.flows.db archive
try cleave extract archive/a.flows.db --flow 3 -q -o beside.pcap
cmp beside.pcap wanted.pcap
try cleave extract a.flows.db --flow 3 --capture missing.pcap -o out.pcap
echo text >text
try cleave extract a.flows.db --flow 3 --capture archive -o out.pcap
try cleave extract a.flows.db --flow 3 --capture text -o out.pcap
mkfifo pipe
try cleave extract a.flows.db --flow 3 --capture pipe -o out.pcap

cd archive || exit
cp a.pcap good
# write OFFSET HEX: into a.pcap.
write() {
    "$PYTHON" -c 'import sys
with open("a.pcap", "r+b") as f:
    f.seek(int(sys.argv[1]), 2 if sys.argv[1][0] == "-" else 0)
    f.write(bytes.fromhex(sys.argv[2]))' "$@"
}
changed() {
    try cleave extract a.flows.db "$@" -o out.pcap
    cp good a.pcap
}
printf x >>a.pcap
changed --flow 3
head -c 100000 good >a.pcap
changed --flow 3
write -1 ff
changed --flow 3
write 40 ffff
changed --flow 3
: >a.pcap
changed --flow 3
# Between head and tail, where the digest does not look: a length that cannot be, and one that can.
middle=$("$PYTHON" - <<'END'
import struct
data, at, middle = open('a.pcap', 'rb').read(), 24, []
while at < len(data):
    if len(data) // 2 < at < len(data) - 200000:
        middle.append(at)
    at += 16 + struct.unpack_from('<I', data, at + 8)[0]
print(middle[0])
END
)
[ "$middle" -gt 65536 ] || echo 'the capture is too short for this'
write $((middle + 8)) ffffff7f
try cleave extract a.flows.db -o out.pcap 2>said
sed 's/flow [0-9]* has/flow 1 has/' said >&2
write $((middle + 8)) 0100000001000000
try cleave extract a.flows.db -o out.pcap 2>said
sed 's/flow [0-9]* has [0-9]* records of [0-9]* bytes, but should have [0-9]* of [0-9]*/flow 1 has 2 records of 3 bytes, and should have 4 of 5/' said >&2
cp good a.pcap
names .

cp a.pcap b.pcap
try cleave index a.pcap b.pcap -q -o two.db
try cleave extract two.db --flow 1 --capture a.pcap -o out.pcap
try cleave extract two.db --flow 1 --capture ../text -q -o none.pcap
mkdir moved
mv b.pcap moved/other.pcap
try cleave extract two.db --flow 1 --capture moved/other.pcap -q -o moved.pcap && cmp moved.pcap out.pcap
rm moved/other.pcap
cp ../text b.pcap
try cleave extract two.db --flow 1 --capture b.pcap -q -o none.pcap
rm b.pcap
try cleave extract two.db --flow 1 -o none.pcap
# Of the same name, as captures are that are rotated: each is known by what it is.
mkdir monday tuesday elsewhere
sample fragmented monday/x.pcap
sample tags tuesday/x.pcap
sample related tuesday/y.pcap
cleave index monday/x.pcap tuesday/x.pcap tuesday/y.pcap -q -o days.db
cleave extract days.db -q -o before.pcap
mv tuesday/x.pcap elsewhere
try cleave extract days.db --capture elsewhere/x.pcap -q -o one.pcap && cmp one.pcap before.pcap
mv tuesday/y.pcap elsewhere
try cleave extract days.db --capture elsewhere/x.pcap -q -o none.pcap 2>&1 | sed "s|$PWD|@HERE@|"
try cleave extract days.db --capture elsewhere -q -o both.pcap && cmp both.pcap before.pcap
mv elsewhere/x.pcap elsewhere/z.pcap
try cleave extract days.db --capture elsewhere -q -o none.pcap 2>&1 | sed "s|$PWD|@HERE@|"
try cleave extract days.db --capture monday -q -o none.pcap 2>&1 | sed "s|$PWD|@HERE@|"
