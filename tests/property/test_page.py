"""The page says what the property tests do."""

from __future__ import annotations

from tests.property.page import KINDS, PAGE, properties, table


def test_the_page_of_properties_is_that_of_the_tests():
    assert PAGE.read_text(encoding="utf-8").endswith(f"\n{table()}\n"), "python -m tests.property.page writes it anew"


def test_every_property_is_given_examples_and_repeats_them():
    settings = [test._hypothesis_internal_use_settings for _, test in properties()]
    assert len(settings) >= 40
    assert all(each.max_examples >= 8 and each.derandomize for each in settings)


def test_every_argument_that_a_property_is_given_in_turn_has_a_word():
    marks = [mark for _, test in properties() for mark in getattr(test, "pytestmark", ()) if mark.name == "parametrize"]
    assert {mark.args[0] for mark in marks} <= set(KINDS)
