"""Shards that lie on S3, by a real server of it: committed once, resumed, with the same rows."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.execution import shard_parts
from tests.execution.shard_parts import problems
from tests.execution.test_mapping import done, here, unlisted
from tests.stages.select.test_shards import rows as select_rows
from tests.stages.shard_makers import came_of

from mathmill.errors import UsageError
from mathmill.execution import local
from mathmill.execution.mapping import Mapper
from mathmill.execution.pool import Pool
from mathmill.execution.shelf import Shelf, system_of
from mathmill.io import read_rows, rows_in
from mathmill.stages import select
from mathmill.types import Problem, Sample

pytest.importorskip("s3fs", reason="needs pip install 'mathmill[s3]'")
pytest.importorskip("moto", reason="needs pip install 'mathmill[dev]'")


@pytest.fixture(scope="module")
def bucket() -> Iterator[str]:
    from moto.server import ThreadedMotoServer

    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    with pytest.MonkeyPatch.context() as patch:
        for name, value in (("ENDPOINT_URL", f"http://{host}:{port}"), ("ACCESS_KEY_ID", "key"),
                            ("SECRET_ACCESS_KEY", "secret"), ("DEFAULT_REGION", "us-east-1")):
            patch.setenv(f"AWS_{name}", value)
        system, path = system_of("s3://mill")
        system.mkdir(path)
        yield "s3://mill"
    server.stop()


def on_s3(bucket: str, name: str) -> Mapper:
    mapper = here()
    mapper.shared = f"{bucket}/{name}"
    return mapper


@pytest.mark.slow
def test_rows_by_way_of_s3_are_those_of_the_whole(bucket: str, tmp_path: Path) -> None:
    whole = done(tmp_path / "here", 40, here(), bad=[13])
    assert done(tmp_path, 40, on_s3(bucket, "one"), bad=[13]) == whole


@pytest.mark.slow
def test_inputs_that_are_no_shards_travel_by_way_of_s3_too(bucket: str, tmp_path: Path) -> None:
    assert unlisted(tmp_path, on_s3(bucket, "list")) == problems(30)[20:]


@pytest.mark.slow
def test_a_stage_of_several_parts_goes_by_way_of_s3_and_sends_its_rows_there_once(
        bucket: str, tmp_path: Path) -> None:
    asked = {"how": "random", "fraction": 0.5, "levels": [1, 2], "duplicates": ["text", "near"]}
    given = {"rows": (Sample, select_rows())}
    whole = came_of(tmp_path / "whole", select.run, given, **asked)
    mapper = on_s3(bucket, "select")
    mapper.rows = 30
    sent = []
    mapper.handed = Noting(sent)
    assert came_of(tmp_path / "shards", select.run, given, mapper, **asked) == whole
    assert sent == [0, 1, 2]


class Noting(dict):
    def __init__(self, sent: list[int]) -> None:
        self.sent = sent

    def __setitem__(self, place, shard) -> None:
        self.sent.append(place[2])
        super().__setitem__(place, shard)


@pytest.mark.slow
def test_of_two_attempts_the_first_counts_on_s3_too(bucket: str, tmp_path: Path) -> None:
    shelf = Shelf(f"{bucket}/attempts")
    for word in ("first", "second"):
        with shelf.scratch() as folder:
            (folder / "rows.parquet").write_text(word)
            found = shelf.commit(3, {"rows": folder / "rows.parquet"}, {"word": word})
        assert found["word"] == "first"
    shelf.fetch(shelf.manifests()[3]["files"]["rows"], tmp_path / "fetched")
    assert (tmp_path / "fetched").read_text() == "first"
    system, path = system_of(shelf.url)
    system.invalidate_cache()
    assert len(system.find(path)) == 2


@pytest.mark.slow
def test_finished_shards_on_s3_are_not_done_again(bucket: str, tmp_path: Path) -> None:
    log = tmp_path / "log"
    done(tmp_path, 40, on_s3(bucket, "two"), log=str(log))
    system, path = system_of(f"{bucket}/two")
    system.invalidate_cache()
    [gone] = [name for name in system.find(path) if name.endswith("000001.json")]
    system.rm_file(gone)
    assert len(done(tmp_path, 40, on_s3(bucket, "two"), log=str(log))[0]) == 80
    assert len(log.read_text().splitlines()) == 140


@pytest.mark.slow
def test_workers_that_share_nothing_but_s3_do_the_shards(bucket: str, tmp_path: Path) -> None:
    whole = done(tmp_path / "whole", 0)
    mapper = Mapper(lambda: Pool(2), print, shared=f"{bucket}/pool")
    assert done(tmp_path, 30, mapper) == whole


@pytest.mark.slow
def test_a_run_by_way_of_s3_leaves_its_rows_here_and_nothing_there(
        bucket: str, tmp_path: Path) -> None:
    folder = local.run(shard_parts.recipe(), tmp_path, shared=f"{bucket}/run")
    assert len(list(read_rows(rows_in(folder), Problem))) == 80
    system, path = system_of(f"{bucket}/run")
    system.invalidate_cache()
    assert system.find(path) == []


def test_a_store_that_there_is_not_is_told() -> None:
    with pytest.raises(UsageError, match="Protocol not known: nosuch"):
        Shelf("nosuch://place/x").manifests()
