# SPDX-License-Identifier: BSD-2-Clause
# Help is a flag of every command, wherever it stands; -h is a screen of it.
for command in split index flows extract mount verify gather 'generate synflood' 'generate traffic' info; do
    cleave help $command >help
    try cleave $command --help >out
    sed '1d; $d' out | cmp - help && sed -n '1p; $p' out
    try cleave $command -h
done
