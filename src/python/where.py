# SPDX-License-Identifier: BSD-2-Clause
"""Prints the first directory of modules below a prefix, or nothing."""
import os
import site
import sys

prefix = os.path.join(sys.argv[1], '')
below = [p for p in site.getsitepackages() if p.startswith(prefix)]
# /usr/local is below /usr, but no part of it.
own = [p for p in below if os.path.relpath(p, prefix).split(os.sep)[0] in ('lib', 'lib64')]
print(own[0] if own else '')
