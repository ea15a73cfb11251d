# SPDX-License-Identifier: BSD-2-Clause
# Records that repeat one of their flow are dropped and counted, also across captures.
sample mixed a.pcap
sample four-flows b.pcap
cp a.pcap tap.pcap
try cleave split a.pcap tap.pcap --merge --dedup -o twice -f | grep -E 'read  |dropped|written|exit'
cleave split a.pcap -o once -q && diff -r -x cleave.json once twice && echo as of one tap
can_verify twice
try cleave verify twice | grep dropped
try cleave split a.pcap tap.pcap --merge --dedup=1us --dedup-ignore ttl,tos,checksum --json -fo out | grep duplicates
try cleave split b.pcap --dedup -qo b && grep duplicates b/cleave.json
try cleave split b.pcap --dedup --dedup-ignore vlan,mac,iface -qfo b
# A time that stands behind the flag and not behind its =.
try cleave split --dedup 5ms a.pcap
try cleave split --dedup a.pcap -qfo a
try cleave split a.pcap --dedup=0
try cleave split a.pcap --dedup --dedup-ignore ttl,id
try cleave split a.pcap --dedup-ignore ttl
