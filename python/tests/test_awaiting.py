"""What a task of asyncio's waits for, told as a stack."""

from __future__ import annotations

import asyncio

from aftercall._runtime import awaiting


async def _deeper(depth: int, event: asyncio.Event) -> None:
    if depth:
        await _deeper(depth - 1, event)
    else:
        await event.wait()


async def _told(*depths: int) -> list[str]:
    """Functions, innermost first, of a task that gathers some that are so deep."""
    event = asyncio.Event()

    async def gathers() -> None:
        await asyncio.gather(asyncio.sleep(0), *(_deeper(depth, event) for depth in depths))

    task = asyncio.create_task(gathers())
    for _ in range(3):
        await asyncio.sleep(0)
    text = awaiting.told(task)
    event.set()
    await task
    assert text.startswith("\nAwaiting task") and text.endswith("\n\n")
    return [line.rsplit(" in ", 1)[1] for line in text.splitlines() if " in " in line]


def test_a_task_is_told_through_gather_to_what_is_awaited_innermost() -> None:
    assert asyncio.run(_told(1, 1)) == ["wait", "_deeper", "_deeper", "gathers"]


def test_of_a_deep_one_the_innermost_frames_are_told() -> None:
    functions = asyncio.run(_told(2 * awaiting.FRAMES_MAX))
    assert len(functions) == awaiting.FRAMES_MAX and functions[:2] == ["wait", "_deeper"]
