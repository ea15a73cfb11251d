# SPDX-License-Identifier: BSD-2-Clause
# The units that there are; none of them changes the result.
sample mixed a.pcap
cleave split a.pcap -o first -q
for value in 1048576 1048576B 2000k 2000K 2000kB 2000KB 2M 2MB 1G 1GB 1T 1TB \
    1024Ki 1024KiB 1Mi 1MiB 1Gi 1GiB 1Ti 1TiB; do
    cleave split a.pcap -o out -q -f --memory "$value" || echo "$value fails"
    diff -r first out || echo "$value differs"
done
for value in 4096 4KiB 1GiB; do
    cleave split a.pcap -o out -q -f --window "$value" || echo "$value fails"
    diff -r first out || echo "$value differs"
done
