# SPDX-License-Identifier: BSD-2-Clause
# A list of flows from standard input, be it a file or a pipe.
sample mixed a.pcap
printf '%s\n' src,sport,dst,dport,proto 192.168.1.10,5353,192.168.1.1,53,udp 192.0.2.1,,,,tcp >list.csv
cleave split a.pcap --flows list.csv -o whole -q
try cleave split a.pcap --flows - -o file <list.csv | grep -v verify
diff -r -x cleave.json whole file && echo the same
cat list.csv | try cleave split a.pcap --flows - --by flow -o pipe -q
diff -r -x cleave.json whole pipe && echo the same
: | try cleave split a.pcap --flows - -o none
printf 'src\n10.0.0\n' | try cleave split a.pcap --flows - -o none
# It is read once, and the captures are, too.
cat a.pcap | try cleave split - --flows - -o none
echo a.pcap | try cleave split --files-from - --flows - -o none
try cleave split a.pcap --flows - -o none <&-
names . | grep none
needs_sqlite
cat list.csv | try cleave flows a.pcap --flows -
cat list.csv | try cleave extract a.pcap --flows - -o b.pcap
cleave index a.pcap -q
cat list.csv | try cleave flows a.flows.db --flows -
echo 3 | try cleave flows a.flows.db --flows -
cat list.csv | try cleave index a.pcap --flows - -o b.flows.db -q
can_verify whole
cat list.csv | try cleave split a.pcap --flows - -o proven -q --verify
try cleave verify pipe a.pcap -q <list.csv
cat list.csv | try cleave verify pipe a.pcap -q
