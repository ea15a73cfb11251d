# SPDX-License-Identifier: BSD-2-Clause
# What cleave verify says where all is as it should be.
sample mixed a.pcap
sample four-flows b.pcap
cleave split a.pcap -q
can_verify a.flows
try cleave verify a.flows a.pcap
try cleave verify a.flows --threads 1 --memory 1MiB --no-sandbox
try cleave verify -qt 2 a.flows
try cleave verify --quiet --progress never a.flows
try cleave verify --json a.flows >a.json
sed -n "1p; \$p" a.json
try cleave split a.pcap b.pcap --each -o each -q
try cleave verify each
cleave split a.pcap -o chosen --no-other --port 443 -q
try cleave verify chosen
