# SPDX-License-Identifier: BSD-2-Clause
# Outputs are compressed, and named so.
sample mixed a.pcap
for kind in gzip zstd gz ZST; do
    cleave split a.pcap -o out -q -f --compress $kind 2>log || { cat log >&2; skip "no $kind"; }
    try cleave split a.pcap -o out -q -f --compress $kind
    names out
    # One flow of more than a frame.
    cleave generate traffic -q -f --flows 1 --packets 1000 -o large.pcap
    cleave split large.pcap -o large -f --compress $kind | grep frames
    gzip -t large/*.gz 2>/dev/null || ! command -v zstd >/dev/null || zstd -tq large/*.zst
done
