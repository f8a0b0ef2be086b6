import torch

from movierec.models.factor_times import Times, period_of

# Ten ratings of two users, on seven days.
USERS = torch.tensor([0, 0, 0, 0, 0, 1, 1, 1, 1, 1])
DAYS = torch.tensor([90, 10, 10, 20, 30, 40, 50, 50, 90, 90])


def times() -> Times:
    return Times.of(USERS, DAYS, num_periods=3, num_films=4)


def test_periods_hold_equally_many_training_ratings() -> None:
    # In order: 10 10 20 | 30 40 50 | 50 90 90 90, but a day is in one period.
    assert times().starts.tolist() == [30, 50]
    assert period_of(DAYS, times().starts).bincount().tolist() == [3, 2, 5]


def test_a_day_is_in_the_last_period_that_has_begun() -> None:
    days = torch.tensor([0, 29, 30, 49, 50, 10_000])
    assert period_of(days, times().starts).tolist() == [0, 0, 1, 1, 2, 2]
    assert period_of(days, torch.zeros(0, dtype=torch.int64)).tolist() == [0] * 6


def test_a_user_has_a_slot_for_each_of_their_days_and_a_film_for_each_period() -> None:
    found = times()
    assert found.num_slots == {"day": 7, "period": 12}
    films = torch.tensor([0, 3, 3, 3, 3, 0, 1, 1, 1, 2])
    slots = found.slots(USERS, films, DAYS)
    assert slots["day"].tolist() == [3, 0, 0, 1, 2, 4, 5, 5, 6, 6]
    assert slots["period"].tolist() == [2, 9, 9, 9, 10, 1, 5, 5, 5, 8]


def test_a_day_without_training_ratings_of_the_user_has_the_number_of_slots() -> None:
    users, days = torch.tensor([0, 1, 1, 2]), torch.tensor([40, 40, 91, 10])
    assert times().slots(users, torch.zeros_like(users), days)["day"].tolist() == [7, 4, 7, 7]
