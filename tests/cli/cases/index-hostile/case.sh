# SPDX-License-Identifier: BSD-2-Clause
# Nothing in an index is believed: what is wrong in it is an error, and never a crash, or a record
# that is none of the capture's.
needs_sqlite
sample mixed a.pcap
sample four-flows b.pcap
cleave index a.pcap -q -o good.db
cleave index a.pcap b.pcap -q -o two.db
"$PYTHON" -c 'import zipfile
with zipfile.ZipFile("two.zip", "w") as z:
    z.write("a.pcap")
    z.write("b.pcap")
with zipfile.ZipFile("one.zip", "w") as z:
    z.write("a.pcap")'
"$PYTHON" -c 'import gzip
open("a.pcap.gz", "wb").write(gzip.compress(open("a.pcap", "rb").read(), mtime=0))'
cleave index a.pcap.gz -q -o packed.db 2>/dev/null || skip 'no library for gzip'
cleave index one.zip -q -o one.db
cleave index two.zip:a.pcap -q -o zip.db
# altered SQL: of an index that is so, a flow is listed and extracted.
altered() {
    alter_index "${from:-good.db}" x.db "$1"
    cleave flows x.db --limit 1 --csv >said && echo 'listed'
    try cleave extract x.db -q -o out.pcap
    rm -f out.pcap
}
altered 'pragma user_version = 2'
altered 'pragma application_id = 1'
altered 'drop table outputs'
altered 'drop view flows'
altered "drop view flows; create view flows as select *, 1 as packets, 1 as bytes, 1 as captured_bytes, 1 as duration from outputs"
altered "alter table outputs add column more"
altered "create trigger t after insert on captures begin delete from outputs; end"
altered 'drop view conversations; create table conversations (x)'
altered 'drop table kinds'
altered "delete from cleave where key = 'receipt'"
altered "update cleave set value = null where key = 'receipt'"
altered "update cleave set value = 'text' where key = 'receipt'"
altered "update cleave set value = replace(value, '\"flow\"', '\"nothing\"') where key = 'receipt'"
altered "delete from cleave where key = 'columns'"
altered "update cleave set value = '[]' where key = 'columns'"
altered 'delete from captures'
altered 'update captures set path = null'
altered 'update captures set digest = zeroblob(16)'
altered "update captures set digest = x'00'"
altered 'update captures set position = -1'
altered 'update captures set bytes = 1'
altered "update captures set path = '/nowhere/b.pcap'"
altered 'update captures set position = 1000'
from=two.db altered 'update captures set position = 1 - id'
from=two.db altered 'update captures set position = 0'
from=one.db altered "update captures set path = replace(path, ':a.pcap', '')"
from=zip.db altered "update captures set path = replace(path, ':a.pcap', '')"
from=zip.db altered "update captures set path = replace(path, ':a.pcap', ':b.pcap')"
altered 'delete from kinds'
altered 'update kinds set id = 7'
altered 'update kinds set linktype = -1, fcs = 1000, nanoseconds = 7'
altered 'delete from blocks'
altered 'update blocks set block = null'
altered "update blocks set block = x'00'"
altered "update blocks set block = zeroblob(4096)"
altered 'update blocks set position = 1000000 - id'
altered 'update outputs set positions = null where id = 2'
altered "update outputs set positions = x'' where id = 2"
altered "update outputs set positions = x'8080' where id = 2"
altered "update outputs set positions = x'2800' where id = 2"
altered "update outputs set positions = x'ffffffffffffffffffff7f' where id = 2"
altered "update outputs set positions = x'ffffffffffffff7f' where id = 2"
altered "update outputs set positions = x'ffff7f' where id = 2"
from=packed.db altered "update outputs set positions = x'ffff7f' where id = 2"
altered "update outputs set positions = x'18' where id = 2"
altered "update outputs set positions = x'19' where id = 2"
altered "update outputs set positions = substr(positions, 1, length(positions) - 1) where id = 2"
altered "update outputs set positions = (select positions from outputs where id = 1) where id = 2"
altered "update outputs set positions = cast('text' as blob) where id = 2"
altered "update outputs set positions = cast(printf('%.100000c', 'x') as blob) where id = 2"
altered 'update outputs set src_packets = 1000 where id = 2'
altered "update outputs set src_packets = 'many', dst_captured_bytes = -1 where id = 2"
altered 'update outputs set kind = -1'
altered 'update outputs set kind = 200'
altered 'update outputs set output_bytes = -1'
altered 'update outputs set file = null where id = 2'
altered "update outputs set src = x'00ff', src_key = x'07', flow = 'x', first = 'y', proto = 1e300 where id = 2"
altered 'update outputs set flow = 1, first = -9223372036854775808, last = 9223372036854775807'
altered 'delete from outputs where id > 1'
altered 'insert into outputs (file, flow, positions, kind, output_bytes) select printf('"'%s-%s'"', a.id, b.id), a.id, a.positions, 0, 9 from outputs a, outputs b, outputs c'

# Names of files that would lie elsewhere, or nowhere.
for name in ../out.pcap /tmp/out.pcap a/../../out.pcap . '' a//b 'a/' cleave.json manifest.csv; do
    alter_index good.db x.db "update outputs set file = '$name' where id = 1"
    try cleave extract x.db --flow 1 -q -o out/
    rm -rf out
done
alter_index good.db x.db "update outputs set file = 'same.pcap'"
try cleave extract x.db --flow 1,2 -q -o out/
alter_index good.db x.db "update outputs set file = printf('%.5000c', 'x') where id = 1"
try cleave extract x.db --flow 1 -q -o out/
alter_index good.db x.db "update outputs set file = char(27) || '[31m' || char(10), proto = char(27)"
try cleave flows x.db --limit 1

# Files that are cut off or overwritten.
"$PYTHON" - <<'END'
import os
import subprocess
good = open('good.db', 'rb').read()
capture = open('a.pcap', 'rb').read()
faults = []
def check(what, data):
    with open('x.db', 'wb') as f:
        f.write(data)
    for args in (['flows', 'x.db'], ['extract', 'x.db', '-o', '-'], ['extract', 'x.db', '-q', '-o', 'some/']):
        done = subprocess.run(['cleave', *args], capture_output=True)
        said = done.stderr.decode()
        if done.returncode not in (0, 1, 2) or done.returncode == 2 and not said.startswith('cleave: '):
            faults.append((what, args, done.returncode, said))
        subprocess.run(['rm', '-rf', 'some'], check=True)
for size in [0, 1, 15, 16, 71, 72, 99, 100, 511, 512, 1000, 4095, *range(4096, len(good), 4096), len(good) - 1]:
    check('cut at %d' % size, good[:size])
for page in range(0, len(good), 4096):
    for at in (0, 3, 100, 2000):
        for byte in (0,) if 'UNDER_VALGRIND' in os.environ else (0, 0xff):
            data = bytearray(good)
            data[page + at:page + at + 16] = bytes([byte]) * 16
            check('%d at %d' % (byte, page + at), bytes(data))
print('faults:', faults)
END
alter_index good.db x.db 'update outputs set file = (select file from outputs where id = 1) where id = 2'
try cleave extract x.db -q -o both.zip
try cleave extract x.db -q -o both/
head -c 4096 good.db >x.db
cleave flows x.db 2>said
echo "exit $?"
sed 's/database: .*/database: .../' said >&2
names .
