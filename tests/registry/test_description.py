"""What a version's description says: what the model achieves, what it must not be used for, and the decision on it."""

import pytest

from fakefaces.base.errors import FakefacesError
from fakefaces.cli.doctor import doctor
from fakefaces.evaluation.summary import NOT_FOR
from fakefaces.registry.description import describe, undescribed
from fakefaces.registry.promotion import read_decision
from fakefaces.registry.store import Registry
from fakefaces.tracking.descriptions import DIGEST
from tests.tracking.factories import RULE, evaluated, models, promoted

pytestmark = pytest.mark.parametrize("tracked", ["sqlite"], indirect=True)


def test_a_version_says_what_it_achieves_and_what_it_must_not_be_used_for(tracked):
    (evidence,) = models(tracked, ("m", 2.0))
    promoted(tracked, evidence)
    version = Registry(RULE.name).version(1)
    test = evidence.metrics.test
    assert f"**{test.overall.roc_auc}**" in version.description
    assert f"{test.overall.accuracy}" in version.description
    assert all(line in version.description for line in NOT_FOR)
    assert "no photograph" not in version.description  # it was not trained on drawn faces
    assert read_decision(version).markdown() in version.description
    assert undescribed(Registry(RULE.name)) == []


def test_a_later_decision_is_written_anew_and_what_a_person_wrote_stays(tracked):
    first, second = models(tracked, ("first", 2.0), ("second", 3.0))
    promoted(tracked, first)
    promoted(tracked, second, force="a reason")
    registry = Registry(RULE.name)
    assert read_decision(registry.version(2)).markdown() in registry.version(2).description
    registry.annotate(registry.version(2), "ours", {})
    assert registry.version(2).description == "ours"
    registry.store.client.update_model_version(RULE.name, "2", description="mine")
    promoted(tracked, evaluated(tracked, "second", 3.0))
    registry.annotate(registry.version(2), "ours", {"note": "x"})
    version = registry.version(2)
    assert (version.description, version.tags["note"]) == ("mine", "x")


def test_versions_of_an_earlier_release_are_described_by_the_doctor(tracked, capsys):
    (evidence,) = models(tracked, ("m", 2.0))
    promoted(tracked, evidence)
    registry = Registry(RULE.name)
    client, decision = registry.store.client, read_decision(registry.version(1))
    client.delete_model_version_tag(RULE.name, "1", DIGEST)
    client.update_model_version(RULE.name, "1", description=decision.markdown())
    assert undescribed(registry) == [1]
    describe(registry, registry.version(1))
    assert undescribed(registry) == []
    described = registry.version(1).description
    assert f"{evidence.metrics.test.overall.roc_auc}" in described
    assert decision.markdown() in described
    assert "If it was trained on the embedded sample" not in described
    client.delete_model_version_tag(RULE.name, "1", DIGEST)
    client.update_model_version(RULE.name, "1", description="mine")
    assert undescribed(registry) == []
    with pytest.raises(FakefacesError, match="1 problem"):  # this champion is no graph, and scores nothing
        doctor(fix=True)
    assert registry.version(1).description == "mine"
