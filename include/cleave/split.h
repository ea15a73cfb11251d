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
    CLV_MANIFEST_FD,       /* CSV to manifest_fd, which stays open, instead of a file */
    CLV_MANIFEST_JSONL_FD, /* JSON Lines to manifest_fd */
};

enum clv_format {
    CLV_FORMAT_INPUT = 0, /* that of the inputs; if they differ, one that can hold all of them */
    CLV_FORMAT_PCAP, /* records that must be converted are written by libpcap, in its byte order */
    CLV_FORMAT_PCAPNG,
};

enum clv_compress {
    CLV_COMPRESS_NONE = 0,
    CLV_COMPRESS_ZSTD, /* in frames of 256 KiB each */
    CLV_COMPRESS_GZIP, /* in members of 256 KiB each */
};

/* How much goes into an output before the next one begins. */
enum clv_every {
    CLV_EVERY_NONE = 0,
    CLV_EVERY_NS,    /* of the records' time, aligned to the epoch */
    CLV_EVERY_BYTES, /* as classic pcap counts them; one record is always taken */
    CLV_EVERY_RECORDS,
};

/* What is certain to be on the disk when clv_split() returns, even if the machine fails then. */
enum clv_sync {
    CLV_SYNC_NONE = 0, /* what the system has written by then */
    CLV_SYNC_DATA,     /* all outputs, before they get their names: an output with its final name is
                          complete */
    CLV_SYNC_FULL,     /* the same, and the name itself */
};

enum clv_cache {
    CLV_CACHE_KEEP = 0, /* the page cache is the system's business */
    CLV_CACHE_DROP,     /* the input leaves it once it is written: the files of other programs stay
                           cached */
};

/* Whether an output of an earlier run is replaced. None of the inputs may be inside it. */
enum clv_force {
    CLV_FORCE_NONE = 0,
    CLV_FORCE_OWN, /* if it contains nothing else */
    CLV_FORCE_ALL, /* everything else in it is lost */
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
 * Params begin with their own size and that of the result, as the program was compiled, so that
 * programs keep working when later versions of the library add members. CLV_SPLIT_PARAMS_INIT sets
 * these sizes. 0 stands for the members of version 0.1.
 */
struct clv_split_params {
    size_t struct_size;
    size_t result_size;
    /* Paths of the captures, read in this order as if concatenated; "-": standard input. A
     * directory or a zip archive stands for the captures in it, see clv_captures_list(). */
    const char *const *inputs;
    size_t n_inputs;
    const char *output; /* directory to make, or archive; its parent must exist, unless parents */
    /* Fields, separated by commas: ip proto port vlan mac tunnel host client server service iface
     * bssid label;
     * or flow, connection, 3tuple, hostpair; or name, or none. Addresses may be reduced to
     * networks, as in ip/24 or, for IPv6 as well, ip/24,64. NULL: flow. */
    const char *by;
    uint32_t shards;      /* hash keys onto this many outputs, the same on any machine; 0: none */
    const char *shard_by; /* with shards, instead of by: records with the same key stay together.
                             NULL: flow */
    bool inner;           /* use the addresses inside tunnels, not the outermost ones */
    /*
     * Which records are kept; NULL: all. Lists are separated by commas, and either end of a record
     * may match. If several of these are given, a record must match each of them. All other records
     * are dropped.
     */
    const char *filter; /* in libpcap's language, pcap-filter(7) */
    const char *host;   /* addresses, or prefixes as in 10.0.0.0/8 */
    const char *port;   /* numbers, ranges as in 8000-8100, or names of services */
    const char *proto;  /* names or numbers */
    const char *vlan;   /* ids or ranges; of the outer two */
    bool has_after, has_before;
    int64_t after_ns, before_ns; /* from this time on; before this time */

