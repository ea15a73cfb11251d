# SPDX-License-Identifier: BSD-2-Clause
# Beyond a limit on file sizes a write also sends a signal: an error like any other.
not_under_valgrind the limit of file sizes
sample mixed a.pcap
ulimit -f 0
try cleave split a.pcap -o out --by none
names .
