"""The newest picture: any number of pages wait for it, and none that went away is in its way."""

from __future__ import annotations

import asyncio
import json
import threading

import numpy as np

from minigan.living.picture import Newest, Picture


def test_all_who_wait_get_the_same_picture_made_once():
    newest = Newest()

    async def look() -> list[Picture]:
        pages = [asyncio.create_task(newest.after(0, 5)) for _ in range(50)]
        while not newest.wanted:
            await asyncio.sleep(0)
        thread = threading.Thread(target=newest.show, args=({"kind": "numbers"},))
        thread.start()
        return await asyncio.gather(*pages)

    seen = asyncio.run(look())
    assert {page.number for page in seen} == {1} and len({id(page.encoded) for page in seen}) == 1
    assert not newest.wanted


def test_a_page_that_was_slow_gets_the_newest_and_none_between():
    newest = Newest()
    for i in range(5):
        newest.show({"i": i})
    assert asyncio.run(newest.after(1, 5)).content == {"i": 4}
    assert asyncio.run(newest.after(5, 0.01)).number == 5  # there is none: what there is


def test_a_page_that_went_away_is_in_nobodys_way():
    newest = Newest()

    async def leave() -> None:
        page = asyncio.create_task(newest.after(0, 5))
        await asyncio.sleep(0.01)
        page.cancel()

    asyncio.run(leave())
    loop = asyncio.new_event_loop()  # ends while a page of it still waits
    page = loop.create_task(newest.after(0, 5))
    loop.run_until_complete(asyncio.sleep(0.01))
    assert newest.wanted
    loop.close()
    newest.show({})
    assert newest.picture.number == 1 and not page.done()


def test_what_json_has_no_form_of():
    made = {"a": np.array([1.5, np.nan], np.float32), "b": [float("nan"), 1, "x"], "c": {"d": None}}
    told = json.loads(Picture(3, made).encoded)
    assert told["number"] == 3 and told["b"] == [None, 1, "x"] and told["a"]["dtype"] == "float32"
