# SPDX-License-Identifier: BSD-2-Clause
# Help and version come on stdout.
try cleave --help
try cleave -h
try cleave help
try cleave help info --json
# Commit and libraries are this build's.
cleave --version >version
echo "exit $?"
sed '1s/ (commit [^)]*)$//; 2s/ [0-9][^,]*//g; 2s/no //g; 2s/, jemalloc//' version
# A version is a word: some libraries add what they were built with.
sed -n 2p version | tr ',' '\n' | grep -vE '^ ?(no )?[A-Za-z0-9]+( [0-9][^ ]*)?$'
cleave -V | cmp - version
