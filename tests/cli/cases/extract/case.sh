# SPDX-License-Identifier: BSD-2-Clause
# Flows out of a capture, by an index or without one: the same bytes, in the capture's order.
needs_sqlite
sample mixed a.pcap
cleave index a.pcap -q
cleave split a.pcap -q
has_community_ids a.flows/manifest.csv
try cleave extract a.flows.db --output all.pcap
cmp all.pcap a.pcap && echo 'all is the capture'
try cleave extract a.flows.db --port 80 -o one.pcap
cmp one.pcap a.flows/00000003_* && echo 'the file of split'
try cleave extract a.pcap --port 80 -q -o again.pcap
cmp one.pcap again.pcap
try cleave extract a.flows.db --port 80 -o - 2>said | sed 1d | head -c "$(wc -c <one.pcap)" | cmp - one.pcap
cat said >&2
cat a.pcap >b.pcap
try cleave extract a.flows.db --flow 1,2 -qo two.pcap
try cleave split two.pcap -q --by none -o two
"$PYTHON" - <<'END'
import struct
def records(path):
    data, at, out = open(path, 'rb').read(), 24, []
    while at < len(data):
        n = 16 + struct.unpack_from('<I', data, at + 8)[0]
        out.append(data[at:at + n])
        at += n
    return out
a, two = records('a.pcap'), records('two.pcap')
assert two == [r for r in a if r in two] and len(two) == 12, len(two)
END

# A capture for each flow, and the rows of these.
try cleave extract a.flows.db --proto tcp,udp --invert --output dir/
names dir
cut -d, -f 1,2 dir/manifest.csv
try cleave extract a.flows.db -o whole/
diff -r -x cleave.json whole a.flows && echo 'the directory of split'
if cleave split a.pcap -o probe.zip -q 2>/dev/null; then
    cleave extract a.flows.db --sort bytes --limit 2 -o two.zip -q
    echo "exit $?"
    "$PYTHON" -c 'import zipfile
for member in zipfile.ZipFile("two.zip").infolist():
    print(member.filename)'
fi

# Flags.
try cleave extract a.pcap --by hostpair --host 192.168.1.10 --no-sandbox -o pairs.pcap
try cleave extract a.pcap -b proto --proto 6 -o tcp.pcap
sample tunnels t.pcap
try cleave extract t.pcap --inner --host 10.1.1.1 -o inner.pcap
try cleave extract a.flows.db --after 2017-07-14T12:00:00.0223Z --before 2017-07-14T12:01:00Z --where 'bytes > 90' --sort first --limit 2 --mode 600 -o some.pcap
ls -l some.pcap | cut -c 1-10
echo 3 >list
try cleave extract a.flows.db --flows list --quiet -o some.pcap --force
cmp some.pcap one.pcap
try cleave extract a.flows.db -q --flow 1 -o some.pcap -f
try cleave extract a.flows.db --community-id 1:o4AYeZirUtQEhLK+fn4Ich2lRms= -qfo some.pcap
cmp some.pcap one.pcap
cleave index a.pcap b.pcap -q -o both.db 2>/dev/null
try cleave extract both.db --flow 3 -q -o both.pcap
"$PYTHON" -c 'both, one = open("both.pcap", "rb").read(), open("one.pcap", "rb").read()
assert both == one + one[24:]'
try cleave extract a.flows.db -o plain
try cleave extract -h | sed -n '1,2p; $p'
try cleave extract --help | sed -n '1,2p; $p'
names . | grep -v /
