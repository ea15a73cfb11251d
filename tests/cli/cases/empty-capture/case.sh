# SPDX-License-Identifier: BSD-2-Clause
# No records are no flows, and no error.
sample no-records a.pcap
try cleave split a.pcap
has_community_ids a.flows/manifest.csv
names a.flows
cat a.flows/manifest.csv
cleave split a.pcap -o b --json >b.json
is_json b.json
cat b.json
