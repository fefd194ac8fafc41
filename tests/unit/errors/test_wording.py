"""Lists, counted nouns and "did you mean", as all messages have them."""

from __future__ import annotations

from provisioner.errors.did_you_mean import closest, did_you_mean
from provisioner.errors.wording import counted, listed


def test_names_are_listed_in_backticks() -> None:
    assert (listed(["a", "b"]), listed([]), listed([], "none")) == ("`a`, `b`", "", "none")


def test_a_noun_takes_an_s_for_every_number_but_one() -> None:
    assert [counted(n, "file") for n in (0, 1, 2)] == ["0 files", "1 file", "2 files"]


def test_the_closest_name_is_the_hint() -> None:
    assert did_you_mean("chmapion", ["challenger", "champion"]) == "did you mean `champion`?"


def test_without_a_close_name_the_other_hint_is_given() -> None:
    assert did_you_mean("xyz", ["champion"], "known are `champion`") == "known are `champion`"
    assert closest("xyz", ["champion"]) == ""
