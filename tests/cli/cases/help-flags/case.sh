# SPDX-License-Identifier: BSD-2-Clause
# Help is a flag of every command, wherever it stands.
for command in split verify 'generate synflood' 'generate traffic' info; do
    cleave help $command >help
    for flag in --help -h; do
        try cleave $command $flag >out
        sed '1d; $d' out | cmp - help && sed -n '1p; $p' out
    done
done
