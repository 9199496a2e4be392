"""What was said to be written is there, whatever moment the process was killed at."""

import random
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from sqlalchemy import text

from voltide import exports
from voltide.backbone.database import open_database

LEGS = ("driver", "operator")

CHILD = """
import asyncio, sys
from voltide.backbone import schema
from voltide.backbone.database import open_database
from voltide.backbone.store import Change, Store

async def one(store, key):
    change = Change()
    change.add(schema.charger_messages, dict(charger="V01", message_id=key, action="A", digest="00", received_at=1,
               payload="{}", answer="{}"))
    change.add(schema.facts, dict(key=key, subject="s", body="{}", at=1))
    for account, fen in (("driver", -7), ("operator", 7)):
        change.add(schema.postings, dict(batch=key, account=account, amount_fen=fen, kind="energy", source=key, at=1))
    await store.commit(change)
    sys.stdout.write(key + "\\n")
    sys.stdout.flush()

async def main(url, first):
    async with Store(open_database(url)) as store:
        print("ready", flush=True)
        for number in range(first, 10**9, 3):
            await asyncio.gather(*[one(store, str(number + part)) for part in range(3)])

asyncio.run(main(sys.argv[1], int(sys.argv[2])))
"""


def killed_after(url: str, first: int, lines: int) -> list[str]:
    """What a child said before it was killed, wherever it was soon after its n-th word."""
    with subprocess.Popen([sys.executable, "-c", CHILD, url, str(first)], stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        said = [child.stdout.readline() for _ in range(lines + 1)]
        child.send_signal(signal.SIGKILL)
        said += child.stdout.readlines()
        assert child.wait() == -signal.SIGKILL
    assert said[0] == "ready\n"
    return [line.strip() for line in said[1:] if line.endswith("\n")]


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_every_key_that_was_acknowledged_survives_kill_9_exactly_once(tmp_path: Path, seed: int):
    chance = random.Random(seed)
    url, promised = f"sqlite:///{tmp_path / 'station.db'}", []
    for round_ in range(3):
        promised += killed_after(url, round_ * 1_000_000, chance.randrange(1, 60))
    assert len(promised) == len(set(promised)) > 0
    assert exports.check(tmp_path) is None
    engine = open_database(url)
    with engine.connect() as connection:
        for table, key in (("charger_messages", "message_id"), ("facts", "key"), ("postings", "account || batch")):
            kept = list(connection.execute(text(f"SELECT {key} FROM {table}")).scalars())  # noqa: S608
            assert len(kept) == len(set(kept))
            whole = {account + key for key in promised for account in (LEGS if table == "postings" else ("",))}
            assert whole <= set(kept)
        unequal = """SELECT 3 * (SELECT count(*) FROM facts) - (SELECT count(*) FROM charger_messages)
                     - (SELECT count(*) FROM postings)"""
        assert connection.execute(text(unequal)).scalar_one() == 0, "a change was written in part"
    engine.dispose()
