"""The champion history: events as tags of versions, and what is repaired after a crash."""

import pytest

from fakefaces.base.files import write_json
from fakefaces.inference.metadata import DetectorMetadata, Operating
from fakefaces.registry.history import Action, Event, champion_stack, new_event, read_events, taken_back
from fakefaces.registry.store import ChampionChangedError, Registry
from fakefaces.tracking.detectors import with_operating_point
from fakefaces.tracking.digests import digest
from fakefaces.tracking.store import connect
from tests.tracking.factories import RULE


def stack_of(*steps: tuple[str, int]) -> list[int]:
    events = [Event(str(k), Action(action), version, None, "", "") for k, (action, version) in enumerate(steps)]
    return champion_stack(events)


def test_an_event_is_later_than_the_last_one_even_where_the_clock_was_set_back():
    last = Event("2999-01-01T00:00:00.000000Z", Action.CHAMPION, 1, None, "r", "me")
    assert new_event(Action.CHAMPION, 2, 1, "r", last).at == "2999-01-01T00:00:00.000001Z"


def test_rollbacks_lead_back_through_a_stack_of_champions():
    assert stack_of(("champion", 1), ("refused", 2), ("champion", 3)) == [1, 3]
    assert stack_of(("champion", 1), ("champion", 3), ("rollback", 1), ("champion", 4)) == [1, 4]
    assert stack_of(("rollback", 5)) == [5]


def test_a_rollback_over_several_champions_removes_all_after_it_and_a_found_champion_counts():
    assert stack_of(("champion", 1), ("champion", 2), ("champion", 3), ("rollback", 1)) == [1]
    assert stack_of(("champion", 1), ("champion", 2), ("champion", 1), ("champion", 3), ("rollback", 1)) == [1, 2, 1]
    assert stack_of(("champion", 1), ("found", 2), ("champion", 3), ("rollback", 2)) == [1, 2]


def test_what_a_rollback_replaced_is_taken_back_until_it_is_champion_again():
    steps = [("champion", 1, None), ("champion", 2, 1), ("champion", 3, 2), ("rollback", 2, 3), ("refused", 3, 2)]
    history = [
        Event(str(k), Action(action), version, before, "", "") for k, (action, version, before) in enumerate(steps)
    ]
    assert [taken_back(history, version) for version in (1, 2, 3)] == [None, None, history[3]]
    history += [Event("6", Action.ROLLBACK, 1, 2, "", ""), Event("7", Action.CHAMPION, 3, 1, "forced", "")]
    assert [taken_back(history, version) for version in (1, 2, 3)] == [None, history[5], None]


def test_events_of_all_versions_are_in_order_of_time_and_read_as_they_were_written():
    last, written = None, []
    for action, version, before in (
        (Action.CHAMPION, 2, None),
        (Action.CHAMPION, 1, 2),
        (Action.REFUSED, 3, 1),
        (Action.ROLLBACK, 2, 1),
    ):
        last = new_event(action, version, before, f"{action} {version}", last)
        written.append(last)
    assert [event.at for event in written] == sorted({event.at for event in written})
    tags = {number: {event.key: event.value for event in written if event.version == number} for number in (3, 2, 1)}
    assert read_events(tags) == written
    assert read_events({1: {"model": "m", "decision": "{}"}}) == []


@pytest.fixture
def empty_versions(tracked):
    """A registry of three versions that are no more than entries, with their tags; and MLflow's client."""
    registry, client = Registry(RULE.name), connect().client
    client.create_registered_model(RULE.name)
    for number in (1, 2, 3):
        client.create_model_version(RULE.name, f"file:///nowhere/{number}")
    return registry, client


def test_each_event_is_recorded_once_with_the_champion_until_then(empty_versions):
    registry, client = empty_versions

    def history():
        return [(event.action, event.version, event.before, event.reason) for event in registry.history()]

    assert [version.number for version in registry.versions()] == [3, 2, 1]
    first, second, third = (registry.version(number) for number in (1, 2, 3))
    registry.set_champion(first, None, "first")
    registry.set_champion(first, first, "again")
    assert history() == [("champion", 1, None, "first")]
    for reason in ("r", "r", "s", "r", "r"):
        registry.record_refusal(second, first, reason)
    with pytest.raises(ChampionChangedError):
        registry.record_refusal(second, third, "compared with version 3, but that is 1 now")
    assert history()[1:] == [("refused", 2, 1, "r"), ("refused", 2, 1, "s"), ("refused", 2, 1, "r")]
    # Killed between the alias and its event: the decision on the version says what the event would have said.
    decision = {"decision.outcome": "champion", "decision.against": "1", "decision.reason": "better"}
    registry.annotate(second, "page", decision)
    client.set_registered_model_alias(RULE.name, "champion", "2")
    registry.repair_history()
    registry.repair_history()
    assert history()[4:] == [("champion", 2, 1, "better")]
    # The decision was on another champion, so it was not by this that it became one.
    registry.annotate(third, "page", decision | {"decision.reason": "old"})
    client.set_registered_model_alias(RULE.name, "champion", "3")
    registry.repair_history()
    assert history()[5:] == [("found", 3, 2, "the alias was set by other means")]
    assert [version.number for version in registry.roll_back()] == [2, 3]
    assert history()[6:] == [("rollback", 2, 3, "rolled back from version 3")]
    assert (registry.champion().number, registry.previous_champion().number) == (2, 1)
    client.set_registered_model_alias(RULE.name, "aged", "2")
    aliases = {version.number: version.aliases for version in registry.versions()}
    assert aliases == {1: [], 2: ["aged", "champion"], 3: []}


def test_the_first_champions_missing_event_is_added_and_of_equal_versions_the_oldest_is_found(empty_versions, tmp_path):
    registry, client = empty_versions
    metadata = DetectorMetadata(model="m", kind="k", image_size=32, weights="w", threshold=0.5, parameters=1)
    write_json(tmp_path / "d" / "detector.json", metadata.model_dump())
    point = Operating(threshold=0.5, low=None, high=1.0)
    with with_operating_point(tmp_path / "d", point) as copy:
        served = digest(copy)
    for number, tag in ((1, "other"), (2, served), (3, served)):
        tags = {"served.digest": tag, "digest": digest(tmp_path / "d")}
        tags |= {"decision.outcome": "champion", "decision.against": "none", "decision.reason": "there was none"}
        registry.annotate(registry.version(number), "page", tags)
    assert registry.registered(tmp_path / "d", point).number == 2
    assert registry.registered(tmp_path / "d", None) is None
    client.set_registered_model_alias(RULE.name, "champion", "2")
    registry.repair_history()
    assert [(event.action, event.version, event.before, event.reason) for event in registry.history()] == [
        ("champion", 2, None, "there was none")
    ]
    # An event from a machine whose clock is ahead is still before what happens now.
    ahead = Event("2999-01-01T00:00:00.000000Z", Action.REFUSED, 3, 2, "worse", "another")
    registry.annotate(registry.version(3), "page", {ahead.key: ahead.value})
    registry.record_refusal(registry.version(1), registry.version(2), "worse")
    assert [event.version for event in registry.history()] == [2, 3, 1]
