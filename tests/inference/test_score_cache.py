from fakefaces.inference.score_cache import ScoreCache, digest_of


def test_a_digest_is_of_names_bytes_and_settings(tmp_path):
    folder = tmp_path / "f"
    folder.mkdir()
    (folder / "a").write_text("1")
    first = digest_of([folder], {"x": 1})
    assert digest_of([folder], {"x": 1}) == first
    assert digest_of([folder], {"x": 2}) != first
    (folder / "a").rename(folder / "b")
    assert digest_of([folder], {"x": 1}) != first
    (folder / "b").rename(folder / "a")
    (folder / "__pycache__").mkdir()
    (folder / "__pycache__" / "a.pyc").write_text("1")
    assert digest_of([folder], {"x": 1}) == first
    (folder / "a").write_text("2")
    assert digest_of([folder], {"x": 1}) != first


def test_scores_are_current_for_the_same_inputs_and_unchanged_outputs(tmp_path):
    output = tmp_path / "scores.csv"
    output.write_text("1")
    path = tmp_path / "score_cache.json"
    ScoreCache(path).record("m", "inputs", [output])
    cache = ScoreCache(path)
    assert cache.is_current("m", "inputs", [output])
    assert not cache.is_current("m", "others", [output]) and not cache.is_current("n", "inputs", [output])
    output.write_text("2")
    assert not cache.is_current("m", "inputs", [output])
    output.unlink()
    assert not cache.is_current("m", "inputs", [output])
    output.write_text("1")
    cache.record("n", "others", [output])
    cache.remove_all_but(["n", "never"])
    reread = ScoreCache(path)
    assert reread.is_current("n", "others", [output]) and not reread.is_current("m", "inputs", [output])
    path.write_text("broken")
    assert not ScoreCache(path).is_current("n", "others", [output])
