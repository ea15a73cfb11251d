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
