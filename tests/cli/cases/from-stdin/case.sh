# SPDX-License-Identifier: BSD-2-Clause
# "-" is standard input, be it a pipe or a file.
sample mixed a.pcap
sample four-flows b.pcap
cleave split a.pcap -o whole -q
cat a.pcap | try cleave split -
names stdin.flows
diff -r -x cleave.json whole stdin.flows && echo the same from a pipe
cleave split - -o file -q <a.pcap
diff -r -x cleave.json whole file && echo the same from a file
(head -c 10 a.pcap; tail -c +11 a.pcap) | cleave split - -o slow -q
diff -r -x cleave.json whole slow && echo the same in two writes
cat a.pcap | cleave split - -o json --json >json.json
is_json json.json
is_json json/cleave.json
cleave split a.pcap b.pcap -o both -q
cat b.pcap | cleave split a.pcap - -o both-2 -q
diff -r -x cleave.json both both-2 && echo the same behind a file
cat a.pcap | cleave split - b.pcap -o both-3 -q
diff -r -x cleave.json both both-3 && echo the same before a file
head -c 200 a.pcap | try cleave split - -o damaged
: | try cleave split - -o none
try cleave split - -o none </dev/null
echo text, and no capture at all | try cleave split - -o none
cp a.pcap ./-
try cleave split ./- -o named -q
diff -r -x cleave.json whole named && echo the same from a file of that name
names . | grep none
exit 0
