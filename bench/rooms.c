/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One room at a time, over a capture that is generated first (10,000 flows, mixed sizes, seed 1)
 * and lies in memory.
 *
 *   bench-rooms walk|decode|find|write [RECORDS]
 *
 *   walk    record headers only
 *   decode  walk, decode, key and hash
 *   find    looking up the flows of items that are ready
 *   write   gathering the records of runs and writing them to one file per flow
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/io.h"
#include "cleave/generate.h"
#include "output/publish.h"
#include "pipeline/partition.h"

enum { RUNS = 7, FLOWS = 10000, RECORDS = 500000 };

struct fixture {
    struct secret secret;
    struct source source;
    struct view v;
    struct ledger ledger;
    struct dialect dialect;
    struct scan_settings plan;
    struct scan_piece piece;
    struct publish publish;
    struct form_ref *refs;
    struct name_template name;
    char path[256];
};

static void die(const struct clv_error *err)
{
    char buf[1024];
    (void)fprintf(stderr, "%s\n", clv_error_format(err, buf, sizeof buf));
    exit(2);
}

static uint64_t walk_all(const struct fixture *x)
{
    struct walk_record rec;
    uint64_t sum = 0;
    for (size_t at = 0; at < x->v.w.len; at += rec.raw_len) {
        if (walk_record(&x->source.format, x->v.w.p + at, x->v.w.avail - at, false, &rec) !=
            WALK_RECORD)
            exit(2);
        sum += rec.caplen;
    }
    return sum;
}

static void set_up(struct fixture *x, uint64_t records, const char *dir)
{
    struct clv_error err;
    char *path = x->path;
    (void)snprintf(path, sizeof x->path, "%s/rooms.pcap", dir);
    const struct input_plan all = {.window = SIZE_MAX / 2, .buffers = 2};
    const struct clv_traffic_params tp = {.flows = FLOWS,
                                          .packets = records,
                                          .seed = 1,
                                          .skew = 100,
                                          .ipv6 = 10,
                                          .udp = 20,
                                          .overwrite = true};
    if (!clv_generate_traffic(path, &tp, NULL, NULL, &err) ||
        !source_probe(&x->source, &(struct input_place){.path = path}, -1, false, &err) ||
        !source_begin(&x->source, &all, &err) ||
        input_next(x->source.in, &x->v.w, &err) != INPUT_WINDOW ||
        !flow_by_parse(&x->plan.by, "by", "flow", false, &err) || !secret_draw(&x->secret, &err) ||
        !name_parse(&x->name, NAME_DEFAULT ".pcap", path, &x->plan.by, &err))
        die(&err);
    (void)unlink(path);
    if (walk_all(x) == 0) /* makes the map resident */
        exit(2);
    x->plan.by.secret = &x->secret;
    x->v.source = &x->source;
    x->v.begins = true;
    ledger_init(&x->ledger, 0);
    x->plan.ledger = &x->ledger;
    x->plan.dialect = &x->dialect;
    x->dialect.ledger = &x->ledger;
    memcpy(x->dialect.header, x->source.format.header, sizeof x->dialect.header);
    x->plan.n_partitions = 2;
    x->plan.partition_bits = 1;
    x->refs = mem_alloc(records, sizeof *x->refs);
    if (!x->refs)
        exit(2);
}

/* The piece's first scan puts the file's interface into the ledger. */
static void scan_one(struct fixture *x, struct scan_piece *piece, size_t from, size_t limit)
{
    struct clv_error err;
    piece->start = piece->from = from;
    piece->limit = limit;
    piece->exact = true;
    x->v.begins = ledger_count(&x->ledger) == 0;
    if (!scan_piece_run(piece, &x->plan, &x->v, NULL, &err))
        die(&err);
}

static void scan_all(struct fixture *x)
{
    scan_one(x, &x->piece, 0, x->v.w.len);
}

/* As the pipeline does it: piece by piece. */
static void scan_pieces(struct fixture *x)
{
    enum { PIECE = 1 << 20 };
    struct scan_piece piece = {0};
    for (size_t at = 0; at < x->v.w.len; at = piece.end)
        scan_one(x, &piece, at, x->v.w.len - at > PIECE ? at + PIECE : x->v.w.len);
    scan_piece_fini(&piece);
}

