/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Runs a fuzz target over the files of the directories that are its arguments, and over what
 * FUZZ_CHANGES random changes of some bytes, always the same, make of each.
 */
#include <dirent.h>
#include <string.h>

#include "fuzz.h"

enum { FILE_MAX = 1 << 20, CHANGES = FUZZ_CHANGES };

static uint64_t next_random(uint64_t *state)
{
    *state = *state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return *state >> 33;
}

/* In a block of its own size, so that the sanitizer sees a read behind the end. */
static void run(const uint8_t *data, size_t size)
{
    uint8_t *copy = malloc(size ? size : 1);
    if (!copy)
        abort();
    memcpy(copy, data, size);
    (void)LLVMFuzzerTestOneInput(copy, size);
    free(copy);
}

static void run_changed(uint8_t *data, size_t size)
{
    uint64_t state = size;
    uint8_t *copy = malloc(size ? size : 1);
    if (!copy)
        abort();
    for (unsigned i = 0; size && i < CHANGES; i++) {
        memcpy(copy, data, size);
        const size_t n = 1 + next_random(&state) % 4;
        for (size_t k = 0; k < n; k++) {
            static const uint8_t edges[] = {0, 1, 0x7f, 0x80, 0xff, 4, 6, 0x45};
            const uint64_t r = next_random(&state);
            copy[next_random(&state) % size] = r & 1 ? (uint8_t)(r >> 8) : edges[(r >> 1) % 8];
        }
        run(copy, i % 4 ? size : next_random(&state) % size);
    }
    free(copy);
}

static unsigned replay(const char *dir)
{
    unsigned n = 0;
    DIR *d = opendir(dir);
    uint8_t *data = malloc(FILE_MAX);
    if (!data)
        abort();
    for (const struct dirent *e; d && (e = readdir(d));) {
        char path[4096];
        (void)snprintf(path, sizeof path, "%s/%s", dir, e->d_name);
        FILE *f = e->d_name[0] == '.' ? NULL : fopen(path, "rb");
        if (!f)
            continue;
        const size_t size = fread(data, 1, FILE_MAX, f);
        (void)fclose(f);
        run(data, size);
        run_changed(data, size);
        n++;
    }
    free(data);
    if (d)
        (void)closedir(d);
    return n;
}

int main(int argc, char **argv)
{
    unsigned n = 0;
    for (int i = 1; i < argc; i++)
        n += replay(argv[i]);
    (void)printf("%u files\n", n);
    return n ? 0 : 1; /* an empty corpus tests nothing */
}
