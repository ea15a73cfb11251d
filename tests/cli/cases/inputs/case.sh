# SPDX-License-Identifier: BSD-2-Clause
# Captures as they lie there: directories, lists, in the order of names or of times.
# slice FILE DIR N: so many captures of it, as tcpdump -C names them.
slice() {
    "$PYTHON" - "$@" <<'END'
import struct, sys
data, records, at = open(sys.argv[1], 'rb').read(), [], 24
while at < len(data):
    end = at + 16 + struct.unpack_from('<I', data, at + 8)[0]
    records.append(data[at:end])
    at = end
n = int(sys.argv[3])
for i in range(n):
    with open('%s/t.pcap%s' % (sys.argv[2], i or ''), 'wb') as f:
        f.write(data[:24] + b''.join(records[len(records) * i // n:len(records) * (i + 1) // n]))
END
}
same() {
    diff -r -x cleave.json whole "$1" && echo "$1 is the same"
}
cleave generate traffic -q -o a.pcap --flows 12 --packets 480
cleave split a.pcap -o whole -q
mkdir -p caps/below/deep caps/void
slice a.pcap caps 12
echo 'no capture' >caps/README
gzip -c caps/README >caps/README.gz
: >caps/.hidden
ln -s t.pcap1 caps/latest.pcap
mkfifo caps/pipe
# A directory, in the order of its names as people count.
try cleave split caps -q
same caps.flows
for name in caps/ ./caps caps//; do
    cleave split "$name" -q -f
    same caps.flows
done
(cd caps && cleave split . -q -o ../dot && cleave split .. -q --dry-run)
same dot
try cleave split caps -o dry --dry-run | sed -n '/^left out/p'
# Their names alone, which --files-from takes.
try cleave info --list caps
cleave info --list caps >list
cleave split --files-from list -q -o named && same named
cleave info caps --json | "$PYTHON" -c 'import json, sys
print([json.loads(line)["file"] for line in sys.stdin])' 2>/dev/null || cleave info caps | grep '^caps'
# Names in the shell's order are not those of the times: it is said once.
try cleave split caps/t.pcap* -o shell | sed -n '/begins before/p'
try cleave split caps/t.pcap* -o times --sort time | sed -n '/begins before/p'
same times
# What overlaps, in whatever order, is merged.
cleave split a.pcap caps/t.pcap3 -o overlap | sed -n '/begins before/p'
cleave split a.pcap caps/t.pcap3 --sort time -o overlap-2 | sed -n '/begins before/p'
# Those below it.
cp a.pcap caps/below/deep/b10.pcap
cp a.pcap caps/below/b9.pcap
: | try cleave split - --sort time -o none
try cleave split caps/void -o none
try cleave split caps/below/deep/.. --recursive -o below -q
rm caps/below/b9.pcap
try cleave split caps/below -o none
cleave split a.pcap caps -q -o two
cleave split a.pcap caps/t.pcap caps/t.pcap? caps/t.pcap1? -q -o two-2
diff -r -x cleave.json two two-2 && echo a file before a directory
cleave split caps --recursive --each -q -o each
ls each
# What cleave made of captures does not count, wherever it was made.
rm -r caps/below
cleave split caps -q -o caps/out
cleave split caps -q -o caps/out.zip
cleave split caps -q -o caps/again --recursive
same caps/again
cleave split caps/out -q -o of-out
ls of-out | wc -l
# Lists, after what is named.
find caps -name 't.*' | sort -r >list
try cleave split --files-from list --sort time -q -o listed
same listed
find caps -name 't.*' -print0 | cleave split --files-from - --sort time -q -o listed-0
same listed-0
printf 'caps\\n' | cleave split --files-from=- -q -f
same caps.flows 2>&1 | head -n 1
printf 'caps/t.pcap2\n\ncaps/t.pcap1' >list
cleave split caps/t.pcap --files-from list --json -q -o three --dry-run | grep '"inputs"'
: >nothing
printf -- '-\n' >standard
try cleave split --files-from nothing -o none
try cleave split --files-from missing -o none
try cleave split --files-from - -o none <standard
try cleave split --files-from caps -o none
try cleave split -o none
try cleave split caps/t.pcap1 caps -o none
try cleave split caps caps -o none
# The same for all that reads captures, or knows them again.
can_verify whole
for how in '' '--sort time' '--recursive'; do
    try cleave verify caps.flows caps $how -q
done
try cleave verify caps.flows -q
try cleave verify caps.flows --files-from list -q
find caps -name 't.*' | sort -r >list
try cleave verify times --files-from list --sort time -q
try cleave verify --files-from list
try cleave verify times --files-from nothing -q
try cleave split --files-from list --files-from list -o none
printf 'caps/t.pcap11' >one
try cleave info --files-from one --sort time --recursive
can_list whole
needs_sqlite
try cleave index caps -q
try cleave index caps -q --parents -o far/below/i.db
try cleave index --files-from list --sort time --recursive -o listed.db -q
try cleave flows --files-from one --recursive
for from in caps 'caps --recursive' '--files-from list' caps.flows caps.flows.db; do
    echo "flows $from: $(cleave flows $from | tail -n 1)"
done
try cleave flows caps/void
try cleave extract caps --flow 3 -o three.pcap -q
try cleave extract caps --recursive --flow 3 -o three-2.pcap -q
cmp three.pcap three-2.pcap
try cleave extract --files-from list --flow 3 -o listed.pcap
# In the order of their times, which a result has already.
for what in 'caps --recursive' '--files-from list'; do
    cleave flows $what --sort time --csv | cmp - whole/manifest.csv
done
cleave flows caps/t.pcap* --sort time --csv | cmp - whole/manifest.csv && echo flows by time
for what in caps.flows caps.flows.db; do
    cleave flows $what --sort time --csv | cmp - whole/manifest.csv
done
cleave extract caps/t.pcap* --sort time -q -o - | cmp - a.pcap && echo records by time
cleave extract caps/t.pcap1 caps/t.pcap --sort time -q --limit 1 -o first.pcap
cleave extract caps/t.pcap caps/t.pcap1 -q --flow 1 -o first-2.pcap
cmp first.pcap first-2.pcap && echo the first flow
names . | grep none
# Directories that lie deep, and what lies beyond what a path can be.
"$PYTHON" - <<'END'
import os, shutil
top = os.getcwd()
os.mkdir('deep')
os.chdir('deep')
for i in range(150):
    os.mkdir('d')
    os.chdir('d')
shutil.copy(top + '/a.pcap', 'b.pcap')
for i in range(20):
    os.mkdir('e' * 250)
    os.chdir('e' * 250)
END
try cleave split deep --recursive --recover -o from-deep -q 2>&1 | sed 's/: deep.*e: /: @DEEP@: /'
grep records_read from-deep/cleave.json
rm -r deep
