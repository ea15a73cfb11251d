/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Splitting a capture into one file per flow.
 */
#ifndef CLEAVE_SPLIT_H
#define CLEAVE_SPLIT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cleave/error.h"
#include "cleave/flow.h"

#ifdef __cplusplus
extern "C" {
#endif

enum clv_manifest {
    CLV_MANIFEST_CSV = 0,
    CLV_MANIFEST_JSONL,
    CLV_MANIFEST_NONE,
    CLV_MANIFEST_SQLITE,   /* a database, with the tables of an index (cleave/index.h) */
    CLV_MANIFEST_FD,       /* CSV to manifest_fd, which stays open, and not to a file */
    CLV_MANIFEST_JSONL_FD, /* JSON Lines to it */
};

enum clv_format {
    CLV_FORMAT_INPUT = 0, /* the inputs' own; where they differ, one that can hold them all */
    CLV_FORMAT_PCAP,      /* what has to be converted is written by libpcap, in its byte order */
    CLV_FORMAT_PCAPNG,
};

enum clv_compress {
    CLV_COMPRESS_NONE = 0,
    CLV_COMPRESS_ZSTD, /* in frames of 256 KiB each */
    CLV_COMPRESS_GZIP, /* in members of 256 KiB each */
};

/* What an output may have at most before another one begins. */
enum clv_every {
    CLV_EVERY_NONE = 0,
    CLV_EVERY_NS,    /* of the records' time, aligned to the epoch */
    CLV_EVERY_BYTES, /* as classic pcap counts them; one record is always taken */
    CLV_EVERY_RECORDS,
};

/* What is on the disk when clv_split() returns, whatever happens to the machine then. */
enum clv_sync {
    CLV_SYNC_NONE = 0, /* what the system has written by then */
    CLV_SYNC_DATA,     /* all outputs, before they get their names: what has the name is whole */
    CLV_SYNC_FULL,     /* that, and the name */
};

enum clv_cache {
    CLV_CACHE_KEEP = 0, /* the page cache is the system's business */
    CLV_CACHE_DROP,     /* the input leaves it behind the writers: others' files stay cached */
};

/* Whether an output of an earlier run is replaced. None of the inputs may lie in it. */
enum clv_force {
    CLV_FORCE_NONE = 0,
    CLV_FORCE_OWN, /* if it holds nothing else */
    CLV_FORCE_ALL, /* whatever else lies in it is lost */
};

struct clv_captures;
struct clv_split_result;

/*
 * Called now and then from the thread that called clv_split(), with the counts so far; user is
 * params->user. Returning false stops the run: clv_split() fails with CLV_ERR_CANCELLED.
 */
typedef bool clv_split_progress(const struct clv_split_result *so_far, void *user);

/*
 * All zero is the default, but for inputs and output, which must be given. Strings are borrowed.
 * clv_split_options() has these members as a table.
 *
 * Params begin with their size and that of the result, as the program was compiled: so later
 * versions of the library have further members, and the program runs with them. Params that are
 * initialised with CLV_SPLIT_PARAMS_INIT have these. 0 stands for the members of version 0.1 alone.
 */
struct clv_split_params {
    size_t struct_size;
    size_t result_size;
    /* Paths of the captures, one behind the other; "-": standard input. A directory or a zip
     * archive stands for the captures in it, as clv_captures_list() has them. */
    const char *const *inputs;
    size_t n_inputs;
    const char *output; /* directory to make, or archive; its parent must exist, unless parents */
    /* Fields, separated by commas: ip proto port vlan mac tunnel host client server service iface
     * bssid label;
     * or flow, connection, 3tuple, hostpair; or name, or none. Addresses may be networks, as in
     * ip/24 or, of IPv6 too, ip/24,64. NULL: flow. */
    const char *by;
    uint32_t shards;      /* outputs that keys are hashed onto, the same on any machine; 0: none */
    const char *shard_by; /* with shards, in place of by: what must not be torn apart. NULL: flow */
    bool inner;           /* the addresses within tunnels count, not the outermost */
    /*
     * Which records count; NULL: all. Lists are separated by commas, and either end of a record may
     * match; what is given in several ways has to hold in each. The others are dropped.
     */
    const char *filter; /* in libpcap's language, pcap-filter(7) */
    const char *host;   /* addresses, or prefixes as in 10.0.0.0/8 */
    const char *port;   /* numbers, ranges as in 8000-8100, or names of services */
    const char *proto;  /* names or numbers */
    const char *vlan;   /* ids or ranges; of the outer two */
    bool has_after, has_before;
    int64_t after_ns, before_ns; /* times: from this one on; up to this one, which is left out */

    /* Where a flow is cut into several outputs, each with a part number. 0: not. */
    int64_t idle_timeout_ns;   /* behind so much time without a record */
    int64_t active_timeout_ns; /* behind so much time since its first record */
    enum clv_every every;
    uint64_t every_n; /* nanoseconds, bytes, or records; more than 0 */
    /*
     * Which flows get outputs of their own; records of the others are among the `other`. The inputs
     * are read twice; what a pipe gives is kept beside the output for it. What a flow has counts
     * over all its parts. 0: all.
     */
    uint64_t min_packets, min_bytes; /* at least so many packets, bytes of packets */
    uint64_t top;                    /* the flows with the most bytes of packets */
    uint64_t max_packets_per_flow;   /* what is beyond is dropped; 0: nothing */
    uint64_t max_bytes_per_flow;     /* of packets; the record that reaches it is the last */
    uint32_t snaplen;                /* packet bytes of a record that are written; 0: all */
    uint16_t community_seed;         /* of Community IDs */
    bool directed;                   /* each direction is a flow of its own */
    const char *name; /* template of output names; NULL: "{n:8}_{key}.pcap", or .pcapng */
    bool dry_run;     /* all but writing; output is not used */
    int manifest_fd;  /* for CLV_MANIFEST_FD and CLV_MANIFEST_JSONL_FD */
    bool no_other;    /* drop what has no network address instead of writing `other` */
    bool each;        /* every capture into a sub-directory of its own, named after it */
    bool merge; /* the captures' records in the order of their times, not one behind the other */
    enum clv_force force;
    bool no_metadata; /* pcapng: leave out names, secrets and custom blocks of sections */
    /* Where a capture is damaged: search for the next records and go on; and skip_bad. */
    bool recover;
    enum clv_format format;
    enum clv_compress compress; /* the outputs; their names end in .zst or .gz */
    enum clv_manifest manifest;
    enum clv_cache cache;
    enum clv_sync sync;
    unsigned mode; /* permissions of files that are made, less umask; 0: 0640 */
    bool clean;    /* remove what killed runs to the same output left */
    /*
     * Before the outputs get their name, read them and the inputs once more and prove that they are
     * right, as clv_verify() does. Of inputs that can be read only once, what was read is proven.
     */
    bool verify;
    /*
     * A file to make of what the run came to: one page of HTML, for people. It appears with the
     * outputs; force replaces an older one. NULL: none. Excludes each.
     */
    const char *report;
    unsigned threads;  /* 0: as many as this process may use processors */
    unsigned max_open; /* outputs open at a time; 0: what RLIMIT_NOFILE leaves */
    uint64_t memory;   /* bytes for buffers, beside what flows take; 0: 512 MiB, or 64 per thread */
    uint64_t window;   /* bytes of input between two rounds of writing at most; 0: 4 GiB,
                          or an eighth of what memory the machine has */
    /*
     * Room for the faults of the captures, NULL: none. Of each capture that is damaged, or left out
     * since it cannot be read, the first one, in the captures' order; where clv_split()
     * fails since captures cannot be read, these. The result's `faulty` says how many there are.
     */
    struct clv_error *faults;
    size_t max_faults;
    clv_split_progress *progress;
    void *user;
    clv_split_flow
        *on_flow;     /* NULL, or who is shown the table of flows; dry_run makes nothing else */
    bool keep_nofile; /* leave this process's limit of descriptors (RLIMIT_NOFILE) as it is */
    /*
     * The outputs, manifest and cleave.json become members of one zip archive, output, stored as
     * they are; also where output ends in ".zip". Excludes each. A pipe's bytes are kept
     * beside the output, since a second reading may be needed to find where members lie; with
     * compress, so are all members until they are compressed.
     */
    bool archive;
    const char *member; /* of archives that are inputs: clv_captures_list()'s pattern; NULL: all */
    /*
     * A descriptor; 0: none. Once it can be read from, inputs that are pipes end, and the run goes
     * on with what they had: when their writer closes them, and if that takes more than two
     * seconds, where they are.
     */
    int end_fd;
    /* UDP ports that tunnels are on besides their own: "vxlan=4790,gtp=2153". Kinds: vxlan
     * vxlan-gpe geneve gtp l2tp teredo capwap gre mpls tzsp. Needs inner, or tunnel in by. */
    const char *tunnel_port;
    const struct clv_captures *listed; /* the captures, in place of inputs; NULL: those */
    /*
     * What flows have to do with one another, and what they speak with, as their payloads say
     * (cleave-related(7)). Lists of: dns, sip, rtsp, ftp, tftp, http, icmp; or all. Keys must have
     * ip, proto and port.
     */
    const char *related;   /* columns for these relations, and for names; NULL: none */
    const char *group;     /* outputs are groups: a flow, or a DNS lookup, and all flows that it led
                              to by these relations; the inputs are read twice. NULL: flows */
    bool names;            /* columns for names and applications */
    int64_t dns_window_ns; /* from an answer to a flow that it led to, at most; 0: one hour */
    int64_t http_window_ns; /* the same from a page; 0: one hour */
    bool skip_bad; /* go on without captures that cannot be read at all, unless none can; without
                      those that have not a byte it goes on in any case */
    /*
     * The run's only output is not a directory's: it becomes the file output, also where that ends
     * in
     * ".pcap" or ".pcapng", or without output it is written to output_fd, which stays open. by is
     * "none" where it is NULL. Nothing else is made, no manifest and no cleave.json. Excludes all
     * that makes several outputs, or looks at them: shards, every, timeouts, min_packets,
     * min_bytes, top, group, each, compress, archive, verify, report.
     */
    bool single;
    bool parents; /* make the directories above output that are not there yet */
    int output_fd;
    /*
     * Records that repeat one of their flow within so much time, before or after it, are dropped.
     * The bytes from the network header on are compared, of what has none the whole packet, with
     * the latest like it among the 1,048,576 records before. 0: nothing is dropped.
     */
    int64_t dedup_ns;
    /* What they may differ in: ttl tos checksum; vlan mac iface where keys have these. NULL:
     * nothing */
    const char *dedup_ignore;
    /*
     * A file that lists flows, whose records alone count: CSV with a head or JSON Lines, with any
     * of src sport dst dport proto community_id first last label in each row; Zeek's conn.log;
     * Suricata's eve.json; or Community IDs, one per line. NULL: all count.
     */
    const char *flows;
};

enum { CLV_LARGEST = 5 };

/* Compressed outputs are frames (zstd) or members (gzip) of so many bytes each, unpacked. */
enum { CLV_COMPRESS_FRAME = 256 * 1024 };

/* Outputs in a directory: from this number on flows are in sub-directories, each with so many,
 * unless the template names directories. */
enum { CLV_PER_DIRECTORY = 10000 };

enum { CLV_UNKNOWN_LINKS = 8 };

/* Records of a link type that is not looked into. */
struct clv_split_unknown_link {
    uint64_t records; /* these are among the `other` */
    uint16_t linktype;
};

/* One of the largest flows. */
struct clv_split_largest {
    uint64_t records;
    uint64_t bytes; /* of packets, captured */
    uint32_t flow;  /* its number in order of appearance, from 1 */
    char name[256]; /* its output's, below the output directory; cut off at the end if longer */
};

/* What was done. Counts are of records unless the name says bytes. */
struct clv_split_result {
    uint64_t input_bytes;   /* sizes of the captures, as far as they are known */
    uint64_t scanned_bytes; /* of it so far */
    uint32_t input;         /* number of the capture that is being read, from 1 ... */
    uint32_t inputs;        /* ... of those that are read one behind the other */
    uint64_t records_read;
    uint64_t captured_bytes; /* packet bytes of these, headers not counted; at the end */
    uint64_t records_written;
    uint64_t copies;           /* written beyond one per record: by host, to both hosts' outputs */
    uint64_t dropped_filtered; /* by filter, host, port, proto, vlan, after, before */
    uint64_t small;            /* of flows without an output of their own */
    uint64_t dropped_small;    /* these, with no_other */
    uint64_t dropped_capped;   /* beyond max_packets_per_flow or max_bytes_per_flow */
    uint64_t dropped_other;    /* with no_other: had no network address */
    uint64_t other;            /* had no network address */
    uint64_t fragments;        /* later fragments: they follow the first one of their datagram */
    uint64_t orphans; /* of them, those whose first did not come: in the flow without ports */
    uint64_t fragment_overflow; /* datagrams forgotten under way: too many at a time */
    uint64_t cut_short;         /* captured bytes end before the ports: in the flow without ports */
    uint64_t flows;             /* `other` not counted */
    uint64_t outputs;           /* files, `other` counted */
    uint64_t written_bytes;     /* of all outputs, savefile headers included */
    uint64_t opens, reopens;    /* of outputs; a re-open is an open after the first */
    uint64_t writes;            /* system calls that wrote outputs */
    uint64_t rounds;            /* of writing */
    int64_t first_ns, last_ns;  /* earliest and latest record written; meaningless without any */
    uint64_t damages;           /* faults found in the captures */
    uint64_t faulty;            /* captures that have some, or were left out */
    uint64_t left_out;          /* captures that cannot be read at all: empty ones, or skip_bad */
    uint64_t skipped_bytes;     /* with recover: between a fault and the next record */
    uint64_t verified;          /* outputs that were read again and found right */
    uint64_t joined;            /* captures of the same kind that begin within another (cat) */
    uint64_t times_beyond;      /* before 1677 or after 2262: kept in the outputs, else the limit */
    uint64_t rounded;           /* times that the outputs' format cannot hold to the last digit */
    uint64_t earlier;           /* records whose time is earlier than that of the one before them */
    uint64_t earlier_record;    /* number in its capture of the first such, from 1; 0: none */
    uint32_t earlier_input;     /* number of that capture, from 1; 0: of the merged ones */
    uint64_t overlaps;          /* captures that begin before the one before them ends, ... */
    uint32_t overlap[2];        /* ... and the first two such, inputs' numbers from 0 */
    struct clv_split_largest largest[CLV_LARGEST]; /* by bytes; at the end */
    unsigned n_largest;
    uint64_t tunnelled; /* records of flows that look like this kind of tunnel, if inner is off */
    const char *tunnel; /* "VXLAN" and the like, the most frequent kind; NULL: none. Static */
    struct clv_dropped_blocks {
        uint64_t statistics; /* of interfaces: they would not be true of a part */
        uint64_t custom;     /* that say they must not be copied */
        uint64_t unknown;    /* of types that are not known, where they cannot be kept */
        uint64_t metadata;   /* with no_metadata, or in an output that cannot hold them */
    } dropped_blocks;        /* pcapng */
    uint64_t stale;          /* directories that killed runs to the same output left */
    char stale_path[256];    /* one of them */
    double seconds;
    unsigned threads;        /* used */
    unsigned max_open;       /* outputs open at a time at most */
    uint64_t finished_bytes; /* of scanned_bytes, those whose records are written: an estimate */
    struct clv_error damage; /* the first fault; code CLV_ERR_NONE: the captures were sound */
    struct clv_error after;  /* what failed once the outputs had their name: the page, the last step
                                of CLV_SYNC_FULL, removing what was replaced; or CLV_ERR_NONE */
    /* As they came; of more link types the records are summed up. */
    struct clv_split_unknown_link unknown_links[CLV_UNKNOWN_LINKS];
    unsigned n_unknown_links;
    uint64_t more_unknown_links;
    /* pcapng: */
    uint64_t bad_options;     /* blocks whose options do not fit into them; copied as they are */
    uint64_t untimed;         /* records without a time */
    uint64_t metadata_bytes;  /* of names, secrets, custom and unknown blocks; of a dry run about */
    uint64_t metadata_beyond; /* such blocks left out of outputs: too much for so many outputs */
    uint64_t metadata_unused; /* such blocks that no output has a use for */
    uint64_t names_unused;    /* names in other blocks, of addresses that no output has */
    uint64_t mixed;         /* outputs that libpcap stops in: their interfaces or sections differ */
    uint64_t kept_bytes;    /* of pipes, kept beside the output while they were read twice */
    uint64_t other_members; /* of archives and directories: they are no captures, and left out */
    uint64_t unsorted;      /* of overlaps, those that begin before the one before them begins */
    uint64_t unfinished_bytes; /* of the records that pipes were ended in by end_fd; left out */
    uint64_t related;          /* flows whose master is known */
    uint64_t forgotten;        /* announcements that nothing fulfilled, of too many at a time */
    uint64_t unwatched;        /* connections not looked into to their end: too many at a time */
    uint64_t spooled_bytes;    /* of members, kept beside the archive until they were compressed */
    uint64_t dropped_duplicates;  /* by dedup_ns */
    uint64_t list_rows;           /* of flows */
    uint64_t list_unmet;          /* of these, rows that no record was of ... */
    uint64_t list_unmet_lines[8]; /* ... and the lines of the first of them */
    uint64_t broken_messages;     /* of DNS, SIP, RTSP and FTP, that could not be read */
};

/* For struct clv_split_params. */
#ifdef __cplusplus
#define CLV_SPLIT_PARAMS_INIT                                                                      \
    {                                                                                              \
        sizeof(struct clv_split_params), sizeof(struct clv_split_result)                           \
    }
#else
#define CLV_SPLIT_PARAMS_INIT                                                                      \
    {                                                                                              \
        .struct_size = sizeof(struct clv_split_params),                                            \
        .result_size = sizeof(struct clv_split_result),                                            \
    }
#endif

/*
 * Splits params->inputs into the new directory params->output, which appears whole or not at all.
 * true:  all records of each capture were split, or those up to where it is damaged, which the
 *        result tells; with recover also those behind.
 *        What failed after the directory had its name is in result->after.
 * false: *err says why; nothing is under the output's name that was not there before; *result holds
 *        the counts up to then.
 * Threads: any number of calls side by side; each starts threads of its own and joins them.
 * The process: its soft limit of descriptors (RLIMIT_NOFILE) is raised to the hard one, so that
 * more outputs can be open at a time, and stays there, unless keep_nofile; results do not depend on
 * it. While captures are mapped it has a handler for SIGBUS, see capture.h. With a filter it has
 * one more child process until the call returns, which compiles the filter and allocates memory:
 * where the program has other threads, its allocator must support that after fork(), as glibc's
 * does.
 */
CLV_API CLV_MUST_CHECK bool clv_split(const struct clv_split_params *params,
                                      struct clv_split_result *result, struct clv_error *err);

/*
 * The directory for the outputs of a capture where none is given: the capture's file name without
 * its endings, as all file systems take it, and ".flows". Writes it into the len bytes at buf,
 * terminated, and returns its length; 0 with buf empty: it does not fit, 256 bytes always do.
 */
CLV_API size_t clv_split_default_output(const char *input, char *buf, size_t len);

/*
 * Writes the result as a JSON object into the len bytes at buf, terminated. Returns its length in
 * bytes; 0 with buf empty: it does not fit, 64 KiB always do, and 4 KiB more for each of
 * max_faults.
 */
CLV_API size_t clv_split_json(const struct clv_split_params *params,
                              const struct clv_split_result *result, char *buf, size_t len);

#ifdef __cplusplus
}
#endif

#endif
