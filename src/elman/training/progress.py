"""What a person sees while training: notes and one progress bar. All of it goes to standard error."""

import time
from types import TracebackType

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn


class Reporter:
    """Notes and a progress bar on a terminal, notes and a line per evaluation elsewhere, nothing when quiet."""

    def __init__(self, quiet: bool = False) -> None:
        self.console = Console(stderr=True, quiet=quiet, highlight=False, soft_wrap=True)
        self._bar: Progress | None = None
        self._begin = 0.0
        self._sequences = 0

    def note(self, text: str) -> None:
        """One line for the person."""
        self.console.print(text, markup=False)

    def start(self, steps: int, done: int = 0) -> "Reporter":
        """Start a training of `steps` steps, `done` of them before; used as `with reporter.start(n):`."""
        columns = (
            TextColumn("{task.description}"),
            BarColumn(),
            TaskProgressColumn(),
            TextColumn("{task.fields[figures]}"),
            TimeRemainingColumn(),
        )
        self._bar = Progress(*columns, console=self.console, disable=not self.console.is_terminal)
        self._task = self._bar.add_task("training", total=steps, completed=done, figures="")
        self._begin, self._sequences, self._score = time.perf_counter(), 0, ""
        return self

    def step(self, epoch: int, loss: float, sequences: int) -> None:
        """Report one optimizer step."""
        assert self._bar is not None
        self._sequences += sequences
        speed = self._sequences / (time.perf_counter() - self._begin)
        figures = f"loss {loss:.4f}{self._score}  {speed:,.0f} sequences/s"
        self._bar.update(self._task, advance=1, description=f"epoch {epoch}", figures=figures)

    def scored(self, epoch: float, loss: float, metric: str, value: float, best: bool) -> None:
        """Report an evaluation on the validation split."""
        self._score = f"  {metric} {value:.4g}"
        if not self.console.is_terminal:
            self.note(f"epoch {epoch:.4g}: loss {loss:.4f}, validation {metric} {value:.4g}{' (best)' if best else ''}")

    def __enter__(self) -> "Reporter":
        assert self._bar is not None
        self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._bar is not None
        self._bar.stop()
