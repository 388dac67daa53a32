"""What can go wrong after a call, without a network: each is one function, chosen by `conv.state.demo`."""

import time

#: Seconds that the slow one takes: long enough to kill the server meanwhile, shorter than the deadline.
SLOW_S = 3


def raises(conv):
    """A bug: the key is only there when the caller gave an address."""
    return conv.state["delivery_address"]["postcode"]


def hangs(conv):
    """A bug of another kind: it waits for something that never comes, and is ended at its deadline."""
    conv.log.warning("waiting for a confirmation that never comes")
    while True:
        time.sleep(60)


def fails_once(conv):
    """What fails for reasons that pass is right the second time. Each attempt is a fresh process: only the run knows."""
    if conv.run.attempt == 1:
        raise ConnectionError("the ticket system is restarting")
    conv.log.info("it works again", attempt=conv.run.attempt)


def slow(conv):
    """Takes its time; the demo kills the server with kill -9 while it runs."""
    for second in range(SLOW_S):
        print(f"working, {second} s so far", flush=True)
        time.sleep(1)


SCENARIOS = {"raises": raises, "hangs": hangs, "fails_once": fails_once, "slow": slow}
