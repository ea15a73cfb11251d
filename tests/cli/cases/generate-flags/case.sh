# SPDX-License-Identifier: BSD-2-Clause
# Every flag of generate, taken.
native() { sed 's/, little-endian, /, /; s/, big-endian, /, /'; }
try cleave generate synflood --output a.pcap --count 3 --src 10.0.0.254 --dst 10.9.9.9 --sport 1000 \
    --dport 2000 --rate 1000 --quiet
try cleave generate synflood -o a.pcap -fq
try cleave generate traffic --output t.pcap --flows 40 --bytes 40kB --seed 3 --skew 50 --alive 10 \
    --sizes small --ipv6 50 --vlan 50 --udp 50 --fragments 50 --other 10 --format pcap-ns \
    --byte-order big --truth t.csv --quiet
try cleave generate traffic --packets 10 --flows 2 --force -o t.pcap
try cleave generate traffic --packets 10 --flows 2 --truth t.csv
try cleave generate traffic --packets 10 --flows 2 -fqo t.pcap --truth missing/t.csv
try cleave generate traffic --packets 10 --flows 2 -fqo t.pcap
names .
