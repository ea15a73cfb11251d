/* SPDX-License-Identifier: BSD-2-Clause */
#include "job/job.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/path.h"
#include "base/port.h"
#include "base/text.h"
#include "capture/merge.h"
#include "capture/records.h"
#include "config.h"
#include "format/pack.h"
#include "format/savefile.h"
#include "job/options.h"
#include "manifest/manifest.h"

enum {
    MEMORY_DEFAULT = 512 << 20,
    MEMORY_PER_THREAD = 64 << 20,
    OPEN_MAX_DEFAULT = 16384,
    SNAPLEN_AT = 16,     /* in a savefile's header */
    FDS_FOR_OTHERS = 32, /* standard streams, the input, directories, the manifest, the caller's */
    NOFILE_DARWIN = 10240, /* OPEN_MAX: what macOS grants, whatever its hard limit */
};

/* Of so many descriptors, those for outputs and for captures that are merged. */
static unsigned spare_of(rlim_t limit)
{
    const uint64_t n = limit == RLIM_INFINITY ? UINT32_MAX : min_u64(limit, UINT32_MAX);
    return (unsigned)(n > UINT64_C(2) * FDS_FOR_OTHERS ? n - FDS_FOR_OTHERS : n / 2);
}

/* Outputs that may be open at a time, after the soft limit was raised to the hard one, unless keep.
 */
static bool settle_max_open(unsigned wanted, bool keep, unsigned *max_open, struct clv_error *err)
{
    struct rlimit lim;
    if (getrlimit(RLIMIT_NOFILE, &lim) != 0)
        return clv_fail_errno(err, "RLIMIT_NOFILE", "cannot be read");
    const rlim_t soft = lim.rlim_cur;
    lim.rlim_cur = keep ? soft : lim.rlim_max;
    if (lim.rlim_cur != soft && setrlimit(RLIMIT_NOFILE, &lim) != 0) {
        lim.rlim_cur = (rlim_t)max_u64(soft, min_u64(lim.rlim_max, NOFILE_DARWIN));
        if (setrlimit(RLIMIT_NOFILE, &lim) != 0)
            lim.rlim_cur = soft;
    }
    const unsigned spare = spare_of(lim.rlim_cur);
    if (spare == 0) {
        (void)clv_fail(err, CLV_ERR_ARG, "RLIMIT_NOFILE", "a limit of %llu open files is too low",
                       (unsigned long long)lim.rlim_cur);
        return clv_fail_hint(err, "raise the limit, for example with ulimit -n 1024");
    }
    *max_open = (unsigned)min_u64(wanted ? wanted : OPEN_MAX_DEFAULT, spare);
    return true;
}

static bool ends_with(const char *name, size_t len, const char *ending)
{
    const size_t n = strlen(ending);
    return len > n && memcmp(name + len - n, ending, n) == 0;
}

bool job_names_archive(const char *output, size_t len)
{
    return ends_with(output, len, ".zip");
}

bool job_archives(const struct clv_split_params *params)
{
    return params->archive ||
           (params->output && job_names_archive(params->output, strlen(params->output)));
}

bool job_names_capture(const char *output, size_t len)
{
    static const char *const endings[] = {".pcap", ".pcapng", ".cap"};
    for (size_t i = 0; i < sizeof endings / sizeof *endings; i++)
        if (ends_with(output, len, endings[i]) && output[len - strlen(endings[i]) - 1] != '/')
            return true;
    return false;
}

bool job_check_name(const char *output, const char *made, size_t *stem, struct clv_error *err)
{
    const size_t len = name_unpacked(output, strlen(output));
    const bool is_archive = job_names_archive(output, len);
    *stem = len;
    if (!is_archive && !job_names_capture(output, len))
        return true;
    while (output[--*stem] != '.') {
    }
    return clv_fail(err, CLV_ERR_ARG, output, "has the name of %s, but %s",
                    is_archive ? "an archive" : "a capture", made);
}

bool job_check_mode(unsigned mode, struct clv_error *err)
{
    return !mode || (mode & 0600) == 0600 ||
           clv_fail(err, CLV_ERR_OPTION, "mode", "%04o: the owner must be able to read and write",
                    mode);
}

bool job_check_unpacked(const char *output, struct clv_error *err)
{
    const size_t len = strlen(output), plain = name_unpacked(output, len);
    if (plain == len || !job_names_capture(output, plain))
        return true;
    (void)clv_fail(err, CLV_ERR_ARG, output, "a single capture cannot be compressed");
    return clv_fail_hint(err, "use -o %.*s and compress that, or -o - and a pipe", (int)plain,
                         output);
}

/* true: only some flows get outputs of their own. */
static bool chooses(const struct clv_split_params *params)
{
    return params->min_packets || params->min_bytes || params->top;
}

/* true: what flows have to do with one another has to be known before there are outputs. */
static bool learns(const struct clv_split_params *params)
{
    return options_groups(params) || (params->name && strstr(params->name, "{name}"));
}

/* true: the inputs are read more than once, or may have to be. */
static bool reads_twice(const struct clv_split_params *params)
{
    return chooses(params) || learns(params) || (job_archives(params) && !params->dry_run);
}

