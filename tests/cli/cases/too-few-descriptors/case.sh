# SPDX-License-Identifier: BSD-2-Clause
# Each way of reading needs some of its own: a pipe one to wait with, and a map none.
not_under_valgrind the limit of descriptors
sample mixed a.pcap
cat a.pcap | try with_descriptors 4 cleave split - -o none --threads 1
for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
    cp a.pcap $i.pcap
done
with_descriptors 20 cleave split *.pcap -o merged --merge --threads 1 -q || echo fails
names . | grep none
exit 0
