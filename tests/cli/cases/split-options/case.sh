# SPDX-License-Identifier: BSD-2-Clause
# What each option does to the names.
sample mixed a.pcap
for options in '--by 3tuple' '--by hostpair' '--directed' '--no-other' '--manifest jsonl' \
    '-m none' '-b hostpair --directed' '--by=flow --threads=3 --max-open=5'; do
    printf '$ %s\n' "$options"
    cleave split a.pcap -o out -f -q $options
    names out
done
try cleave split a.pcap -o quiet -q
try cleave split a.pcap -qo clustered
try cleave split a.pcap -o no-other --no-other
cleave split a.pcap -qo lines --manifest jsonl && cleave split a.pcap --dry-run --manifest jsonl:- 2>/dev/null |
    cmp - lines/manifest.jsonl && echo the same lines on standard output
