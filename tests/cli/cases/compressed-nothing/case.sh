# SPDX-License-Identifier: BSD-2-Clause
# Sound files that decompress to nothing.
printf '\037\213\010\0\0\0\0\0\0\003\003\0\0\0\0\0\0\0\0\0' >a.pcap.gz
printf '\050\265\057\375\004\0\001\0\0\231\351\330\121' >a.pcap.zst
printf '\004\042\115\030\144\100\247\0\0\0\0\005\135\314\002' >a.lz4
printf '\3757zXZ\0\0\004\346\326\264F\0\0\0\0\034\337D!' >a.xz
printf 'BZh9\027rE8P\220\0\0\0\0' >a.bz2
for file in a.*; do
    cleave info $file 2>&1 | grep 'this build does not read' >&2 && skip "$file: no library for it"
    try cleave split $file -o out
    try cleave info $file
done
names .
