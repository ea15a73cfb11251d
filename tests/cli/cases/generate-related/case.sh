# SPDX-License-Identifier: BSD-2-Clause
# Flows that lead to each other: the same for the same flags, with the truth; other flags mean nothing to it.
try cleave generate traffic --related --flows 200 -o a.pcap --truth a.csv
cleave generate traffic --related --flows 200 -o - | cmp - a.pcap && echo the same
cleave generate traffic --related --flows 200 --seed 1 -o b.pcap -q
cmp -s a.pcap b.pcap || echo another seed, other traffic
head -n 1 a.csv
cut -d , -f 12 a.csv | sort -u
cleave generate traffic --related --flows 50 --alive 1 --ipv6 100 --vlan 100 --format pcapng -o c.pcapng --truth - -q |
    awk -F , 'NR > 1 && $2 !~ /^2001:db8:/ { print }'
try cleave generate traffic --related --packets 100 -o x.pcap
try cleave generate traffic --related --udp 10 -o x.pcap
try cleave generate traffic --related --skew 10 -o x.pcap
