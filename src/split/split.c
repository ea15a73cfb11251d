/* SPDX-License-Identifier: BSD-2-Clause */
#include "cleave/split.h"

#include <sched.h>
#include <sys/resource.h>
#include <unistd.h>

#include "output/record.h"
#include "split/pipeline.h"

enum {
    MEMORY_DEFAULT = 512 << 20,
    MEMORY_PER_THREAD = 64 << 20,
    OPEN_MAX_DEFAULT = 16384,
    FDS_FOR_OTHERS = 32, /* standard streams, the input, directories, the manifest, the caller's */
    THREADS_MAX = 1024,
};

static unsigned processors(void)
{
    cpu_set_t set;
    if (sched_getaffinity(0, sizeof set, &set) == 0)
        return (unsigned)CPU_COUNT(&set);
    const long n = sysconf(_SC_NPROCESSORS_ONLN);
    return n > 0 ? (unsigned)n : 1;
}

/* Outputs that may be open at a time, after the soft limit was raised to the hard one. */
static bool settle_max_open(unsigned wanted, unsigned *max_open, struct clv_error *err)
{
    struct rlimit lim;
    if (getrlimit(RLIMIT_NOFILE, &lim) != 0)
        return clv_fail_errno(err, "RLIMIT_NOFILE", "cannot be read");
    const rlim_t soft = lim.rlim_cur;
    lim.rlim_cur = lim.rlim_max;
    if (lim.rlim_cur != soft && setrlimit(RLIMIT_NOFILE, &lim) != 0)
        lim.rlim_cur = soft;
    const uint64_t limit = lim.rlim_cur == RLIM_INFINITY ? UINT32_MAX : lim.rlim_cur;
    const uint64_t spare = limit > 2 * FDS_FOR_OTHERS ? limit - FDS_FOR_OTHERS : limit / 2;
    if (spare == 0) {
        (void)clv_fail(err, CLV_ERR_ARG, "RLIMIT_NOFILE", "%llu descriptors are too few",
                       (unsigned long long)limit);
        return clv_fail_hint(err, "raise the limit, for example with ulimit -n 1024");
    }
    *max_open = (unsigned)min_u64(wanted ? wanted : OPEN_MAX_DEFAULT, spare);
    return true;
}

/* The time of the first record, for guesses; a capture without a whole one needs none. */
static bool settle_first_time(struct input *in, const struct walk_format *f, int64_t *ts_ns,
                              struct clv_error *err)
{
    struct input_window w;
    struct walk_record rec = {0};
    if (!input_window(in, PCAP_FILE_HEADER, 1, f->caplen_max + (size_t)WALK_LONGEST_HEADER, &w,
                      err))
        return false;
    if (w.avail)
        (void)walk_record(f, w.p, w.avail, f->big_endian, &rec);
    *ts_ns = rec.ts_ns;
    return true;
}

static bool check_params(const struct clv_split_params *params, struct clv_error *err)
{
    if (!params->input || !params->output)
        return clv_fail(err, CLV_ERR_ARG, "clv_split", "input and output must be given");
    if (params->threads > THREADS_MAX)
        return clv_fail(err, CLV_ERR_ARG, "--threads", "%u; at most %d", params->threads,
                        THREADS_MAX);
    if ((unsigned)params->manifest > CLV_MANIFEST_NONE)
        return clv_fail(err, CLV_ERR_ARG, "--manifest", "no such kind: %d", (int)params->manifest);
    if ((unsigned)params->cache > CLV_CACHE_DROP)
        return clv_fail(err, CLV_ERR_ARG, "--cache", "no such kind: %d", (int)params->cache);
    return true;
}

bool clv_split(const struct clv_split_params *params, struct clv_split_result *result,
               struct clv_error *err)
{
    struct input *in = NULL;
    struct publish publish = {.dir_fd = -1};
    struct walk_format format;
    struct name_template name;
    struct input_window head;
    struct pipeline_params pp = {
        .format = &format,
        .name = &name,
        .publish = &publish,
        .drop_other = params->no_other,
        .manifest = params->manifest,
        .threads = params->threads ? params->threads : processors(),
        .window = params->window,
        .progress = params->progress,
        .user = params->user,
    };
    bool ok = false;
    *result = (struct clv_split_result){.damage = {.offset = CLV_NO_OFFSET}};
    if (!check_params(params, err) ||
        !flow_by_parse(&pp.by, params->by ? params->by : "flow", params->directed, err) ||
        !name_parse(&name, params->name ? params->name : NAME_DEFAULT, params->input, err) ||
        !settle_max_open(params->max_open, &pp.max_open, err) ||
        !input_open(&in, params->input, err) ||
        !input_window(in, 0, PCAP_FILE_HEADER, 0, &head, err) ||
        !walk_open(&format, params->input, (struct clv_span){head.p, head.avail}, err) ||
        !settle_first_time(in, &format, &pp.near_ns, err) ||
        !publish_init(&publish, params->output, params->force, err))
        goto done;
    if (params->cache == CLV_CACHE_DROP)
        input_drop_cache(in);
    pp.input = in;
    pp.memory = params->memory ? params->memory
                               : max_u64(MEMORY_DEFAULT, (uint64_t)pp.threads * MEMORY_PER_THREAD);
    ok = pipeline_run(&pp, result, err) && record_write(&publish, params, &format, result, err) &&
         publish_commit(&publish, err);
done:
    publish_fini(&publish);
    input_close(&in);
    return ok;
}
