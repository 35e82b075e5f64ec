# SPDX-License-Identifier: ISC
"""Servers in a process of their own, so that both ends of thousands of
sessions have descriptors and a processor of their own."""
import asyncio
import contextlib
import multiprocessing
import resource
import signal
import sys


def end_by_sigterm():
    """As by an exception: what is to be cleaned up is."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))


def many_descriptors():
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


class Apart:
    """Awaits `work(pipe)` in another process; the pipe's other end is
    self.pipe.  What work sends first is self.first."""

    def __init__(self, work):
        self.pipe, theirs = multiprocessing.Pipe()
        self.process = multiprocessing.Process(target=self.run,
                                               args=(work, theirs), daemon=True)
        self.process.start()
        theirs.close()
        self.first = self.pipe.recv()

    @staticmethod
    def run(work, pipe):
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        many_descriptors()
        with contextlib.suppress(asyncio.CancelledError):
            asyncio.run(work(pipe))

    def ask(self, question):
        self.pipe.send(question)
        return self.pipe.recv()

    def end(self):
        self.process.kill()
        self.process.join()


async def receive(pipe):
    """The next thing that comes by the pipe; the loop goes on meanwhile."""
    loop = asyncio.get_running_loop()
    there = loop.create_future()
    loop.add_reader(pipe.fileno(), lambda: there.done() or
                    there.set_result(None))
    await there
    loop.remove_reader(pipe.fileno())
    return pipe.recv()
