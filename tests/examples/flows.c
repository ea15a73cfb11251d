/* SPDX-License-Identifier: BSD-2-Clause */
/* Counts what each address sends: flows FILE | sort | uniq -c */
#include <cleave/capture.h>
#include <cleave/packet.h>

#include <arpa/inet.h>
#include <stdio.h>
#include <sys/socket.h>

int main(int argc, char **argv)
{
    struct clv_capture *capture;
    struct clv_record record;
    struct clv_error err;
    enum clv_walk step = CLV_BAD;
    char text[512], from[INET6_ADDRSTRLEN];
    if (argc == 2 && clv_capture_open(&capture, argv[1], &err)) {
        while ((step = clv_capture_next(capture, &record, &err)) == CLV_RECORD) {
            struct clv_tuple t;
            if (clv_packet_tuple(record.linktype, record.data, record.caplen, &t))
                (void)puts(inet_ntop(t.family == 4 ? AF_INET : AF_INET6, t.src, from, sizeof from));
        }
        clv_capture_close(&capture);
    }
    if (argc == 2 && step == CLV_BAD)
        (void)fprintf(stderr, "%s\n", clv_error_format(&err, text, sizeof text));
    return step == CLV_END ? 0 : 1;
}
