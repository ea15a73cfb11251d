#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""What the generator says of its flows is what splitting its capture finds, and what tshark sees.

traffic.py --cleave PROGRAM
"""
import argparse
import csv
import json
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

CASES = {
    "plain": [],
    "mixed": ["--udp", "40", "--ipv6", "30", "--vlan", "20", "--other", "5"],
    "flat": ["--skew", "1", "--udp", "50"],
    "big-endian ns": ["--format", "pcap-ns", "--byte-order", "big", "--ipv6", "50"],
    "few alive": ["--alive", "10", "--sizes", "small"],
    "large": ["--sizes", "large", "--udp", "100"],
}


def run(*argv):
    return subprocess.run([str(a) for a in argv], check=True, capture_output=True, text=True).stdout


def check_case(cleave, work, name, flags):
    capture, truth, out = work / "t.pcap", work / "truth.csv", work / "out"
    run(cleave, "generate", "traffic", "--flows", 300, "--packets", 20000, "--seed", 7, "-o", capture,
        "--truth", truth, *flags)
    summary = json.loads(run(cleave, "split", capture, "-o", out, "--json"))
    assert summary["records_read"] == 20000, f"{name}: {summary['records_read']} records"
    assert summary["flows"] == 300, f"{name}: {summary['flows']} flows"
    with open(truth, newline="", encoding="utf-8") as f:
        told = {(r["proto"], r["src"], r["sport"], r["dst"], r["dport"]):
                (int(r["packets"]), int(r["bytes"]), r["first"][:23], r["last"][:23])
                for r in csv.DictReader(f)}
    with open(out / "manifest.csv", newline="", encoding="utf-8") as f:
        found = {(r["proto"], r["src"], r["sport"], r["dst"], r["dport"]):
                 (int(r["src_packets"]) + int(r["dst_packets"]),
                  int(r["src_captured_bytes"]) + int(r["dst_captured_bytes"]),
                  r["first"][:23], r["last"][:23])
                 for r in csv.DictReader(f) if r["flow"]}
    assert told == found, f"{name}: {sorted(told.items() ^ found.items())[:4]}"


def check_checksums(cleave, work):
    capture = work / "sums.pcap"
    run(cleave, "generate", "traffic", "--flows", 100, "--packets", 5000, "--udp", 40, "--ipv6", 40,
        "--vlan", 20, "--fragments", 50, "--other", 2, "-o", capture)
    checks = [o for p in ("ip", "tcp", "udp") for o in ("-o", f"{p}.check_checksum:TRUE")]
    bad = run("tshark", "-n", "-r", capture, *checks, "-Y",
              "ip.checksum.status==0 || tcp.checksum.status==0 || udp.checksum.status==0")
    assert bad == "", f"bad checksums:\n{bad[:400]}"
    whole = run("tshark", "-n", "-r", capture, "-Y", "ip.reassembled.length || ipv6.reassembled.length")
    assert whole, "no datagram was put together from its fragments"


def main():
    p = argparse.ArgumentParser()
    p.add_argument("--cleave", required=True, type=Path)
    cleave = p.parse_args().cleave.resolve()
    failed = 0
    cases = [(n, lambda w, n=n, f=f: check_case(cleave, w, n, f)) for n, f in CASES.items()]
    if shutil.which("tshark"):
        cases.append(("checksums", lambda w: check_checksums(cleave, w)))
    else:
        print("skipped checksums: tshark is not installed")
    for name, case in cases:
        with tempfile.TemporaryDirectory() as work:
            try:
                case(Path(work))
                print(f"ok      {name}")
            except (AssertionError, subprocess.CalledProcessError) as e:
                failed += 1
                print(f"FAILED  {name}: {e}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
