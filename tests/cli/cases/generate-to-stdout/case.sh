# SPDX-License-Identifier: BSD-2-Clause
# "-" is standard output: the same bytes as in a file, and nothing else.
cleave generate synflood -o - >a.pcap 2>talk
cleave generate synflood -o b.pcap >/dev/null
cmp a.pcap b.pcap && echo the same bytes
test -s talk && cat talk
test -e ./- && echo a file called -
[ -c /dev/full ] || skip 'there is no /dev/full'
try sh -c 'cleave generate synflood -o - >/dev/full'
