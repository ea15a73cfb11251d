# SPDX-License-Identifier: BSD-2-Clause
# Outputs are compressed, and named so.
sample mixed a.pcap
for kind in gzip zstd; do
    cleave split a.pcap -o out -q -f --compress $kind 2>log || { cat log >&2; skip "no $kind"; }
    try cleave split a.pcap -o out -q -f --compress $kind
    names out
done
