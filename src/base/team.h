/* SPDX-License-Identifier: BSD-2-Clause */
/* Threads that do one job together, and end with it. */
#ifndef CLEAVE_BASE_TEAM_H
#define CLEAVE_BASE_TEAM_H

/* Calls work(job) on up to n threads at a time, the caller's among them, and waits for all. */
void team_run(unsigned n, void (*work)(void *job), void *job);

#endif
