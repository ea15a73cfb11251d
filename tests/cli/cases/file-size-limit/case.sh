# SPDX-License-Identifier: BSD-2-Clause
# A limit on file sizes stands for a disk that takes no more.
not_under_valgrind the limit of file sizes
sample mixed a.pcap
sample four-flows b.pcap
trap '' XFSZ
ulimit -f 0
try cleave split a.pcap -o out --by none
try cleave split b.pcap -o out --json --by none --threads 1
try cleave generate synflood -o flood.pcap
names .
