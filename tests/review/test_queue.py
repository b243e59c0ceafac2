"""The queue of the review page: what is taken, refused, kept and forgotten."""

import numpy as np
import pytest

from fakefaces.base.errors import ImageError
from fakefaces.explain.explanation import Explanation
from fakefaces.review.queue import MAX_REFUSED, Arrival, Queue
from tests.review.queues import arrived, encoded, explaining, explanation, private, queue_of


def names(queue: Queue) -> list[str]:
    return [photograph.name for photograph in queue.since(0, 100)]


def test_a_photograph_keeps_its_own_bytes_and_score(tmp_path):
    queue = queue_of(tmp_path, 0.9, 0.1, 0.7)
    assert [photograph.p_fake for photograph in queue.since(0, 9)] == [0.9, 0.1, 0.7]
    assert [queue.data(photograph) for photograph in queue.since(0, 9)] == [encoded(k) for k in range(3)]
    assert names(queue) == ["a.png", "b.png", "c.png"]
    assert [photograph.name for photograph in queue.since(1, 1)] == ["b.png"]


def test_identical_files_are_queued_once_and_their_uploads_removed(tmp_path):
    queue = Queue(explaining(0.9, 0.2), tmp_path)
    queue.add([arrived(queue, "a.png", encoded(1)), arrived(queue, "b.png", encoded(1))])
    queue.add([arrived(queue, "c.png", encoded(1)), arrived(queue, "d.png", encoded(2))])
    assert names(queue) == ["a.png", "d.png"]
    assert {path.name for path in tmp_path.iterdir()} == {photograph.key for photograph in queue.since(0, 9)}


def test_no_upload_is_left_where_scoring_fails(tmp_path):
    def fail(files):
        raise MemoryError("too little")

    queue = Queue(fail, tmp_path)
    with pytest.raises(MemoryError):
        queue.add([arrived(queue, "a.png", encoded(1))])
    assert not list(tmp_path.iterdir()) and not len(queue)


def test_a_file_of_the_user_stays_where_it_is_and_is_not_copied(tmp_path):
    own = private(tmp_path / "mine") / "a.png"
    own.write_bytes(encoded(1))
    queue = Queue(explaining(0.3), private(tmp_path / "queue"))
    queue.add([Arrival("a.png", own, owned=False), Arrival("b.png", tmp_path / "missing.png", owned=False)])
    (photograph,) = queue.since(0, 9)
    assert queue.data(photograph) == encoded(1)
    assert not list(queue.folder.iterdir())
    assert [name for name, _ in queue.refused] == ["b.png"] and "No such file" in queue.refused[0][1]
    own.write_bytes(encoded(2))
    with pytest.raises(ImageError, match=r"a\.png: the file has changed since it was scored"):
        queue.data(photograph)


def test_what_the_model_does_not_know_arrives(tmp_path):
    scored = [explanation("a", 0.3, unfamiliar=True), explanation("b", 0.2, unfamiliar=False), explanation("c", 0.1)]
    queue = Queue(lambda files: scored, tmp_path)
    queue.add([arrived(queue, name, encoded(k)) for k, name in enumerate("abc")])
    assert [photograph.unfamiliar for photograph in queue.since(0, 9)] == [True, False, None]


def test_a_heatmap_takes_a_byte_a_cell(tmp_path):
    heat = np.linspace(0, 1, 64, dtype=np.float32).reshape(8, 8)
    score = explanation("a", 0.9).score
    queue = Queue(lambda files: [Explanation(score, heat, ("nose",))], tmp_path)
    queue.add([arrived(queue, "a", encoded(1))])
    (photograph,) = queue.since(0, 9)
    assert photograph.heatmap is not None and photograph.heatmap.nbytes == 64
    assert np.abs(photograph.heatmap / 255 - heat).max() <= 0.5 / 255 + 1e-6


def test_refusals_are_counted_beyond_those_that_are_listed(tmp_path):
    queue = Queue(explaining(), tmp_path)
    for k in range(MAX_REFUSED + 5):
        queue.refuse(f"{k}", "no")
    assert (len(queue.refused), queue.n_refused) == (MAX_REFUSED, MAX_REFUSED + 5)
