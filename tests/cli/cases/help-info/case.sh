# SPDX-License-Identifier: BSD-2-Clause
try cleave help info
cleave help info >a
cleave info --help >b
cmp a b && echo the same
