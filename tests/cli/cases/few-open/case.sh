# SPDX-License-Identifier: BSD-2-Clause
# One output open at a time is enough.
sample mixed a.pcap
cleave split a.pcap -o first -q
for n in 1 2 3 4 5 7 64 1048576; do
    cleave split a.pcap -o out -q -f --max-open $n || echo "fails with $n"
    diff -r first out || echo "differs with $n"
done
