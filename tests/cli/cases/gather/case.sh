# SPDX-License-Identifier: BSD-2-Clause
# Two captures, each onto two shards; each shard split; and all of it gathered.
sample mixed a.pcap
sample related b.pcap
for name in a b; do
    cleave split $name.pcap --shards 2 --shard-by hostpair -o $name.zip -q
done
parts() {
    for member in shard_000 shard_001 other; do
        cleave split a.zip b.zip --member "$member*" -o $member -q --force
    done
}
parts
can_verify shard_000
try cleave gather a.zip b.zip shard_000 shard_001 other -o all.flows
names all.flows
cut -d, -f1-6 all.flows/manifest.csv
grep -A 99 '"gathered"' all.flows/cleave.json
try cleave verify all.flows -q
try cleave verify all.flows a.pcap b.pcap -q
try cleave gather a.zip b.zip shard_000 shard_001 other -o all.flows
try cleave gather a.zip b.zip shard_000 shard_001 other -o all.flows --force=own -q --progress never
try cleave gather a.zip b.zip shard_000 shard_001 other -o all.flows -fq
touch all.flows/other/mine
try cleave gather a.zip b.zip shard_000 shard_001 other -o all.flows -f
# What a killed run left, and parts that are moved.
mkdir .all.flows.cleave-2147483646-0
try cleave gather a.zip b.zip shard_000 shard_001 other --output all.flows --force=all --sync data --quiet
try cleave gather a.zip b.zip shard_000 shard_001 other -o all.flows --force=all --clean --move \
    --mode 600 --sync full -q
names .
parts
try cleave gather a.zip b.zip shard_000 shard_001 other -o all.json --json | sed 's/"seconds": .*/"seconds": .../'
# An archive and a directory.
cleave split a.pcap --no-other -o a.part.zip -q
cleave split b.pcap --no-other -o b.part -q
try cleave gather a.part.zip b.part -o both -q
names both
cut -d, -f1-2 both/manifest.csv
try cleave verify both -q
# Without shards, and with a capture that is damaged and one that is left out.
head -c 300 a.pcap >cut.pcap
echo text >text
cleave split cut.pcap text --skip-bad -o cut -q 2>/dev/null
cleave split b.pcap --skip-bad --proto tcp -o whole -q
try cleave gather cut -o cut.flows