    /* When a flow is cut into several outputs, each with a part number. 0: never. */
    int64_t idle_timeout_ns;   /* after this long without a record */
    int64_t active_timeout_ns; /* this long after its first record */
    enum clv_every every;
    uint64_t every_n; /* nanoseconds, bytes, or records; more than 0 */
    /*
     * Which flows get outputs of their own; records of the others go to `other`. The inputs are
     * read twice, and the data of a pipe are stored next to the output for that. A flow is measured
     * over all its parts. 0: all flows.
     */
    uint64_t min_packets, min_bytes; /* at least this many packets, bytes of packets */
    uint64_t top;                    /* the flows with the most bytes of packets */
    uint64_t max_packets_per_flow;   /* the rest is dropped and counted; 0: no limit */
    uint64_t max_bytes_per_flow;     /* of packets; the record that reaches it is kept */
    uint32_t snaplen;                /* write only this many packet bytes of a record; 0: all */
    uint16_t community_seed;         /* of Community IDs */
    bool directed;                   /* each direction is a flow of its own */
    const char *name; /* template of output names; NULL: "{n:8}_{key}.pcap", or .pcapng */
    bool dry_run;     /* do everything except writing; output is not used */
    int manifest_fd;  /* for CLV_MANIFEST_FD and CLV_MANIFEST_JSONL_FD */
    bool no_other;    /* drop records without a network address instead of writing `other` */
    bool each;        /* split each capture into a sub-directory of its own, named after it */
    bool merge; /* take the records of all captures in order of time, not capture by capture */
    enum clv_force force;
    bool no_metadata; /* pcapng: leave out names, secrets and custom blocks of sections */
    /* Where a capture is damaged, search for the next records and go on; implies skip_bad. */
    bool recover;
    enum clv_format format;
    enum clv_compress compress; /* the outputs; their names end in .zst or .gz */
    enum clv_manifest manifest;
    enum clv_cache cache;
    enum clv_sync sync;
    unsigned mode; /* permissions of output files; the umask applies; 0: 0640 */
    bool clean;    /* remove what killed runs to the same output left */
    /*
     * Before the outputs get their name, read them and the inputs again and prove that they are
     * right, as clv_verify() does. For inputs that can be read only once, the proof is against what
     * was read.
     */
    bool verify;
    /*
     * The path of a report to write, a single page of HTML for people. It appears together with the
     * outputs; force replaces an older one. NULL: none. Cannot be combined with each.
     */
    const char *report;
    unsigned threads;  /* 0: one for each processor that this process may use */
    unsigned max_open; /* outputs open at a time; 0: as many as RLIMIT_NOFILE allows */
    uint64_t memory; /* bytes for buffers, in addition to what flows need; 0: 512 MiB, or 64 MiB for
                        each thread if that is more */
    uint64_t window; /* read at most this many bytes of input before writing; 0: 4 GiB, or an eighth
                        of the memory of the machine */
    /*
     * Room for the faults of the captures; NULL: none. For each capture that is damaged, or left
     * out because it cannot be read, it receives the first fault, in the order of the captures. If
     * clv_split() fails because captures cannot be read, it receives their faults. The result's
     * `faulty` says how many there are.
     */
    struct clv_error *faults;
    size_t max_faults;
    clv_split_progress *progress;
    void *user;
    clv_split_flow
        *on_flow;     /* called for each row of the table of flows, also with dry_run; NULL: none */
    bool keep_nofile; /* do not raise this process's limit on open files (RLIMIT_NOFILE) */
    /*
     * Write the outputs, the manifest and cleave.json as uncompressed members of one zip archive,
     * output; implied if output ends in ".zip". Cannot be combined with each. The bytes of a pipe
     * are stored next to the output, since a second reading may be needed to place the members;
     * with compress, so are all members until they are compressed.
     */
    bool archive;
    const char *member; /* of archives that are inputs: clv_captures_list()'s pattern; NULL: all */
    /*
     * A descriptor; 0: none. Once it becomes readable, inputs that are pipes end, and the run goes
     * on with what has arrived: they end when their writer closes them, or after two seconds.
     */
    int end_fd;
    /* UDP ports of tunnels in addition to their standard ports: "vxlan=4790,gtp=2153". Kinds: vxlan
     * vxlan-gpe geneve gtp l2tp teredo capwap gre mpls tzsp. Needs inner, or tunnel in by. */
    const char *tunnel_port;
    const struct clv_captures *listed; /* the captures, used instead of inputs; NULL: use inputs */
    /*
     * How flows are related, and the names of the hosts involved, found in payloads
     * (cleave-related(7)). Lists of: dns, sip, rtsp, ftp, tftp, http, icmp; or all. Keys must have
     * ip, proto and port.
     */
    const char *related; /* columns for these relations, and for names; NULL: none */
    const char
        *group; /* an output for each group: a flow, or a DNS lookup, and all flows that it led to
                   by these relations; the inputs are read twice. NULL: one for each flow */
    bool names; /* columns for names and applications */
    int64_t dns_window_ns;  /* maximum time from an answer to a flow that it led to; 0: one hour */
    int64_t http_window_ns; /* the same from a page; 0: one hour */
    bool skip_bad; /* leave out captures that cannot be read at all, unless none can; empty files
                      are always left out */
    /*
     * Make one capture instead of a directory: the file output, or if output is NULL, write it to
     * output_fd, which stays open. A NULL by means "none". Nothing else is made: no manifest and no
     * cleave.json. It is implied by the name of output, see clv_split_is_single(). Cannot be
     * combined with anything that makes several outputs or reads them: shards, every, timeouts,
     * min_packets, min_bytes, top, group, each, compress, archive, verify, report.
     */
    bool single;
    bool parents; /* create missing parent directories of output */
    int output_fd;
    /*
     * Drop records that repeat another one of their flow within this time, before or after it. The
     * bytes from the network header on are compared, or the whole packet if it has none, with the
     * latest equal record among the 1,048,576 before it. 0: nothing is dropped.
     */
    int64_t dedup_ns;
    /* What duplicates may differ in: ttl tos checksum; vlan mac iface if these are part of the key.
     * NULL: nothing */
    const char *dedup_ignore;
    /*
     * A file that lists flows; only their records are kept. It is CSV with a header or JSON Lines,
     * with any of src sport dst dport proto community_id first last label in each row; Zeek's
     * conn.log; Suricata's eve.json; or Community IDs, one per line. NULL: all are kept.
     */
    const char *flows;
};

enum { CLV_LARGEST = 5 };

/* Compressed outputs consist of frames (zstd) or members (gzip) that each hold this many bytes. */
enum { CLV_COMPRESS_FRAME = 256 * 1024 };

/* From this number on, flows are in sub-directories with this many outputs each, unless the
 * template names directories. */
enum { CLV_PER_DIRECTORY = 10000 };

enum { CLV_UNKNOWN_LINKS = 8 };

/* Records of a link type that is not supported. */
struct clv_split_unknown_link {
    uint64_t records; /* they are counted in other, too */
    uint16_t linktype;
};

/* One of the largest flows. */
struct clv_split_largest {
    uint64_t records;
    uint64_t bytes; /* of packets, captured */
    uint32_t flow;  /* its number in order of appearance, from 1 */
    char name[256]; /* of its output, relative to the output directory; longer names are cut off at
                       the end */
};

/* What was done. Counts are of records unless the name says bytes. */
struct clv_split_result {
    uint64_t input_bytes;   /* size of the captures, if known */
    uint64_t scanned_bytes; /* of it so far */
    uint32_t input;         /* number of the capture that is being read, from 1 ... */
    uint32_t inputs;        /* ... of those that are read one after another */
    uint64_t records_read;
    uint64_t captured_bytes; /* packet bytes of these, without record headers; set at the end */
    uint64_t records_written;
    uint64_t copies; /* additional copies that were written: by host, a record is in the outputs of
                        both hosts */
    uint64_t dropped_filtered; /* by filter, host, port, proto, vlan, after, before */
    uint64_t small;            /* of flows without an output of their own */
    uint64_t dropped_small;    /* these, with no_other */
    uint64_t dropped_capped;   /* beyond max_packets_per_flow or max_bytes_per_flow */
    uint64_t dropped_other;    /* with no_other: had no network address */
    uint64_t other;            /* had no network address */
    uint64_t fragments;        /* later fragments: they follow the first one of their datagram */
    uint64_t orphans; /* those whose first fragment is missing: they are in a flow without ports */
    uint64_t fragment_overflow; /* datagrams forgotten under way: too many at a time */
    uint64_t cut_short;         /* too short to contain ports: they are in a flow without ports */
    uint64_t flows;             /* `other` not counted */
    uint64_t outputs;           /* files, `other` counted */
    uint64_t written_bytes;     /* of all outputs, savefile headers included */
    uint64_t opens, reopens;    /* of outputs; a re-open is an open after the first */
    uint64_t writes;            /* system calls that wrote outputs */
    uint64_t rounds;            /* of writing */
    int64_t first_ns, last_ns;  /* earliest and latest record written; meaningless without any */
    uint64_t damages;           /* faults found in the captures */
    uint64_t faulty;            /* captures with faults, and captures that were left out */
    uint64_t left_out; /* captures that cannot be read at all: empty ones, and with skip_bad any */
    uint64_t skipped_bytes; /* with recover: between a fault and the next record */
    uint64_t verified;      /* outputs that were read again and found right */
    uint64_t joined;        /* captures of the same kind that begin within another (cat) */
    uint64_t times_beyond;  /* before 1677 or after 2262: exact in the outputs, else replaced by the
                               limit */
    uint64_t rounded;       /* times that the format of the outputs cannot store exactly */
    uint64_t earlier;       /* records whose time is earlier than that of the one before them */
    uint64_t earlier_record; /* number in its capture of the first such, from 1; 0: none */
    uint32_t earlier_input;  /* number of that capture, from 1; 0: of the merged ones */
    uint64_t overlaps;       /* captures that begin before the one before them ends, ... */
    uint32_t overlap[2];     /* ... and the first two such, inputs' numbers from 0 */
    struct clv_split_largest largest[CLV_LARGEST]; /* by bytes; at the end */
    unsigned n_largest;
    uint64_t tunnelled; /* records of flows that look like this kind of tunnel, if inner is off */
    const char *tunnel; /* "VXLAN" and the like, the most frequent kind; NULL: none. Static */
    struct clv_dropped_blocks {
        uint64_t statistics; /* of interfaces: they describe the whole capture */
        uint64_t custom;     /* marked as not to be copied */
        uint64_t unknown;    /* of unknown types, where they cannot be kept */
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
    uint64_t kept_bytes;    /* of pipes, stored next to the output to be read twice */
    uint64_t other_members; /* members and files left out because they are not captures */
    uint64_t unsorted;      /* of overlaps, those that begin before the one before them begins */
    uint64_t unfinished_bytes; /* of records that were cut short when end_fd ended a pipe */
    uint64_t related;          /* flows whose master is known */
    uint64_t forgotten;        /* announcements dropped before their flow began: too many */
    uint64_t unwatched;        /* connections not followed to the end: too many at a time */
    uint64_t spooled_bytes; /* of members, stored next to the archive until they were compressed */
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
 * Splits params->inputs into the new directory params->output, which appears complete or not at
 * all.
 * true:  all records of each capture were split, or those before its damage, which the result
 *        describes; with recover also those after it.
 *        What failed after the directory got its name is in result->after.
 * false: *err says why; the output, or an older one, is as it was before; *result holds the counts
 *        up to then.
 * Threads: any number of calls at a time; each starts threads of its own and joins them.
 * The process: its soft limit on open files (RLIMIT_NOFILE) is raised to the hard one and stays
 * there, unless keep_nofile, so that more outputs can be open at a time; results do not depend on
 * it. While captures are mapped it has a handler for SIGBUS, see capture.h. With a filter it has
 * one more child process until the call returns, which compiles the filter and allocates memory:
 * where the program has other threads, its allocator must support that after fork(), as glibc's
 * does.
 */
CLV_API CLV_MUST_CHECK bool clv_split(const struct clv_split_params *params,
                                      struct clv_split_result *result, struct clv_error *err);

/*
 * The default output directory for a capture: its file name without extensions, reduced to
 * characters that all file systems accept, and ".flows". Writes it into the len bytes at buf,
 * terminated, and returns its length; 0 with buf empty: it does not fit, 256 bytes always do.
 */
CLV_API size_t clv_split_default_output(const char *input, char *buf, size_t len);

/*
 * Whether clv_split() makes a single capture of an output with this name, unless archive is set: it
 * ends in .pcap, .pcapng or .cap, and is more than the ending.
 */
CLV_API bool clv_split_is_single(const char *output);

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
