"""Polls streams and invokes functions with the records, as the event source mappings of a template define."""

import threading
import time
import zlib
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from typing import Protocol

from botocore.exceptions import BotoCoreError, ClientError

from local.aws.functions.environment import InvocationResult
from local.aws.functions.function import ThrottledError
from local.aws.streams.failure import ClientFactory, DeliverFailure, destination
from local.aws.streams.filters import is_wanted
from local.aws.streams.mapping import EventSourceMapping, PartitionGroup, StreamBatch, StreamRecord
from local.aws.streams.sources import StreamSource, source_of

# Seconds between two reads of a shard that has no more records, as Lambda reads it.
# https://docs.aws.amazon.com/lambda/latest/dg/with-kinesis.html
PAUSE = 1.0
# Longest time after which a batch that waits for its next attempt is looked at, seconds.
TICK = 0.1
MAX_READ = 10_000

type Invoke = Callable[[StreamBatch], Future[InvocationResult]]


class Invokable(Protocol):
    """A function as the poller sees it."""

    def submit(self, payload: bytes, *, request_id: str) -> Future[InvocationResult]:
        """Starts an invocation."""


class Poller:
    """Processes all shards of one stream for one function until it is stopped."""

    def __init__(
        self, rules: EventSourceMapping, client: ClientFactory, function: Invokable, pause: float = PAUSE
    ) -> None:
        """Opens the shards, so that LATEST means from now on, and starts.

        Args:
            rules: the event source mapping.
            client: creates an AWS client of a service.
            function: function that the mapping invokes.
            pause: seconds between two reads of a shard that has no more records.
        """
        self._function = function
        self._wake = threading.Event()
        self._stopped = False
        source = source_of(rules, client)
        deliver = destination(rules, client)
        self._shards = [Shard(each, rules, source, self._invoke, deliver, pause) for each in source.shards()]
        self._thread = threading.Thread(target=self._run, name=rules.name, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Stops without waiting for running invocations."""
        self._stopped = True
        self._wake.set()
        self._thread.join()

    def _invoke(self, batch: StreamBatch) -> Future[InvocationResult]:
        future = self._function.submit(batch.event(), request_id=batch.request_id)
        future.add_done_callback(lambda _: self._wake.set())
        return future

    def _run(self) -> None:
        while not self._stopped:
            self._wake.clear()
            more = [shard.process_pending() for shard in self._shards]
            if not any(more):
                self._wake.wait(TICK)


class Shard:
    """A shard with its read position and its partition groups."""

    def __init__(
        self,
        name: str,
        rules: EventSourceMapping,
        source: StreamSource,
        invoke: Invoke,
        deliver: DeliverFailure,
        pause: float,
    ) -> None:
        self._name = name
        self._pause = pause
        self._filters = rules.filters
        self._source = source
        self._start = (rules.start, "")
        self._iterator = self._iterate()
        self._read_at = 0.0
        # Reads no further ahead than the groups can begin next.
        self._capacity = min(rules.batch_size * rules.groups, MAX_READ)
        self._groups = [Worker(rules, invoke, lambda batch: deliver(batch, name)) for _ in range(rules.groups)]

    def process_pending(self) -> bool:
        """Reads, invokes and settles all that needs no waiting; returns whether more records may be waiting."""
        waiting = sum(len(group.state.waiting) for group in self._groups)
        more = time.time() >= self._read_at and waiting < self._capacity and self._read() == self._capacity
        for group in self._groups:
            group.process_pending()
        return more

    def _read(self) -> int:
        records = self._records()
        wanted = [each for each in records if is_wanted(each.event, self._filters)]
        for number, group in enumerate(self._groups):
            group.add([each for each in wanted if group_of(each.key, len(self._groups)) == number])
        if records:
            self._start = ("AFTER_SEQUENCE_NUMBER", records[-1].sequence)
        if len(records) < self._capacity:
            self._read_at = time.time() + self._pause
        return len(records)

    def _records(self) -> list[StreamRecord]:
        try:
            self._iterator = self._iterator or self._iterate()
            self._iterator, records = self._source.read(self._iterator, self._capacity, self._name)
        except (ClientError, BotoCoreError):
            # Most likely the iterator expired because all groups were busy for minutes.
            self._iterator = ""
            return []
        return list(records)

    def _iterate(self) -> str:
        return self._source.iterate(self._name, *self._start)


class Worker:
    """Processes a partition group, with at most one invocation at a time."""

    def __init__(self, rules: EventSourceMapping, invoke: Invoke, deliver: Callable[[StreamBatch], None]) -> None:
        self.state = PartitionGroup()
        self._rules = rules
        self._invoke = invoke
        self._deliver = deliver
        self._running: Future[InvocationResult] | None = None

    def add(self, records: Sequence[StreamRecord]) -> None:
        """Appends records to the partition group."""
        if records:
            self.state = self.state.add(records, time.time())

    def process_pending(self) -> None:
        """Invokes and settles until it has to wait for a record, a result or a pause."""
        while self._step():
            pass

    def _step(self) -> bool:
        if self._running:
            return self._running.done() and self._finish(self._running)
        self.state = self.state.advance(self._rules, time.time())
        batch = self.state.next(time.time())
        return batch is not None and (self._deliver_discarded(batch) if batch.discarded else self._begin(batch))

    def _begin(self, batch: StreamBatch) -> bool:
        try:
            self._running = self._invoke(batch)
        except ThrottledError:
            # Throttled, which is no attempt: the function was not invoked.
            self._settle(batch.pause(time.time()))
        return self._running is not None

    def _finish(self, running: Future[InvocationResult]) -> bool:
        self._running = None
        self._settle(*self.state.batches[0].after(running.result(), self._rules, time.time()))
        return True

    def _deliver_discarded(self, batch: StreamBatch) -> bool:
        try:
            self._deliver(batch)
        except (ClientError, BotoCoreError):
            # AWS would lose it; here a destination that does not exist yet loses nothing.
            self._settle(batch.pause(time.time()))
            return False
        self._settle()
        return True

    def _settle(self, *instead: StreamBatch) -> None:
        self.state = self.state.settle(instead, time.time())


def group_of(key: str, groups: int) -> int:
    """Returns the number of the group of a partition key."""
    return zlib.crc32(key.encode()) % groups
