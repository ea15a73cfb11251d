# SPDX-License-Identifier: BSD-2-Clause
# Progress for people and for programs; none where nobody looks.
cleave generate traffic -q --flows 200 --packets 20000 -o a.pcap
for how in auto never; do
    try cleave split a.pcap -q -o $how --progress $how
done
try cleave split a.pcap -q -o quiet
cp a.pcap b.pcap
cleave split a.pcap b.pcap -q -o json --progress json 2>lines
echo "exit $?"
"$PYTHON" - lines <<'EOF'
import json, sys
rows = [json.loads(line) for line in open(sys.argv[1])]
assert rows and all(list(r) == list(rows[0]) for r in rows), rows
assert [r['seconds'] for r in rows] == sorted(r['seconds'] for r in rows), rows
assert all(r['inputs'] == 2 and 1 <= r['input'] <= 2 for r in rows), rows
assert all(r['bytes'] <= r['input_bytes'] and r['records'] <= 40000 for r in rows), rows
print('lines of', ' '.join(rows[0]))
EOF
for way in --each --merge; do
    cleave split a.pcap b.pcap -q -o way$way --progress json $way 2>lines
    echo "exit $?"
    "$PYTHON" - lines $way <<'EOF'
import json, sys
rows = [json.loads(line) for line in open(sys.argv[1])]
n = 2 if sys.argv[2] == '--each' else 1
numbers = [r['input'] for r in rows]
assert all(r['inputs'] == n for r in rows) and numbers == sorted(numbers), rows
assert set(numbers) == set(range(1, n + 1)), rows
print(sys.argv[2], 'reads', n, 'one behind the other')
EOF
done
cleave split a.pcap -q -o always --progress always 2>lines
echo "exit $?"
grep -vE '^ *[0-9]+ %(  [0-9.]+ s left)?  [0-9.]+ .?B/s  [0-9,]+ flows?  [0-9,]+ records?$' lines | grep .
grep -c . lines | grep -v '^0$' >/dev/null && echo 'lines of progress'
cleave verify always a.pcap -q --progress always 2>lines
echo "exit $?"
