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
#include "cleave/generate.h"
#include "output/publish.h"
#include "split/partition.h"

enum { RUNS = 7, FLOWS = 10000, RECORDS = 500000 };

struct fixture {
    struct input *in;
    struct walk_format format;
    struct input_window w;
    struct scan_plan plan;
    struct scan_piece piece;
    struct publish publish;
    struct writer_ref *refs;
    struct name_template name;
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
    for (size_t at = 0; at < x->w.len; at += rec.raw_len) {
        if (walk_record(&x->format, x->w.p + at, x->w.avail - at, false, &rec) != WALK_RECORD)
            exit(2);
        sum += rec.caplen;
    }
    return sum;
}

static void set_up(struct fixture *x, uint64_t records, const char *dir)
{
    struct clv_error err;
    struct input_window head;
    char path[256];
    (void)snprintf(path, sizeof path, "%s/rooms.pcap", dir);
    const struct clv_traffic_params tp = {.flows = FLOWS,
                                          .packets = records,
                                          .seed = 1,
                                          .skew = 100,
                                          .ipv6 = 10,
                                          .udp = 20,
                                          .overwrite = true};
    if (!clv_generate_traffic(path, &tp, NULL, NULL, &err) || !input_open(&x->in, path, &err) ||
        !input_window(x->in, 0, PCAP_FILE_HEADER, 0, &head, &err) ||
        !walk_open(&x->format, path, (struct clv_span){head.p, head.avail}, &err) ||
        !input_window(x->in, PCAP_FILE_HEADER, (size_t)input_size(x->in), 0, &x->w, &err) ||
        !flow_by_parse(&x->plan.by, "flow", false, &err) ||
        !name_parse(&x->name, NAME_DEFAULT, path, &err))
        die(&err);
    (void)unlink(path);
    if (walk_all(x) == 0) /* makes the map resident */
        exit(2);
    x->plan.format = &x->format;
    x->plan.decode = decode_function(x->format.pub.linktype);
    x->plan.n_partitions = 2;
    x->plan.partition_bits = 1;
    x->refs = mem_alloc(records, sizeof *x->refs);
    if (!x->refs || !scan_piece_init(&x->piece, &x->plan))
        exit(2);
}

static void scan_all(struct fixture *x)
{
    struct clv_error err;
    x->piece.start = x->piece.from = 0;
    x->piece.limit = x->w.len;
    if (!scan_piece_run(&x->piece, &x->plan, &x->w, &err))
        die(&err);
}

/* As the pipeline does it: piece by piece. */
static void scan_pieces(struct fixture *x)
{
    enum { PIECE = 1 << 20 };
    struct clv_error err;
    struct scan_piece piece;
    if (!scan_piece_init(&piece, &x->plan))
        exit(2);
    for (size_t at = 0; at < x->w.len; at = piece.end) {
        piece.start = piece.from = at;
        piece.limit = x->w.len - at > PIECE ? at + PIECE : x->w.len;
        if (!scan_piece_run(&piece, &x->plan, &x->w, &err))
            die(&err);
    }
    scan_piece_fini(&piece);
}

static void find_all(struct fixture *x, struct partition parts[2])
{
    struct clv_error err;
    for (uint32_t i = 0; i < 2; i++)
        if (!partition_init(&parts[i]) || !partition_find(&parts[i], i, &x->piece, 1, 0, &err))
            exit(2);
}

/* Seconds that the room takes; what it needs from the rooms before is made outside the clock. */
static double run_once(struct fixture *x, const char *room, const char *dir)
{
    struct partition parts[2];
    struct writer_stage stage = {mem_alloc_pages(WRITER_CHUNK)};
    struct clv_error err;
    char out[256];
    if (!stage.p)
        exit(2);
    int64_t from = clock_ns();
    if (strcmp(room, "walk") == 0) {
        if (walk_all(x) == 0)
            exit(2);
    } else if (strcmp(room, "decode") == 0) {
        scan_pieces(x);
    } else {
        scan_all(x);
        from = clock_ns();
        find_all(x, parts);
        if (strcmp(room, "write") == 0) {
            (void)snprintf(out, sizeof out, "%s/out", dir);
            if (!publish_init(&x->publish, out, true, &err))
                die(&err);
            struct writer_ref *refs = x->refs;
            for (uint32_t i = 0; i < 2; i++) {
                struct partition *p = &parts[i];
                writer_init(&p->writer, &p->flows, x->publish.dir_fd, x->format.header,
                            sizeof x->format.header, 64);
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
            for (uint32_t i = 0; i < 2; i++)
                if (!partition_write(&parts[i], &stage, x->w.p, true, &err))
                    die(&err);
        }
    }
    const int64_t to = clock_ns();
    if (strcmp(room, "find") == 0 || strcmp(room, "write") == 0)
        for (uint32_t i = 0; i < 2; i++)
            partition_fini(&parts[i]);
    publish_fini(&x->publish);
    mem_free(stage.p);
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
    struct fixture x = {.publish = {.dir_fd = -1}};
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
    const double n = (double)x.piece.n_items, bytes = (double)x.w.len;
    const double records = n > 0 ? n : argc > 2 ? strtod(argv[2], NULL) : RECORDS;
    (void)printf("%s: %.0f records, %.0f bytes, %d flows, seed 1\n", argv[1], records, bytes,
                 FLOWS);
    (void)printf("least  %.4f s, %.1f M records/s, %.2f GB/s\n", seconds[0],
                 records / seconds[0] / 1e6, bytes / seconds[0] / 1e9);
    (void)printf("median %.4f s, %.1f M records/s, %.2f GB/s\n", seconds[RUNS / 2],
                 records / seconds[RUNS / 2] / 1e6, bytes / seconds[RUNS / 2] / 1e9);
    scan_piece_fini(&x.piece);
    mem_free(x.refs);
    input_close(&x.in);
    (void)rmdir(dir);
    return 0;
}
