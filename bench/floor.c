/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The floor under every splitter: creates the files of a result anew, with the same names and
 * sizes, and does nothing else. What is timed is openat, write and close.
 *
 *   floor LIST DIR THREADS
 *
 * LIST holds lines "SIZE NAME" (find RESULT -type f -printf '%s %P\n'); DIR is made. Directories
 * are made before the clock starts to run for people who look at the printed seconds.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { CHUNK = 256 * 1024, BATCH = 64 };

struct file {
    size_t size;
    char *name;
};

struct job {
    struct file *files;
    size_t n;
    int dir;
    _Atomic size_t next;
    _Atomic int failed;
};

static void make_parents(int dir, const char *name)
{
    char path[4096];
    for (const char *slash = strchr(name, '/'); slash; slash = strchr(slash + 1, '/')) {
        (void)snprintf(path, sizeof path, "%.*s", (int)(slash - name), name);
        (void)mkdirat(dir, path, 0777);
    }
}

static int make_file(int dir, const struct file *f, const char *zeros)
{
    const int fd = openat(dir, f->name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0640);
    if (fd < 0)
        return -1;
    for (size_t left = f->size; left;) {
        const ssize_t n = write(fd, zeros, left < CHUNK ? left : CHUNK);
        if (n <= 0)
            return -1;
        left -= (size_t)n;
    }
    return close(fd);
}

static void *work(void *arg)
{
    struct job *job = arg;
    char *zeros = aligned_alloc(4096, CHUNK);
    if (!zeros)
        abort();
    memset(zeros, 0, CHUNK);
    size_t i;
    while ((i = atomic_fetch_add(&job->next, BATCH)) < job->n)
        for (size_t k = i; k < i + BATCH && k < job->n; k++)
            if (make_file(job->dir, &job->files[k], zeros) != 0)
                job->failed = errno ? errno : EIO;
    free(zeros);
    return NULL;
}

static int read_list(const char *path, struct job *job)
{
    FILE *list = fopen(path, "re");
    char line[4200];
    size_t cap = 0;
    if (!list)
        return -1;
    while (fgets(line, sizeof line, list)) {
        char *end;
        const unsigned long long size = strtoull(line, &end, 10);
        line[strcspn(line, "\n")] = '\0';
        if (*end != ' ')
            continue;
        if (job->n == cap) {
            cap = cap ? cap * 2 : 1024;
            struct file *files = realloc(job->files, cap * sizeof *files);
            if (!files)
                abort();
            job->files = files;
        }
        char *name = strdup(end + 1);
        if (!name)
            abort();
        job->files[job->n++] = (struct file){(size_t)size, name};
    }
    return fclose(list);
}

int main(int argc, char **argv)
{
    static struct job job;
    struct timespec from, to;
    if (argc != 4 || read_list(argv[1], &job) != 0 || mkdir(argv[2], 0777) != 0 ||
        (job.dir = open(argv[2], O_RDONLY | O_DIRECTORY | O_CLOEXEC)) < 0) {
        (void)fprintf(stderr, "usage: floor LIST DIR THREADS: %s\n", strerror(errno));
        return 2;
    }
    const long n = strtol(argv[3], NULL, 10);
    const long threads = n < 1 ? 1 : n > 64 ? 64 : n;
    pthread_t others[64];
    for (size_t i = 0; i < job.n; i++)
        if (i == 0 || strchr(job.files[i].name, '/'))
            make_parents(job.dir, job.files[i].name);
    (void)clock_gettime(CLOCK_MONOTONIC, &from);
    for (long i = 1; i < threads; i++)
        if (pthread_create(&others[i], NULL, work, &job) != 0)
            abort();
    (void)work(&job);
    for (long i = 1; i < threads; i++)
        (void)pthread_join(others[i], NULL);
    (void)clock_gettime(CLOCK_MONOTONIC, &to);
    if (job.failed) {
        (void)fprintf(stderr, "floor: %s\n", strerror(job.failed));
        return 2;
    }
    (void)printf("%.6f\n",
                 (double)(to.tv_sec - from.tv_sec) + (double)(to.tv_nsec - from.tv_nsec) / 1e9);
    return 0;
}
