# SPDX-License-Identifier: BSD-2-Clause
# A pipe needs some to wait with, a capture that is read one until its end. One that is mapped needs none.
not_under_valgrind the limit of descriptors
sample mixed a.pcap
cat a.pcap | try with_descriptors 4 cleave split - --on-interrupt discard -o none --threads 1
cleave generate traffic --flows 100 --packets 3000 -q -o b.pcap
for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 25 26 27 28 29 30; do
    cp b.pcap $i.pcap
    gzip -c b.pcap >$i.gz
done
with_descriptors 16 cleave split --merge [1-9]*.pcap -o mapped -q || echo "mapped captures fail"
try with_descriptors 16 cleave split --merge [1-9]*.gz -o none --threads 1
with_descriptors 100 cleave split --merge [1-9]*.gz -o read -q || echo "more descriptors fail"
cmp mapped/manifest.csv read/manifest.csv && echo the same
# An index of more captures than descriptors.
if ! cleave --version | grep -q 'no SQLite'; then
    cleave index [1-9]*.pcap -q -o many.db
    with_descriptors 16 cleave extract many.db -q -o all.pcap || echo "captures of an index keep descriptors"
    cleave index [1-9]*.gz -q -o many.db --force
    with_descriptors 16 cleave extract many.db -q -o packed.pcap || echo "compressed captures of an index do"
    cmp all.pcap packed.pcap
fi
names . | grep none
exit 0
