# SPDX-License-Identifier: BSD-2-Clause
"""What the tests of the module share: captures, and each form of a result."""
import os
import subprocess
import sys

import pytest

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, '..', 'support'))
# pylint: disable=wrong-import-position
import samples  # noqa: E402

import cleave  # noqa: E402

FORMS = ('captures', 'index', 'directory', 'archive')


def cli(*args):
    """Runs the program."""
    return subprocess.run([os.environ['CLEAVE'], *map(str, args)], stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, check=True).stdout


class Made:
    """A capture, and what is made of it, by the library."""
    def __init__(self, folder, capture):
        self.folder = folder
        self.capture = str(capture)
        self.paths = {'captures': self.capture, 'index': str(folder / 'i.db'),
                      'directory': str(folder / 'd'), 'archive': str(folder / 'a.zip')}
        cleave.index(self.capture, self.paths['index'])
        cleave.split(self.capture, self.paths['directory'])
        cleave.split(self.capture, self.paths['archive'])

    def open(self, form):
        return cleave.open(self.paths[form])


@pytest.fixture(scope='session')
def made(tmp_path_factory):
    """Some hundred flows of all kinds."""
    folder = tmp_path_factory.mktemp('made')
    cleave.generate_traffic(folder / 'm.pcap', flows=150, packets=3000, ipv6=20, udp=30, other=2,
                            vlan=10, seed=7)
    return Made(folder, folder / 'm.pcap')


@pytest.fixture(scope='session')
def small(tmp_path_factory):
    """A handful of flows, and what has no address."""
    folder = tmp_path_factory.mktemp('small')
    path = folder / 's.pcap'
    path.write_bytes(samples.mixed().encode())
    return Made(folder, path)


@pytest.fixture(params=FORMS)
def form(request):
    return request.param
