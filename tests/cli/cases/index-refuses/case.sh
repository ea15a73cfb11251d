# SPDX-License-Identifier: BSD-2-Clause
# What cannot be indexed, and what an index has no use for.
needs_sqlite
sample mixed a.pcap
for flag in --archive '--compress gzip' --each --report=a.html --dry-run --verify --max-open=5; do
    try cleave index a.pcap $flag
done
try cleave index a.pcap --manifest -
for output in a.zip b.pcap dir/b.pcapng .pcap/; do
    try cleave index a.pcap -o $output
done
try cleave index
try cleave index missing
echo text >text
try cleave index text
try cleave index a.pcap a.pcap
cat a.pcap | try cleave index - -o out.db
try cleave index - -o out.db <a.pcap
mkfifo pipe
cat a.pcap >pipe &
try cleave index a.pcap pipe -o out.db
wait
try cleave index a.pcap --by nothing
try cleave index a.pcap --top 1 --by host
names .

# The damage of a capture is reported, and what comes before it is indexed.
head -c 1000 a.pcap >cut.pcap
try cleave index cut.pcap | grep -v took
try cleave flows cut.flows.db
try cleave extract cut.flows.db -o cut.one -q
cmp cut.one cut.pcap | sed 's/ byte.*//'
: >empty.pcap
try cleave index cut.pcap empty.pcap -q -o two.db
try cleave flows two.db --limit 1
can_list cut.flows.db
cleave split cut.pcap -o cut -q
try cleave flows cut --limit 1
