# SPDX-License-Identifier: BSD-2-Clause
# What captures are, in words.
for name in mixed mixed-ns-big mixed-modified mixed-fcs no-records unknown-link raw-12 snapped; do
    sample $name $name
    try cleave info $name
done
try cleave info mixed no-records mixed
