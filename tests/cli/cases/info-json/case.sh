# SPDX-License-Identifier: BSD-2-Clause
for name in mixed mixed-ns-big no-records unknown-link; do
    sample $name $name
    cleave info --json $name >out.json
    echo "exit $?"
    cat out.json
    is_json out.json
done
head -c 99 mixed >cut
cleave info --json cut >out.json
echo "exit $?"
cat out.json
is_json out.json
try cleave info --json mixed >out.json
sed -n '1p; $p' out.json
