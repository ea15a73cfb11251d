# SPDX-License-Identifier: BSD-2-Clause
sample mixed a.pcap
cleave split a.pcap --json >summary.json
echo "exit $?"
cat summary.json
has_community_ids a.flows/manifest.csv
is_json summary.json
is_json a.flows/cleave.json
cleave split a.pcap -o lines -q --manifest jsonl
while read -r line; do
    printf '%s\n' "$line" >line.json
    is_json line.json
done <lines/manifest.jsonl
cat lines/manifest.jsonl
