"""Whatever a file holds, it is read or refused: nothing else comes out of the reader."""

from __future__ import annotations

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.depot import Folder
from app.library import Library, Meaning
from app.uploads.reading import read
from bench.hostile import uploads
from engine.errors import BadData, InvalidInput

STEADY = settings(
    deadline=None, derandomize=True, database=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
WORDS = st.sampled_from(uploads.WORDS) | st.text(max_size=8) | st.floats().map(str) | st.dates().map(str)


def taken(folder, content):
    """Why it was refused; None when it was kept."""
    path = folder / "upload"
    path.write_bytes(content)
    try:
        found = read(path, symbol="upload")
        Library(Folder(folder / "library")).put(
            found.table, id="upload", meaning=Meaning("upload"), series=found.series
        )
    except (InvalidInput, BadData) as refusal:
        return refusal.message
    return None


@settings(STEADY, max_examples=200)
@given(st.integers(0, 2**32))
def test_a_hostile_file_is_read_or_refused(tmp_path, seed):
    reason = taken(tmp_path, uploads.file(seed))
    assert reason is None or reason.endswith((".", "?"))


@settings(STEADY, max_examples=150)
@given(st.binary(max_size=400))
def test_any_bytes_are_read_or_refused(tmp_path, content):
    taken(tmp_path, content)


@settings(STEADY, max_examples=100)
@given(st.lists(st.tuples(WORDS, WORDS, WORDS), max_size=6), st.sampled_from(["date,A,B", "key,observed,available"]))
def test_any_words_in_a_table_are_read_or_refused(tmp_path, rows, header):
    lines = [header, *(",".join(row) for row in rows)]
    taken(tmp_path, "\n".join(lines).encode("utf-8", "surrogatepass"))


def test_the_measurement_sends_files_that_are_taken_too(tmp_path):
    assert any(taken(tmp_path, uploads.file(seed)) is None for seed in range(60))
