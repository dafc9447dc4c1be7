"""How far uploads and downloads are: a bar for each file on a terminal, nothing anywhere else."""

from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TaskID, TextColumn, TransferSpeedColumn


class TransferBar:
    """Shows bytes of each file."""

    def __init__(self) -> None:
        console = Console(stderr=True)
        columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TransferSpeedColumn())
        self._progress = Progress(*columns, console=console, disable=not console.is_terminal)
        self._tasks: dict[str, TaskID] = {}

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._progress.stop()

    def begin(self, name: str, size: int) -> None:
        """Shows a file of which nothing is transferred yet."""
        self._tasks[name] = self._progress.add_task(name, total=size)

    def advance(self, name: str, size: int) -> None:
        """Counts more bytes of a file."""
        self._progress.advance(self._tasks[name], size)
