# SPDX-License-Identifier: BSD-2-Clause
# What people hand to a splitter, each refused with a way out.
printf 'plain text, long enough for a header\n' >text
printf 'ab' >short
printf '12:00:00.000001 IP 10.0.0.1.80 > 10.0.0.2.50000: tcp 5\n' >printed
printf 'abcd\001\002\003\004' >bytes
: >empty
printf '\n\r\r\n\034\0\0\0M<+\032\001\0\0\0\377\377\377\377\377\377\377' >a.pcapng
printf '\n\r\r\n\034\0\0\0M<+\032\002\0\1\0\377\377\377\377\377\377\377\377\034\0\0\0' >version.pcapng
printf '\n\r\r\n\034\0\0\0M<+\033\001\0\0\0\377\377\377\377\377\377\377\377\034\0\0\0' >order.pcapng
printf 'snoop\0\0\0\0\0\0\002\0\0\0\004' >a.snoop
printf 'PK\003\004\0\0\0\0\0\0\0\0' >a.zip
printf '\324\303\262\241\005\0\001\0\0\0\0\0\0\0\0\0\0\0\004\0\001\0\0\0' >version
printf '\324\303\262\241\002\0' >header
for at in 1 2 3; do
    printf '\0\0\0\001\0\0\0\0\0\0\0\001\0\0\0\001miscx'
done >records
(printf '\241\262\303\324\0\002\0\004\0\0\0\0\0\0\0\0\0\004\0\0\0\0\0\001'; cat records) >nokia
sample mixed whole
head -c 23 whole >almost
for file in text printed bytes short empty a.pcapng version.pcapng order.pcapng a.snoop a.zip version header \
    almost nokia; do
    try cleave split $file -o out
done
try cleave split - <printed
for file in text empty a.pcapng header nokia; do
    try cleave info $file
done
names . | grep out
exit 0
