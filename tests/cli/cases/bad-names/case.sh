# SPDX-License-Identifier: BSD-2-Clause
# Templates that name nothing, lead out of the directory, or hide files.
sample mixed a.pcap
for template in '' '{nothing}' '{n' 'n}' '{}' '{n:}' '{n:x}' '{n:0}' '{n:21}' '{n:123}' '{key:3}' \
    '../{n}' '/{n}' 'a//{n}' '.{n}' 'a/.{n}' '{n}/' "$(printf '{n}\ta')"; do
    try cleave split a.pcap --name "$template"
done
try cleave split a.pcap --name "$("$PYTHON" -c 'print("x" * 201)')"
try cleave split a.pcap --name "$("$PYTHON" -c 'print("{n}" * 65)')"
try cleave split a.pcap --name 'other.pcap/{n}'
names .
