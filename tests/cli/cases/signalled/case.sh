# SPDX-License-Identifier: BSD-2-Clause
# Who waits for a pipe can be stopped, and says what was not made.
sample mixed a.pcap
mkfifo p
"$PYTHON" - <<'END'
import os, select, signal, subprocess, sys, time


def begin():
    return subprocess.Popen(['cleave', 'split', 'p', '-o', 'out', '-q', '--on-interrupt', 'discard'],
                            stderr=subprocess.PIPE)


def goes_on(run):
    time.sleep(0.01)
    if run.poll() is not None:
        sys.exit('it has ended, exit %d: %s' % (run.returncode, run.stderr.read().decode()))


def end(run, number):
    run.send_signal(number)
    try:
        print('exit', run.wait(timeout=120))
    except subprocess.TimeoutExpired:
        for task in os.listdir('/proc/%d/task' % run.pid):  # who waits for what
            print(open('/proc/%d/task/%s/wchan' % (run.pid, task)).read())
        run.kill()
        sys.exit('it does not end')
    said = run.stderr.read().decode().splitlines(True)
    sys.stdout.writelines(line for line in said if line.startswith('cleave: '))


def waited_for():
    try:
        return os.open('p', os.O_WRONLY | os.O_NONBLOCK)
    except OSError:
        return None


run = begin()
pipe = waited_for()
while pipe is None:
    goes_on(run)
    pipe = waited_for()
end(run, signal.SIGTERM)
os.close(pipe)

run = begin()
with open('p', 'wb') as pipe, open('a.pcap', 'rb') as a:
    pipe.write(a.read())
    pipe.flush()
    while not any(name.startswith('.out.') for name in os.listdir('.')):
        goes_on(run)
    # It tells how far it is as soon as it listens to signals.
    until = time.monotonic() + 120
    while not select.select([run.stderr], [], [], 0.2)[0]:
        run.send_signal(signal.SIGUSR1)
        if time.monotonic() > until:
            run.kill()
            sys.exit('it does not say how far it is')
    # Meanwhile nobody else may write the same output.
    other = subprocess.run(['cleave', 'split', 'a.pcap', '-o', 'out', '-q'], stderr=subprocess.PIPE)
    print('another: exit', other.returncode)
    sys.stdout.write(other.stderr.decode())
    end(run, signal.SIGINT)
END
names .
