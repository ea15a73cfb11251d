# SPDX-License-Identifier: BSD-2-Clause
# What somebody writes behind WHERE reads the table of flows, and nothing else.
needs_sqlite
sample mixed a.pcap
cleave index a.pcap -q
cp a.flows.db before
# own_words SAID: without SQLite's, which differ between its versions.
own_words() {
    sed '/more than one condition/!s/--where: .*/--where: .../' "$1" >&2
}
for sql in '' ' ' 'bytes >' 'nothing > 1' 'size = 1' 'pragma user_version' '1; drop table outputs' '1;' \
    '1) or (1' '1) or 1 --' '1 /*' "'" '1 order by 1' '1 limit 1' '1 union select 1' \
    '(select count(*) from cleave) > 0' '(select count(*) from captures) > 0' \
    '(select length(positions) from outputs) > 0' \
    '(select count(*) from sqlite_schema) > 0' '(select count(*) from top_talkers) > 0' \
    "exists (select 1 from pragma_table_info('outputs'))" "load_extension('x')" \
    '(with recursive t(x) as (select 1 union all select x + 1 from t) select count(*) from t) > 0' \
    '(with flows(x) as (select value from cleave) select max(length(x)) from flows) > 0' \
    '(with flows(x) as (select positions from outputs) select max(length(x)) from flows) > 0' \
    'sum(bytes) > 1' 'abs(-9223372036854775807 - 1) > 0' 'length(zeroblob(1000000000)) > 1' \
    "replace(printf('%.500000c', 'x'), 'x', 'xyz') = ''" 'positions is not null'; do
    try cleave flows a.flows.db --csv --where "$sql" 2>said
    own_words said
    cleave flows a.pcap --where "$sql" >/dev/null 2>&1
    [ $? = 2 ] || echo 'not so of the capture'
done
long=$("$PYTHON" -c 'print("1 or " * 20000 + "1")')
cleave flows a.flows.db --where "$long" 2>said
echo "exit $?"
own_words said
cleave extract a.flows.db --where '1) or (1' -o out.pcap 2>said
echo "exit $?"
own_words said
rm said
cmp a.flows.db before
names .
