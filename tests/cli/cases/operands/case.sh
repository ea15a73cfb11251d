# SPDX-License-Identifier: BSD-2-Clause
sample mixed a.pcap
try cleave split
try cleave split -q
try cleave split a.pcap b.pcap
try cleave info
try cleave generate
try cleave generate synflood extra
try cleave generate nothing
try cleave split -- --no-such-file
names .
