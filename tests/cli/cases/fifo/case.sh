# SPDX-License-Identifier: BSD-2-Clause
# A pipe with a name, read once.
sample mixed a.pcap
sample four-flows b.pcap
mkfifo p q
cleave split a.pcap -o whole -q
cat a.pcap >p &
try cleave split p
wait
diff -r -x cleave.json whole p.flows && echo the same
cleave split a.pcap b.pcap -o both -q
cat a.pcap >p &
cat b.pcap >q &
cleave split p q -o two -q
wait
diff -r -x cleave.json both two && echo the same from two
head -c 200 a.pcap >p &
try cleave split p -o damaged
wait
: >p &
try cleave split p -o none
wait
names . | grep none
exit 0
