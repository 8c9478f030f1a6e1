"""Every kind of answer, by tables of replies and what is read out of them."""

from __future__ import annotations

import pytest

from langdistill.answers import (
    choice,
    code_block,
    final_answer,
    free_text,
    json_answer,
    letters,
    number,
    scores,
    swapped,
    verdict,
    yes_no,
)


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("... is $1,234.50 dollars.", "1234.5"),
        ("18", "18"),
        ("She has 3 apples and 4 pears, 7 in all.", "7"),
        ("Answer: 18 apples in 3 boxes", "18"),
        ("The answer is 16 - 3 - 4 = 9 eggs for 2 days.", "9"),
        ("The answer is simple.\n#### 72", "72"),
        ("#### 72\n(Note: the answer is negative because she pays.)", "72"),
        ("#### 1. Add\n1 + 1 = 2\n#### 2. Double\nThat is four, or 4.", "4"),
        (r"so \boxed{\frac{1}{2}}", "0.5"),
        (r"so \boxed{\dfrac12}", "0.5"),
        (r"\boxed{\text{the value } 1\frac{4}{5}}", "1.8"),
        (r"\boxed{-\frac{35}{9}}", "-35/9"),
        (r"\boxed{10,\!080}", "10080"),
        (r"\boxed{\$32,\!348}", "32348"),
        ("1/2", "0.5"),
        ("2/6", "1/3"),
        ("137 1/2 miles", "137.5"),
        ("1½ cups", "1.5"),
        ("It is 50%.", "50%"),
        ("It is 50 percent.", "50%"),
        (r"\boxed{50\%}", "50%"),
        ("about 3 x 10^8 m/s", "300000000"),
        (r"$6.02 \times 10^{-3}$", "0.00602"),
        ("1.5e-3", "0.0015"),
        ("5 × 10³ m²", "5000"),
        ("3 × 10⁻² m", "0.03"),
        ("₹1,00,000", None),
        ("$-1.2.3", None),
        ("1e400", None),
        ("-5", "-5"),
        ("−5 degrees", "-5"),
        ("-$5.00", "-5"),
        ("$-5", "-5"),
        ("10 - 4", "4"),
        ("from 10-15", "15"),
        (".5", "0.5"),
        ("€7", "7"),
        ("5 m^2", "5"),
        ("5 m2", "5"),
        ("007", "7"),
        ("0.0", "0"),
        ("-0", "0"),
        ("1,2,3", "3"),
        ("12,34", "34"),
        ("答案是18。", "18"),
        ("الجواب هو ١٨", "18"),
        ("🎉 42 🎉", "42"),
        ("**Answer:**\n\n$$\n42\n$$", "42"),
        ("On 01/02/2003 at 10:30, version 1.2.3", None),
        ("call 555-123-4567", None),
        ("five", None),
        ("5/0", None),
        ("", None),
        ("   \n ", None),
    ],
)
def test_number(text: str, answer: str | None) -> None:
    assert number(text) == answer


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("(B)", "B"),
        ("b", "B"),
        ("B. Paris", "B"),
        ("B) Paris", "B"),
        ("So the answer is (B).", "B"),
        ("The answer is not (B) but (C).", "C"),
        ("The answer isn't (B).", None),
        ("The answer is (A) or (B).", None),
        ("The answer is (A) and (B).", None),
        ("The answer is (None of the above).", None),
        ("Answer: B because A is wrong", "B"),
        ("Answer: A because it is", "A"),
        ("Answer: A cat", None),
        ("Answer: I think it is C", "C"),
        ("Answer: option d)", "D"),
        ("**Answer:** **C**", "C"),
        (r"\boxed{\text{(C)}}", "C"),
        (r"\boxed{E} The answer is (A)", "E"),
        ("We compare (A) with (B). It must be (B) rather than (A).", "B"),
        ("If we look at (A), it says that this is a hyperbole. It is used for", None),
        ("no letter here", None),
        ("", None),
    ],
)
def test_choice(text: str, answer: str | None) -> None:
    assert choice(text) == answer


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("Yes", "yes"),
        ("NO!", "no"),
        ("“No”", "no"),
        ("Yes, no doubt", "yes"),
        ("Yes it does", "yes"),
        ("It does not flip. So the answer is no.", "no"),
        ("The answer is uncertain; no one knows", "no"),
        ("The answer is uncertain.", None),
        ("Is it heads up?\n\nNo, the coin is not.", "no"),
        ("There is no change. So yes, it is.", "yes"),
        ("Yes. But wait, it was flipped. No.", "no"),
        ("It could be either 'Yes' or 'No'.", None),
        ("we cannot say yes or no without it", None),
        ("I know nothing, yesterday", None),
        ("The answer to this question is 'No', as it was flipped.", "no"),
        ("The answer would be yes, in no doubt", "yes"),
        (r"\boxed{\text{Yes}}", "yes"),
        ("no-one", None),
        ("The answer is not yes.", None),
        ("", None),
    ],
)
def test_yes_no(text: str, answer: str | None) -> None:
    assert yes_no(text) == answer


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("Final Verdict: [[A]]", "A"),
        ("[[A]] at first, but in the end [[B]].", "B"),
        ("my verdict is [[C]] for a tie.", "tie"),
        ("A", "A"),
        ("Tie", "tie"),
        ("Answer: B", "B"),
        ("Answer: Response B is better", "B"),
        ("Answer: A is worse", None),
        ("Answer: both are equally good", "tie"),
        ("Both help. Assistant A is better than Assistant B.", "A"),
        ("Assistant 2 performed better than Assistant 1.", "B"),
        ("Assistant A is not better.", None),
        ("I prefer Response B", "B"),
        ("They say the same, so it's a tie.", "tie"),
        ("8 9\nBoth are helpful, Assistant 2 more so.", "B"),
        ("9, 8.5", "A"),
        ("7 7\n", "tie"),
        ("Winner: A", "A"),
        ("I cannot judge this.", None),
        ("", None),
    ],
)
def test_verdict(text: str, answer: str | None) -> None:
    assert verdict(text) == answer


