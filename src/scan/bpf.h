/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * libpcap's compiler, in a process of its own: where memory is short its scanner, which flex made,
 * calls exit(), and that must not end whoever called the library.
 */
#ifndef CLEAVE_SCAN_BPF_H
#define CLEAVE_SCAN_BPF_H

#include <pcap/pcap.h>

#include "base/fail.h"

/* For records of the link type in savefiles of the byte order. On failure there is no program. */
CLV_MUST_CHECK bool bpf_compile(struct bpf_program *program, const char *expression,
                                uint16_t linktype, bool big_endian, struct clv_error *err);
void bpf_free(struct bpf_program *program);

#endif
