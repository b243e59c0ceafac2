import pytest

from fakefaces.base.errors import TrackingError
from fakefaces.tracking import locks


def test_a_purpose_excludes_itself_on_its_own_store_alone(tmp_path, monkeypatch):
    monkeypatch.setattr(locks, "_TIMEOUT", 0.05)
    uri = f"sqlite:///{tmp_path / 'a.db'}"
    with locks.exclusive_lock(uri, "parent"):
        with locks.exclusive_lock(uri, "store"), locks.exclusive_lock(f"sqlite:///{tmp_path / 'b.db'}", "parent"):
            pass
        with pytest.raises(TrackingError, match="'parent'"), locks.exclusive_lock(uri, "parent"):
            pass
    with locks.exclusive_lock(uri, "parent"):
        pass
    with locks.exclusive_lock("http://host:1", "parent"), locks.exclusive_lock("http://host:2", "parent"):
        again = locks.exclusive_lock("http://host:1", "parent")
        with pytest.raises(TrackingError, match="parent"), again:
            pass
