/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/mem.h"
#include "base/sized.h"
#include "capture/places.h"
#include "capture/records.h"

/* Size of the first version. */
enum { PARAMS_FIRST = SIZED_END(struct clv_captures_params, order) };

bool clv_captures_list(struct clv_captures **out, const struct clv_captures_params *params,
                       struct clv_error *err)
{
    struct clv_captures_params own;
    *out = NULL;
    if (!sized_take(&own, sizeof own, PARAMS_FIRST, params, err))
        return false;
    struct clv_captures *c = *out = mem_zalloc(1, sizeof *c);
    if (!c)
        return clv_fail_nomem(err, "the inputs", sizeof *c);
    const struct places_wish wish = {
        .paths = own.paths,
        .n = own.n_paths,
        .pattern = own.member,
        .recursive = own.recursive,
        .by_time = own.order == CLV_ORDER_TIME,
    };
    if (places_list(&c->places, &wish, err))
        return true;
    clv_captures_destroy(out);
    return false;
}

void clv_captures_destroy(struct clv_captures **cp)
{
    if (!*cp)
        return;
    places_fini(&(*cp)->places);
    mem_free(*cp);
    *cp = NULL;
}

const char *const *clv_captures_names(const struct clv_captures *c, size_t *n)
{
    *n = c->places.n;
    return c->places.names;
}

uint64_t clv_captures_others(const struct clv_captures *c)
{
    return c->places.n_others;
}

bool clv_captures_open(struct clv_capture **out, const struct clv_captures *c, size_t i,
                       struct clv_error *err)
{
    return capture_open_at(out, &c->places.all[i], err);
}

bool clv_capture_open(struct clv_capture **out, const char *path, struct clv_error *err)
{
    struct places places;
    *out = NULL;
    bool ok = places_list(&places, &(struct places_wish){.paths = &path, .n = 1}, err);
    if (ok && places.n > 1) {
        (void)clv_fail(err, CLV_ERR_ARG, path, "zip archive: it contains %zu captures", places.n);
        ok = clv_fail_hint(err, "name one of them: %.120s", places.names[0]);
    }
    ok = ok && capture_open_at(out, &places.all[0], err);
    places_fini(&places);
    return ok;
}
