"""Feeds in an asyncio loop, which a list must not hold up: that is waited for in a thread."""

import asyncio
import logging

from k8s.lab.apiclient.api import ApiError
from k8s.lab.apiclient.feed import Feed

_SHORTEST_PAUSE_S = 0.05
_LONGEST_PAUSE_S = 1.0
_log = logging.getLogger(__name__)


async def listed(feed: Feed) -> None:
    """List and connect; while the server is away, ask again and again."""
    pause_s = _SHORTEST_PAUSE_S
    while True:
        try:
            opened = await asyncio.to_thread(feed.opened)
        except ApiError as error:
            _log.warning("following %s: %s; asking again in %.2f s", feed.path, error, pause_s)
            await asyncio.sleep(pause_s)
            pause_s = min(2 * pause_s, _LONGEST_PAUSE_S)
        else:
            feed.begin(opened)
            return


async def follow(feed: Feed) -> None:
    """Keep the feed as the API is, until cancelled."""
    while True:
        if feed.descriptor() is None:
            await listed(feed)
        try:
            await _take_in(feed)
        finally:
            feed.close()
        await asyncio.sleep(_SHORTEST_PAUSE_S)


async def _take_in(feed: Feed) -> None:
    """What the watch sends, as it comes, until it ends."""
    loop = asyncio.get_running_loop()
    has_news = asyncio.Event()
    descriptor = feed.descriptor()
    if descriptor is None:
        return
    loop.add_reader(descriptor, has_news.set)
    try:
        while feed.descriptor() is not None:
            has_news.clear()
            feed.pump()
            if feed.descriptor() is not None:
                await has_news.wait()
    finally:
        loop.remove_reader(descriptor)
