# SPDX-License-Identifier: BSD-2-Clause
# A rate is an interval.
cleave generate synflood --count 5 --rate 4 -o a.pcap -q
cleave generate synflood --count 5 --interval 250ms -o b.pcap -q
cmp a.pcap b.pcap && echo the same
try cleave generate synflood --rate 4 --interval 1s -o c.pcap
try cleave generate synflood --rate 0 -o c.pcap
