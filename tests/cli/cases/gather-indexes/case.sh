# SPDX-License-Identifier: BSD-2-Clause
# Indexes become one index; what of them does not belong together, or was altered, is refused.
needs_sqlite
sample mixed a.pcap
sample related b.pcap
cleave index a.pcap -q -o a.flows.db
cleave index b.pcap -q -o b.db
try cleave gather a.flows.db b.db -o all.db
try cleave flows all.db --csv | cut -d, -f1-2
try cleave extract all.db -q -o all.pcap
try cleave verify all.db
try cleave info all.pcap --json | grep '"records"'
try cleave gather a.flows.db b.db -o all.db
try cleave gather a.flows.db b.db -o all.db --force -q
echo text >text
try cleave gather a.flows.db b.db -o text --force
try cleave gather a.flows.db b.db -o b.db --force
try cleave gather a.flows.db all.db -o none.db
try cleave gather a.flows.db b.db -o none.zip
try cleave gather a.flows.db b.db -o none.pcap
# What is of another kind.
cleave split a.pcap -q -o a --manifest sqlite
cleave split b.pcap -q -o b
try cleave gather b.db b -o none.db
try cleave gather b b.db -o none.db
try cleave gather b.db a/manifest.db -o none.db
cp a.pcap c.pcap
cleave index a.pcap c.pcap --merge -q -o with.db
try cleave gather b.db with.db -o none.db
cleave index a.pcap --by hostpair -q -o with.db --force
try cleave gather b.db with.db -o none.db
cleave generate traffic -q --format pcap-ns --flows 1 -o c.pcap --force
cleave index c.pcap -q -o with.db --force
try cleave gather b.db with.db -o none.db
ln -s b.db a.db
try cleave gather a.flows.db a.db -o none.db
cleave index a.pcap -q -o again.db
try cleave gather a.flows.db again.db -o none.db
head -c 24 a.pcap >empty.pcap
cleave index empty.pcap -q -o one.db
cleave index empty.pcap -q -o two.db
try cleave gather one.db two.db -o none.db
# altered SQL: the second part is.
altered() {
    alter_index b.db x.db "$1"
    try cleave gather a.flows.db x.db -q -o none.db
}
altered "delete from cleave where key = 'columns'"
altered "update cleave set value = '[]' where key = 'columns'"
altered "delete from kinds; with recursive n(i) as (select 0 union all select i + 1 from n where i < 254)
    insert into kinds select i, 1000 + i, 0, 0 from n"
altered "update outputs set src_packets = 'many' where id = 2"
altered "update outputs set src_key = 'text' where id = 2"
altered "update outputs set file = printf('%.9000c', 'x') where id = 2"
altered "update outputs set file = '../x' where id = 2"
altered 'update outputs set file = null where id = 2'
altered 'update outputs set flow = 7 where id = 2'
altered 'update outputs set id = 1000 where id = 2'
altered 'update outputs set flow = null where id = 2'
altered 'update outputs set kind = 1 where id = 2'
altered 'update outputs set output_bytes = -1 where id = 2'
altered 'update outputs set output_bytes = 1 where id = 2'
altered 'update outputs set positions = null where id = 2'
altered "update outputs set positions = x'2800' where id = 2"
altered "update outputs set positions = positions || x'01' where id = 2"
altered "update outputs set positions = x'ffffffffffffffff7f' where id = 2"
altered 'update captures set id = -1'
altered 'update captures set path = null'
altered "update captures set digest = 'text'"
altered 'update captures set position = 9223372036854775807'
altered 'insert into blocks (position, block) values (-1, null)'
for part in a b; do
    cleave index $part.pcap --format pcapng -q -o $part.ng.db
done
try cleave gather a.ng.db b.ng.db -q -o ng.db
alter_index a.ng.db x.db 'insert into blocks (position, block, rest) values (0, zeroblob(1 << 25), 0)'
try cleave gather x.db b.ng.db -q -o none.db
names . | grep -v '\.pcap'
