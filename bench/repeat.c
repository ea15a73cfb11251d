/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Whether a process that splits again and again stays as it is: memory, descriptors, threads.
 *
 *   repeat [SPLITS [DIR]]
 *
 * Makes captures in a directory of its own below DIR (default: /tmp), and splits, with other
 * parameters in turn, SPLITS times (default: 1,000), into the same output. What the process has is
 * printed at the start, after a tenth, and at the end. Status 1: at the end it had more than 1 MiB
 * more resident than after the tenth, or not the descriptors and threads that it began with.
 */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#ifdef __GLIBC__
#include <malloc.h>
#endif

#include "cleave/generate.h"
#include "cleave/split.h"

enum { SPLITS = 1000, SLACK = 1 << 20, PATH_LEN = 256 };

static char classic[PATH_LEN], blocks[PATH_LEN], torn[PATH_LEN], output[PATH_LEN];
static const char *const both[] = {classic, blocks}, *const one[] = {classic};
static const char *const packets_in_blocks[] = {blocks}, *const a_torn_one[] = {torn};

/* What a split may do, ways to fail among it. */
static const struct clv_split_params ways[] = {
    {.inputs = one, .n_inputs = 1},
    {.inputs = packets_in_blocks, .n_inputs = 1, .manifest = CLV_MANIFEST_JSONL},
    {.inputs = both, .n_inputs = 2, .merge = true, .max_open = 16},
    {.inputs = both, .n_inputs = 2, .each = true, .by = "host"},
    {.inputs = both, .n_inputs = 2, .format = CLV_FORMAT_PCAP, .name = "{proto}/{key}-{n}.pcap"},
    {.inputs = one, .n_inputs = 1, .verify = true, .by = "connection,vlan", .threads = 7},
    {.inputs = packets_in_blocks, .n_inputs = 1, .compress = CLV_COMPRESS_ZSTD},
    {.inputs = one, .n_inputs = 1, .compress = CLV_COMPRESS_GZIP, .window = 64 << 10},
    {.inputs = one, .n_inputs = 1, .shards = 5, .inner = true, .snaplen = 60},
    {.inputs = one, .n_inputs = 1, .top = 9, .filter = "tcp", .by = "client,service"},
    {.inputs = one, .n_inputs = 1, .every = CLV_EVERY_RECORDS, .every_n = 100, .memory = 1 << 20},
    {.inputs = one, .n_inputs = 1, .dry_run = true, .idle_timeout_ns = 1000},
    {.inputs = a_torn_one, .n_inputs = 1, .recover = true, .verify = true},
    {.inputs = a_torn_one, .n_inputs = 1, .max_packets_per_flow = 3, .no_other = true},
    {.inputs = one, .n_inputs = 1, .by = "host,ip"},
    {.inputs = one, .n_inputs = 1, .filter = "no such"},
};

static _Noreturn void die(const struct clv_error *err)
{
    char buf[1024];
    (void)fprintf(stderr, "repeat: %s\n", clv_error_format(err, buf, sizeof buf));
    exit(2);
}

struct held {
    size_t resident; /* bytes */
    unsigned fds, threads;
};

static unsigned entries(const char *dir)
{
    unsigned n = 0;
    DIR *d = opendir(dir);
    if (!d)
        exit(2);
    for (const struct dirent *e; (e = readdir(d));)
        n += e->d_name[0] != '.';
    (void)closedir(d);
    return n;
}

static struct held held_now(void)
{
    unsigned long all, resident = 0;
#ifdef __GLIBC__
    (void)malloc_trim(0);
#endif
    FILE *f = fopen("/proc/self/statm", "re");
    if (!f || fscanf(f, "%lu %lu", &all, &resident) != 2)
        exit(2);
    (void)fclose(f);
    const struct held h = {
        .resident = resident * (size_t)sysconf(_SC_PAGESIZE),
        .fds = entries("/proc/self/fd") - 1, /* that of the directory itself */
        .threads = entries("/proc/self/task"),
    };
    return h;
}

static void print(unsigned long after, const struct held *h)
{
    (void)printf("%6lu splits  %8zu kB resident  %3u descriptors  %2u threads\n", after,
                 h->resident >> 10, h->fds, h->threads);
    (void)fflush(stdout);
}

static void make_captures(const char *dir)
{
    struct clv_error err;
    struct clv_traffic_params p = {
        .flows = 300, .packets = 4000, .ipv6 = 20, .vlan = 20, .udp = 30, .fragments = 20};
    uint64_t len;
    p.other = 2;
    (void)snprintf(classic, sizeof classic, "%s/a.pcap", dir);
    (void)snprintf(blocks, sizeof blocks, "%s/b.pcapng", dir);
    (void)snprintf(torn, sizeof torn, "%s/c.pcap", dir);
    (void)snprintf(output, sizeof output, "%s/out", dir);
    if (!clv_generate_traffic(classic, &p, NULL, NULL, &err) ||
        !clv_generate_traffic(torn, &p, &len, NULL, &err))
        die(&err);
    p.format = CLV_SAVEFILE_PCAPNG;
    if (!clv_generate_traffic(blocks, &p, NULL, NULL, &err))
        die(&err);
    if (truncate(torn, (off_t)len - 100) != 0) {
        perror("repeat: the torn capture");
        exit(2);
    }
}

int main(int argc, char **argv)
{
    const unsigned long n = argc > 1 ? strtoul(argv[1], NULL, 10) : SPLITS;
    const size_t n_ways = sizeof ways / sizeof *ways;
    char dir[PATH_LEN / 2], command[PATH_LEN];
    unsigned long refused = 0;
    (void)snprintf(dir, sizeof dir, "%s/cleave-repeat-XXXXXX", argc > 2 ? argv[2] : "/tmp");
    if (argc > 3 || n < 10 || !mkdtemp(dir)) {
        (void)fprintf(stderr, "usage: repeat [SPLITS, at least 10 [DIR]]\n");
        return 2;
    }
    /*
     * glibc keeps what is freed, in eight arenas per processor: how much depends on what threads
     * needed at the same time, and takes thousands of splits to settle. Here it keeps nothing.
     */
#ifdef M_ARENA_MAX
    (void)mallopt(M_ARENA_MAX, 1);
#endif
    make_captures(dir);
    const struct held first = held_now();
    struct held early = first, h;
    print(0, &first);
    for (unsigned long i = 0; i < n; i++) {
        struct clv_split_params p = ways[i % n_ways];
        struct clv_split_result result;
        struct clv_error err;
        p.output = output;
        p.force = true;
        p.community_seed = (uint16_t)i;
        refused += !clv_split(&p, &result, &err);
        if (i + 1 == n / 10) {
            early = held_now();
            print(i + 1, &early);
        }
    }
    h = held_now();
    print(n, &h);
    (void)snprintf(command, sizeof command, "rm -rf '%s'", dir);
    if (system(command) != 0)
        perror("repeat: the captures stay");
    /* As many as there are ways that must fail. */
    const unsigned long wanted = n / n_ways * 2 + (n % n_ways > n_ways - 2);
    if (refused != wanted) {
        (void)fprintf(stderr, "repeat: %lu splits failed instead of %lu\n", refused, wanted);
        return 2;
    }
    const bool flat = h.resident <= early.resident + SLACK && h.fds == first.fds &&
                      early.fds == first.fds && h.threads == first.threads;
    (void)printf("%s\n", flat ? "flat" : "not flat");
    return flat ? 0 : 1;
}
