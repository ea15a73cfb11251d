# SPDX-License-Identifier: BSD-2-Clause
# Help is a flag of every command, wherever it stands; -h is without what stands below the flags.
for command in split index flows extract verify 'generate synflood' 'generate traffic' info; do
    cleave help $command >help
    try cleave $command --help >out
    sed '1d; $d' out | cmp - help && sed -n '1p; $p' out
    try cleave $command -h >out
    sed '1,/^  -h, --help/!d; 1d' out >short
    sed -n 1p out
    head -n "$(wc -l <short)" help | cmp - short && sed '1,/^  -h, --help/d' out
done
