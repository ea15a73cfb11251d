# SPDX-License-Identifier: BSD-2-Clause
# What is mounted in an old output is refused before anything is done, by bind mounts of one file
# system too, and so is an input that is reached through one.
sample mixed a.pcap
cleave split a.pcap -o out -q
mkdir out/mnt victim through
echo precious >victim/precious
# In a namespace of its own, whatever happens here is over with it.
cat >mounts.sh <<'END'
. "$PRELUDE"
mount --bind victim out/mnt || exit 99
try cleave split a.pcap -o out -q --force
try cleave split a.pcap -o out -q --force=all
try cleave split a.pcap -o victim/out -q
try cleave split a.pcap -o out/mnt -q
mkdir -p folder/mnt
cp a.pcap victim/a.pcap
mount --bind victim folder/mnt
try cleave split folder --recursive -o below -q
grep folder below/cleave.json
umount folder/mnt
rm -r folder below victim/a.pcap
umount out/mnt
rmdir out/mnt
mount --bind victim/precious out/other.pcap
try cleave split a.pcap -o out -q --force
umount out/other.pcap
mount --bind out through
try cleave split through/other.pcap -o out -q --force
try cleave split a.pcap -o out/../out -q --force --no-sandbox
umount through
END
unshare --mount sh mounts.sh || skip 'nothing may be mounted here'
cat victim/precious
names . | grep -v out/
