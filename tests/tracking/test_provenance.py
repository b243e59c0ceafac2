"""What a run records of the commit, the parameters, the data and the experiment."""

from fakefaces.tracking import provenance
from tests.tracking.test_runs import git


def test_the_state_follows_from_commit_parameters_data_and_experiment(tracked, monkeypatch):
    def data(md5: str) -> None:
        (tracked / "data.dvc").write_text(f"outs:\n- md5: {md5}\n  path: data\n")

    states = [provenance.state(tracked)]
    data("11.dir")
    states.append(provenance.state(tracked))
    data("22.dir")
    states.append(provenance.state(tracked))
    assert provenance.data_digest(tracked) == "22.dir"
    (tracked / "params.yaml").write_text((tracked / "params.yaml").read_text() + "# a change\n")
    states.append(provenance.state(tracked))
    monkeypatch.setenv("DVC_EXP_NAME", "brave-ant")
    states.append(provenance.state(tracked))
    monkeypatch.setenv("DVC_EXP_NAME", "calm-bee")
    states.append(provenance.state(tracked))
    assert provenance.tags(tracked)["dvc.experiment"] == "calm-bee"
    git(tracked, "commit", "-q", "--allow-empty", "-m", "another")
    states.append(provenance.state(tracked))
    assert len(set(states)) == len(states) == 7
    assert provenance.state(tracked) == states[-1] == provenance.tags(tracked)["state"]


def test_new_files_outside_of_the_code_are_no_change(tracked):
    (tracked / "notes.txt").write_text("x")
    assert not provenance.dirty(tracked) and provenance.changes(tracked) == ""
    (tracked / "pipelines").mkdir()
    (tracked / "pipelines" / "new.py").write_text("x = 1\n")
    assert provenance.dirty(tracked) and "new.py" in provenance.changes(tracked)
    assert "notes.txt" not in provenance.changes(tracked)
