# SPDX-License-Identifier: BSD-2-Clause
# A small limit of descriptors is enough, and one too small is told.
not_under_valgrind the limit of descriptors
sample mixed a.pcap
cleave split a.pcap -o first -q
for limit in 64 20 16 13; do
    with_descriptors $limit cleave split a.pcap -o out -q -f || echo "fails with $limit"
    diff -r first out || echo "differs with $limit"
done
cleave generate synflood -c 1000 -q
cleave split synflood.pcap -o many -q
with_descriptors 40 cleave split synflood.pcap -o few -q --threads 2
diff -r many few && echo the same
# The soft limit is raised; where the hard one is too low for all parts, that is told.
mkdir parts
for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
    cleave generate synflood -c 1 --sport $i --dport $i -q -o $i.pcap && cleave split $i.pcap -q -o parts/$i
done
(ulimit -Sn 14 && cleave gather parts/* -o gathered -q) && echo gathered
with_descriptors 14 cleave gather parts/* -o none 2>words && echo "more parts than descriptors"
grep -c 'ulimit -n' words
rm -r [0-9]*.pcap parts gathered words
try with_descriptors 4 cleave split a.pcap -o none --threads 1
try with_descriptors 6 cleave split - -o none --threads 1 <a.pcap
names . | grep -v /