static void find_all(struct fixture *x, struct partition parts[2], bool writes)
{
    const struct form form = {.dialect = &x->dialect};
    struct clv_error err;
    for (uint32_t i = 0; i < 2; i++) {
        struct partition *p = &parts[i];
        if (!partition_init(p, &x->plan.by, &(struct flow_cuts){.idle_ns = 0}, NULL))
            exit(2);
        if (writes) {
            files_init(&p->files, x->publish.fd, IO_MODE, false, 64);
            writer_init(&p->writer, &p->flows, &form, &p->files.sink);
        }
        if (!partition_find(p, i, &x->piece, 1, 0, &err))
            exit(2);
    }
}

/* Seconds that the room takes; what it needs from the rooms before is made outside the clock. */
static double run_once(struct fixture *x, const char *room, const char *dir)
{
    struct partition parts[2];
    struct form_scratch scratch;
    struct clv_error err;
    char out[256];
    if (!form_scratch_init(&scratch, CLV_COMPRESS_NONE))
        exit(2);
    int64_t from = clock_ns();
    if (strcmp(room, "walk") == 0) {
        if (walk_all(x) == 0)
            exit(2);
    } else if (strcmp(room, "decode") == 0) {
        scan_pieces(x);
    } else {
        const bool writes = strcmp(room, "write") == 0;
        (void)snprintf(out, sizeof out, "%s/out", dir);
        if (writes && !publish_init(&x->publish, out, IO_MODE, NULL, false, &err))
            die(&err);
        scan_all(x);
        from = clock_ns();
        find_all(x, parts, writes);
        if (writes) {
            struct form_ref *refs = x->refs;
            for (uint32_t i = 0; i < 2; i++) {
                struct partition *p = &parts[i];
                for (uint32_t k = 0; k < p->flows.n; k++) {
                    char name[32];
                    const int len = snprintf(name, sizeof name, "%u-%u", i, k);
                    if (!partition_set_name(p, k, name, (size_t)len, &err))
                        die(&err);
                }
                const uint64_t n = p->n_log;
                partition_sort(p, refs);
                refs += n;
            }
            from = clock_ns();
            const struct form_round round = {
                .base = x->v.w.p,
                .source = {.dialect = &x->dialect, .format = &x->source.format},
                .last = true,
            };
            for (uint32_t i = 0; i < 2; i++)
                if (!partition_write(&parts[i], &scratch, &round, &err))
                    die(&err);
        }
    }
    const int64_t to = clock_ns();
    if (strcmp(room, "find") == 0 || strcmp(room, "write") == 0)
        for (uint32_t i = 0; i < 2; i++)
            partition_fini(&parts[i]);
    publish_fini(&x->publish, NULL);
    form_scratch_fini(&scratch);
    return (double)(to - from) / 1e9;
}

static int by_value(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

int main(int argc, char **argv)
{
    static const char *const rooms[] = {"walk", "decode", "find", "write"};
    struct fixture x = {.publish = {.fd = -1}};
    double seconds[RUNS];
    bool known = false;
    for (size_t i = 0; argc > 1 && i < sizeof rooms / sizeof *rooms; i++)
        known |= strcmp(argv[1], rooms[i]) == 0;
    if (!known) {
        (void)fprintf(stderr, "usage: bench-rooms walk|decode|find|write [RECORDS]\n");
        return 2;
    }
    char dir[] = "/dev/shm/cleave-rooms-XXXXXX";
    if (!mkdtemp(dir))
        return 2;
    set_up(&x, argc > 2 ? strtoull(argv[2], NULL, 10) : RECORDS, dir);
    (void)run_once(&x, argv[1], dir); /* warms up */
    for (unsigned i = 0; i < RUNS; i++)
        seconds[i] = run_once(&x, argv[1], dir);
    qsort(seconds, RUNS, sizeof *seconds, by_value);
    const double n = (double)x.piece.n_items, bytes = (double)x.v.w.len;
    const double records = n > 0 ? n : argc > 2 ? strtod(argv[2], NULL) : RECORDS;
    (void)printf("%s: %.0f records, %.0f bytes, %d flows, seed 1\n", argv[1], records, bytes,
                 FLOWS);
    (void)printf("least  %.4f s, %.1f M records/s, %.2f GB/s\n", seconds[0],
                 records / seconds[0] / 1e6, bytes / seconds[0] / 1e9);
    (void)printf("median %.4f s, %.1f M records/s, %.2f GB/s\n", seconds[RUNS / 2],
                 records / seconds[RUNS / 2] / 1e6, bytes / seconds[RUNS / 2] / 1e9);
    scan_piece_fini(&x.piece);
    mem_free(x.refs);
    ledger_fini(&x.ledger);
    source_close(&x.source);
    (void)rmdir(dir);
    return 0;
}
