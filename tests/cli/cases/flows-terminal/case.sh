# SPDX-License-Identifier: BSD-2-Clause
# On a narrow terminal the least wanted columns are left out, and named; not the one that sorts.
needs_sqlite
has_terminals
sample mixed a.pcap
cleave index a.pcap -q --names
for way in 200: 90: 60: 60:duration 40:packets 20:; do
    columns=${way%:*} sort=${way#*:}
    on_terminal "$columns" env TERM=dumb NO_COLOR=1 cleave flows a.flows.db --limit 2 ${sort:+--sort "$sort"} >said
    echo "$columns columns, sorted by ${sort:-number}: status $?"
    tr -d '\r' <said
    echo
done
