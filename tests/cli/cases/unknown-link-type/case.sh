# SPDX-License-Identifier: BSD-2-Clause
# What cannot be decoded is kept.
sample unknown-link a.pcap
try cleave split a.pcap
names a.flows
try cleave split a.pcap -o dropped --no-other
names dropped
