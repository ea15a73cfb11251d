# SPDX-License-Identifier: BSD-2-Clause
# The captures are held against those of the run.
sample mixed a.pcap
sample four-flows b.pcap
cleave split a.pcap b.pcap -o out -q --verify
can_verify out
try cleave verify out a.pcap
try cleave verify out a.pcap missing
cat b.pcap | try cleave verify out a.pcap - -q
# The last packet, which is in other.pcap, is another.
{ head -c 1844 a.pcap; printf x; } >x.pcap
try cleave verify out x.pcap b.pcap -q
try cleave verify out b.pcap a.pcap -q 2>log
grep 'bytes, and had' log >&2
cleave split a.pcap -o one -q --verify
# What was damaged or left out is said.
head -c 1000 a.pcap >cut.pcap
: >empty.pcap
cleave split b.pcap cut.pcap empty.pcap -o partly -q 2>log
try cleave verify partly
cat x.pcap | try cleave verify one - -q
cat a.pcap | cleave split - -o piped -q
try cleave verify piped
try cleave verify piped a.pcap -q
rm b.pcap
try cleave verify out
