"""A Java that is missing or unfit for PySpark is named, before anything starts."""

from pathlib import Path

import pytest

from fakefaces.base.errors import FakefacesError
from fakefaces.scoring import spark_requirements
from fakefaces.scoring.spark_requirements import check_spark_requirements

FIT = 'openjdk version "17.0.9" 2023-10-17'


def write_java(folder: Path, version: str, modules: str) -> None:
    (folder / "bin").mkdir(parents=True)
    java = folder / "bin" / "java"
    java.write_text(f'#!/bin/sh\ncase "$1" in -version) echo \'{version}\' >&2;; *) echo "{modules}";; esac\n')
    java.chmod(0o755)


@pytest.fixture(autouse=True)
def with_pyspark(monkeypatch):
    monkeypatch.setattr(spark_requirements, "find_spec", lambda name: object())


@pytest.mark.parametrize(
    ("version", "modules", "message"),
    [
        (FIT, "java.base@17 jdk.incubator.vector@17", None),
        ('openjdk version "25" 2025-09-16', "jdk.incubator.vector@25", None),
        ('java version "1.8.0_402"', "", "needs Java 17 or newer, and .*1.8.0_402.*openjdk-17-jre-headless"),
        (FIT, "java.base@17", "needs Java's module jdk.incubator.vector, and .* lacks it; install"),
        ("no java at all", "", "is another .no java at all."),
    ],
)
def test_the_version_and_the_modules_are_checked(tmp_path, monkeypatch, version, modules, message):
    write_java(tmp_path / "jdk", version, modules)
    monkeypatch.setenv("JAVA_HOME", str(tmp_path / "jdk"))
    if message is None:
        check_spark_requirements()
    else:
        with pytest.raises(FakefacesError, match=message):
            check_spark_requirements()


def test_a_missing_java_is_named(tmp_path, monkeypatch):
    monkeypatch.setenv("JAVA_HOME", str(tmp_path))
    with pytest.raises(FakefacesError, match="JAVA_HOME .* has none; install one"):
        check_spark_requirements()
    monkeypatch.delenv("JAVA_HOME")
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(FakefacesError, match="there is none on the PATH; install one"):
        check_spark_requirements()


def test_a_missing_pyspark_is_named(monkeypatch):
    monkeypatch.setattr(spark_requirements, "find_spec", lambda name: None)
    with pytest.raises(FakefacesError, match="PySpark is not installed; install it with: uv sync --extra spark"):
        check_spark_requirements()
