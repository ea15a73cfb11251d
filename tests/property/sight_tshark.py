# SPDX-License-Identifier: BSD-2-Clause
"""What the readers of src/sight/ make of payloads, held against what tshark says of the same.

A protocol is a row of PROTOCOLS: a program prints what our reader makes of bytes that tshark shows
(support/sight_print.c), and the row compares. Its captures are those of the field that have the
protocol, and one that is made up.
"""
import argparse
import json
import os
import re
import subprocess
import sys
from typing import Any, Callable, Dict, Iterator, List, NamedTuple, Sequence, Tuple

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'support'))
# pylint: disable=wrong-import-position
import csv
import callwire
import dnswire
import harness
import pcapfile as pf
from harness import check, check_equal

MADE = 400  # messages that are made up

Pairs = List[Tuple[str, Any]]  # of an object in JSON: tshark gives members of one name


def more_flags(parser: argparse.ArgumentParser) -> None:
    parser.add_argument('--print', required=True, help='the program that prints')


suite = harness.Suite(__doc__.split('\n', maxsplit=1)[0], more_flags)


class Protocol(NamedTuple):
    """One that is compared."""
    feature: str  # in INDEX.tsv, of the captures that have it
    make: Callable[[], bytes]  # a capture
    compare: Callable[[str], Tuple[int, int]]  # messages of a capture, and those that say something
    least: Tuple[int, int]  # of all captures
    related: Tuple[str, ...] = ()  # captures of related flows that have it


def every(layer: Pairs, name: str) -> Iterator[Any]:
    """The values of that name, wherever they are within, in order."""
    for key, value in layer:
        if key == name:
            yield value
        elif isinstance(value, list):
            yield from every(value, name)


def one(layer: Pairs, name: str, default: Any = None) -> Any:
    return next(every(layer, name), default)


def dissected(path: str, chosen: str, layers: str, *flags: str) -> List[Pairs]:
    """The layers of each frame that the filter chooses, whole and not damaged."""
    done = harness.run([harness.tool('tshark'), '-n', '-r', path, '-T', 'json', '-J', layers, '-Y',
                        '(%s) && !(_ws.malformed || _ws.short || _ws.unreassembled)' % chosen,
                        *flags])
    check(done.stdout.strip(), 'tshark says nothing of %s but %s', path, done.stderr.decode())
    frames = json.loads(done.stdout.decode(errors='replace'), object_pairs_hook=list)
    return [one(frame, 'layers') for frame in frames]


def printed(reader: str, inputs: Sequence[Sequence[bytes]]) -> List[dict]:
    """What our reader makes of each input, which may be in pieces."""
    lines = ''.join('%s %s\n' % (reader, ' '.join(map(bytes.hex, pieces))) for pieces in inputs)
    done = harness.run([suite.args.print], input=lines.encode(), stderr=subprocess.PIPE)
    check_equal(done.returncode, 0, 'its status, with %s' % done.stderr.decode())
    found = [json.loads(line) for line in done.stdout.splitlines()]
    check_equal(len(found), len(inputs), 'lines')
    return found


# ---- DNS ----

def same_name(text: str) -> dnswire.Name:
    return () if text == '<Root>' else dnswire.name_of(text)


def is_plain(name: dnswire.Name) -> bool:
    """tshark writes it as it is."""
    return all(set(label) <= dnswire.HOST for label in name)


def dns_record(fields: Pairs) -> dnswire.Record:
    kind = int(one(fields, 'dns.resp.type'))
    owner = same_name(one(fields, 'dns.resp.name') or '.'.join(
        one(fields, name) for name in ('dns.srv.service', 'dns.srv.proto', 'dns.srv.name')
        if one(fields, name)))
    if kind == dnswire.OPT:
        return dnswire.Record(owner, kind)
    target = next((same_name(one(fields, name)) for name in (
        'dns.cname', 'dns.mx.mail_exchange', 'dns.srv.target', 'dns.svcb.targetname')
        if one(fields, name)), None)
    alias = one(fields, 'dns.svcb.svcpriority') == '0'
    if kind in (dnswire.SVCB, dnswire.HTTPS) and not target:
        target = None if alias else owner
    addrs = [addr for name in ('dns.a', 'dns.aaaa', 'dns.svcb.svcparam.ipv4hint.ip',
                               'dns.svcb.svcparam.ipv6hint.ip') for addr in every(fields, name)]
    return dnswire.Record(owner, kind, int(one(fields, 'dns.resp.class'), 16) & 0x7fff,
                          int(one(fields, 'dns.resp.ttl')), target, () if alias else tuple(addrs))


