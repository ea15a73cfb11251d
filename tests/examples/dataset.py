# SPDX-License-Identifier: BSD-2-Clause
# Of cleave-python(7): day.pcap and labels.csv become flow.npz, host.npz and time.npz.

import cleave
import numpy
import pandas

# src,dst,sport,dport,proto,label: whichever end the table calls src
labels = pandas.read_csv('labels.csv')
labels['hash'] = [cleave.tuple_hash(row.src, row.dst, row.sport, row.dport, row.proto)
                  for row in labels.itertuples()]
labels = labels.drop_duplicates('hash').set_index('hash')['label']

cleave.index('day.pcap', 'day.db', force=True)
with cleave.open('day.db') as result:
    flows = result.find(proto='tcp,udp', where='packets >= 3')
    table = flows.manifest
    table['label'] = table['hash'].map(labels)
    x = numpy.asarray(flows.first_bytes(packets=5, header=80, payload=240,
                                        mask='ip,mac,port'))

by_flow = (table['hash'] % 5 == 0).to_numpy()
by_host = numpy.array([cleave.tuple_hash(host) % 5 == 0 for host in table['src']])
boundary = table['first'].quantile(0.8)
by_time = (table['first'] >= boundary).to_numpy()

known = table['label'].notna().to_numpy()
straddles = by_time != (table['last'] >= boundary).to_numpy()
for name, test, usable in (('flow', by_flow, known), ('host', by_host, known),
                           ('time', by_time, known & ~straddles)):
    numpy.savez(name + '.npz',
                x_train=x[usable & ~test], y_train=table['label'][usable & ~test].to_numpy(str),
                x_test=x[usable & test], y_test=table['label'][usable & test].to_numpy(str))
