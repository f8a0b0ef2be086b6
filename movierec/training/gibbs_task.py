"""Fitting the Bayesian factor model by Gibbs sweeps, as a LightningModule."""

from collections.abc import Callable
from typing import Any

import torch
from jsonargparse.typing import NonNegativeInt, PositiveInt
from lightning.fabric.utilities import move_data_to_device
from torch import Generator, Tensor
from torch.nn import functional

from movierec.data.batches import Batch
from movierec.data.histories import History, history_of
from movierec.data.tables import Tables
from movierec.errors import CheckpointError
from movierec.models.factor_inputs import Features, Inputs, build_inputs
from movierec.models.factor_model import FactorModel
from movierec.models.factor_samples import Sample
from movierec.models.factors import interactions
from movierec.models.factors_chain import State, initial_state, sweep
from movierec.models.rating_levels import learn_cuts
from movierec.training.gradient_free_task import GradientFreeTask
from movierec.training.progress import track

MOST_CUT_ROWS = 20_000  # more validation rows than these hardly move the cuts


class GibbsTask(GradientFreeTask):
    """Sample the Bayesian factor model; an epoch is a sweep over all training ratings.

    Predictions are averages over the samples that are kept. During the burn-in the newest sample predicts alone.

    Args:
        rank: Length of the vectors of taste and character.
        implicit_rank: How many directions of who has rated what tell of users and of films; 0: none.
        time_periods: How many periods, of equally many ratings, have an effect on each film, beside those of days on
            users. They count where the day of a prediction is known, as for test ratings. 0: no effects of time.
        burn_in: Sweeps before samples are kept: the chain forgets where it started. At most half of
            `trainer.max_epochs`.
        keep_every: Sweeps from one kept sample to the next, after the burn-in.
    """

    model: FactorModel
    inputs: Inputs
    chain: State

    def __init__(
        self,
        *,
        rank: PositiveInt = 32,
        implicit_rank: NonNegativeInt = 400,
        time_periods: NonNegativeInt = 8,
        burn_in: NonNegativeInt = 50,
        keep_every: PositiveInt = 3,
    ) -> None:
        super().__init__(functional.mse_loss)
        self.rank, self.implicit_rank, self.time_periods = rank, implicit_rank, time_periods
        self.burn_in, self.keep_every = burn_in, keep_every
        self.generator = Generator()
        self.stored_chain: dict[str, Any] = {}
        self.newest = torch.empty(0)  # of the validation rows by the newest sample, stars
        self.val_stars = torch.empty(0)  # the same, summed over the samples
        self.val_squares = torch.empty(0)  # sum of the expected squares of their ratings
        self.scores: tuple[Tensor, ...] = ()  # of the rows of each loader of an evaluation, see `score`
        self.upcoming = torch.empty(0)  # those of the loader at hand that no batch has asked for yet
        self.present = torch.empty(0)  # those of the batch at hand

    def build_model(self, tables: Tables) -> FactorModel:
        """Build the model, without a sample."""
        return FactorModel(tables)

    def on_train_start(self) -> None:
        """Start the chain, or go on with that of a checkpoint."""
        super().on_train_start()
        features = self.read_features()
        self.inputs = build_inputs(
            self.model.tables,
            features,
            implicit_rank=self.implicit_rank,
            time_periods=self.time_periods,
            device=self.device,
        )
        if self.stored_chain:
            stored = move_data_to_device(self.stored_chain, self.device)
            self.chain = State.from_state_dict(stored["state"])
            self.newest, self.val_stars, self.val_squares = (
                stored[name] for name in ("newest", "val_stars", "val_squares")
            )
            self.generator.set_state(stored["generator"].cpu())
        else:
            self.generator.manual_seed(torch.initial_seed())
            self.chain = initial_state(self.inputs.ratings, self.rank, self.generator)
            times = self.inputs.times
            starts = times.starts if times else torch.zeros(0, dtype=torch.int64)
            self.model.describe(features, self.inputs.implicit, starts)
            self.model.to(self.device)

    def fit_epoch(self) -> None:
        """Make a sweep, and keep its sample if it is due."""
        self.chain = sweep(self.chain, self.inputs.ratings, generator=self.generator)
        number = self.sweeps_since_burn_in
        if number <= 1 or (number - 1) % self.keep_every == 0:
            self.keep(anew=number <= 1)

    @property
    def sweeps_since_burn_in(self) -> int:
        """Number of sweeps since the burn-in; not positive during it."""
        planned = self.trainer.max_epochs or 0
        return self.chain.sweep - int(min(self.burn_in, planned // 2) if planned > 0 else self.burn_in)

    @property
    def is_settled(self) -> bool:
        """Whether the burn-in is over."""
        return self.sweeps_since_burn_in > 0

    def keep(self, *, anew: bool) -> None:
        """Keep the state of the chain as a sample, and add its predictions of the validation rows."""
        sample, tables = Sample.of_state(self.chain, self.inputs.ratings), self.model.tables
        self.model.take(sample, anew=anew)
        rows: Batch = self.trainer.datamodule.rows["val"]  # type: ignore[attr-defined]
        if tables.held_out.any():  # the chain has no vectors of these users
            model, alone = self.model, FactorModel(tables)
            alone.describe(Features(model.user_features, model.film_features), model.implicit, model.period_starts)
            alone.take(sample, anew=True)

            def distributions(history: History, films: Tensor, days: Tensor | None) -> Tensor:
                return torch.cat(alone.distributions(history, films, days)).T

            self.newest, deviation = score(alone, rows, distributions).to(self.device).T.contiguous()
            variance = deviation.square()
        else:
            rows = rows.to(self.device)
            self.newest = self.draw_stars(rows)
            variance = 1 / (self.chain.alpha[rows.user.long()] * self.chain.beta[rows.movie.long()])
        squares = self.newest.square() + variance
        self.val_stars = self.newest if anew else self.val_stars + self.newest
        self.val_squares = squares if anew else self.val_squares + squares
        if self.selected:  # a refit has trained on the validation ratings
            self.model.cuts.copy_(self.selected["state_dict"]["model.cuts"])
        else:
            self.learn_cuts(rows)

    def learn_cuts(self, rows: Batch) -> None:
        """Learn from validation rows where ratings are cut into levels, from the mean and the spread of all samples."""
        tables, number = self.model.tables, len(self.model.samples["noise"])
        user, movie = rows.user.cpu().long(), rows.movie.cpu().long()
        is_rated = self.inputs.ratings.num_ratings_of_film.cpu()[movie] > 0
        is_known = (self.inputs.ratings.num_ratings_of_user.cpu()[user] > 0) | tables.held_out[user]
        chosen = (is_rated & is_known).nonzero().squeeze(1)
        chosen = chosen[:: len(chosen) // MOST_CUT_ROWS + 1]
        mean, square = (total.cpu()[chosen] / number for total in (self.val_stars, self.val_squares))
        deviation = (square - mean.square()).sqrt()
        stars = tables.to_stars(rows.rating.cpu()[chosen])
        self.model.cuts.copy_(learn_cuts(mean[None], deviation[None], stars, tables.levels))

    def draw_stars(self, rows: Batch) -> Tensor:
        """Predict by the state of the chain alone: stars, not clipped, [batch]."""
        chain, (ratings, _, times) = self.chain, self.inputs
        users = chain.user_prior.expected(chain.users, ratings.num_ratings_of_user, ratings.user_features)
        films = chain.film_prior.expected(chain.films, ratings.num_ratings_of_film, ratings.film_features)
        pairs = rows.user.long(), rows.movie.long()
        stars = ratings.average + interactions(users, films, *pairs)
        if times:
            for kind, slots in times.slots(*pairs, rows.day.long()).items():
                stars += functional.pad(chain.effects[kind], (0, 1))[slots]  # 0 on a day that training does not know
        return stars

    def predict_batch(self, batch: Batch) -> Tensor:
        """Predict a batch on the unit scale, [batch]: in training by the chain's state, else what was scored before."""
        if self.training:
            return self.model.tables.to_unit(self.draw_stars(batch))
        return self.present[:, 0].to(batch.rating.device)

    def predict_levels(self, batch: Batch) -> Tensor | None:
        """Return the probabilities of the levels that were computed before, if they were; see `BaseTask`."""
        return self.present[:, 1:] if self.present.shape[1] > 1 else None

    def on_validation_start(self) -> None:
        """Score the validation rows; in a fit, by the user vectors of the samples."""
        if self.trainer.state.fn == "fit":
            unit = self.model.tables.to_unit(self.val_stars / len(self.model.samples["noise"]))
            self.scores = (unit[:, None],)
        else:
            self.score_all([self.trainer.val_dataloaders])

    def on_test_start(self) -> None:
        """Score the rows of all parts."""
        self.score_all(self.trainer.test_dataloaders)

    def on_predict_start(self) -> None:
        """Score the rows to predict."""
        self.score_all([self.trainer.predict_dataloaders])

    def score_all(self, loaders: Any) -> None:
        """Score all rows of an evaluation at once."""
        parts: list[Batch] = [loader.dataset.rows for loader in loaders]

        def rank_and_levels(history: History, films: Tensor, days: Tensor | None) -> Tensor:
            levels = self.model.level_probabilities(history, films, days)
            return torch.column_stack([self.model.rank(history, films, days), levels])

        scores = score(self.model, Batch(*map(torch.cat, zip(*parts, strict=True))), rank_and_levels, "score")
        self.scores = torch.split(scores, [len(part.rating) for part in parts])

    def on_evaluation_batch_start(self, batch: Batch, batch_idx: int, dataloader_idx: int = 0) -> None:
        """Look up the scores of a batch."""
        if batch_idx == 0:
            self.upcoming = self.scores[dataloader_idx]
        size = len(batch.rating)
        self.present, self.upcoming = self.upcoming[:size], self.upcoming[size:]

    on_validation_batch_start = on_test_batch_start = on_predict_batch_start = on_evaluation_batch_start

    def on_train_epoch_end(self) -> None:
        """Log the metrics of the sweep, and traces by which to judge how well the chain mixes."""
        super().on_train_epoch_end()
        self.log_values({f"trace/{name}": value for name, value in self.traces().items()}, self.current_epoch)

    def traces(self) -> dict[str, Tensor]:
        """Measure the newest sample: its noise, longest vectors, and RMSE on the validation rows without the others."""
        tables = self.model.tables
        expected = tables.to_stars(self.trainer.datamodule.rows["val"].rating.to(self.device))  # type: ignore[attr-defined]
        stars = self.newest.clamp(tables.min_stars, tables.max_stars)
        return {
            "rmse_stars": functional.mse_loss(stars, expected).sqrt(),
            "noise_stars": self.chain.noise.sqrt(),
            "user_norm": torch.linalg.vector_norm(self.chain.users[:, 1:], dim=1).max(),
            "film_norm": torch.linalg.vector_norm(self.chain.films[:, 1:], dim=1).max(),
        }

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Add the chain's state, which only last.ckpt keeps."""
        super().on_save_checkpoint(checkpoint)
        checkpoint["chain"] = {
            "state": self.chain.state_dict(),
            "newest": self.newest,
            "val_stars": self.val_stars,
            "val_squares": self.val_squares,
            "generator": self.generator.get_state(),
        }

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Take the chain's state of a fit that is resumed."""
        super().on_load_checkpoint(checkpoint)
        if self._trainer is not None and self.trainer.state.fn == "fit":
            if "chain" not in checkpoint:
                raise CheckpointError(
                    "Expected a checkpoint with the state of a chain, as last.ckpt; best.ckpt holds the samples alone. "
                    "Go on with --resume."
                )
            self.stored_chain = checkpoint["chain"]


def score(
    model: FactorModel,
    batch: Batch,
    of_user: Callable[[History, Tensor, Tensor | None], Tensor],
    shown_as: str = "",
) -> Tensor:
    """Score rows, each user once, since a person's taste takes longer than all their predictions.

    Args:
        model: The model.
        batch: The rows, with their days where they are known.
        of_user: Scores some films of a user, on these days, [num_films, num_scores].
        shown_as: Name of a progress bar; none is shown without one.

    Returns:
        [size, num_scores], on the CPU.
    """
    user, movie, days = (column.cpu().long() for column in (batch.user, batch.movie, batch.day))
    is_dated = bool((days >= 0).all())
    rows = user.argsort(stable=True)
    users, numbers = torch.unique_consecutive(user[rows], return_counts=True)
    people = track(users.tolist(), shown_as) if shown_as else users.tolist()
    parts = zip(people, torch.split(rows, numbers.tolist()), strict=True)
    scores = torch.cat(
        [of_user(history_of(model.tables, own), movie[its], days[its] if is_dated else None) for own, its in parts]
    )
    return scores[rows.argsort()]
