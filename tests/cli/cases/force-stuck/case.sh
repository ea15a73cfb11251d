# SPDX-License-Identifier: BSD-2-Clause
# An old output that cannot be removed is replaced, and named: then, and by the next run.
sample mixed a.pcap
chmod 777 . a.pcap
if [ "$(id -u)" = 0 ]; then
    as_somebody() { setpriv --reuid=65534 --regid=65534 --clear-groups "$@"; }
    as_somebody cleave --version >/dev/null 2>&1 || skip 'root, and nobody else can be acted as'
else
    as_somebody() { "$@"; }
fi
as_somebody cleave split a.pcap -o out -q --name '{proto}/{n}.pcap'
chmod 555 out/tcp
try as_somebody cleave split a.pcap -o out -q --force
stuck=$(ls -A | grep old)
names "$stuck"
as_somebody cleave split a.pcap -o out -q --force 2>log
echo "exit $?"
cat log
chmod 755 "$stuck/tcp"
try as_somebody cleave split a.pcap -o out -q --force --clean
names . | grep -v /
