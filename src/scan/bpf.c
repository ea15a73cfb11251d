/* SPDX-License-Identifier: BSD-2-Clause */
#include "scan/bpf.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/bytes.h"
#include "base/io.h"
#include "base/mem.h"
#include "base/port.h"
#include "cleave/packet.h"
#include "scan/display.h"
#include "walk/walk.h"

struct bpf_compiler {
    const char *expression;
    int requests[2]; /* both ends: with a reader left, a write raises no SIGPIPE */
    int answers;
    pid_t pid; /* 0: it has ended; -1: none could be had */
};

struct request {
    uint16_t linktype, big;
};

/* What it says first; its instructions follow. */
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

/* The other process: nothing that the caller has to do at its end is done here, nor twice. */
_Noreturn static void serve(int requests, int answers, const char *expression)
{
    struct request r;
    bool said = true;
    port_close_others(requests, answers); /* standard error too: flex has a word to say */
    if (atexit(leave) != 0)
        leave();
    while (said && read_all(requests, &r, sizeof r)) {
        struct bpf_program program;
        struct answer a;
        const bool ok = compile(&program, &a, expression, r.linktype, r.big);
        said = io_write(answers, &a, sizeof a, "", NULL) &&
               (!ok || io_write(answers, program.bf_insns,
                                program.bf_len * sizeof *program.bf_insns, "", NULL));
        if (ok)
            pcap_freecode(&program);
    }
    leave();
}

static bool no_memory(struct clv_error *err)
{
    (void)clv_fail(err, CLV_ERR_NOMEM, "the filter", "not enough memory to compile it");
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

/* What a person may have meant. */
static bool hint(const char *expression, const struct answer *a, struct clv_error *err)
{
    char theirs[128];
    struct text t = text_on(theirs, sizeof theirs);
    if (!strstr(a->why, "syntax error") && !strstr(a->why, "illegal"))
        return false;
    if (display_translate(expression, &t))
        return clv_fail_hint(err, "in tcpdump's language: --filter '%s'", text_end(&t));
    return clv_fail_hint(err, "use tcpdump's language (pcap-filter(7)), as in 'host 10.0.0.7 and "
                              "tcp port 443'");
}

static bool take(struct bpf_program *program, const struct answer *a, const char *expression,
                 uint16_t linktype, struct clv_error *err)
{
    if (a->n == 0 && !says_no_memory(a->why)) {
        (void)clv_fail(err, CLV_ERR_OPTION, "filter", "%s (link type %u)", a->why, linktype);
        return hint(expression, a, err);
    }
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
    const bool ok = take(program, &a, expression, linktype, err);
    if (ok && compiled)
        memcpy(program->bf_insns, theirs.bf_insns, a.n * sizeof *theirs.bf_insns);
    if (compiled)
        pcap_freecode(&theirs);
    return ok;
}

static void close_end(int *fd)
{
    if (*fd >= 0)
        (void)close(*fd);
    *fd = -1;
}

/*
 * The process leaves by itself when there is nobody to ask it. But what the program has forked
 * since then may have our ends of the pipes.
 */
static void stop(struct bpf_compiler *c)
{
    close_end(&c->requests[0]);
    close_end(&c->requests[1]);
    close_end(&c->answers);
    if (c->pid <= 0)
        return;
    (void)kill(c->pid, SIGKILL);
    while (waitpid(c->pid, NULL, 0) < 0 && errno == EINTR)
        ;
    c->pid = 0;
}

/* The child takes no signals: the program's handlers must not run twice. */
static pid_t fork_deaf(void)
{
    sigset_t all, before;
    (void)sigfillset(&all);
    const bool deaf = pthread_sigmask(SIG_SETMASK, &all, &before) == 0;
    const pid_t pid = fork();
    if (pid != 0 && deaf)
        (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    return pid;
}

bool bpf_compiler_create(struct bpf_compiler **to, const char *expression, struct clv_error *err)
{
    int answers[2];
    struct bpf_compiler *c = *to = mem_alloc(1, sizeof *c);
    if (!c)
        return clv_fail_nomem(err, "the filter", sizeof *c);
    *c = (struct bpf_compiler){.expression = expression, .requests = {-1, -1}, .answers = -1};
    if (!port_pipe(c->requests) || !port_pipe(answers)) {
        (void)clv_fail_errno(err, "the filter", "cannot be compiled");
        bpf_compiler_destroy(to);
        return false;
    }
    c->answers = answers[0];
    c->pid = fork_deaf();
    if (c->pid == 0)
        serve(c->requests[0], answers[1], expression);
    (void)close(answers[1]);
    return true;
}

void bpf_compiler_destroy(struct bpf_compiler **c)
{
    if (!*c)
        return;
    stop(*c);
    mem_free(*c);
    *c = NULL;
}

bool bpf_compile(struct bpf_compiler *c, struct bpf_program *program, uint16_t linktype, bool big,
                 struct clv_error *err)
{
    const struct request r = {.linktype = linktype, .big = big};
    struct answer a = {.n = 0};
    bool ok = false, in_step = false;
    *program = (struct bpf_program){.bf_insns = NULL};
    if (c->pid < 0)
        return compile_here(program, c->expression, linktype, big, err);
    if (c->pid == 0 || !io_write(c->requests[1], &r, sizeof r, "", NULL) ||
        !read_all(c->answers, &a, sizeof a)) {
        (void)no_memory(err);
    } else {
        ok = take(program, &a, c->expression, linktype, err) &&
             (read_all(c->answers, program->bf_insns, a.n * sizeof *program->bf_insns) ||
              no_memory(err));
        in_step = ok || a.n == 0; /* or there may be more of this answer */
    }
    if (!in_step)
        stop(c);
    if (!ok)
        bpf_free(program);
    return ok;
}

void bpf_free(struct bpf_program *program)
{
    mem_free(program->bf_insns);
    *program = (struct bpf_program){.bf_insns = NULL};
}
