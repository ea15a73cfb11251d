# SPDX-License-Identifier: BSD-2-Clause
# What cannot be mounted, and where; of an index that may be anybody's.
needs_sqlite
needs_fuse
sample mixed a.pcap
cleave index a.pcap -o a.db -q
mkdir m full
touch full/x
try cleave mount a.db
try cleave mount a.db m m
try cleave mount a.pcap m
cleave split a.pcap -q -o split --no-other
cleave split a.pcap -q -o split.zip
cleave gather split -q -o gathered
try cleave mount split m
try cleave mount gathered m
try cleave mount split.zip m
try cleave mount nothing.db m
try cleave mount a.db nowhere
try cleave mount a.db a.pcap
try cleave mount a.db full
try cleave mount a.db m --capture nothing.pcap
try cleave mount a.db m --capture a.pcap --capture nothing.pcap
try cleave mount a.db m --memory 1
gzip -k a.pcap
cleave index a.pcap.gz -o gz.db -q && try cleave mount gz.db m
cp a.pcap c.pcap
cleave index a.pcap c.pcap --merge -o merged.db -q
try cleave mount merged.db m --daemon
for sql in "update outputs set file = '../x' where id = 2" "update outputs set file = 'x/' where id = 2" \
    "update outputs set file = '/x' where id = 2" "update outputs set file = 'a//b' where id = 2" \
    "update outputs set file = cast(x'780079' as text) where id = 2" \
    "update outputs set file = 'x' where id < 3" "update outputs set file = 'cleave.json' where id = 2" \
    "update outputs set file = 'manifest.csv/x' where id = 2" \
    "update outputs set file = 'x' || case id when 2 then '/y' else '' end where id < 3" \
    "update outputs set file = 'x' || case id when 1 then '/y' else '' end where id < 3" \
    "update outputs set file = null where id = 2" "update outputs set output_bytes = -1 where id = 2" \
    "update outputs set output_bytes = 9223372036854775807" \
    "update outputs set id = id + 1000 where id = 2"; do
    alter_index a.db other.db "$sql"
    try cleave mount other.db m
done
