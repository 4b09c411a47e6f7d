"""Words of sixty-four flags: what the compiled ones say is what their Python says."""

from __future__ import annotations

import numba
import numpy as np
import pytest

from engine.bits import WORD, append_set_bits, equal_mask, flags_for, places_for, popcount, trailing_zeros
from engine.jit import jit
from engine.prefetch import fetch_column, fetch_row, prefetch

ALL = 2**WORD - 1


@jit
def count_and_find(word: np.uint64, found: np.ndarray) -> None:
    found[0], found[1] = trailing_zeros(word), popcount(word)


@jit
def words_of(flags: np.ndarray, value: int, words: np.ndarray) -> None:
    for k in range(words.shape[0]):
        words[k] = equal_mask(flags, WORD * k, value)


@jit
def written(words: np.ndarray, places: np.ndarray) -> int:
    count = 0
    for k in range(words.shape[0]):
        count = append_set_bits(words[k], WORD * k, count, places)
    return count


@pytest.fixture(params=["compiled", "Python"])
def run(request):
    """How to call a kernel. Less than nothing is all ones, of which compiled code says nothing."""
    with np.errstate(over="ignore"):
        yield (lambda kernel: kernel) if request.param == "compiled" else (lambda kernel: kernel.twin)


@pytest.mark.parametrize("word", [0, 1, 2, 12, 1 << 63, ALL, ALL - 1, 0x8000_0100_0000_0000])
def test_the_lowest_bit_is_found_and_all_are_counted(run, word):
    found = np.empty(2, dtype=np.int64)
    run(count_and_find)(np.uint64(word), found)

    digits = f"{word:064b}"[::-1]
    assert found.tolist() == [digits.index("1") if word else WORD, digits.count("1")]


@pytest.mark.parametrize("value", [-1, 0, 1])
def test_a_word_tells_which_flags_have_a_value(run, value):
    flags = np.random.default_rng(7).integers(-1, 2, 3 * WORD).astype(np.int8)
    words = np.empty(3, dtype=np.uint64)
    run(words_of)(flags, value, words)

    told = [k for k in range(3 * WORD) if int(words[k // WORD]) >> (k % WORD) & 1]
    assert told == np.flatnonzero(flags == value).tolist()


@pytest.mark.parametrize("share", [0.0, 0.03, 0.5, 1.0])
def test_all_places_are_written_down_in_order(run, share):
    total = 5 * WORD
    flags = np.random.default_rng(8).random(total) < share
    words = np.packbits(flags, bitorder="little").view(np.uint64)
    places = places_for(total)
    count = run(written)(words, places)

    assert places[:count].tolist() == np.flatnonzero(flags).tolist()


@pytest.mark.parametrize("count", [0, 1, WORD - 1, WORD, WORD + 1])
def test_flags_end_with_a_whole_word_and_have_room_for_one_more(count):
    flags = flags_for(count)
    assert len(flags) % WORD == 0
    assert count < len(flags) <= count + WORD
    assert not flags.any()


def test_an_instruction_can_be_called_as_the_python_that_it_stands_for():
    assert (trailing_zeros(np.uint64(40)), popcount(np.uint64(40))) == (3, 2)
    assert equal_mask(np.ones(WORD, dtype=np.int8), 0, 1) == ALL


def test_asking_the_memory_for_prices_changes_none(run):
    prices = np.arange(6.0).reshape(3, 2)
    before = prices.copy()
    assert run(fetch_column)(prices, 1, 3) is None
    assert run(fetch_row)(prices, 2) is None  # beyond its end
    assert prices.tolist() == before.tolist()


def test_an_instruction_is_compiled_anew_where_no_code_is_kept():
    first, count, mask, ask = (each.compile() for each in (trailing_zeros, popcount, equal_mask, prefetch))

    @numba.njit
    def told(word, flags):
        ask(flags.reshape(1, 65), 0, 64)
        return first(word), count(word), mask(flags, 1, 5)

    flags = np.zeros(WORD + 1, dtype=np.int8)
    flags[[3, 64]] = 5
    assert told(np.uint64(40), flags) == (3, 2, 1 << 2 | 1 << 63)
