/* SPDX-License-Identifier: BSD-2-Clause */
#include "cleave/index.h"

#include <unistd.h>

#include "api/flows.h"
#include "base/io.h"
#include "base/mem.h"
#include "base/path.h"
#include "base/sized.h"
#include "index/make.h"
#include "index/opened.h"
#include "job/job.h"
#include "job/options.h"
#include "output/publish.h"

#if HAVE_SQLITE

struct indexing {
    struct make make;
    struct clv_split_params params; /* in full */
    struct publish publish;
    struct parents parents;
    struct publish_file file;
    char dir[PATH_MAX]; /* in which it is made */
};

static bool check_name(const char *output, struct clv_error *err)
{
    size_t stem;
    return !output || job_check_name(output, "an index is a database", &stem, err) ||
           clv_fail_hint(err, "name it %.*s.flows.db, or use 'cleave split'", (int)stem, output);
}

static bool open_output(struct indexing *run, struct clv_error *err)
{
    const struct clv_split_params *params = &run->params;
    struct clv_split_result *result = &run->make.result;
    int fd;
    run->file = (struct publish_file){
        .option = "output",
        .what = "cleave index",
        .replaces = params->force,
        .is_ours = db_is_ours,
    };
    if (params->force && !index_may_replace(params->output, err))
        return false;
    if (params->parents &&
        !parents_make(&run->parents, params->output, params->mode ? params->mode : IO_MODE, err))
        return false;
    if (!publish_file_open(&run->publish, params->output, params->mode ? params->mode : IO_MODE,
                           &run->file, params->clean, &fd, err) ||
        !io_close(fd, params->output, err))
        return parents_hint(params, err);
    path_parent(run->dir, run->publish.staging);
    run->make.job.pipeline.spill_dir = run->dir;
    result->stale = run->publish.n_stale;
    (void)snprintf(result->stale_path, sizeof result->stale_path, "%.255s", run->publish.stale);
    return true;
}

static bool make(struct indexing *run, struct clv_error *err)
{
    const struct clv_split_params *params = &run->params;
    struct flows shown = {.on_flow = params->on_flow, .user = params->user};
    const struct observer flows = observe_flows(&shown);
    if (!make_begin(&run->make, params, true, err))
        return job_hint_skipping(&run->make.job, err);
    if (!open_output(run, err) || !make_tables(&run->make, run->publish.staging, params->output,
                                               true, params->on_flow ? &flows : NULL, err))
        return false;
    index_fini(&run->make.writer); /* all of it is in the file */
    return publish_complete(&run->publish, params->sync, &run->make.result.after, err);
}

bool clv_index(const struct clv_split_params *params, struct clv_split_result *result,
               struct clv_error *err)
{
    static const struct clv_split_result none = {.damage = {.offset = CLV_NO_OFFSET},
                                                 .after = {.offset = CLV_NO_OFFSET}};
    const size_t size = params->result_size;
    struct indexing *run = mem_zalloc(1, sizeof *run);
    if (!run) {
        sized_give(result, size, SPLIT_RESULT_FIRST, &none, sizeof none);
        return clv_fail_nomem(err, "the run", sizeof *run);
    }
    run->make.result = none;
    publish_none(&run->publish);
    const bool ok = sized_take(&run->params, sizeof run->params, SPLIT_PARAMS_FIRST, params, err) &&
                    check_name(run->params.output, err) && make(run, err);
    sized_give(result, size, SPLIT_RESULT_FIRST, &run->make.result, sizeof run->make.result);
    make_end(&run->make);
    publish_fini(&run->publish, ok ? NULL : err);
    if (!ok)
        parents_remove(&run->parents);
    mem_free(run);
    return ok;
}

#else

bool clv_index(const struct clv_split_params *params, struct clv_split_result *result,
               struct clv_error *err)
{
    static const struct clv_split_result none;
    sized_give(result, params->result_size, SPLIT_RESULT_FIRST, &none, sizeof none);
    return db_supported(err);
}

#endif

const struct clv_option *clv_index_options(size_t i)
{
    const struct clv_option *o;
    for (size_t k = 0; (o = clv_split_options(k)) != NULL; k++) {
        const struct clv_option *own = options_of_index(o);
        if (own && i-- == 0)
            return own;
    }
    return NULL;
}

size_t clv_index_default_output(const char *input, char *buf, size_t len)
{
    const size_t n = clv_split_default_output(input, buf, len);
    struct text out = text_on(buf + n, len - n);
    text_str(&out, ".db");
    if (n && text_whole(&out))
        return n + out.len;
    if (len)
        *buf = '\0';
    return 0;
}
