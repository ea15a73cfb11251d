# SPDX-License-Identifier: BSD-2-Clause
# One output: a capture, as a file or to a program, whole or not at all.
sample mixed a.pcap
sample cooked c.pcap
cleave split a.pcap --by none --host 203.0.113.80 -o none -q
cp none/0*.pcap wanted.pcap
try cleave split a.pcap --by none --host 203.0.113.80 -o one.pcap
cmp one.pcap wanted.pcap && echo the same
cleave split a.pcap --host 203.0.113.80 -o - >two.pcap
cmp two.pcap wanted.pcap && echo the same through a pipe
cat a.pcap | cleave split - -o - -q | cleave split - -q -o - | cmp - a.pcap && echo the same of all
cleave split a.pcap -q --by none --host 203.0.113.80 -o two.cap
cmp two.cap wanted.pcap && echo the same as .cap
cleave split a.pcap -o three.pcapng --format pcapng --manifest - -q | wc -l
cleave info three.pcapng | grep format
cleave split a.pcap -o - --quiet --dry-run | wc -c
stat -c '%a' one.pcap
# What is there is only replaced by a capture, and if that is asked for.
try cleave split a.pcap -o one.pcap -q
try cleave split a.pcap -o one.pcap -q --force
cmp a.pcap one.pcap && echo replaced
echo text >text.pcap
mkdir folder.pcap
for name in text.pcap folder.pcap a.pcap missing/one.pcap; do
    try cleave split a.pcap -o $name -q --force
done
# What makes several outputs.
for flags in '--by flow' '--shards 2' '--every 10p' '--idle-timeout 1s' '--active-timeout 1s' '--min-packets 2' \
    '--min-bytes 2' '--top 2' '--each' '--compress gzip' '--archive' '--verify' '--report page.html' \
    '--manifest jsonl' '--group all' '--related dns' '--names' '--name {n}' '--directed' '--community-seed 1'; do
    try cleave split a.pcap $flags -o -
done
try cleave split a.pcap c.pcap -q -o both.pcap
try cleave split a.pcap c.pcap -q -o both.pcapng --format pcapng
try cleave split a.pcap -o - --json
cleave split a.pcap -o - --dry-run --json | grep -c records_read
try cleave split a.pcap -o - --manifest -
try cleave split a.pcap --json --manifest -
try cleave split a.pcap -o one.pcap.gz
try cleave split a.pcap -o made.pcap --archive
try cleave split a.pcap -o made.pcapng.gz --archive
# None that was chosen.
try cleave split a.pcap --host 192.0.2.77 -o nothing.pcap -q
cleave split a.pcap --host 192.0.2.77 -o - -q | wc -c
# Damage is told, and what is before it is there.
head -c 1000 a.pcap | try cleave split - -q -o cut.pcap
cleave info cut.pcap | grep records
cleave split a.pcap -o - -q >/dev/full
echo "exit $?"
ls
has_terminals
"$PYTHON" -c 'import pty, sys
sys.exit(pty.spawn(["sh", "-c", "cleave split a.pcap -o - 2>words; exit $?"]) >> 8)'
echo "exit $?"
cat words
