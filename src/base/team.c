/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/team.h"

#include <pthread.h>
#include <stddef.h>

enum { TEAM_MAX = 256 };

struct team {
    void (*work)(void *job);
    void *job;
};

static void *work_beside(void *arg)
{
    const struct team *const t = arg;
    t->work(t->job);
    return NULL;
}

void team_run(unsigned n, void (*work)(void *job), void *job)
{
    struct team t = {work, job};
    pthread_t threads[TEAM_MAX];
    unsigned begun = 0;
    /* Where no more can be started those that there are do it. */
    while (begun + 1 < n && begun < TEAM_MAX &&
           pthread_create(&threads[begun], NULL, work_beside, &t) == 0)
        begun++;
    work(job);
    while (begun)
        (void)pthread_join(threads[--begun], NULL);
}