def dns_message(layer: Pairs) -> dnswire.Message:
    def section(name: str) -> List[dnswire.Record]:
        return [dns_record(fields) for _, fields in one(layer, name, [])]
    flags = one(layer, 'dns.flags_tree')
    return dnswire.Message(
        int(one(layer, 'dns.id'), 16), one(flags, 'dns.flags.response') == '1',
        int(one(flags, 'dns.flags.opcode')), int(one(layer, 'dns.flags'), 16) & 15,
        int(one(layer, 'dns.count.queries')),
        [dnswire.Question(same_name(one(q, 'dns.qry.name')), int(one(q, 'dns.qry.type')))
         for _, q in one(layer, 'Queries', [])],
        section('Answers'), section('Authoritative nameservers'), section('Additional records'))


def of_dns(m: dnswire.Message) -> dict:
    """As the reader would print it; names with octets beyond those of hosts are not compared."""
    questions, answers = dnswire.meaning(m)
    questions = questions[:8]
    return {'id': m.ident, 'response': m.response, 'opcode': m.opcode, 'rcode': m.rcode,
            'questions': [{'name': dnswire.text_of(q.name) if is_plain(q.name) else '',
                           'type': q.kind} for q in questions],
            'addrs': [a._asdict() for a in answers if a.question < 8][:64]}


def compare_dns(path: str) -> Tuple[int, int]:
    frames = dissected(path, 'udp && (dns || mdns || llmnr) && !icmp && !icmpv6 && !tcp',
                       'udp dns mdns llmnr')
    wanted, inputs, n_broken = [], [], 0
    for layers in frames:
        names = [name for name, _ in layers]
        at = next(i for i, name in enumerate(names) if name in ('dns', 'mdns', 'llmnr'))
        udp = next(layers[i][1] for i in range(at, -1, -1) if names[i] == 'udp')
        wanted.append(dns_message(layers[at][1]))
        inputs.append([bytes.fromhex(one(udp, 'udp.payload').replace(':', ''))])
    for (payload,), want, found in zip(inputs, wanted, printed('dns', inputs)):
        what = '%s: %s' % (os.path.basename(path), payload.hex())
        model = of_dns(want)
        try:
            read = of_dns(dnswire.parse(payload))
        except dnswire.Broken as why:  # tshark reads labels and opcodes that nobody has defined
            n_broken += 1
            check_equal(found, {}, '%s, %s' % (what, why))
            continue
        for mine, theirs in zip(found['questions'], model['questions']):
            mine['name'] = mine['name'] if theirs['name'] else ''
        check_equal(found, model, what)
        for mine, theirs in zip(read['questions'], model['questions']):
            mine['name'] = mine['name'] if theirs['name'] else ''
        check_equal(read, model, what + ', as the model reads it')
    check(n_broken <= len(frames) // 20, '%s: %d of %d messages are refused', path, n_broken,
          len(frames))
    return len(frames), sum(bool(dnswire.meaning(m)[1]) for m in wanted)


def made_dns() -> bytes:
    rng = suite.random('dns')
    frames = []
    for _ in range(MADE):
        m = dnswire.random_message(rng)
        port = 53 if m.n_questions else 5353
        frames.append(pf.frame('192.0.2.1', '192.0.2.2', pf.UDP, pf.udp(
            '192.0.2.1', '192.0.2.2', port, port, dnswire.write(m, rng))))
    return pf.Capture(pf.Format(), pf.at_times(frames)).encode()


# ---- SIP ----

def payload_of(layers: Pairs, transport: str) -> bytes:
    return bytes.fromhex(one(one(layers, transport), transport + '.payload').replace(':', ''))


SDP_LINES = {'sdp.connection_info': 'c', 'sdp.media': 'm', 'sdp.media_attr': 'a'}


def sdp_lines(layer: Pairs) -> Iterator[Tuple[str, str]]:
    for key, value in layer:
        if isinstance(value, list):
            yield from sdp_lines(value)
        elif key in SDP_LINES:
            yield SDP_LINES[key], value


