# SPDX-License-Identifier: BSD-2-Clause
try cleave help gather
