# SPDX-License-Identifier: BSD-2-Clause
# What people hand to a splitter, each refused with a way out.
printf 'plain text, long enough for a header\n' >text
printf 'ab' >short
: >empty
printf '\n\r\r\n\034\0\0\0M<+\032\001\0\0\0\377\377\377\377\377\377\377\377\034\0\0\0' >a.pcapng
printf '\037\213\010\0\0\0\0\0\0\003\003\0\0\0\0\0\0\0\0\0' >a.pcap.gz
printf '\050\265\057\375\004\0\001\0\0\231\351\330\121' >a.pcap.zst
printf '\004\042\115\030\144\100\247\0\0\0\0\005\135\314\002' >a.lz4
printf '\3757zXZ\0\0\004\346\326\264F\0\0\0\0\034\337D!' >a.xz
printf 'BZh9\027rE8P\220\0\0\0\0' >a.bz2
printf 'snoop\0\0\0\0\0\0\002\0\0\0\004' >a.snoop
printf 'PK\003\004\0\0\0\0\0\0\0\0' >a.zip
printf '\324\303\262\241\005\0\001\0\0\0\0\0\0\0\0\0\0\0\004\0\001\0\0\0' >version
printf '\324\303\262\241\002\0' >header
sample mixed whole
head -c 23 whole >almost
for file in text short empty a.pcapng a.pcap.gz a.pcap.zst a.lz4 a.xz a.bz2 a.snoop a.zip version \
    header almost; do
    try cleave split $file -o out
done
for file in text empty a.pcapng header; do
    try cleave info $file
done
names . | grep out
exit 0
