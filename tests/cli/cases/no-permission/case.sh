# SPDX-License-Identifier: BSD-2-Clause
# Root may do anything: it acts as somebody else.
sample mixed secret.pcap
sample mixed open.pcap
chmod 000 secret.pcap
mkdir -p folder/closed
cp open.pcap folder
chmod 755 .
if [ "$(id -u)" = 0 ]; then
    as_somebody() { setpriv --reuid=65534 --regid=65534 --clear-groups "$@"; }
    as_somebody cleave --version >/dev/null 2>&1 || skip 'root, and nobody else can be acted as'
else
    as_somebody() { "$@"; }
    chmod 555 .
fi
try as_somebody cleave split secret.pcap -o out
try as_somebody cleave split open.pcap -o out
chmod 000 folder/closed
try as_somebody cleave split folder --recursive -o out
try as_somebody cleave split folder/closed -o out
try as_somebody cleave info secret.pcap open.pcap
try as_somebody cleave generate synflood
chmod 755 . folder/closed
names .
