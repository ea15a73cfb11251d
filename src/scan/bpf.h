/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * libpcap's compiler, in a process of its own: where memory is short its scanner, which flex made,
 * calls exit(), and that must not end whoever called the library.
 *
 * It is forked before a run has threads, and then compiles for one link type after another. A
 * process that is forked while other threads run must not allocate: a lock that one of them held is
 * never released there. Some allocators take care of that (glibc's, jemalloc), others do not, such
 * as AddressSanitizer's with gcc 12. A calling program that has threads by then needs the former.
 */
#ifndef CLEAVE_SCAN_BPF_H
#define CLEAVE_SCAN_BPF_H

#include <pcap/pcap.h>

#include "base/fail.h"

struct bpf_compiler;

/* The expression is borrowed, and not looked at before it is compiled. */
CLV_MUST_CHECK bool bpf_compiler_create(struct bpf_compiler **c, const char *expression,
                                        struct clv_error *err);
void bpf_compiler_destroy(struct bpf_compiler **c);

/*
 * For records of the link type in savefiles of the byte order. On failure there is no program. One
 * thread at a time.
 */
CLV_MUST_CHECK bool bpf_compile(struct bpf_compiler *c, struct bpf_program *program,
                                uint16_t linktype, bool big_endian, struct clv_error *err);
void bpf_free(struct bpf_program *program);

#endif
