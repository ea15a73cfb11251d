# SPDX-License-Identifier: BSD-2-Clause
# Behind a fault the next record is searched for; what lies between is counted.
# spoil FILE NEW RECORD:BYTES ...: puts so many bytes of rubbish before the record of that number.
spoil() {
    "$PYTHON" - "$@" <<'END'
import struct, sys
data, at, out = open(sys.argv[1], 'rb').read(), 24, b''
rubbish = dict(map(int, pair.split(':')) for pair in sys.argv[3:])
records = []
while at < len(data):
    end = at + 16 + struct.unpack_from('<I', data, at + 8)[0]
    records.append(data[at:end])
    at = end
out = data[:24]
for i, record in enumerate(records):
    out += b'\xff' * rubbish.get(i, 0) + record
open(sys.argv[2], 'wb').write(out)
END
}
sample mixed a.pcap
cleave split a.pcap -o whole -q
spoil a.pcap one.pcap 10:57
spoil a.pcap two.pcap 4:1 15:3000
spoil a.pcap first.pcap 0:100
for name in one two first; do
    try cleave split $name.pcap -q
    names $name.flows
    try cleave split $name.pcap -o out --recover -f
    diff -r -x cleave.json whole out && echo all records
done
sed -n '/"damage"/,$p' out/cleave.json
cleave split two.pcap -o json --recover --json 2>/dev/null >json.json
is_json json.json
grep -E 'damage|skipped|records_read' json.json

# To the end of the file there is nothing.
(cat a.pcap; head -c 500 /dev/zero | tr '\000' '\377') >tail.pcap
try cleave split tail.pcap -o out --recover -f
diff -r -x cleave.json whole out && echo all records
try cleave split a.pcap -o sound --recover
