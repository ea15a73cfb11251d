# SPDX-License-Identifier: BSD-2-Clause
# A plain run: the summary, the files, the books.
sample mixed a.pcap
try cleave split a.pcap
has_community_ids a.flows/manifest.csv
names a.flows
cat a.flows/manifest.csv
cat a.flows/cleave.json
