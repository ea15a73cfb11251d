# SPDX-License-Identifier: BSD-2-Clause
try cleave help split
cleave split --help >a
cleave split --json --help no such operands >c
cleave help split >d
cmp a c && cmp a d && echo the same in all ways
