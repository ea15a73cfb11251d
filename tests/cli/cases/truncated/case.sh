# SPDX-License-Identifier: BSD-2-Clause
# All before the fault is split; the status and a message say that there is one.
sample mixed whole.pcap
head -c 200 whole.pcap >a.pcap
try cleave split a.pcap
names a.flows
head -c 70 whole.pcap >b.pcap
try cleave split b.pcap
names b.flows
(cat whole.pcap; printf 'abcdefg') >c.pcap
try cleave split c.pcap -q
try cleave split c.pcap -q -f --json
names c.flows
cleave split c.pcap -o json --json >c.json 2>/dev/null
is_json c.json
is_json json/cleave.json
cat c.json
try cleave info a.pcap b.pcap c.pcap
