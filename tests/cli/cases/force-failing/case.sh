# SPDX-License-Identifier: BSD-2-Clause
# A run that fails leaves the output of the earlier one in place.
not_under_valgrind the limit of file sizes
sample mixed a.pcap
sample four-flows b.pcap
cleave split a.pcap -o out -q
names out >before
try cleave split missing.pcap -o out --force
try cleave split a.pcap -o out --force --name '{n}' --by nothing
trap '' XFSZ
ulimit -f 0
try cleave split b.pcap -o out --force --by proto
names out | diff before - && echo as it was
