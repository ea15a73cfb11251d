# SPDX-License-Identifier: BSD-2-Clause
"""Which flow led to which, and what flows are called, held against what tshark says.

tshark names the frame that set a stream up (RTP, RTCP, T.38, FTP's data, TFTP); that frame's flow
must be the master. Names are those of ClientHellos, TLS's and QUIC's, and of HTTP's Host. Where
cleave says something else, one of the rules here has to explain it, each by the specification.
"""
import collections
import concurrent.futures
import csv
import ipaddress
import os
import re
import sys
import tempfile
from typing import Callable, Counter, Dict, List, NamedTuple, Optional, Tuple

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'support'))
# pylint: disable=wrong-import-position
import callscene
import harness
import pcapfile as pf
from callscene import Flow, flow_of
from harness import check, check_equal

suite = harness.Suite(__doc__.split('\n', maxsplit=1)[0])

SETUP = ('rtp.setup-frame', 'rtcp.setup-frame', 't38.setup-frame', 'ftp-data.setup-frame',
         'tftp.request_frame')
ACTIVE = ('ftp.active.port', 'ftp.eprt.port')
FIELDS = ('frame.number', 'frame.protocols', 'ip.src', 'ip.dst', 'ipv6.src', 'ipv6.dst',
          'udp.srcport', 'udp.dstport', 'tcp.srcport', 'tcp.dstport', *SETUP, *ACTIVE,
          'sip.Call-ID', 'sip.Method', 'tls.handshake.type',
          'tls.handshake.extensions_server_name', 'http.host')
