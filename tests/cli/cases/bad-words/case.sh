# SPDX-License-Identifier: BSD-2-Clause
sample mixed a.pcap
try cleave split a.pcap --by ports
try cleave split a.pcap --by ''
try cleave split a.pcap --by Flow
try cleave split a.pcap --by flow,
try cleave split a.pcap --manifest xml
try cleave split a.pcap --manifest ''
try cleave split a.pcap --manifest cs
try cleave split a.pcap --cache warm
try cleave split a.pcap --output ''
try cleave split a.pcap --output .
try cleave split a.pcap --output ..
try cleave split a.pcap --output /
try cleave split ''
names .
