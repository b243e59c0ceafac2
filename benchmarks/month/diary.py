"""What happens in a month: told in one line each, and all of it as a table."""

import resource
import time
from dataclasses import dataclass, field


@dataclass
class Diary:
    """What happened, told as it happens and as a table at the end."""

    began: float = field(default_factory=time.monotonic)
    rows: list[tuple[str, str, str]] = field(default_factory=list)

    def tell(self, when: str, what: str) -> None:
        """Tell one line."""
        seconds = round(time.monotonic() - self.began)
        self.rows.append((f"{seconds // 60}:{seconds % 60:02}", when, what))
        print("  ".join((self.rows[-1][0].rjust(5), when.ljust(10), what)), flush=True)

    def expect(self, holds: bool, what: str, seen: object) -> None:
        """End the month where something is not as docs/operations.md says."""
        if not holds:
            raise SystemExit(f"ERROR expected: {what}; seen: {seen}")

    def spent(self) -> str:
        """How long it took, and how much of the processors."""
        used = resource.getrusage(resource.RUSAGE_CHILDREN)
        minutes = (time.monotonic() - self.began) / 60
        return f"{minutes:.1f} minutes, with {(used.ru_utime + used.ru_stime) / 60:.1f} minutes of processor time"

    def table(self) -> str:
        """All of it in Markdown."""
        return "\n".join(
            ["| minute | when | what |", "| --- | --- | --- |", *(f"| {' | '.join(row)} |" for row in self.rows)]
        )
