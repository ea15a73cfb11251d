# SPDX-License-Identifier: BSD-2-Clause
# A limit on file sizes stands for a disk that takes no more.
needs_sqlite
not_under_valgrind the limit of file sizes
sample mixed a.pcap
cleave index a.pcap -q -o kept.db
trap '' XFSZ
ulimit -f 8
try cleave index a.pcap
try cleave index a.pcap -o kept.db --force
names .
try cleave flows kept.db --limit 1
ulimit -f 0
try cleave extract kept.db -o out.pcap
names .
