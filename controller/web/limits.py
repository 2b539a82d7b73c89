"""How often something may be done: token buckets, one for each key, in bounded memory."""

from __future__ import annotations

import ipaddress
import threading
from collections import OrderedDict
from dataclasses import dataclass

from controller.engine.clock import Clock

MOST_KEYS = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Rate:
    """So many times in so many seconds; also the most at once."""

    times: int
    per: float


@dataclass(slots=True)
class _Bucket:
    tokens: float
    at: float


class Buckets:
    """Safe to use from several threads.

    Of too many keys the one that was not used for longest is forgotten: it starts full again, which only who has that
    many addresses can make use of.
    """

    def __init__(self, rate: Rate, *, clock: Clock, most: int = MOST_KEYS) -> None:
        self._rate = rate
        self._clock = clock
        self._most = most
        self._lock = threading.Lock()
        self._buckets: OrderedDict[str, _Bucket] = OrderedDict()

    def __len__(self) -> int:
        return len(self._buckets)

    def set_rate(self, rate: Rate) -> None:
        """Another rate from now on; nobody starts anew for it."""
        with self._lock:
            self._rate = rate

    def take(self, key: str) -> float | None:
        """Take one. None: it was there; otherwise the seconds after which there is one."""
        with self._lock:
            now, rate = self._clock.monotonic(), self._rate
            bucket = self._buckets.get(key)
            if bucket is None:
                bucket = self._buckets[key] = _Bucket(tokens=rate.times, at=now)
                if len(self._buckets) > self._most:
                    self._buckets.popitem(last=False)
            self._buckets.move_to_end(key)
            bucket.tokens = min(rate.times, bucket.tokens + max(0.0, now - bucket.at) * rate.times / rate.per)
            bucket.at = now
            if bucket.tokens >= 1.0:
                bucket.tokens -= 1.0
                return None
            return (1.0 - bucket.tokens) * rate.per / rate.times


def address_key(address: str) -> str:
    """Under which an address counts: whoever has one IPv6 address has the whole /64."""
    try:
        found = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if isinstance(found, ipaddress.IPv6Address):
        if found.ipv4_mapped is not None:
            return str(found.ipv4_mapped)
        return str(ipaddress.ip_network((found, 64), strict=False))
    return str(found)