def of_sip(layer: Pairs) -> dict:
    """As the reader would print it."""
    status = int(one(layer, 'sip.Status-Code', '0'))
    method = one(layer, 'sip.CSeq.method' if status else 'sip.Method', '')
    kind = 'INVITE' if method in callwire.OFFERS else method if method in ('BYE', 'CANCEL') else ''
    bodies = list(every(layer, 'sdp'))
    has_media = bool(bodies) and kind == 'INVITE' and status < 300
    media = [at for body in bodies for at in callwire.media_of(list(sdp_lines(body)))]
    call_id = one(layer, 'sip.Call-ID', '')
    return {'status': status, 'kind': kind,
            'call_id': call_id if re.fullmatch('[!-~]*', call_id) else '',  # RFC 3261 section 25.1
            'has_media': has_media, 'media': [at._asdict() for at in media] if has_media else []}


def compare_sip(path: str) -> Tuple[int, int]:
    frames = dissected(path, 'udp && (sip.Request-Line || sip.Status-Line) && !icmp',
                       'udp sip sdp mime_multipart')
    inputs = [[payload_of(layers, 'udp')] for layers in frames]
    wanted = [of_sip(one(layers, 'sip')) for layers in frames]
    for (payload,), want, found in zip(inputs, wanted, printed('sip', inputs)):
        check_equal(found, want, '%s: %s' % (os.path.basename(path), payload))
    return len(frames), sum(want['has_media'] for want in wanted)


# ---- RTSP ----

def ports_of(transport: str, parameter: str) -> List[dict]:
    found = re.search(parameter + r'=(\d+)-(\d+)', transport)
    return [callwire.Endpoint('', int(port))._asdict() for port in (found.groups() if found else ())]


def of_rtsp(layer: Pairs) -> dict:
    status, method = int(one(layer, 'rtsp.status', '0')), one(layer, 'rtsp.method', '')
    transport = one(layer, 'rtsp.transport', '') if method == 'SETUP' or status // 100 == 2 else ''
    return {'status': status, 'teardown': method == 'TEARDOWN',
            'session': one(layer, 'rtsp.session', '').partition(';')[0],
            'client': ports_of(transport, 'client_port'),
            'server': ports_of(transport, 'server_port')}


def compare_rtsp(path: str) -> Tuple[int, int]:
    frames = dissected(path, 'rtsp && !tcp.segments && !icmp', 'tcp rtsp')
    inputs = [[payload_of(layers, 'tcp')] for layers in frames]
    wanted = [[of_rtsp(layer) for layer in every(layers, 'rtsp')
               if one(layer, 'rtsp.request') or one(layer, 'rtsp.response')] for layers in frames]
    for (payload,), want, found in zip(inputs, wanted, printed('rtsp', inputs)):
        check_equal(found['messages'], want, '%s: %s' % (os.path.basename(path), payload))
    return len(frames), sum(bool(m['session']) for want in wanted for m in want)


# ---- FTP ----

FTP_FIELDS = (('ftp.passive.ip', 'ftp.passive.port'), ('ftp.active.cip', 'ftp.active.port'),
              ('ftp.eprt.ip', 'ftp.eprt.port'), ('ftp.eprt.ipv6', 'ftp.eprt.port'),
              ('', 'ftp.epsv.port'))


def of_ftp(layer: Pairs) -> List[dict]:
    """tshark puts the connection's address where EPSV has none."""
    return [callwire.Endpoint(one(layer, addr, ''), int(one(layer, port)), 'tcp')._asdict()
            for addr, port in FTP_FIELDS if one(layer, port) and (not addr or one(layer, addr))]


def compare_ftp(path: str) -> Tuple[int, int]:
    total = announced = 0
    for end, chosen in (('server', 'tcp.srcport == 21'), ('client', 'tcp.dstport == 21')):
        frames = dissected(path, 'ftp && !icmp && ' + chosen, 'tcp ftp')
        inputs = [[payload_of(layers, 'tcp')] for layers in frames]
        for (payload,), layers, found in zip(inputs, frames, printed('ftp-' + end, inputs)):
            want = of_ftp(one(layers, 'ftp'))
            check_equal(found['announced'], want, '%s: %s' % (os.path.basename(path), payload))
            announced += bool(want)
        total += len(frames)
    return total, announced


