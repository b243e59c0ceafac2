"""The thread that keeps a server at what an alias leads to: what it replaces, and what it leaves."""

import threading
import time
from types import SimpleNamespace

import pytest

from fakefaces.base.errors import ModelError, TrackingError
from fakefaces.web.deployed import Deployed, Follower, Kind, description

ALIAS = "models:/fake-faces@champion"


class World:
    """An alias that can be moved, and versions of which some are bad."""

    def __init__(self):
        self.alias, self.bad, self.away = "v1", {}, None
        self.loaded, self.changes = [], []
        self.deployed = Deployed("value of v1", "v1")
        self.follower = Follower(self.deployed, ALIAS, self.resolve, self.load, 0.02, self.changes.append)

    def resolve(self):
        if self.away:
            raise self.away
        return self.alias

    def load(self, uri):
        self.loaded.append(uri)
        if uri in self.bad:
            raise self.bad[uri]
        return f"value of {uri}"

    def polled(self, n=1):
        for _ in range(n):
            self.follower.poll()
        return [(change.kind, change.uri) for change in self.changes]


@pytest.fixture
def world():
    return World()


def test_what_the_alias_leads_to_is_loaded_once_and_used(world):
    assert world.polled(3) == []
    world.alias = "v2"
    assert world.polled(3) == [(Kind.SWITCHED, "v2")]
    assert world.loaded == ["v2"]
    assert (world.deployed.current.value, world.deployed.current.uri) == ("value of v2", "v2")
    assert world.deployed.state()["switches"] == 1


@pytest.mark.parametrize("error", [ModelError("its graph cannot be computed"), MemoryError("no more")])
def test_a_bad_version_leaves_the_old_one_in_place_and_is_said_once(world, error):
    world.alias, world.bad["v2"] = "v2", error
    assert world.polled(20) == [(Kind.REFUSED, "v2")]
    assert world.deployed.current.value == "value of v1"
    trouble = description(world.deployed, world.follower)["model"]["trouble"]
    assert (trouble["uri"], str(error) in trouble["reason"]) == ("v2", True)
    assert 1 < len(world.loaded) < 6  # it may have been mended; it is fetched less and less often
    del world.bad["v2"]
    assert world.polled(40)[-1] == (Kind.SWITCHED, "v2")
    assert world.deployed.trouble is None


def test_a_rollback_ends_the_trouble(world):
    world.alias, world.bad["v2"] = "v2", ModelError("bad")
    world.polled(2)
    world.alias = "v1"
    assert world.polled(2) == [(Kind.REFUSED, "v2"), (Kind.CURRENT, "v1")]
    assert world.deployed.trouble is None
    world.alias = "v3"
    assert world.polled()[-1] == (Kind.SWITCHED, "v3")


def test_a_store_that_is_away_changes_nothing(world):
    world.away = TrackingError("no server answers")
    assert world.polled(3) == [(Kind.UNREACHABLE, "v1")]
    assert "no server answers" in world.deployed.state()["trouble"]["reason"]
    world.away = None
    assert world.polled(2)[1:] == [(Kind.CURRENT, "v1")]


def test_a_poll_that_takes_long_leaves_some_out_and_moves_none(world, monkeypatch):
    now, times = [0.0], []

    class Stop:
        def wait(self, seconds: float) -> bool:
            now[0] += seconds
            return len(times) == 6

    def resolve():
        times.append(now[0])
        now[0] += 25 if len(times) == 3 else 2
        return "v1"

    monkeypatch.setattr("fakefaces.web.deployed.time", SimpleNamespace(monotonic=lambda: now[0]))
    world.follower.resolve, world.follower.interval = resolve, 10.0
    world.follower._run(Stop())
    assert times == [10, 20, 30, 60, 70, 80]


def test_it_polls_at_fixed_times_until_the_end_of_the_block(world):
    times, enough = [], threading.Event()

    def resolve():
        times.append(time.monotonic())
        if len(times) == 6:
            enough.set()
        time.sleep(0.005)
        return "v1"

    world.follower.resolve = resolve
    world.follower.interval = 0.05
    begun = time.monotonic()
    with world.follower.running():
        assert enough.wait(30)
    # never early, however late one was, on a busy machine too
    assert all(t - begun > 0.05 * number - 1e-6 for number, t in enumerate(times, start=1))
    time.sleep(0.2)
    n = len(times)
    time.sleep(0.2)
    assert len(times) == n
