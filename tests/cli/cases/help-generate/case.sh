# SPDX-License-Identifier: BSD-2-Clause
# Help for a kind, and for the word before it: on stdout, with status 0.
try cleave help generate synflood
cleave help generate synflood >a
cleave generate synflood --help >b
cmp a b && echo the same
for words in 'generate --help' 'generate -h' 'help generate'; do
    cleave $words >out 2>err
    echo "$words: exit $?"
    grep -q 'generate synflood' out || echo nothing on stdout
    test -s err && echo words on stderr
done
true
