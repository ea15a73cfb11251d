# SPDX-License-Identifier: BSD-2-Clause
# Each way to choose flows; all that are given have to hold.
needs_sqlite
sample mixed a.pcap
cleave index a.pcap -q
cleave flows a.flows.db --csv >manifest
has_community_ids manifest
# chosen FLAGS...: the numbers of the flows, the same of the index and of the capture.
chosen() {
    try cleave flows a.flows.db --csv "$@" >said
    sed -n 1p said
    sed '1,2d; $d' said | cut -d, -f 2 | sed 's/^$/other/' | tr '\n' ' ' | sed 's/ $/\n/'
    sed -n '$p' said
    cleave flows a.flows.db --csv "$@" >of-index
    cleave flows a.pcap --csv "$@" 2>/dev/null | cmp - of-index
}
chosen --flow 2
chosen --flow 1-2,4
chosen --flow 77
chosen --host 192.168.1.10
chosen --host 203.0.113.0/24,2001:db8::/32
chosen --host 203.0.113.0/24 --proto tcp
chosen --port 443
chosen --port 1-100
chosen --port 50001
chosen --proto tcp,udp
chosen --proto 1
chosen --proto 0-255
chosen --after 2017-07-14T12:00:00.0223Z
chosen --before 2017-07-14T12:00:00.0037Z
chosen --after 2017-07-14T12:00:00.022Z --before 2017-07-14T12:00:00.005Z
chosen --after 1500033600.0223
chosen --where 'bytes > 400 and dport < 100'
chosen --where "src like '192.168.%'" --limit 1
chosen --where 'duration > 20e6'
chosen --where 'flow in (select max(flow) from flows)'
chosen --where '1 -- all'
chosen --where "src_key >= x'06'"
chosen --where '(select count(*) from flows) > 4' --limit 2
chosen --where '(with t(x) as (select min(bytes) from flows) select x from t) = bytes'
chosen --invert --flow 2-4
chosen --invert --flow 2 --proto tcp
chosen --invert
printf '2\r\n\n# a comment\n00000004_icmp_192.168.1.10_203.0.113.80.pcap\nother.pcap\nnothing\n' >list
chosen --flows list
chosen --flows list --where 'flow > 2'
chosen --flows list --invert
: >empty
chosen --flows empty
chosen --community-id 1:o4AYeZirUtQEhLK+fn4Ich2lRms=
chosen --community-id 1:o4AYeZirUtQEhLK+fn4Ich2lRms=,1:ry8Kz6y9u0A3PKo6S/Tg108o0bg=
echo 1:o4AYeZirUtQEhLK+fn4Ich2lRms= >ids
chosen --flows ids
