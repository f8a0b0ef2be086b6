"""Texts to write into a field, and what becomes of them; `either` where the reference reads what it is."""

from tests.fuzzing.mutation import Outcome

NO_NUMBERS = [
    "four", "4 stars", "1_0", "٣", "\uff14", "--4", "1e", "4.5.3", "2024-01-01", "=1+1", "1;5", "True", "½",
    "'4'", "4\0", "\0", "\u200e4", "4\xa0",
]  # fmt: skip
NO_IDS = [
    "-1", "-0.5", "1.5", "inf", "-inf", "1e400", "9007199254740993", "9223372036854775807", "9223372036854775808",
    "18446744073709551616", "-9223372036854775808", "9" * 50, "9" * 5000,
]  # fmt: skip
MISSING = ["", " ", "nan", "NA", "None"]
POSSIBLE_IDS = [
    "7",
    "007",
    "+7",
    " 7",
    "7 ",
    "7.0",
    "7e0",
    "0",
    "9007199254740992",
    "2147483648",
    "4294967297",
    '"7"',
    "7\t",
]
POSSIBLE_NUMBERS = [
    "4", "4.", "+4", " 4", "4 ", "04.0", "4.25", "4e0", ".4e1", "40e-1", '"4"', "4.00000000000000000000000000000000001",
]  # fmt: skip
OUTSIDE = ["0", "-4", "5.5", "5.0000001", "0.4", "1e9", "-1e9", "1e400", "inf", "-inf", "9" * 400]


def outcomes(texts: list[str], outcome: Outcome) -> dict[str, Outcome]:
    """Say that the same becomes of several texts."""
    return dict.fromkeys(texts, outcome)


IDS: dict[str, Outcome] = outcomes([*MISSING, *NO_IDS, *NO_NUMBERS], "refused") | outcomes(POSSIBLE_IDS, "either")
OPTIONAL_IDS: dict[str, Outcome] = IDS | outcomes(MISSING, "either")
STARS: dict[str, Outcome] = outcomes([*MISSING, *OUTSIDE, *NO_NUMBERS], "refused") | outcomes(
    POSSIBLE_NUMBERS, "either"
)
NUMBERS: dict[str, Outcome] = outcomes(["inf", "-inf", "1e400", "9" * 400, *NO_NUMBERS], "refused") | outcomes(
    [*MISSING, *POSSIBLE_NUMBERS, "0", "-4", "1e9", "1e300"], "either"
)
TITLES: dict[str, Outcome] = outcomes(
    [
        "", " ", "NA", "nan", "None", "null", "0", "-1", "1e9", "007", "=1+1", "@SUM(A1)", "<b>Bold</b>", "{{ 7 * 7 }}",
        "../../etc/passwd", "$(reboot)", "%s%n", "'; DROP TABLE films; --", "Amélie", "Ame\u0301lie", "千と千尋",
        "الرسالة", "שלום", "เด็กหอ", "👩‍🚀🎬", "\u202egnipparts", "zero\u200bwidth", "Ⅷ½", "\U0001d50a", "a" * 10_000,
        "it's", '"""Quoted"""', '"A, comma"', "Ö\xa0space",
    ],
    "either",
)  # fmt: skip
