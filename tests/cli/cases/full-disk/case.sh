# SPDX-License-Identifier: BSD-2-Clause
# A disk that fills up: status 2, and nothing is left of the output.
mkdir disk
cat >inner.sh <<'END'
. "$PRELUDE"
mount -t tmpfs -o size=256k,nr_inodes=1000 tmpfs disk || exit 77
cleave generate synflood -o flood.pcap -c 500 -q
try cleave split flood.pcap -o disk/out
names disk
try cleave split flood.pcap -o disk/out --threads 1 --window 4096
names disk
try cleave split flood.pcap -o disk/out.zip
names disk
cleave generate synflood -o big.pcap -c 5000 -q
try cleave split big.pcap -o disk/out 2>log
sed 's/needs [0-9]* more bytes, but only [0-9]*/needs 300000 more bytes, but only 200000/' log >&2
names disk
cleave generate synflood -o more.pcap -c 3000 -q
try cleave split more.pcap -o disk/out.zip 2>log
sed 's/needs [0-9]* more bytes, but only [0-9]*/needs 300000 more bytes, but only 200000/' log >&2
names disk
try cleave generate synflood -o disk/flood.pcap -c 100000
try cleave generate traffic -o disk/traffic.pcap --packets 5000
mount -t tmpfs -o size=64m,nr_inodes=100 tmpfs disk || exit 77
try cleave split flood.pcap -o disk/out
names disk
cleave generate synflood -o few.pcap -c 60 -q
try cleave split few.pcap -o disk/few --by 3tuple --name 'a/{n}/{n}.pcap' # directories take some, too
names disk
mount -t tmpfs -o size=0,nr_inodes=0 tmpfs disk || exit 77 # neither has a bound, or a number
try cleave split flood.pcap -o disk/out -q
END
unshare -rm true 2>/dev/null || skip 'no file system can be mounted here'
unshare -rm sh inner.sh >out 2>err
[ $? = 77 ] && skip 'no small file system can be mounted here'
# Which file met the end is a matter of threads.
sed 's/[0-9]*_tcp_[0-9._]*pcap/@NAME@/; s|a/[0-9]*/[0-9]*.pcap: |@NAME@: |; s/at byte [0-9]*/at byte @BYTE@/' err >&2
cat out