def test_undoing_the_swap_twice_changes_nothing() -> None:
    assert [swapped(one) for one in ("A", "B", "tie", None)] == ["B", "A", "tie", None]
    assert all(swapped(swapped(one)) == one for one in ("A", "B", "tie", None))


def test_scores_are_the_first_line_and_nothing_else() -> None:
    assert scores("9 8.5\nwell") == (9.0, 8.5)
    assert scores("9 8 7") is None
    assert scores("They get 9 8") is None
    assert scores("") is None


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ('"nk"', "nk"),
        ("N K", "nk"),
        ("n.k.", "nk"),
        ("n-k", "nk"),
        ("n and k", "nk"),
        ("Answer: “NK”.", "nk"),
        ("Answer: n, k", "nk"),
        (r"\boxed{\text{nk}}", "nk"),
        ('The letters of "Ann" and "Jack" are "n" and "k", so we get "nk."', "nk"),
        ('The last letters of "Ann" and "Jack" are n and k, which gives nk.', "nk"),
        ('When joined, the string "ernh" is formed.', "ernh"),
        ("The answer to the original question is 'nk'.", "nk"),
        ("Ñandú", "ñandú"),
        ("The answer is hard to find", None),
        ("12", None),
        ("two words", None),
        ("", None),
    ],
)
def test_letters(text: str, answer: str | None) -> None:
    assert letters(text) == answer


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ('{"b": 1.0, "a": [1, 2.5]}', '{"a":[1,2.5],"b":1}'),
        ('Here:\n```json\n{"a": "é"}\n```\nNote [1].', '{"a":"é"}'),
        ('Answer: {"a": {}}', '{"a":{}}'),
        ('first {"a": 1} then {"a": 2}', '{"a":2}'),
        ("```\n[1, 2\n```\n[3]", "[3]"),
        ("{'a': 1}", None),
        ('{"a": NaN}', None),
        ('{"a": 1e999}', None),
        ('{"a": 1,}', None),
        ("5", None),
        ("[" * 10_000, None),
        ("", None),
    ],
)
def test_json(text: str, answer: str | None) -> None:
    assert json_answer(text) == answer


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("```python\nx = 1  \n\n  y\n```", "x = 1\n\n  y"),
        ("```\na\n```\ntext\n~~~sh\nb\n~~~", "b"),
        ("````md\n```\ninner\n```\n````", "```\ninner\n```"),
        ("```\na\n```\n```\ncut short", "a"),
        ("```\n\n```", None),
        ("no code; the answer is 5", None),
        ("", None),
    ],
)
def test_code_block(text: str, answer: str | None) -> None:
    assert code_block(text) == answer


def test_free_text() -> None:
    assert free_text("  Dear all,\nanswer: none. \n") == "Dear all,\nanswer: none."
    assert free_text(" \n\t") is None


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        (r"\boxed{\frac{1}{2}} or \boxed{\{1, \{2\}\}}", r"\{1, \{2\}\}"),
        (r"\boxed{\boxed{5}}", "5"),
        (r"\boxed{5} and \boxed{} and \boxed{6", "5"),
        ("Answer: (3, 4]", "(3, 4]"),
        ("Answer: (B)", "B"),
        ("Answer: .5", ".5"),
        ("Answer:\n42", "42"),
        ("The answer isn't here and goes on for longer than a short line is allowed to be.", None),
        ("#### 18", "18"),
    ],
)
def test_the_place_a_reply_marks(text: str, answer: str | None) -> None:
    assert final_answer(text) == answer