/* What makes several outputs, or needs a directory, is refused. */
static bool check_single(const struct clv_split_params *params, struct clv_error *err)
{
    const struct {
        const char *option;
        bool set;
    } rows[] = {
        {"shards", params->shards},
        {"every", params->every},
        {"idle_timeout", params->idle_timeout_ns},
        {"active_timeout", params->active_timeout_ns},
        {"min_packets", params->min_packets},
        {"min_bytes", params->min_bytes},
        {"top", params->top},
        {"group", params->group},
        {"related", params->related},
        {"names", params->names},
        {"each", params->each},
        {"compress", params->compress},
        {"archive", params->archive},
        {"verify", params->verify},
        {"report", params->report},
        {"manifest",
         params->manifest == CLV_MANIFEST_JSONL || params->manifest == CLV_MANIFEST_SQLITE},
        {"by", strcmp(options_by(params), "none") != 0},
        {"name", params->name},
        {"directed", params->directed},
        {"community_seed", params->community_seed && !params->flows},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (rows[i].set) {
            (void)clv_fail(err, CLV_ERR_OPTION, rows[i].option,
                           "needs a directory, but --output is a single capture");
            return clv_fail_hint(
                err, "name a directory, or take single flows out with 'cleave extract'");
        }
    return true;
}

static bool check_params(const struct clv_split_params *params, struct clv_error *err)
{
    const bool somewhere = params->output || params->dry_run || params->single;
    if (!params->inputs || !params->n_inputs || !somewhere)
        return clv_fail(err, CLV_ERR_ARG, "clv_split", "inputs and output must be given");
    if (!options_check(params, err))
        return false;
    if (params->shard_by && !params->shards)
        return clv_fail(err, CLV_ERR_OPTION, "shard_by", "needs --shards");
    if (params->shard_by && params->by) {
        (void)clv_fail(err, CLV_ERR_OPTION, "shard_by", "cannot be combined with --by");
        return clv_fail_hint(
            err, "with --shards, --shard-by says which packets stay together; leave out --by");
    }
    unsigned standard = 0;
    for (size_t i = 0; i < params->n_inputs; i++)
        standard += strcmp(params->inputs[i], "-") == 0;
    if (standard > 1)
        return clv_fail(err, CLV_ERR_ARG, "-", "standard input can be read only once");
    if (!job_check_mode(params->mode, err))
        return false;
    /* The run's record is JSON, which has no other text. */
    if (params->name && !text_is_utf8(params->name))
        return clv_fail(err, CLV_ERR_OPTION, "name", "is not UTF-8");
    if (params->filter && !text_is_utf8(params->filter))
        return clv_fail(err, CLV_ERR_OPTION, "filter", "is not UTF-8");
    const size_t name_len = params->name ? strlen(params->name) : 1;
    if (name_len == 0 || name_len > 200)
        return clv_fail(err, CLV_ERR_OPTION, "name", "a template has 1 to 200 bytes, not %zu",
                        name_len);
    if (params->name && params->name[strspn(params->name, "0123456789")] == '\0') {
        (void)clv_fail(err, CLV_ERR_OPTION, "name", "a number is no template: \"%.60s\"",
                       params->name);
        return clv_fail_hint(err, "for names: '{n}_{key}'; for the first packets of each flow: "
                                  "--max-packets-per-flow N");
    }
    if (!pack_supported(params->compress, err))
        return false;
    if (params->manifest == CLV_MANIFEST_SQLITE && !HAVE_SQLITE)
        return clv_fail(err, CLV_ERR_OPTION, "manifest", "sqlite: this build has no SQLite");
    if (params->has_after && params->has_before && params->after_ns >= params->before_ns)
        return clv_fail(err, CLV_ERR_OPTION, "before", "is not later than --after");
    if (params->dry_run && params->verify)
        return clv_fail(err, CLV_ERR_OPTION, "verify",
                        "cannot be combined with --dry-run, which writes nothing");
    if (params->dedup_ignore && !params->dedup_ns)
        return clv_fail(err, CLV_ERR_OPTION, "dedup_ignore", "needs --dedup");
    if (params->merge && params->each)
        return clv_fail(err, CLV_ERR_OPTION, "merge", "cannot be combined with --each");
    if (params->each && manifest_goes_to_fd(params->manifest))
        return clv_fail(err, CLV_ERR_OPTION, "manifest",
                        "cannot be printed with --each, which makes one for each FILE");
    if (params->single && !check_single(params, err))
        return false;
    if (params->archive && params->output) {
        const size_t stem = name_unpacked(params->output, strlen(params->output));
        if (job_names_capture(params->output, stem)) {
            (void)clv_fail(err, CLV_ERR_ARG, params->output,
                           "has the name of a capture, but --archive makes an archive");
            return clv_fail_hint(err, "name it as in -o day.zip");
        }
    }
    if (job_archives(params) && params->each)
        return clv_fail(err, CLV_ERR_OPTION, "archive", "cannot be combined with --each");
    return true;
}

/* Files whose records can stand side by side in one: all but the header's snaplen is alike. */
static bool alike(const struct source *a, const struct source *b)
{
    enum { NETWORK_AT = 20 };
    return a->format.kind == WALK_PCAP && b->format.kind == WALK_PCAP &&
           memcmp(a->head, b->head, 8) == 0 &&
           memcmp(a->head + NETWORK_AT, b->head + NETWORK_AT, 4) == 0;
}

bool job_dialect(struct dialect *d, const struct clv_split_params *params,
                 const struct source *sources, size_t n)
{
    bool all_alike = true, any_pcapng = false;
    const struct source *widest = &sources[0];
    *d = (struct dialect){
        .metadata = !params->no_metadata, .compress = params->compress, .snaplen = params->snaplen};
    for (size_t i = 0; i < n; i++) {
        all_alike &= alike(&sources[0], &sources[i]);
        any_pcapng |= sources[i].format.kind == WALK_PCAPNG;
        if (sources[i].format.pub.snaplen > widest->format.pub.snaplen)
            widest = &sources[i];
        d->nanoseconds |= sources[i].nanoseconds;
    }
    if (params->format == CLV_FORMAT_PCAPNG || (params->format == CLV_FORMAT_INPUT && any_pcapng))
        d->form = DIALECT_PCAPNG;
    else if (all_alike)
        d->form = DIALECT_COPY;
    else
        d->form = DIALECT_PCAP;
    if (all_alike)
        savefile_header(d->header, &widest->format);
    if (all_alike && d->snaplen &&
        (widest->format.pub.snaplen == 0 || widest->format.pub.snaplen > d->snaplen))
        walk_store32(d->header + SNAPLEN_AT, d->snaplen, widest->format.big_endian);
    return all_alike;
}

/* What is wrong with the capture alone, and not with this run or system. */
static bool is_its_own(const struct clv_error *why)
{
    return why->code == CLV_ERR_FORMAT || why->code == CLV_ERR_DAMAGE ||
           (why->code == CLV_ERR_IO && why->sys != EMFILE && why->sys != ENFILE &&
            why->sys != ENOMEM);
}

/* The directory that the output is made in; of a dry run, one for temporary files. */
static bool parent_of(const struct clv_split_params *params, char dir[PATH_MAX])
{
    const char *const temporary = getenv("TMPDIR");
    if (!params->dry_run && params->output) {
        path_parent(dir, params->output);
        return strlen(params->output) < PATH_MAX;
    }
    const int n = snprintf(dir, PATH_MAX, "%s", temporary && *temporary ? temporary : "/var/tmp");
    return n > 0 && n < PATH_MAX;
}

/* What is kept so far, for who may stop the run. */
struct keeping {
    const struct clv_split_params *params;
    struct clv_split_result *so_far;
};

static bool keeps_on(uint64_t bytes, void *user)
{
    const struct keeping *k = user;
    k->so_far->input_bytes = k->so_far->scanned_bytes = bytes;
    return !k->params->progress || k->params->progress(k->so_far, k->params->user);
}

/* Keeps a pipe, of which more than one reading may be needed. */
static bool keep(struct job *job, const struct input_place *place, int *kept, bool *part,
                 struct clv_error *err)
{
    const char *const path = place->path;
    char dir[PATH_MAX];
    if (!parent_of(job->params, dir))
        return clv_fail(err, CLV_ERR_OPTION, "output", "its path is too long");
    struct keeping k = {.params = job->params, .so_far = mem_zalloc(1, sizeof *k.so_far)};
    if (!k.so_far)
        return clv_fail_nomem(err, path, sizeof *k.so_far);
    k.so_far->inputs = k.so_far->input = 1;
    const bool ok = source_keep(kept, part, place, dir, keeps_on, &k, err);
    job->kept_bytes += k.so_far->scanned_bytes;
    mem_free(k.so_far);
    return ok;
}

static bool probe_all(struct job *job, const struct input_place *places, struct clv_error *err)
{
    const struct clv_split_params *params = job->params;
    bool stops = false; /* one of them cannot be read, and may not be left out */
    for (size_t i = 0; i < job->n_all; i++) {
        struct source s;
        struct clv_error why = {.offset = CLV_NO_OFFSET};
        int kept = -1;
        bool part = false;
        struct input_place place = places[i];
        const bool is_file = place.archive_len == 0 && !place.fault;
        place.end_fd = params->end_fd;
        if (reads_twice(params) && is_file && !keep(job, &place, &kept, &part, err))
            return false;
        const bool ok = source_probe(&s, &place, kept, params->cache == CLV_CACHE_DROP, &why);
        s.kept_part = part;
        s.called = params->inputs[i];
        s.number = i;
        if (!ok) {
            source_forget(&s);
            if (!is_its_own(&why)) {
                if (err)
                    *err = why;
                return false;
            }
            s.fault = why;
            s.left_out = true;
            stops |= !s.empty && !params->recover && !params->skip_bad;
            job->sources[job->n_all - 1 - (i - job->n_sources)] = s; /* from the end on */
            continue;
        }
        if (job->n_all > 1 && !s.once)
            source_close(&s); /* opened again when its turn comes */
        job->sources[job->n_sources++] = s;
    }
    if (!stops && job->n_sources)
        return true;
    /* The first one that is why the run stops. */
    size_t i = job->n_all - 1;
    while (stops && job->sources[i].empty)
        i--;
    if (err)
        *err = job->sources[i].fault;
    return false;
}

bool job_hint_skipping(const struct job *job, struct clv_error *err)
{
    if (!err || !job->n_sources || !is_its_own(err) || err->hint[0])
        return false;
    return clv_fail_hint(err, "to leave out captures that cannot be read: --skip-bad");
}

struct twin {
    struct input_id id;
    const struct source *source;
};

static int by_id(const void *x, const void *y)
{
    const struct twin *a = x, *b = y;
    const int order = input_id_compare(&a->id, &b->id);
    return order ? order : (a->source > b->source) - (a->source < b->source);
}

/* Two names of one file would double its records. */
static bool check_twice(const struct job *job, struct clv_error *err)
{
    const size_t n = job->n_sources;
    struct twin *twins = mem_alloc(n, sizeof *twins);
    size_t m = 0;
    if (!twins)
        return clv_fail_nomem(err, "the inputs", n * sizeof *twins);
    for (size_t i = 0; i < n; i++)
        if (!job->sources[i].once)
            twins[m++] = (struct twin){job->sources[i].id, &job->sources[i]};
    qsort(twins, m, sizeof *twins, by_id);
    bool ok = true;
    for (size_t i = 1; ok && i < m; i++)
        if (input_id_compare(&twins[i].id, &twins[i - 1].id) == 0) {
            const char *path = twins[i].source->path, *other = twins[i - 1].source->path;
            if (strcmp(path, other) == 0)
                (void)clv_fail(err, CLV_ERR_ARG, path, "is named twice");
            else
                (void)clv_fail(err, CLV_ERR_ARG, path, "is the same file as %.100s", other);
            ok = clv_fail_hint(err, "all its records would count twice");
        }
    mem_free(twins);
    return ok;
}

/* The template: as given, with the ending of what is compressed, or by what keys are made of. */
static void settle_name(char text[NAME_MAX_LEN + 1], const struct clv_split_params *params,
                        const struct flow_by *by, const struct dialect *d)
{
    const char *usual = params->shards           ? NAME_DEFAULT_SHARD
                        : options_groups(params) ? NAME_DEFAULT_GROUP
                        : by->fields == 0        ? NAME_DEFAULT_PART
                                                 : NAME_DEFAULT;
    const char *name = params->name ? params->name : usual;
    const char *ending = params->name ? pack_ending(d->compress) : dialect_ending(d);
    const size_t len = strlen(name), ending_len = strlen(ending);
    const bool has = len >= ending_len && strcmp(name + len - ending_len, ending) == 0;
    (void)snprintf(text, NAME_MAX_LEN + 1, "%.512s%s", name, has ? "" : ending);
}

/* One reading of the n sources. */
static bool run_once(const struct clv_split_params *params, struct source *sources, size_t n,
                     const uint8_t *header, const struct pipeline_params *pp,
                     struct clv_split_result *result, struct clv_error *err)
{
    struct pipeline_params own = *pp;
    struct merge *merge = NULL;
    struct source merged;
    for (size_t i = 0; i < n; i++)
        if (sources[i].used)
            source_rewind(&sources[i]);
    own.sources = sources;
    own.n_sources = n;
    if (params->merge && n > 1) {
        struct rlimit lim;
        struct merge_limits limits = {.recover = params->recover, .memory = pp->memory};
        for (size_t i = 0; i < n; i++)
            limits.max_open += sources[i].stream && !sources[i].once;
        if (limits.max_open && getrlimit(RLIMIT_NOFILE, &lim) == 0) { /* outputs make room */
            const unsigned spare = spare_of(lim.rlim_cur);
            limits.max_open = (unsigned)min_u64(limits.max_open, spare - spare / 8);
            own.max_open = (unsigned)min_u64(own.max_open, max_u64(spare - limits.max_open, 1));
        }
        if (!merge_open(&merge, &merged, sources, n, header, &limits, err))
            return false;
        own.sources = &merged;
        own.n_sources = own.n_all = 1;
    }
    const bool ok = pipeline_run(&own, result, err);
    if (merge)
        merge_count(merge, result);
    merge_close(&merge);
    return ok;
}

/* Reads all once before, as *pp says, which is that of the outputs but for what it learns. */
static bool read_before(const struct clv_split_params *params, struct source *sources, size_t n,
                        const uint8_t *header, const struct pipeline_params *pp, double *seconds,
                        struct clv_error *err)
{
    struct clv_split_result result = {.damage = {.offset = CLV_NO_OFFSET}};
    struct pipeline_params dry = *pp;
    struct dialect dialect = {
        .form = pp->dialect->form,
        .nanoseconds = pp->dialect->nanoseconds,
    };
    dry.dialect = &dialect;
    dry.dry_run = true;
    dry.measures = false;
    dry.archive = NULL;
    dry.manifest = CLV_MANIFEST_NONE;
    dry.max_packets = dry.max_bytes = 0;
    const bool ok = run_once(params, sources, n, header, &dry, &result, err);
    *seconds += result.seconds;
    return ok;
}

/* Finds which flows are chosen. */
static bool choose(struct learned *chosen, const struct clv_split_params *params,
                   struct source *sources, size_t n, const uint8_t *header,
                   const struct pipeline_params *pp, struct flow_totals *totals, double *seconds,
                   struct clv_error *err)
{
    struct pipeline_params dry = *pp;
    const struct observer sums = observe_totals(totals);
    struct observer learned = observe_learned(chosen);
    learned.next = &sums;
    dry.cuts = (struct flow_cuts){.connections = false};
    dry.observers = &learned;
    return read_before(params, sources, n, header, &dry, seconds, err) &&
           (learned_settle(chosen, &pp->by) || clv_fail_nomem(err, "flows", sizeof(struct flow)));
}

/* Finds which flows belong together. */
static bool learn(struct relations *known, const struct clv_split_params *params,
                  struct source *sources, size_t n, const uint8_t *header,
                  const struct pipeline_params *pp, struct flow_totals *totals, double *seconds,
                  struct clv_error *err)
{
    struct pipeline_params dry = *pp;
    const struct observer sums = observe_totals(totals);
    dry.shards = 0;
    dry.observers = &sums;
    dry.learns = known;
    return read_before(params, sources, n, header, &dry, seconds, err);
}

/*
 * What a first reading has found is going to be written, to so many outputs at least. Where outputs
 * are members of an archive, their sizes are found in any case.
 */
static bool totals_fit(const struct pipeline_params *pp, const struct source *first,
                       const struct flow_totals *totals, uint64_t outputs, struct clv_error *err)
{
    const struct dialect *d = pp->dialect;
    const bool copies = d->form == DIALECT_COPY;
    uint64_t bytes = totals->records * (copies ? first->format.hdr_len : PCAP_RECORD_HEADER) +
                     totals->captured + (copies ? outputs * PCAP_FILE_HEADER : 0);
    if (pp->archive || pp->measures)
        return true;
    if (d->compress || d->snaplen || pp->max_packets || pp->max_bytes ||
        (pp->chosen && pp->drop_other))
        bytes = 0; /* that is not known */
    return pipeline_fits(pp, bytes, outputs, err);
}

/* Keys, and where flows are cut. */
static bool settle_by(struct pipeline_params *pp, const struct clv_split_params *params,
                      struct clv_error *err)
{
    if (!flow_by_parse(&pp->by, options_by_name(params), options_by(params), params->directed, err))
        return false;
    pp->cuts = (struct flow_cuts){
        .connections = pp->by.connections,
        .idle_ns = params->idle_timeout_ns,
        .active_ns = params->active_timeout_ns,
        .every = (enum flow_every)params->every,
        .every_n = params->every_n,
    };
    pp->shards = params->shards;
    pp->max_packets = params->max_packets_per_flow;
    pp->max_bytes = params->max_bytes_per_flow;
    pp->community_seed = params->community_seed;
    if (params->directed && !(pp->by.a | pp->by.b)) {
        (void)clv_fail(err, CLV_ERR_OPTION, "directed", "needs a key that has two ends");
        return clv_fail_hint(err, "as in --by flow, or --by mac");
    }
    if (pp->by.fields & FLOW_BY_LABEL && !params->flows)
        return clv_fail(err, CLV_ERR_OPTION, options_by_name(params),
                        "the key label needs --flows, where labels come from");
    if (params->name && strstr(params->name, "{label}") && !(pp->by.fields & FLOW_BY_LABEL)) {
        (void)clv_fail(err, CLV_ERR_OPTION, "name", "{label} needs label in --by");
        return clv_fail_hint(err, "as in --by flow,label");
    }
    if (params->tunnel_port && !params->inner && !(pp->by.fields & FLOW_BY_TUNNEL))
        return clv_fail(err, CLV_ERR_OPTION, "tunnel_port", "needs --inner, or tunnel in --by");
    if (pp->shards && pp->by.fields & FLOW_BY_HOST)
        return clv_fail(err, CLV_ERR_OPTION, "shards",
                        "the key host would put a record into two shards");
    if (chooses(params) && (pp->shards || pp->by.fields & FLOW_BY_HOST))
        return clv_fail(err, CLV_ERR_OPTION, pp->shards ? "shards" : options_by_name(params),
                        "%scannot be combined with --min-packets, --min-bytes or --top",
                        pp->shards ? "" : "host ");
    if (pp->shards && (pp->by.connections || pp->cuts.idle_ns || pp->cuts.active_ns))
        return clv_fail(
            err, CLV_ERR_OPTION, "shards",
            "cannot be combined with connection or timeouts: a shard holds whole flows");
    if (pp->shards && pp->by.fields == 0)
        return clv_fail(err, CLV_ERR_OPTION, "shards", "needs a key to hash");
    return true;
}

/* What is asked of flows and their payloads. */
static bool settle_relate(struct pipeline_params *pp, const struct clv_split_params *params,
                          struct clv_error *err)
{
    enum { TUPLE = FLOW_BY_IP | FLOW_BY_PROTO | FLOW_BY_PORT };
    static const int64_t hour = INT64_C(3600) * 1000000000;
    struct relations_plan *const plan = &pp->relate;
    const char *const option = params->group     ? "group"
                               : params->related ? "related"
                               : params->names   ? "names"
                               : pp->by.names    ? options_by_name(params)
                                                 : "name";
    *plan = (struct relations_plan){
        .names = params->names || params->related || options_groups(params),
        .called = learns(params),
        .groups = options_groups(params),
        .by_names = pp->by.names,
        .shards = options_groups(params) ? params->shards : 0,
        .dns_window_ns = params->dns_window_ns ? params->dns_window_ns : hour,
        .http_window_ns = params->http_window_ns ? params->http_window_ns : hour,
    };
    if (!relations_any(plan)) {
        const char *const window = params->dns_window_ns    ? "dns_window"
                                   : params->http_window_ns ? "http_window"
                                                            : NULL;
        return !window || clv_fail(err, CLV_ERR_OPTION, window,
                                   "needs --related, --group, --names or --by name");
    }
    if (params->related && params->group)
        return clv_fail(err, CLV_ERR_OPTION, "group",
                        "cannot be combined with --related, which it includes");
    if (pp->by.names && (params->related || params->group))
        return clv_fail(err, CLV_ERR_OPTION, option, "cannot be combined with --by name");
    const struct flow_by *const by = &pp->by;
    if ((by->fields & TUPLE) != TUPLE || by->fields & (FLOW_BY_HOST | FLOW_BY_ROLES) ||
        by->a_cut[0] || by->a_cut[1] || by->b_cut[0] || by->b_cut[1])
        return clv_fail(err, CLV_ERR_OPTION, option,
                        "needs a key of addresses, protocol and ports, such as --by flow");
    if (chooses(params))
        return clv_fail(err, CLV_ERR_OPTION, option,
                        "cannot be combined with --min-packets, --min-bytes or --top");
    if (pp->shards && !plan->groups)
        return clv_fail(err, CLV_ERR_OPTION, option,
                        "cannot be combined with --shards; --group can");
    if (plan->groups && (pp->cuts.every || params->directed))
        return clv_fail(err, CLV_ERR_OPTION, option,
                        "cannot be combined with --every or --directed");
    const char *const kinds = params->group ? params->group : params->related;
    if (kinds && !relations_parse(&plan->kinds, option, kinds, err))
        return false;
    if (params->http_window_ns && !(plan->kinds >> RELATION_HTTP & 1))
        return clv_fail(err, CLV_ERR_OPTION, "http_window", "needs http in --related or --group");
    pp->by.any_key |= plan->groups; /* a group's key has more than a tuple */
    return true;
}

bool job_inputs(struct clv_split_params *params, struct places *places,
                struct clv_split_result *result, struct clv_error *err)
{
    if (params->listed)
        *places = places_lend(params->listed);
    else if (!params->inputs || !params->n_inputs)
        return true; /* job_open() refuses it */
    else if (!places_list(places,
                          &(struct places_wish){.paths = params->inputs,
                                                .n = params->n_inputs,
                                                .pattern = params->member},
                          err))
        return false;
    result->other_members = places->n_others;
    params->inputs = places->names;
    params->n_inputs = places->n;
    return true;
}

/* The flows that are asked for. Keys have been settled. */
static bool read_list(struct job *job, const struct clv_split_params *params, struct clv_error *err)
{
    struct flowlist *const list = &job->list;
    if (!flowlist_init(list, params->community_seed, err) ||
        !listfile_read(list, params->flows, job->pipeline.threads, err))
        return false;
    if (list->n == 0 || list->worded) {
        if (list->worded && list->head[0])
            return listfile_refuse_head(params->flows, list->head, err);
        if (list->worded)
            (void)clv_fail(err, CLV_ERR_ARG, params->flows,
                           "line %llu is neither a row nor a Community ID",
                           (unsigned long long)list->worded);
        else
            (void)clv_fail(err, CLV_ERR_ARG, params->flows, "contains no flows");
        return clv_fail_hint(err, "use CSV with a header or JSON Lines (src sport dst dport proto "
                                  "community_id first last label), or Zeek's conn.log");
    }
    job->pipeline.list = list;
    return true;
}

bool job_open(struct job *job, const struct clv_split_params *params,
              const struct input_place *places, struct clv_error *err)
{
    struct pipeline_params *pp = &job->pipeline;
    const bool to_fd = manifest_goes_to_fd(params->manifest);
    const bool no_file =
        params->dry_run || params->manifest == CLV_MANIFEST_SQLITE || params->single;
    *job = (struct job){.params = params};
    *pp = (struct pipeline_params){
        .recover = params->recover,
        .inner = params->inner,
        .drop_other = params->no_other,
        .dry_run = params->dry_run,
        .manifest = to_fd     ? manifest_form(params->manifest)
                    : no_file ? CLV_MANIFEST_NONE
                              : params->manifest,
        .manifest_fd = to_fd ? params->manifest_fd : -1,
        .threads = params->threads ? params->threads : port_processors(),
        .window = params->window,
        .progress = params->progress,
        .user = params->user,
    };
    pp->memory = params->memory
                     ? params->memory
                     : max_u64(MEMORY_DEFAULT, (uint64_t)pp->threads * MEMORY_PER_THREAD);
    if (!check_params(params, err) || !filter_init(&job->filter, params, err) ||
        !secret_draw(&job->secret, err))
        return false;
    if (params->flows && !read_list(job, params, err))
        return false;
    if (!dedup_parse_ignore(&job->dedup, "dedup_ignore", params->dedup_ignore, err))
        return false;
    job->dedup.window_ns = params->dedup_ns;
    pp->dedup = params->dedup_ns ? &job->dedup : NULL;
    if (!decode_ports_parse(&job->ports, "tunnel_port", params->tunnel_port, err))
        return false;
    pp->ports = params->tunnel_port ? &job->ports : NULL;
    pp->filter = filter_any(&job->filter) ? &job->filter : NULL;
    if (!settle_by(pp, params, err) || !settle_relate(pp, params, err) ||
        !settle_max_open(params->max_open, params->keep_nofile, &pp->max_open, err))
        return false;
    pp->by.labels = &job->list.labels.of;
    pp->by.secret = &job->secret;
    job->sources = mem_zalloc(params->n_inputs, sizeof *job->sources);
    if (!job->sources)
        return clv_fail_nomem(err, "the inputs", params->n_inputs * sizeof *job->sources);
    job->n_all = params->n_inputs;
    return probe_all(job, places, err) && check_twice(job, err);
}

void job_close(struct job *job)
{
    filter_fini(&job->filter);
    flowlist_fini(&job->list);
    for (size_t i = 0; i < job->n_sources; i++)
        source_forget(&job->sources[i]);
    mem_free(job->sources);
    job->sources = NULL;
    job->n_sources = job->n_all = 0;
}

/* As job_part(), by *pp, which is settled but for what depends on the sources. */
static bool run_part(struct job *job, size_t from, size_t n, const struct pipeline_params *pp,
                     struct clv_split_result *result, struct clv_error *err)
{
    const struct clv_split_params *params = job->params;
    struct pipeline_params own = *pp;
    struct source *sources = job->sources + from;
    struct name_template name;
    struct learned chosen = {
        .min_packets = params->min_packets,
        .min_bytes = params->min_bytes,
        .top = params->top,
    };
    struct relations known;
    struct spill spill;
    const uint8_t *header =
        job_dialect(&job->dialect, params, sources, n) ? job->dialect.header : NULL;
    char text[NAME_MAX_LEN + 1];
    double seconds = 0;
    settle_name(text, params, &own.by, &job->dialect);
    if (!name_parse(&name, text, sources[0].called, &own.by, err))
        return false;
    name.community_seed = params->community_seed;
    name.page = job->page;
    name.other_ending = dialect_ending(&job->dialect);
    if (own.packing) /* which compresses what is written, and named so */
        job->dialect.compress = CLV_COMPRESS_NONE;
    own.dialect = &job->dialect;
    own.name = &name;
    own.n_before = from;
    own.n_all = job->n_sources;
    bool ok = true;
    struct flow_totals totals = {.flows = 0};
    if (chooses(params)) {
        ok = choose(&chosen, params, sources, n, header, &own, &totals, &seconds, err);
        own.chosen = &chosen;
        ok = ok && totals_fit(&own, sources, &totals, chosen.flows.n, err);
    }
    spill_init(&spill, own.memory, own.spill_dir);
    relations_init(&known, &spill);
    if (learns(params)) {
        ok = ok && learn(&known, params, sources, n, header, &own, &totals, &seconds, err);
        own.known = name.known = &known;
        name.grouped = own.relate.groups;
        ok = ok && totals_fit(&own, sources, &totals, name.grouped ? 0 : totals.flows, err);
    }
    ok = ok && run_once(params, sources, n, header, &own, result, err);
    result->seconds += seconds;
    learned_fini(&chosen);
    relations_fini(&known);
    spill_fini(&spill);
    return ok;
}

bool job_part(struct job *job, size_t from, size_t n, struct publish *p,
              const struct observer *observers, struct clv_split_result *result,
              struct clv_error *err)
{
    struct pipeline_params own = job->pipeline;
    own.publish = p;
    own.observers = observers;
    return run_part(job, from, n, &own, result, err);
}

bool job_single(struct job *job, struct single *s, const struct observer *observers,
                struct clv_split_result *result, struct clv_error *err)
{
    struct pipeline_params own = job->pipeline;
    own.single = s;
    own.observers = observers;
    const bool ok = run_part(job, 0, job->n_sources, &own, result, err);
    result->writes = atomic_load(&s->writes);
    return ok;
}

/* true: not all that is read is written, or in fewer bytes. */
static bool writes_less(const struct job *job)
{
    const struct clv_split_params *p = job->params;
    const struct pipeline_params *pp = &job->pipeline;
    return pp->filter || pp->list || pp->dedup || pp->drop_other || pp->max_packets ||
           pp->max_bytes || p->snaplen || p->compress || p->recover;
}

/* Bytes of the records, about: less of what is compressed, and none of a pipe's. */
static uint64_t weight_of(const struct source *s)
{
    return s->once || s->found < s->format.data_at ? 0 : s->found - s->format.data_at;
}

static uint64_t weight_of_all(const struct job *job)
{
    uint64_t bytes = 0;
    for (size_t i = 0; i < job->n_sources; i++)
        bytes += weight_of(&job->sources[i]);
    return bytes;
}

bool job_archive(struct job *job, struct archive *a, struct packing *packing,
                 const struct observer *observers, struct clv_split_result *result,
                 struct clv_error *err)
{
    struct pipeline_params own = job->pipeline;
    own.archive = a;
    own.packing = packing;
    own.observers = observers;
    a->expected = writes_less(job) ? 0 : weight_of_all(job);
    return run_part(job, 0, job->n_sources, &own, result, err);
}

bool job_measure(struct job *job, const struct observer *observers, struct clv_split_result *result,
                 struct clv_error *err)
{
    struct pipeline_params own = job->pipeline;
    own.observers = observers;
    own.measures = true;
    own.manifest_fd = -1;
    own.manifest = CLV_MANIFEST_NONE;
    return run_part(job, 0, job->n_sources, &own, result, err);
}

bool job_repeat(struct job *job, size_t from, size_t n, bool manifest,
                const struct observer *observers, struct clv_split_result *result,
                struct clv_error *err)
{
    struct pipeline_params own = job->pipeline;
    own.observers = observers;
    own.dry_run = true;
    own.manifest_fd = -1;
    own.manifest = manifest ? job->params->manifest : CLV_MANIFEST_NONE;
    return run_part(job, from, n, &own, result, err);
}

const struct source *job_next(const struct job *job, size_t *good, size_t *bad)
{
    const struct source *g = *good < job->n_sources ? &job->sources[*good] : NULL;
    const struct source *b =
        *bad < job->n_all - job->n_sources ? &job->sources[job->n_all - 1 - *bad] : NULL;
    if (g && (!b || g->number < b->number)) {
        ++*good;
        return g;
    }
    *bad += b != NULL;
    return b;
}

void job_faults(const struct job *job, struct clv_split_result *result)
{
    const struct clv_split_params *params = job->params;
    size_t good = 0, bad = 0;
    const struct source *s;
    while ((s = job_next(job, &good, &bad)) != NULL) {
        if (s->fault.code == CLV_ERR_NONE)
            continue;
        if (result->faulty++ == 0)
            result->damage = s->fault;
        if (result->faulty <= params->max_faults && params->faults)
            params->faults[result->faulty - 1] = s->fault;
    }
    result->list_rows = job->list.n;
    result->list_unmet = flowlist_unmet(&job->list, result->list_unmet_lines,
                                        sizeof result->list_unmet_lines / sizeof(uint64_t));
    result->left_out = job->n_all - job->n_sources;
    result->damages += result->left_out;
}

/* Where the bytes of outputs are counted before there are any. */
struct weighing {
    const struct job *job;
    const struct publish *publish;
    bool as_they_are; /* records have the length that they have in their capture, or more */
    uint64_t bytes, asked, most; /* most: of the captures */
    struct clv_error *err;
};

/* false: there is certainly no room, or nobody wants to know any more. */
static bool goes_on(struct weighing *w)
{
    enum { STEP = 64 << 20 }; /* bytes between two questions */
    const struct clv_split_params *p = w->job->params;
    const struct io_need need = {.bytes = w->bytes, .about = w->most};
    if (w->bytes - w->asked < STEP)
        return true;
    w->asked = w->bytes;
    if (p->progress) {
        struct clv_split_result *none = mem_zalloc(1, sizeof *none);
        if (!none)
            return clv_fail_nomem(w->err, "the run", sizeof *none);
        const bool stops = !p->progress(none, p->user);
        mem_free(none);
        if (stops)
            return clv_fail(w->err, CLV_ERR_CANCELLED, "the run", "stopped by its caller");
    }
    return publish_fits(w->publish, &need, w->err);
}

/* Adds the records of a source up to its end or the first damage, as the run will write them. */
static bool weigh(struct weighing *w, const struct source *s)
{
    enum { MANY = 256 };
    struct clv_record recs[MANY];
    struct clv_capture *c = NULL;
    bool ok = true, within = true; /* what was found: more may have been appended */
    size_t n;
    if (s->kept >= 0
            ? lseek(s->kept, 0, SEEK_SET) != 0 || !clv_capture_open_fd(&c, s->kept, s->path, NULL)
            : !capture_open_at(&c, &s->place, NULL))
        return true; /* the run will say why */
    while (ok && within && clv_capture_next_many(c, recs, MANY, &n, NULL) == CLV_RECORD) {
        for (size_t i = 0; i < n && within; i++) {
            within = s->stream || recs[i].offset + recs[i].raw_len <= s->found;
            w->bytes += !within          ? 0
                        : w->as_they_are ? recs[i].raw_len
                                         : PCAP_RECORD_HEADER + recs[i].caplen;
        }
        ok = goes_on(w);
    }
    clv_capture_close(&c);
    return ok;
}

bool job_fits(const struct job *job, const struct publish *p, struct clv_error *err)
{
    struct weighing w = {.job = job, .publish = p, .err = err};
    const struct io_need most = {.bytes = weight_of_all(job)};
    bool any_stream = false;
    for (size_t i = 0; i < job->n_sources; i++)
        any_stream |= job->sources[i].stream;
    if (writes_less(job) || publish_fits(p, &most, NULL))
        return true;
    /* Damage, and blocks of pcapng that are no packets, may be why they are so large. */
    w.most = any_stream ? 0 : most.bytes;
    for (size_t i = 0; i < job->n_sources; i++) {
        const size_t from = job->params->each ? i : 0, n = job->params->each ? 1 : job->n_sources;
        struct dialect d;
        (void)job_dialect(&d, job->params, job->sources + from, n);
        w.as_they_are = d.form != DIALECT_PCAP;
        if (weight_of(&job->sources[i]) && !weigh(&w, &job->sources[i]))
            return false;
    }
    const struct io_need need = {.bytes = w.bytes};
    return publish_fits(p, &need, err);
}

bool job_is_once(const struct job *job)
{
    bool once = false;
    for (size_t i = 0; i < job->n_sources; i++)
        once |= job->sources[i].once;
    return once;
}

void job_sub_name(struct job_name *name, const char *capture, unsigned again)
{
    char stem[NAME_COMPONENT_MAX + 1];
    name_of_input(stem, capture);
    const char *own = name_reserved(stem, strlen(stem)) ? "_" : "";
    (void)snprintf(name->text, sizeof name->text, again ? "%s%s-%u" : "%s%s", own, stem, again + 1);
}

struct names_entry *job_take_sub(struct job_name *name, const char *capture, struct names *taken,
                                 const struct keyed *key)
{
    bool is_new;
    job_sub_name(name, capture, 0);
    const struct keyed_hash plain = keyed_bytes(key, name->text, strlen(name->text));
    struct names_entry *first = names_add(taken, plain, &is_new), *e = first;
    while (e && !is_new) {
        job_sub_name(name, capture, ++first->again);
        e = names_add(taken, keyed_bytes(key, name->text, strlen(name->text)), &is_new);
        first = names_find(taken, plain); /* it may have moved */
    }
    return e;
}
