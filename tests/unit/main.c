/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * All unit tests in one program: test-unit [NAME...] runs those of the modules NAME, or all.
 */
#include "support_check.h"
#include "units.h"

#define X(name) int unit_##name(void);
UNITS
#undef X

static const struct {
    const char *name;
    int (*run)(void);
} units[] = {
#define X(name) {#name, unit_##name},
    UNITS
#undef X
};

int main(int argc, char **argv)
{
    int failed = 0, found = 0;
    for (size_t i = 0; i < N_ROWS(units); i++) {
        bool wanted = argc == 1;
        for (int k = 1; k < argc; k++)
            wanted |= strcmp(argv[k], units[i].name) == 0;
        failed |= wanted && units[i].run() != 0;
        found += wanted;
    }
    if (argc > 1 && found != argc - 1) {
        print_error("usage: test-unit [NAME...]; names are those of tests/unit\n");
        return 2;
    }
    return failed;
}
