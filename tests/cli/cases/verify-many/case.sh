# SPDX-License-Identifier: BSD-2-Clause
# Many faults are counted. Which are told, and which outputs are looked at closely, is by chance.
cleave generate traffic --flows 60 --packets 600 -q
cleave split traffic.pcap -o whole -q
can_verify whole
alike() {
    sed 's|out/0[^:]*|out/@NAME@|; s/[0-9]* missing/@N@ missing/; s/byte [0-9]*/byte @BYTE@/
        s/[0-9]* records*/@N@ records/; s/have [0-9]*,/have @N@,/' log | sort -u >&2
}
cp -r whole out
rm out/0*
try cleave verify out 2>log
alike
for file in whole/0*; do
    head -c 24 whole/00000001* >"out/${file##*/}"
done
try cleave verify out -q 2>log
alike
