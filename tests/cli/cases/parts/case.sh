# SPDX-License-Identifier: BSD-2-Clause
# Parts of one flow have its number and its direction; who opened it stays known.
"$PYTHON" - <<'PY'
import struct
def record(at, src, dst, sport, dport, flags, seq=0, ack=0):
    tcp = struct.pack('>HHIIBBHHH', sport, dport, seq, ack, 0x50, flags, 1024, 0, 0)
    ip = struct.pack('>BBHHHBBH', 0x45, 0, 40, 0, 0, 64, 6, 0) + bytes([10, 0, 0, src, 10, 0, 0, dst])
    data = bytes(12) + b'\x08\x00' + ip + tcp
    return struct.pack('<IIII', at, 0, len(data), len(data)) + data
S, SA, A = 2, 18, 16
with open('a.pcap', 'wb') as f:
    f.write(struct.pack('<IHHiIII', 0xa1b2c3d4, 2, 4, 0, 0, 262144, 1))
    for r in ((0, 1, 2, 2848, 6000, S, 100), (1, 2, 1, 6000, 2848, SA, 500, 101), (2, 3, 2, 2848, 6667, A),
              (60, 2, 1, 6000, 2848, A, 501), (61, 2, 3, 6667, 2848, A), (62, 1, 4, 9, 7000, SA),
              (120, 2, 1, 6000, 2848, A, 502), (121, 1, 2, 2848, 6000, S, 900)):
        f.write(record(*r))
PY
show() {
    "$PYTHON" -c 'import csv, sys
names = sys.argv[1].split(",")
for row in csv.DictReader(sys.stdin):
    print(*(row.get(name, "") or "-" for name in names))' \
        flow,output,part,end,src,sport,dst,dport,src_packets,dst_packets,initiator,initiator_by,service
}
for how in '--by flow' '--every 1m' '--by flow --every 1m' '--by connection' '--by flow --every 1m --directed' '--every 1p --by hostpair'; do
    echo "$how:"
    rm -rf out
    cleave split a.pcap $how -q -o out
    show <out/manifest.csv
done
rm -r out
cleave split a.pcap --by flow --every 1m -q -o out
names out
can_verify out
try cleave verify out a.pcap -q
can_list out
needs_sqlite
cleave index a.pcap --by flow --every 1m -q -o a.db
for of in out a.db; do
    try cleave flows $of --flow 1
    cleave flows $of --flow 2-3 --csv | show
    cleave flows $of --where 'output = 5' --csv | show
    try cleave extract $of --flow 1 -o $of-1.pcap
done
cmp out-1.pcap a.db-1.pcap && echo all parts of a flow
printf '2\n' >list
cleave flows a.db --flows list --csv | show
