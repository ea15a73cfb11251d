# SPDX-License-Identifier: BSD-2-Clause
# The rows of a list choose flows of an index; one that is made with it has these alone.
needs_sqlite
sample mixed a.pcap
cat >list.csv <<'END'
dst_ip;proto;first;last
192.168.1.1;udp;;
203.0.113.80;tcp;2017-07-14T12:00:00Z;1500033600.5
203.0.113.80;icmp;2017-07-14T12:00:01Z;
END
cleave index a.pcap -q -o all.db
try cleave flows all.db --flows list.csv
try cleave flows all.db --flows list.csv --invert --where 'packets > 1'
try cleave extract all.db --flows list.csv -q -o some.pcap
try cleave index a.pcap --flows list.csv -q -o some.db
try cleave flows some.db
cleave extract some.db -q -o again.pcap && cmp some.pcap again.pcap && echo the same records
printf 'src\nx\n' >bad
try cleave flows all.db --flows bad
# A head of which no column is known, and names of outputs that look like one.
printf 'x;y\n1;2\n' >bad
try cleave flows all.db --flows bad
cleave split a.pcap -q --name '{n},{proto}.pcap' -o commas
ls commas | grep , | head -n 2 >names
try cleave flows commas --flows names --csv | wc -l
# Rows that match nothing are named, of each form, whatever else is asked for; words, too.
cat >more.csv <<'END'
src,sport,dst,dport,proto
192.168.1.10,5353,192.168.1.1,53,udp
192.0.2.1,,,,
203.0.113.80,443,192.168.1.10,50000,TCP
,,,,icmp
,,,,sctp
END
try cleave flows all.db --flows more.csv --limit 1
try cleave flows a.pcap --flows more.csv --host 203.0.113.80 --csv | wc -l
try cleave extract all.db --flows more.csv -o more.pcap
try cleave extract all.db --flows more.csv -q -o quiet.pcap
printf '#a list\n1\n\n77\n00000002_tcp_192.168.1.10_50000_203.0.113.80_443.pcap\nother.pcap\nnone.pcap\n' >words
for i in 1 2 3 4 5 6 7; do echo "x$i"; done >>words
try cleave flows all.db --flows words --csv | wc -l
printf '1:LQU9qZlK+B5F3KDmev6m5PMibrg=\n' >ids
try cleave extract all.db --flows ids -o none.pcap
try cleave flows all.db --flows words --invert --flow 1 --json | wc -l
