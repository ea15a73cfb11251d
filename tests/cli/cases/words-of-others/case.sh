# SPDX-License-Identifier: BSD-2-Clause
# Words as other tools have them, capitals, units, and networks in place of addresses.
sample mixed a.pcap
for flags in '--by session' '--by 5Tuple' '--by Connection' '--by NONE' '--port http' '--port DOMAIN,443' \
    '--proto TCP,ipv6-icmp' '--every 1d' '--idle-timeout 5min --active-timeout 90sec' \
    '--format PCAPNG' '--by ip/24' '--by client/16,64' '--by IP/0,0,proto'; do
    try cleave split a.pcap --output out --force --quiet $flags
    names out | sed -n '1p;$='
done
cut -d, -f1-7 out/manifest.csv
