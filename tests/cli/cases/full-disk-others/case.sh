# SPDX-License-Identifier: BSD-2-Clause
# A disk that is too small for an index, for what is taken out of one, and for parts that are copied.
needs_sqlite
mkdir disk
cat >inner.sh <<'EOF'
. "$PRELUDE"
mount -t tmpfs -o size=256k,nr_inodes=100 tmpfs disk || exit 77
cleave generate synflood -o flood.pcap -c 10000 -q
cleave index flood.pcap -o flood.db -q
try cleave index flood.pcap -o disk/flood.db
try cleave extract flood.db -o disk/all.pcap
try cleave extract flood.db -o disk/each/ --limit 200
try cleave extract flood.db -o disk/each.zip
cleave generate synflood -o few.pcap -c 200 -q
cleave split few.pcap -o map --shards 2 -q
cleave split map/shard_000.pcap -o a -q
cleave split map/shard_001.pcap -o b -q
try cleave gather map a b -o disk/whole
names disk
EOF
unshare -rm true 2>/dev/null || skip 'no file system can be mounted here'
unshare -rm sh inner.sh >out 2>err
[ $? = 77 ] && skip 'no small file system can be mounted here'
sed 's/needs [0-9]* more bytes, but only [0-9]* are/needs @BYTES@ more bytes, but only @FREE@ are/' err >&2
cat out
