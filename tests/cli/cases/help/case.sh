# SPDX-License-Identifier: BSD-2-Clause
# Help and version come on stdout.
try cleave --help
try cleave -h
try cleave help
try cleave --version
try cleave -V
