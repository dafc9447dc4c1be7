"""A DynamoDB table in memory that evaluates the conditions of writes, and lets a test choose whose call comes next."""

import itertools
import re
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from botocore.exceptions import ClientError

type Item = dict[str, Any]
type Key = tuple[str, str]

_WORD = re.compile(r"attribute_not_exists\((#?\w+)\)|:\w+|#?\w+|<=|<|=|[()]")
_OPERATORS = {"AND": "and", "OR": "or", "=": "==", "(": "(", ")": ")"}


class Table:
    """Items by key; each call is atomic, as in DynamoDB."""

    def __init__(self) -> None:
        self.items: dict[Key, Item] = {}

    def put_item(self, *, Item: Item, **request: Any) -> Item:  # noqa: N803, boto3's names
        self._require(Item, request, "ConditionalCheckFailedException")
        self.items[_key(Item)] = Item
        return {}

    def delete_item(self, *, Key: Item, **request: Any) -> Item:  # noqa: N803
        self._require(Key, request, "ConditionalCheckFailedException")
        self.items.pop(_key(Key), None)
        return {}

    def get_item(self, *, Key: Item, **_: Any) -> Item:  # noqa: N803
        found = self.items.get(_key(Key))
        return {"Item": found} if found else {}

    def batch_get_item(self, *, RequestItems: Mapping[str, Any]) -> Item:  # noqa: N803
        [(table, wanted)] = RequestItems.items()
        found = [self.items[_key(key)] for key in wanted["Keys"] if _key(key) in self.items]
        return {"Responses": {table: found}, "UnprocessedKeys": {}}

    def batch_write_item(self, *, RequestItems: Mapping[str, Any]) -> Item:  # noqa: N803
        [(_, requests)] = RequestItems.items()
        for request in requests:
            self.items.pop(_key(request["DeleteRequest"]["Key"]), None)
        return {"UnprocessedItems": {}}

    def query(self, **request: Any) -> Item:
        """Reads sort keys that begin with `:prefix`, or lie between `:first` and `:last`."""
        values = {name: value["S"] for name, value in request["ExpressionAttributeValues"].items()}
        prefix, first, last = values.get(":prefix", ""), values.get(":first", ""), values.get(":last", "~")
        partition = values.get(":domain") or values[":partition"]
        own = [key for key in sorted(self.items) if key[0] == partition]
        found = [key for key in own if key[1].startswith(prefix) and first <= key[1] <= last]
        found = found if request.get("ScanIndexForward", True) else found[::-1]
        return {"Items": [self.items[key] for key in found[: request.get("Limit")]]}

    def transact_write_items(self, *, TransactItems: Sequence[Mapping[str, Item]]) -> Item:  # noqa: N803
        writes = [write for each in TransactItems for write in each.values()]
        for write in writes:
            self._require(write.get("Key") or write["Item"], write, "TransactionCanceledException")
        for write in writes:
            if "Item" in write:
                self.items[_key(write["Item"])] = write["Item"]
        return {}

    def _require(self, key: Item, request: Mapping[str, Any], code: str) -> None:
        if "ConditionExpression" in request and not _holds(request, self.items.get(_key(key), {})):
            raise ClientError({"Error": {"Code": code}}, "write")


def _key(item: Item) -> Key:
    return item["domain"]["S"], item["item"]["S"]


def _holds(request: Mapping[str, Any], item: Item) -> bool:
    names = request.get("ExpressionAttributeNames", {})
    values = request.get("ExpressionAttributeValues", {})

    def translated() -> Iterator[str]:
        for match in _WORD.finditer(request["ConditionExpression"]):
            word = match.group()
            if match.group(1):
                yield str(names.get(match.group(1), match.group(1)) not in item)
            elif word in _OPERATORS:
                yield _OPERATORS[word]
            else:
                yield repr(values[word] if word.startswith(":") else item.get(names.get(word, word)))

    return bool(eval(" ".join(translated()), {"__builtins__": {}}))


class Killed(BaseException):
    """The process is no more; nothing may catch it."""


class Turns:
    """Runs actors in threads of which one at a time goes on, until its next call to the table."""

    def __init__(self) -> None:
        self._back = threading.Semaphore(0)
        self._waiting: list[threading.Semaphore] = []
        self._done: list[bool] = []
        self.failures: list[BaseException] = []

    def run(self, actors: Sequence[Callable[[Callable[[], None]], object]], turns: Iterable[tuple[int, int]]) -> None:
        """Runs actors, each of which gets what it has to call before each step.

        Args:
            actors: in the order of their numbers.
            turns: an actor's number, and how many steps it makes before the next turn; all are ended one by one then.
        """
        self._waiting = [threading.Semaphore(0) for _ in actors]
        self._done = [False] * len(actors)
        threads = [threading.Thread(target=self._act, args=each, daemon=True) for each in enumerate(actors)]
        for thread in threads:
            thread.start()
        for number, steps in itertools.chain(turns, ((number, 1 << 20) for number in range(len(actors)))):
            for _ in range(steps):
                if self._done[number % len(actors)]:
                    break
                self._waiting[number % len(actors)].release()
                self._back.acquire()
        for thread in threads:
            thread.join()
        for failure in self.failures:
            raise failure

    def _act(self, number: int, actor: Callable[[Callable[[], None]], object]) -> None:
        def step() -> None:
            self._back.release()
            self._waiting[number].acquire()

        self._waiting[number].acquire()
        try:
            actor(step)
        except Killed:
            pass
        except BaseException as error:
            self.failures.append(error)
        finally:
            self._done[number] = True
            self._back.release()
