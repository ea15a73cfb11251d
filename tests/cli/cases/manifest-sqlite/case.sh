# SPDX-License-Identifier: BSD-2-Clause
# A manifest that is a database is compared by what it says, and listed where it lies.
needs_sqlite
sample mixed a.pcap
cleave split a.pcap -o csv -q
has_community_ids csv/manifest.csv
can_verify csv
try cleave split a.pcap -o whole -q --manifest sqlite
names whole
try cleave verify whole
cleave flows whole --csv | cmp - csv/manifest.csv && echo 'the same table'
try cleave flows whole --sort bytes --limit 2
try cleave extract whole -q --flow 2 -o one.pcap
cmp one.pcap csv/00000002_*.pcap
cleave flows whole/manifest.db --csv | cmp - csv/manifest.csv && echo 'the same table'
try cleave extract whole/manifest.db -q --flow 2 -o beside.pcap
cmp one.pcap beside.pcap
(cd whole && cleave flows manifest.db --csv | cmp - ../csv/manifest.csv && echo 'the same table')
cp whole/manifest.db alone.db
cleave flows alone.db --csv | cmp - csv/manifest.csv && echo 'the same table'
try cleave extract alone.db -o out.pcap
try cleave extract alone.db --capture a.pcap -o out.pcap
cp whole/manifest.db csv
try cleave flows csv/manifest.db
rm csv/manifest.db
try cleave split a.pcap -o whole -q -m sqlite --force
touch whole/mine
try cleave split a.pcap -o whole -q -m sqlite --force
rm whole/mine
try cleave index a.pcap -q -o whole/manifest.db --force
try cleave verify whole -q
try cleave split a.pcap -q --dry-run --manifest sqlite
try cleave index a.pcap --manifest sqlite
cat a.pcap | cleave split - -o piped -q --manifest sqlite --verify && cmp whole/manifest.db piped/manifest.db
cleave split a.pcap -o each -q --each --manifest sqlite && cmp whole/manifest.db each/a/manifest.db
try cleave split a.pcap -o a.zip -q --manifest sqlite --verify
try cleave verify a.zip -q
cleave flows a.zip --csv | cmp - csv/manifest.csv && echo 'the same table'
cleave split a.pcap -o a.zip -qf --manifest sqlite
"$PYTHON" -m zipfile -e a.zip out && diff -r out whole
fault() {
    rm -rf out
    cp -r whole out
    alter_index whole/manifest.db out/manifest.db "$1"
    try cleave verify out -q
}
fault 'update outputs set src_packets = 77 where id = 2'
fault "update outputs set proto = x'756470' where id = 1"
fault "update outputs set src_key = x'04' where id = 1"
fault 'update outputs set kind = 0 where id = 3'
fault 'update outputs set id = 99 where id = 4'
fault 'delete from outputs where id > 3'
fault 'insert into outputs (flow) values (9)'
fault "insert into cleave values ('receipt', '{}')"
fault "update cleave set value = '[\"file\"]'"
fault 'insert into captures (id) values (0)'
fault 'insert into blocks (id) values (0)'
fault 'insert into kinds (id) values (0)'
fault 'create table more (id)'
fault 'drop view services'
fault 'update outputs set file = zeroblob(2000000) where id = 1'
fault 'pragma user_version = 2'
fault 'pragma application_id = 2'
fault "update sqlite_schema set rootpage = 1 where name = 'outputs'"
rm out/manifest.db
try cleave verify out -q
try cleave flows out
ln -s ../whole/manifest.db out/manifest.db
try cleave verify out -q
try cleave flows out
