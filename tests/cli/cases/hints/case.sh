# SPDX-License-Identifier: BSD-2-Clause
# What people are used to from other tools, or from another command: what stands in its place.
sample mixed a.pcap
for flag in -v --verbose --src --dst --sport --dport --limit --flow --where -m -p; do
    try cleave split a.pcap $flag 1
done
for flag in -n -c -Y -T -o --output --src --dst --sport --dport --top --filter; do
    try cleave flows a.pcap $flag 1
done
try cleave extract a.pcap -n 1 -o b.pcap
for flag in --start --end --ip --time --number -c -G -C -W -F --outdir --output-dir --overwrite --jobs --protocol \
    --split-by --group-by --connection --csv; do
    try cleave split a.pcap $flag 1
done
try cleave flows a.pcap --time 1
for word in -v version merge filter list report slurm; do
    try cleave $word a.pcap
done
try cleave -r a.pcap -w out
try cleave -r
# Words that are no files: what the shell took apart, interfaces, values of flags that take none.
try cleave split a.pcap 'tcp port 443'
try cleave split --filter port 443 a.pcap
try cleave split a.pcap --filter host 10.0.0.1 and tcp
try cleave flows a.pcap --where bytes '>' 5
try cleave split a.pcap --filter "$(printf '%0100d' 1)" "$(printf '%0100d' 2)"
try cleave flows a.pcap --host 10.0.0.1 10.0.0.2
try cleave split --by ip proto a.pcap
try cleave split a.pcap -q 5
try cleave split -q gone.pcap
try cleave split a.pcap --host 10.0.0.1 gone.pcap
for word in eth0 enp3s0 lo wlan0.pcap ethernet; do
    try cleave split $word
done
try cleave index wlan0
# Keys as others call them.
for key in src dst tcp 5-tuple sport dport IP.addr sni ip,protocol nothing ip,nothing sessions ip,prto; do
    try cleave split a.pcap --by $key -o out
done
# Names of hosts, which are found in the traffic, and not looked up.
for host in example.com localhost 10.0.0.1,www.example.org 10.0.0.x 10.0.0. fe80::g 10.0.0.1:443 10.0.0.1:70000 \
    '192.168.2.*' '10.*' 192.168.2,10.0.0.1 10.0.0.300 443; do
    try cleave flows a.pcap --host $host
done
# The language of Wireshark's display filters. What it is in the other one is understood.
for filter in 'ip.addr == 10.0.0.1' 'tcp.port==80' http 'ip.src eq 10.0.0.0/8 && !(udp.dstport != 53)' \
    'ipv6.addr == 2001:db8::1 or tls' 'eth.src==02:00:00:00:00:01' 'tcp.flags.syn == 1' 'frame contains "x"' \
    'eth.src == 02:00:00:00:00:01/8' 'tcp.port' 'tcp.port in {80 443}' 'dns(' 'dns)' '(ip or (arp) and !(smb2))' 'tcp udp' '!' 'host 10.0.0.1 and' 'tcp &'; do
    cleave split a.pcap -o out --filter "$filter" 2>err
    echo "$filter: exit $?"
    tail -n 1 err
    expression=$(sed -n "s/.*--filter '\(.*\)'$/\1/p" err)
    [ -z "$expression" ] || cleave split a.pcap --dry-run -q --filter "$expression" || echo "not understood: $expression"
done
# A command that is asked for help as others are.
try cleave split help
