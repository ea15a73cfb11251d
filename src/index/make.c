/* SPDX-License-Identifier: BSD-2-Clause */
#include "index/make.h"

#if HAVE_SQLITE

#include "base/mem.h"
#include "job/options.h"
#include "job/receipt_write.h"
#include "manifest/manifest.h"

/* What has no sense where nothing is written but the index. */
static bool check_options(const struct clv_split_params *params, struct clv_error *err)
{
    const struct clv_option *o;
    for (size_t i = 0; (o = clv_split_options(i)) != NULL; i++)
        if (clv_option_is_set(o, params) && !options_of_index(o))
            return clv_fail(err, CLV_ERR_OPTION, o->name, "does not apply to an index");
    if (manifest_goes_to_fd(params->manifest))
        return clv_fail(err, CLV_ERR_OPTION, "manifest", "- does not apply to an index");
    return params->manifest != CLV_MANIFEST_SQLITE ||
           clv_fail(err, CLV_ERR_OPTION, "manifest",
                    "sqlite does not apply to an index, which is a database already");
}

/* An index refers to its captures, which therefore stay. */
static bool check_inputs(const struct job *job, struct clv_error *err)
{
    for (size_t i = 0; i < job->n_sources; i++)
        if (job->sources[i].once || job->sources[i].kept >= 0) {
            (void)clv_fail(err, CLV_ERR_ARG, job->sources[i].called, "can be read only once");
            return clv_fail_hint(err, "save it to a file first");
        }
    return true;
}

static bool put_receipt(struct make *m, struct clv_error *err)
{
    struct text receipt;
    const struct job *job = &m->job;
    const struct receipt_facts facts = {
        .params = &m->params,
        .sources = job->sources,
        .n_sources = job->n_sources,
        .left = job->sources + job->n_sources,
        .n_left = job->n_all - job->n_sources,
        .dialect = &job->dialect,
        .result = &m->result,
    };
    const bool ok = receipt_text(&facts, &receipt, err) &&
                    index_put(&m->writer, "receipt", receipt.p, receipt.len, err);
    mem_free(receipt.p);
    return ok;
}

bool make_begin(struct make *m, const struct clv_split_params *params, bool positions,
                struct clv_error *err)
{
    m->params = *params;
    m->params.single = false; /* an index has all outputs */
    m->result = (struct clv_split_result){.damage = {.offset = CLV_NO_OFFSET},
                                          .after = {.offset = CLV_NO_OFFSET}};
    if (!check_options(params, err) || !job_inputs(&m->params, &m->places, &m->result, err))
        return false;
    if (!job_open(&m->job, &m->params, m->places.all, err)) {
        job_faults(&m->job, &m->result);
        return false;
    }
    if (positions && !check_inputs(&m->job, err))
        return false;
    return !params->progress || params->progress(&m->result, params->user) ||
           clv_fail(err, CLV_ERR_CANCELLED, "the run", "stopped by its caller");
}

bool make_tables(struct make *m, const char *path, const char *what, bool positions,
                 const struct observer *followers, struct clv_error *err)
{
    if (!index_init(&m->writer, path, what, positions, err))
        return false;
    struct observer index = observe_index(&m->writer);
    index.next = followers;
    if (!job_measure(&m->job, &index, &m->result, err))
        return false;
    job_faults(&m->job, &m->result);
    m->result.written_bytes = m->writer.output_bytes;
    return put_receipt(m, err) && (!positions || index_captures(&m->writer, &m->job, err)) &&
           index_end(&m->writer, err);
}

void make_end(struct make *m)
{
    index_fini(&m->writer);
    job_close(&m->job);
    places_fini(&m->places);
}

#endif
