/* SPDX-License-Identifier: BSD-2-Clause */
#include "scan/bpf.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/bytes.h"
#include "base/io.h"
#include "base/mem.h"
#include "cleave/packet.h"
#include "walk/walk.h"

/* What the compiling process says first; its instructions follow. */
struct answer {
    uint32_t n;                 /* of these; 0: it failed */
    char why[PCAP_ERRBUF_SIZE]; /* "": no memory */
};

/*
 * What some link types' headers look like depends on the machine that wrote the savefile. libpcap
 * compiles for a savefile's records where it was given one: here, the header of one.
 */
static pcap_t *savefile_of(uint16_t linktype, bool big)
{
    uint8_t header[PCAP_FILE_HEADER] = {0};
    char why[PCAP_ERRBUF_SIZE];
    enum { SNAPLEN = 262144 };
    const uint32_t magic = 0xa1b2c3d4;
    store_le32(header, magic);
    store_le16(header + 4, 2);
    store_le16(header + 6, 4);
    store_le32(header + 16, SNAPLEN);
    store_le32(header + 20, linktype);
    if (big) {
        store_be32(header, magic);
        store_be16(header + 4, 2);
        store_be16(header + 6, 4);
        store_be32(header + 16, SNAPLEN);
        store_be32(header + 20, linktype);
    }
    FILE *f = fmemopen(header, sizeof header, "rb");
    pcap_t *p = f ? pcap_fopen_offline(f, why) : NULL;
    if (f && !p)
        (void)fclose(f);
    return p;
}

/* On success program is libpcap's to free. */
static bool compile(struct bpf_program *program, struct answer *a, const char *expression,
                    uint16_t linktype, bool big)
{
    pcap_t *p = savefile_of(linktype, big);
    *a = (struct answer){.n = 0};
    *program = (struct bpf_program){.bf_insns = NULL};
    const bool ok = p && pcap_compile(p, program, expression, 1, PCAP_NETMASK_UNKNOWN) == 0;
    if (ok)
        a->n = program->bf_len;
    else if (p)
        (void)snprintf(a->why, sizeof a->why, "%s", pcap_geterr(p));
    if (p)
        pcap_close(p);
    return ok;
}

_Noreturn static void leave(void)
{
    _exit(EXIT_FAILURE);
}

/* The other process: nothing that the caller has to do at its end is done here, nor twice. */
_Noreturn static void answer(int fd, const char *expression, uint16_t linktype, bool big)
{
    struct bpf_program program;
    struct answer a;
    (void)close(STDERR_FILENO); /* flex has a word to say too */
    if (atexit(leave) != 0)
        leave();
    const bool ok = compile(&program, &a, expression, linktype, big);
    const bool said = io_write(fd, &a, sizeof a, "", NULL) &&
                      (!ok || io_write(fd, program.bf_insns,
                                       program.bf_len * sizeof *program.bf_insns, "", NULL));
    (void)said; /* who reads knows what is missing */
    leave();
}

/* Reads up to len bytes, all if there are as many. */
static bool read_all(int fd, void *to, size_t len)
{
    for (uint8_t *at = to; len;) {
        const ssize_t n = read(fd, at, len);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return false;
        at += n;
        len -= (size_t)n;
    }
    return true;
}

static bool no_memory(struct clv_error *err)
{
    (void)clv_fail(err, CLV_ERR_NOMEM, "the filter", "there is no memory to compile it");
    return false;
}

/* How libpcap says so: of its parser, its optimizer and its code. */
static bool says_no_memory(const char *why)
{
    static const char *const words[] = {"", "malloc", "not enough core", "out of memory"};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (strcmp(why, words[i]) == 0)
            return true;
    return false;
}

static bool take(struct bpf_program *program, const struct answer *a, uint16_t linktype,
                 struct clv_error *err)
{
    if (a->n == 0 && !says_no_memory(a->why))
        return clv_fail(err, CLV_ERR_OPTION, "filter", "%s (link type %u)", a->why, linktype);
    program->bf_len = a->n;
    program->bf_insns = a->n ? mem_alloc(a->n, sizeof *program->bf_insns) : NULL;
    return program->bf_insns || no_memory(err);
}

/* Where no other process can be had. */
static bool compile_here(struct bpf_program *program, const char *expression, uint16_t linktype,
                         bool big, struct clv_error *err)
{
    struct bpf_program theirs;
    struct answer a;
    const bool compiled = compile(&theirs, &a, expression, linktype, big);
    const bool ok = take(program, &a, linktype, err);
    if (ok && compiled)
        memcpy(program->bf_insns, theirs.bf_insns, a.n * sizeof *theirs.bf_insns);
    if (compiled)
        pcap_freecode(&theirs);
    return ok;
}

bool bpf_compile(struct bpf_program *program, const char *expression, uint16_t linktype, bool big,
                 struct clv_error *err)
{
    int ends[2] = {-1, -1};
    struct answer a = {.n = 0};
    *program = (struct bpf_program){.bf_insns = NULL};
    if (pipe(ends) != 0)
        return clv_fail_errno(err, "the filter", "cannot be compiled");
    const pid_t pid = fork();
    if (pid == 0)
        answer(ends[1], expression, linktype, big);
    (void)close(ends[1]);
    bool ok = false;
    if (pid < 0)
        ok = compile_here(program, expression, linktype, big, err);
    else if (!read_all(ends[0], &a, sizeof a))
        (void)no_memory(err);
    else
        ok = take(program, &a, linktype, err) &&
             (read_all(ends[0], program->bf_insns, a.n * sizeof *program->bf_insns) ||
              no_memory(err));
    (void)close(ends[0]);
    while (pid > 0 && waitpid(pid, NULL, 0) < 0 && errno == EINTR)
        ;
    if (!ok)
        bpf_free(program);
    return ok;
}

void bpf_free(struct bpf_program *program)
{
    mem_free(program->bf_insns);
    *program = (struct bpf_program){.bf_insns = NULL};
}
