# SPDX-License-Identifier: BSD-2-Clause
# Parts and maps that do not add up, and gathered results that were altered.
sample mixed a.pcap
sample related b.pcap
cleave split a.pcap --shards 2 --shard-by hostpair -o a.map -q
cleave split b.pcap --shards 2 --shard-by hostpair -o b.map -q
cleave split a.map b.map/shard_000.pcap -o a -q
cleave split b.map/shard_001.pcap -o b -q
can_verify a
try cleave gather a.map b.map a b -o all -q
# A flow, and records that have none, in two parts.
cleave split a.map/shard_000.pcap -o some -q
try cleave gather a some -o none
cleave split a.map/other.pcap -o some -q --force
try cleave gather a some -o none
try cleave gather a.map a.map -o none
# Shards that were split twice, and records that the maps did not write.
cp -r b copy
alter_receipt b/cleave.json copy/cleave.json "said['inputs'] *= 2"
try cleave gather a.map b.map a copy -o none
alter_receipt b/cleave.json copy/cleave.json "said['inputs'] += [{'file': 'c', 'bytes': 1}]"
try cleave gather a.map b.map a copy -o none
cp -r b.map c
alter_receipt b.map/cleave.json c/cleave.json "said['records_written'] += 1"
mkdir other
mv c other/b.map
try cleave gather a.map other/b.map a b -o none
cp b/cleave.json copy/cleave.json
sed 's/,1,/,3,/' b/manifest.csv >copy/manifest.csv
try cleave gather a copy -o none
sed 's/,initiator,/,/' b/manifest.csv | sed 's/,src,/,/' >copy/manifest.csv
try cleave gather a copy -o none
cp b/manifest.csv copy/manifest.csv
alter_receipt b/cleave.json copy/cleave.json "said['written_bytes'] += 1"
try cleave gather a copy -o none
# Of the result.
cp -r all true
receipt() {
    alter_receipt true/cleave.json all/cleave.json "$1"
    try cleave verify all -q
}
receipt "said['gathered'] = []"
receipt "said['gathered'][0]['part'] = '../a'"
receipt "said['gathered'][1]['outputs'] -= 1; said['outputs'] -= 1"
receipt "said['gathered'][1]['outputs'] += 1"
cp true/cleave.json all
rows() {
    printf '# %s\n' "$*" >&2
    sed "$@" true/manifest.csv >all/manifest.csv
    cleave verify all -q 2>&1 | grep manifest >&2
}
rows '$p'
rows '2s/,1,/,2,/'
rows '1s/proto/protocol/'
rows '2s/,tcp,/,udp,/'
rows '2s/,.*//'
# A part of a flow that says it is one of another.
cleave split b.pcap --by flow --every 2p --no-other -o cut -q
cleave gather cut -o cuts -q
cp -r cuts true
sed -i '4s/,1,/,2,/' cuts/manifest.csv
cut -d, -f2,24-26 cuts/manifest.csv >&2
try cleave verify cuts -q