def made_calls(name: str, proto: int, port: int) -> bytes:
    """Messages to a port, or from it, each in a flow of its own."""
    rng = suite.random(name)
    pack = pf.udp if proto == pf.UDP else pf.tcp
    frames = []
    for i in range(MADE):
        server = bool(i % 2)
        a, b = (port, 20000 + i) if server else (20000 + i, port)
        payload = callwire.random_ftp(rng, server) if name == 'ftp' else \
            callwire.random_sip(rng) if name == 'sip' else callwire.random_rtsp(rng)
        more = {'payload': payload}
        frames.append(pf.frame('192.0.2.1', '192.0.2.2', proto,
                               pack('192.0.2.1', '192.0.2.2', a, b, **more)))
    return pf.Capture(pf.Format(), pf.at_times(frames)).encode()


# ---- connections ----

Direction = Tuple[str, str]  # number of the connection, port of the sender
TCP = 'tcp && !icmp && !icmpv6'


def columns(path: str, chosen: str, *names: str) -> Iterator[List[str]]:
    """These fields of each frame that the filter chooses; several of a name are joined by commas."""
    done = harness.run([harness.tool('tshark'), '-n', '-r', path, '-T', 'fields', '-Y', chosen,
                        '-o', 'tcp.reassemble_out_of_order:TRUE',
                        *(word for name in names for word in ('-e', name))])
    for line in done.stdout.decode(errors='replace').splitlines():
        yield line.split('\t')


class Segments:
    """The segments of each direction, as the printing program takes them; and more fields."""
    FIELDS = ('tcp.stream', 'tcp.srcport', 'tcp.seq_raw', 'tcp.flags.syn', 'tcp.payload')

    def __init__(self, path: str, *names: str) -> None:
        self.pieces: Dict[Direction, List[bytes]] = {}
        self.more: List[Tuple[Direction, List[str]]] = []
        for stream, port, seq, syn, payload, *more in columns(path, TCP, *self.FIELDS, *names):
            is_syn = syn == '1'
            if not stream or ',' in stream or not (payload or is_syn):
                continue
            number = (int(seq) + is_syn) & 0xffffffff
            self.pieces.setdefault((stream, port), []).append(
                number.to_bytes(4, 'big') + bytes.fromhex(payload.replace(':', '')))
            self.more.append(((stream, port), more))


# ---- HTTP ----

def http_message(layer: Pairs) -> dict:
    status = one(layer, 'http.response.code')
    if status:
        has_location = status == '201' or status[0] == '3'
        return {'status': int(status),
                'location': one(layer, 'http.location', '') if has_location else ''}
    return {'method': one(layer, 'http.request.method', ''),
            'target': one(layer, 'http.request.uri', ''),
            'host': one(layer, 'http.host', ''), 'referer': one(layer, 'http.referer', '')}


def compare_http(path: str) -> Tuple[int, int]:
    wanted: Dict[Direction, List[dict]] = {}
    for layers in dissected(path, TCP + ' && (http.request || http.response)', 'tcp http'):
        tcp = [fields for name, fields in layers if name == 'tcp']
        if len(tcp) == 1:
            key = one(tcp[0], 'tcp.stream'), one(tcp[0], 'tcp.srcport')
            messages = (http_message(fields) for name, fields in layers if name == 'http')
            # tshark shows requests without a target, too, which RFC 9112 section 3 does not have.
            wanted.setdefault(key, []).extend(m for m in messages if m.get('target', True))
    pieces = Segments(path).pieces
    inputs = [pieces.get(key, []) for key in wanted]
    for (key, want), got in zip(wanted.items(), printed('http', inputs)):
        for message in got['messages']:
            for field, value in message.items():
                if isinstance(value, str):  # to tshark a value ends at NUL, a target at a blank
                    message[field] = re.split('[\0 ]' if field == 'target' else '\0', value)[0]
        check_equal(got['messages'], want, '%s: %s' % (os.path.basename(path), key))
    messages = [m for want in wanted.values() for m in want]
    return len(messages), sum(bool(m.get('host') or m.get('location')) for m in messages)


# ---- TLS and QUIC: the first ClientHello ----

HELLO = ('tls.handshake.extensions_server_name', 'tls.handshake.extensions_alpn_str')


