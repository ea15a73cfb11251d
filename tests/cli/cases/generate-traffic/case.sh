# SPDX-License-Identifier: BSD-2-Clause
# Deterministic, in every format; another seed is other traffic; flags that exclude each other are told.
try cleave generate traffic --flows 50 --packets 2000 -o a.pcap
cleave generate traffic --flows 50 --packets 2000 -o b.pcap -q
cmp a.pcap b.pcap && echo the same
cleave generate traffic --flows 50 --packets 2000 --seed 1 -o c.pcap -q
cmp -s a.pcap c.pcap || echo another seed, other traffic
cleave generate traffic --flows 50 --packets 2000 -o - | cmp - a.pcap && echo the same on standard output
mix='--flows 60 --packets 3000 --udp 40 --ipv6 30 --vlan 20 --fragments 50 --other 5 --alive 20 --skew 80'
for format in pcap pcap-ns; do
    for order in little big; do
        cleave generate traffic $mix --format $format --byte-order $order -o m.pcap -q --force
        cleave info m.pcap | grep -E 'format|records|damage'
    done
done
for sizes in small mixed large; do
    cleave generate traffic --sizes $sizes --bytes 100kB -o s.pcap -q -f
    cleave info s.pcap | grep -E 'packets|damage'
done
try cleave generate traffic --packets 10 --bytes 10 -o x.pcap
try cleave generate traffic --flows 10 --packets 9 -o x.pcap
try cleave generate traffic --udp 101 -o x.pcap
try cleave generate traffic --fragments 10 -o x.pcap
try cleave generate traffic -o a.pcap
cleave help generate traffic | head -3
