# SPDX-License-Identifier: BSD-2-Clause
# What is not extracted, and what is not replaced.
needs_sqlite
sample mixed a.pcap
cp a.pcap before.pcap
cleave index a.pcap -q
try cleave extract a.flows.db
try cleave extract -o out.pcap
try cleave extract a.flows.db --flow 77 -o out.pcap
try cleave extract a.pcap --where 0 -o out/
try cleave extract a.flows.db --flow x -o out.pcap
try cleave extract a.flows.db --by hostpair -o out.pcap
try cleave extract a.pcap --capture a.pcap -o out.pcap
try cleave extract a.flows.db a.pcap -o out.pcap
try cleave extract a.flows.db --mode 8 -o out.pcap
try cleave extract a.flows.db --mode 0400 -o out.pcap
try cleave extract a.flows.db --mode 0040 -o out/
cat a.pcap | try cleave extract - -o out.pcap
echo text >text
try cleave extract text -o out.pcap
try cleave extract missing -o out.pcap

echo text >there
try cleave extract a.flows.db -o there
try cleave extract a.flows.db -o there --force
try cleave extract a.flows.db -o a.flows.db --force
try cleave extract a.flows.db -o a.pcap --force
try cleave extract a.pcap -o ./a.pcap --force
ln a.pcap link.pcap
try cleave extract a.flows.db -o link.pcap --force
rm link.pcap
mkdir full
echo text >full/text
try cleave extract a.flows.db -o full/
cleave split a.pcap --by host -q -o hosts && try cleave extract hosts -o twice.pcap
try cleave extract a.flows.db -o full/ --force
try cleave extract a.flows.db -o full
try cleave extract a.flows.db -o missing/out.pcap
try cleave extract a.flows.db -o out.pcapng.zst
try cleave extract a.flows.db -o missing/out/
try cleave extract a.flows.db -o text.zip --force
head -c 1000 a.pcap >cut.pcap
try cleave extract cut.pcap --flow 2 -o cut.one
try cleave extract a.pcap --flow 2 -o -/
cat there full/text
cmp a.pcap before.pcap
names .
[ -c /dev/full ] || skip 'there is no /dev/full'
cleave extract a.flows.db -o - >/dev/full
echo "exit $?"
mkfifo nobody
: <nobody & # a reader, which is gone when somebody writes
exec 3>nobody
wait
cleave extract a.flows.db -o - >&3
echo "exit $?"