def compare_hellos(reader: str, path: str, wanted: Dict[Direction, Tuple[str, str]],
                   found: Dict[Direction, List[bytes]]) -> Tuple[int, int]:
    inputs = [found.get(key, []) for key in wanted]
    for (key, (name, alpn)), got in zip(wanted.items(), printed(reader, inputs)):
        check_equal(got, {'name': name, 'alpn': alpn.split(',')[0]},
                    '%s: %s' % (os.path.basename(path), key))
    return len(wanted), sum(bool(name) for name, _ in wanted.values())


def compare_tls(path: str) -> Tuple[int, int]:
    wanted: Dict[Direction, Tuple[str, str]] = {}
    found = Segments(path, 'tls.handshake.type', *HELLO)
    for key, (types, name, alpn) in found.more:
        if '1' in types.split(','):
            wanted.setdefault(key, (name, alpn))
    return compare_hellos('tls', path, wanted, found.pieces)


def compare_quic(path: str) -> Tuple[int, int]:
    wanted: Dict[Direction, Tuple[str, str]] = {}
    datagrams: Dict[Direction, List[bytes]] = {}
    for stream, payload, name, alpn in columns(path, 'quic', 'udp.stream', 'udp.payload', *HELLO):
        datagrams.setdefault((stream, ''), []).append(bytes.fromhex(payload.replace(':', '')))
        if name or alpn:
            wanted.setdefault((stream, ''), (name, alpn))
    return compare_hellos('quic', path, wanted, datagrams)


def made_related(n_flows: int) -> bytes:
    """Connections with all of it, of which some segments are overtaken."""
    path = suite.path('generated.pcap')
    seed = suite.random('related').randrange(1 << 32)
    suite.run_cleave('generate', 'traffic', '--related', '-q', '--ipv6', '30', '--seed', str(seed),
                     '--flows', str(n_flows), '-o', path)
    with open(path, 'rb') as f:
        return f.read()


PROTOCOLS = {
    'dns': Protocol('dns', made_dns, compare_dns, (1500, 200)),
    'sip': Protocol('sip', lambda: made_calls('sip', pf.UDP, 5060), compare_sip, (150, 20),
                    ('sip.pcap', 'FAX-Call-t38-CA-TDM-SIP-FB-1.pcap')),
    'rtsp': Protocol('', lambda: made_calls('rtsp', pf.TCP, 554), compare_rtsp, (60, 40),
                     ('rtsp.pcap',)),
    'ftp': Protocol('', lambda: made_calls('ftp', pf.TCP, 21), compare_ftp, (40, 2),
                    ('ftp.pcap', 'ftp-start-tls.pcap')),
    'http': Protocol('http', lambda: made_related(2000), compare_http, (1000, 800)),
    'tls': Protocol('tls', lambda: made_related(3000), compare_tls, (70, 50)),
    'quic': Protocol('quic', lambda: made_related(7000), compare_quic, (110, 110)),
}


# ---- cases ----

def captures_with(protocol: Protocol) -> List[str]:
    top = harness.shared_captures()
    with open(os.path.join(top, 'INDEX.tsv'), newline='', encoding='utf-8') as f:
        rows = list(csv.DictReader(f, delimiter='\t', quoting=csv.QUOTE_NONE))
    paths = [os.path.join(top, row['file']) for row in rows if protocol.feature and
             ' %s=' % protocol.feature in ' ' + (row['features'] or '')]
    paths += [os.path.join(top, '..', 'related', name) for name in protocol.related]
    return [path for path in sorted(paths) if os.path.isfile(path)]


def field_case(protocol: Protocol) -> Callable[[], None]:
    def case() -> None:
        sums = [protocol.compare(path) for path in captures_with(protocol)]
        for n, least in zip(map(sum, zip(*sums)), protocol.least):
            check(n >= least, 'no more than %d were compared', n)
    return case


def made_case(protocol: Protocol) -> Callable[[], None]:
    def case() -> None:
        n, _ = protocol.compare(suite.write('made.pcap', protocol.make()))
        check(n > MADE * 0.9, 'tshark takes no more than %d to be sound', n)
    return case


def main() -> int:
    try:
        harness.tool('tshark')
    except harness.Skip as why:
        return suite.run({'tshark': harness.skipped(why)})
    cases: Dict[str, Callable[[], None]] = {}
    for name, protocol in PROTOCOLS.items():
        cases[name + '-field'] = field_case(protocol)
        cases[name + '-made'] = made_case(protocol)
    return suite.run(cases)


if __name__ == '__main__':
    sys.exit(main())