BETWEEN = '\x1f'  # values of a field
FOLLOWED = ('sip', 'rtsp', 'ftp', 'tftp')  # the relations that tshark has, too
CLIENT_HELLO = '1'
HAVE = {'sip', 'rtp', 'ftp', 'tls', 'http', 'quic'}  # features of INDEX.tsv that matter here
# What has to be compared of each. Without nettle QUIC's packets are not opened.
LEAST = {'sip': 3, 'ftp': 2, 'tftp': 3, 'explained': 8, 'sni': 60, 'quic': 100, 'http': 25}
SESSIONS = harness.times(400)
MADE_LEAST = {'sip': SESSIONS // 5, 'ftp': SESSIONS // 5, 'rtsp': SESSIONS // 5,
              'tftp': SESSIONS // 8}


class Frame(NamedTuple):
    number: int
    flow: Flow
    protocols: List[str]
    values: Dict[str, List[str]]

    def says(self, *names: str) -> str:
        return next((value for name in names for value in self.values[name]), '')


def read_frame(values: Dict[str, List[str]]) -> Optional[Frame]:
    """The innermost headers. None: they have no ports, or are quoted by an error."""
    protocols = next(iter(values['frame.protocols']), '').split(':')
    at = max((i for i, p in enumerate(protocols) if p in ('ip', 'ipv6')), default=len(protocols))
    proto = next((p for p in protocols[at:] if p in ('udp', 'tcp')), '')
    if not proto or {'icmp', 'icmpv6'} & set(protocols) or not values[proto + '.srcport']:
        return None
    src, dst = ((values['%s.%s' % (protocols[at], end)][-1],
                 int(values['%s.%sport' % (proto, end)][-1])) for end in ('src', 'dst'))
    return Frame(int(values['frame.number'][0]), flow_of(proto, src, dst), protocols, values)


def ask_tshark(path: str) -> Dict[int, Frame]:
    fields = [arg for field in FIELDS for arg in ('-e', field)]
    done = harness.run([harness.tool('tshark'), '-n', '-r', path, '-T', 'fields', '-E',
                        'separator=/t', '-E', 'occurrence=a', '-E', 'aggregator=' + BETWEEN,
                        *fields])
    frames = [read_frame({name: text.split(BETWEEN) if text else []
                          for name, text in zip(FIELDS, line.split('\t'))})
              for line in done.stdout.decode(errors='replace').split('\n')[:-1]]
    return {frame.number: frame for frame in frames if frame}


def ask_cleave(path: str) -> Dict[Flow, Dict[str, str]]:
    with tempfile.TemporaryDirectory(dir=suite.dir) as top:
        out = os.path.join(top, 'out')
        done = suite.run_cleave('split', path, '-q', '-o', out, '--inner', '--related', 'all', '--names',
                                '--no-metadata', status=None)
        if done.returncode == 2:  # no capture, or one without records
            return {}
        with open(os.path.join(out, 'manifest.csv'), newline='', encoding='utf-8') as f:
            rows = [row for row in csv.DictReader(f) if row['flow'] and row['sport']]
    return {flow_of(row['proto'], (row['src'], int(row['sport'])),
                    (row['dst'], int(row['dport']))): row for row in rows}


class Both(NamedTuple):
    """What both say of a capture, and what was compared."""
    frames: Dict[int, Frame]
    rows: Dict[Flow, Dict[str, str]]
    found: Counter[str]


# ---- what led to a flow ----

def ended(frames: Dict[int, Frame], setup: Frame, first: Frame) -> bool:
    """The call that the frame is of was over: RFC 3261 sections 9 and 15."""
    return any(frame.says('sip.Method') in ('BYE', 'CANCEL') and
               frame.says('sip.Call-ID') == setup.says('sip.Call-ID')
               for number, frame in frames.items() if setup.number < number < first.number)


def why_not(frames: Dict[int, Frame], setup: Frame, named: Frame) -> str:
    """Why the frame that tshark names leads to no flow; "": it does."""
    if not set(FOLLOWED) & set(setup.protocols):
        return 'the protocol that announced it is not followed'
    if 'sip' in setup.protocols and ended(frames, setup, named):
        return 'the call was over: whose ports they are then, nobody said'
    return ''


def active(frames: Dict[int, Frame], named: Frame) -> Optional[Frame]:
    """The PORT or EPRT that named the port of a data connection (RFC 959 section 3.2).

    tshark goes by the server's port, 20: it names the newest of the two hosts, or the flow itself.
    """
    ends = set(named.flow[1:])
    return next((frame for number, frame in sorted(frames.items(), reverse=True)
                 if number < named.number and frame.says(*ACTIVE) and
                 ends & {(end[0], int(frame.says(*ACTIVE))) for end in frame.flow[1:]}), None)


def compare_relation(both: Both, of_flow: List[Frame], row: Dict[str, str]) -> None:
    mine = (row['relation'], row['master']) if row['relation'] in FOLLOWED else ('', '')
    named = next((frame for frame in of_flow if frame.says(*SETUP)), None)
    setup = both.frames.get(int(named.says(*SETUP))) if named else None
    if named and setup and (setup.flow == named.flow or setup.says(*ACTIVE)):
        setup = active(both.frames, named)
    if not named or not setup:
        check_equal(mine, ('', ''), 'relation and master, where tshark names no frame')
        return
    why = why_not(both.frames, setup, named)
    if why:
        check_equal(mine, ('', ''), 'relation and master, though ' + why)
        both.found['explained'] += 1
        return
    relation = next(p for p in setup.protocols if p in FOLLOWED)
    check_equal(mine, (relation, both.rows[setup.flow]['flow']),
                'relation and master, since frame %d' % setup.number)
    both.found[relation] += 1


# ---- what a flow is called ----

def host_of(text: str) -> str:
    """The name in it, as cleave has it: in lower case, without a port, and no literal address."""
    host = re.sub(r':\d*$', '', text).lower()
    try:
        ipaddress.ip_address(host.strip('[]'))
    except ValueError:
        return host if re.fullmatch(r'[a-z0-9._-]+', host) else ''
    return ''


def named_by(frame: Frame) -> Tuple[str, str]:
    """A name, and where it is from."""
    origin = 'quic' if 'quic' in frame.protocols else 'sni'
    if CLIENT_HELLO in frame.values['tls.handshake.type'] and origin in LEAST:
        return host_of(frame.says('tls.handshake.extensions_server_name')), origin
    if frame.flow[0] == 'tcp':  # UPnP's messages are like HTTP's, but datagrams
        return host_of(frame.says('http.host')), 'http'
    return '', ''


def compare_name(both: Both, of_flow: List[Frame], row: Dict[str, str]) -> None:
    names = (named_by(frame) for frame in of_flow)
    want = next((named for named in names if named[0]), ('', ''))
    mine = (row['name'], row['name_from']) if row['name_from'] in ('sni', 'quic', 'http') \
        else ('', '')
    check_equal(mine, want, 'name')
    if want[0]:
        both.found[want[1]] += 1


# ---- cases ----

def compare(path: str) -> Tuple[Counter[str], List[str]]:
    """What was compared, and what differs."""
    both = Both(ask_tshark(path), ask_cleave(path), collections.Counter())
    of_flows: Dict[Flow, List[Frame]] = collections.defaultdict(list)
    for number in sorted(both.frames):
        of_flows[both.frames[number].flow].append(both.frames[number])
    faults = []
    for flow, of_flow in of_flows.items():
        if not both.rows:
            break
        for compare_one in (compare_relation, compare_name):
            try:
                check(flow in both.rows, 'cleave has no such flow')
                compare_one(both, of_flow, both.rows[flow])
            except harness.Failed as fault:
                faults.append('%s, %s: %s' % (os.path.basename(path), flow, fault))
    return both.found, faults


def captures() -> List[str]:
    """Those of the field in which there is something to compare, and those of related flows."""
    top = harness.shared_captures()
    related = os.path.join(top, '..', 'related')
    if not os.path.isdir(related):
        raise harness.Skip('no captures of related flows at %s' % os.path.normpath(related))
    paths = [os.path.join(related, name) for name in sorted(os.listdir(related))
             if name.endswith('.pcap')]
    with open(os.path.join(top, 'INDEX.tsv'), newline='', encoding='utf-8') as f:
        for row in csv.DictReader(f, delimiter='\t', quoting=csv.QUOTE_NONE):
            features = {word.partition('=')[0] for word in (row['features'] or '').split()}
            if features & HAVE:
                paths.append(os.path.join(top, row['file']))
    return [path for path in paths if os.path.isfile(path)]


def field() -> None:
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        results = list(pool.map(compare, captures()))
    faults = [fault for _, of_capture in results for fault in of_capture]
    check(not faults, '%d differences:\n  %s', len(faults), '\n  '.join(faults[:20]))
    found = sum((of_capture for of_capture, _ in results), collections.Counter())
    for kind, least in LEAST.items():
        check(found[kind] >= least, 'no more than %d of %s were compared', found[kind], kind)


def made() -> None:
    """Sessions that are made up: tshark has to name what led to each of their flows."""
    frames, _ = callscene.random_scene(suite.random('made'), SESSIONS, False)
    path = suite.write('made.pcap', pf.Capture(pf.Format(), pf.at_times(frames)).encode())
    found, faults = compare(path)
    check(not faults, '%d differences:\n  %s', len(faults), '\n  '.join(faults[:20]))
    for kind, least in MADE_LEAST.items():
        check(found[kind] >= least, 'no more than %d of %s were compared', found[kind], kind)


def known() -> None:
    """Sessions as tshark does not follow them: who made them knows."""
    frames, truth = callscene.random_scene(suite.random('known'), SESSIONS, True)
    path = suite.write('known.pcap', pf.Capture(pf.Format(), pf.at_times(frames)).encode())
    rows = ask_cleave(path)
    for flow, row in rows.items():
        relation, master = truth.get(flow, ('', flow))
        number = rows[master]['flow']
        check_equal((row['relation'], row['master'], row['group']),
                    (relation, number if relation else '', number),
                    '%s: relation, master and group' % (flow,))
    check(set(truth) <= set(rows), 'flows are missing')


def main() -> int:
    cases: Dict[str, Callable[[], None]] = {'field': field, 'made': made}
    try:
        harness.tool('tshark')
    except harness.Skip as why:
        cases = dict.fromkeys(cases, harness.skipped(why))
    if 'nettle' not in suite.run_cleave('--version').stdout.decode():
        del LEAST['quic']
    return suite.run({**cases, 'known': known})


if __name__ == '__main__':
    sys.exit(main())
