"""When to try again, and for how long.

Everything that this package asks of a server may be asked twice: the same conversation under the same id is one run.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from dataclasses import dataclass, field

#: Statuses that may pass by themselves; the server's own for that is 503.
PASSING = frozenset({408, 429, 500, 502, 503, 504})
#: Doublings of the first wait that are worked out: the longest wait is reached long before.
_MOST_DOUBLINGS = 32


@dataclass(frozen=True, slots=True)
class Retry:
    """How patient a client is. `Retry(patience_s=0)` tries once."""

    #: Seconds from the first try within which the last one begins. A batch that gets on begins anew.
    patience_s: float = 30.0
    #: The longest first wait; it doubles with each further one. The wait itself is drawn evenly below it, so that many
    #: clients do not come back at once.
    first_wait_s: float = 0.25
    #: The longest wait, unless the server asks for a longer one.
    longest_wait_s: float = 10.0
    #: Monotonic seconds.
    clock: Callable[[], float] = field(default=time.monotonic, repr=False)
    #: An even draw from [0, 1).
    chance: Callable[[], float] = field(default=random.random, repr=False)

    def __post_init__(self) -> None:
        if self.patience_s < 0 or self.first_wait_s < 0 or self.longest_wait_s < 0:
            raise ValueError(f"seconds are not negative: {self!r}")

    def wait_s(self, tries: int, retry_after_s: float | None) -> float:
        """Seconds until the next try, after `tries` that failed; never less than the server asked for."""
        bound = min(self.longest_wait_s, self.first_wait_s * 2.0 ** min(tries - 1, _MOST_DOUBLINGS))
        drawn = bound * self.chance()
        return drawn if retry_after_s is None else retry_after_s + drawn
