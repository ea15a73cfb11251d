# SPDX-License-Identifier: BSD-2-Clause
# Nothing to do is an error, and help for it comes on stderr.
exec cleave
