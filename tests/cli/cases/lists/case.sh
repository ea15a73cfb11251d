# SPDX-License-Identifier: BSD-2-Clause
# Flows that a list has, in each form; rows that match nothing are named, wrong ones refused.
sample mixed a.pcap
cat >list.csv <<'END'
src,sport,dst,dport,proto,label,color
192.168.1.10,5353,192.168.1.1,53,udp,dns query,red
203.0.113.80,443,192.168.1.10,50000,TCP,"bad, ""very""",blue
192.0.2.1,,,,,nobody,
,,,,icmp,ping,
192.0.2.2,,,,,,
END
printf '%s\n' '#separator \x09' '#set_separator	,' '#empty_field	(empty)' '#unset_field	-' '#path	conn' \
    '#fields	ts	uid	id.orig_h	id.orig_p	id.resp_h	id.resp_p	proto	service	duration' \
    '#types	time	string	addr	port	addr	port	enum	string	interval' \
    '1500033600.001234	C1	192.168.1.10	5353	192.168.1.1	53	udp	dns	0.020000' \
    '1500033600.004938	C2	2001:db8::10	50001	2001:db8:80::1	80	tcp	http	0.000001' \
    '1500033601.000000	C3	192.168.1.10	8	203.0.113.80	0	icmp	-	-' '#close	2026-11-24' >conn.log
cat >eve.json <<'END'
{"timestamp":"2017-07-14T12:00:00.027160+0000","event_type":"alert","src_ip":"203.0.113.80","src_port":443,"dest_ip":"192.168.1.10","dest_port":50000,"proto":"TCP","alert":{"signature":"x \"y\"","metadata":{"a":["b"]}},"flow":{"start":"2017-07-14T12:00:00.000000+0000","pkts_toserver":3}}
{"timestamp":"2017-07-14T12:00:08.000000+0000","event_type":"stats","stats":{"uptime":8}}
{"event_type":"flow","src_ip":"192.168.1.10","dest_ip":"203.0.113.80","proto":"ICMP","icmp_type":8,"flow":{"start":"2017-07-14T14:00:00.000000+0200","end":"2017-07-14T12:00:01.000000+0000"}}
END
for list in list.csv conn.log eve.json; do
    try cleave split a.pcap --flows $list -o out -f | grep -E '^written|^dropped|^unmatched|^exit'
    names out
done
try cleave split a.pcap --flows list.csv --by label --name '{label}.pcap' -qfo out
cut -d, -f 1,8 out/manifest.csv
cleave split a.pcap --flows list.csv --json -fo out | grep '"list_'
for bad in 'src,dst
10.0.0.1,2001:db8::1' 'src
10.0.0' 'src,sport
10.0.0.1,http' 'src,proto
10.0.0.1,tpc' 'src,first
10.0.0.1,noon' 'community_id
1:x' 'src,label
10.0.0.1,"a"b' '{"src":"10.0.0.1"' 'label
x' 'word' 'x,y
1,2' '10.0.0.1	80' ''; do
    printf '%s\n' "$bad" >bad
    try cleave split a.pcap --flows bad -o bad-out
done
printf 'src\n1\0\n' >bad
try cleave split a.pcap --flows bad -o bad-out
try cleave split a.pcap --flows nowhere -o bad-out
try cleave split a.pcap --flows . -o bad-out
try cleave split a.pcap --by label -o bad-out
try cleave split a.pcap --flows list.csv --name '{label}-{n}' -o bad-out
can_verify out
cleave split a.pcap --flows list.csv --by flow,label -qfo out
try cleave verify out a.pcap | grep -E 'found|dropped|exit'
