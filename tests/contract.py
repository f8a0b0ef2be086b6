"""What every model must do; a model's test inherits this class and gives its configuration."""

import json
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pandas as pd
import pytest
import torch
from torch import Tensor

import movierec
from movierec.data.histories import History, history_of
from movierec.errors import UnknownIdError
from movierec.models.checkpoint import read_checkpoint, read_model
from movierec.models.export import export
from movierec.models.list_model import ListModel
from movierec.models.model import Model, RatingModel
from movierec.recommend.recommender import Recommender


class ModelContract:
    """Fit, score, explain, restore and resume a model on the sample."""

    config: ClassVar[dict[str, Any]]  # what stands below `model`
    monitor: ClassVar[str] = "val/rmse"

    @pytest.fixture(scope="class")
    @classmethod
    def folder(cls, tmp_path_factory: pytest.TempPathFactory, sample_root: Path) -> Path:
        """A folder with a run of two epochs, tested; tests must not change it."""
        folder = tmp_path_factory.mktemp("contract")
        cls.configure(folder, sample_root)
        with pytest.MonkeyPatch.context() as patch:
            patch.chdir(folder)
            movierec.fit("own.yaml", options={"trainer.max_epochs": 2})
            movierec.test("own.yaml", options={"ranking_users": 20})
        return folder

    @classmethod
    def configure(cls, folder: Path, sample_root: Path) -> None:
        """Write the configuration of a small fit."""
        data = {"class_path": "TMDbDataModule", "init_args": {"root": str(sample_root), "batch_size": 256}}
        trainer = {"max_epochs": 2, "enable_progress_bar": False}
        config = {"data": data, "model": cls.config, "trainer": trainer, "checkpoint": {"monitor": cls.monitor}}
        (folder / "own.yaml").write_text(json.dumps(config))  # JSON is YAML

    @pytest.fixture
    def model(self, folder: Path) -> Model:
        """The best epoch."""
        return read_model(folder / "lightning_logs/own/version_0/checkpoints/best.ckpt")

    @pytest.fixture
    def films(self, model: Model) -> Tensor:
        """The films that the model can list."""
        return model.listed.nonzero().squeeze(1)

    def test_films_are_scored_alone_as_together(self, model: Model, films: Tensor) -> None:
        history = history_of(model.tables, 3)
        together = model.rank(history, films[:20])
        alone = torch.cat([model.rank(history, film[None]) for film in films[:20]])
        torch.testing.assert_close(together, alone, rtol=0, atol=1e-5)
        assert model.rank(history, films[:0]).shape == (0,)

    def test_the_shares_of_an_explanation_add_up(self, model: Model, films: Tensor) -> None:
        frame = model.explain(history_of(model.tables, 5), films[:30])
        total = frame["average"] + frame.filter(like="from_").sum(axis=1)
        assert total.to_numpy() == pytest.approx(frame["prediction"].to_numpy(), abs=1e-4)

    def test_people_of_other_ratings_and_of_none_are_scored(self, model: Model, films: Tensor) -> None:
        rows = films[:4].numpy()
        for stars in ([5.0, 5.0, 5.0, 5.0], [0.5, 1.0, 0.5, 1.0]):
            assert model.rank(History(rows, np.array(stars)), films).isfinite().all()
        assert model.rank(History(rows[:1], np.array([4.0])), films).isfinite().all()
        assert model.rank(History(rows[:0], np.empty(0)), films).isfinite().all()

    def test_many_people_are_scored_as_each_alone(self, model: Model, films: Tensor) -> None:
        histories = [history_of(model.tables, user) for user in (3, 5, 8)]
        together = model.rank_all(histories)
        assert (together[:, ~model.listed] == -torch.inf).all()
        alone = torch.stack([model.rank(history, films) for history in histories])
        torch.testing.assert_close(together[:, films], alone, rtol=1e-4, atol=1e-4)

    def test_every_film_has_a_vector(self, model: Model, films: Tensor) -> None:
        vectors = model.film_vectors()
        assert len(vectors) == len(model.tables.movie_ids)
        assert vectors[films].isfinite().all()
        assert vectors[films].std(dim=0).max() > 0

    def test_a_checkpoint_alone_makes_lists(self, model: Model, folder: Path) -> None:
        recommender = Recommender.from_checkpoint(folder / "lightning_logs/own/version_0/checkpoints/best.ckpt")
        assert len(recommender.recommend(1, top=5, explain=True)) == 5
        assert len(recommender.similar(int(recommender.films.ids[recommender.films.listed][0]), top=5)) == 5
        assert type(recommender.model) is type(model)

    def test_a_tested_run_has_a_card(self, folder: Path) -> None:
        assert "## How good it is" in (folder / "lightning_logs/own/version_0/card.md").read_text()

    def test_an_exported_checkpoint_knows_no_user_and_serves_new_ones_alike(
        self, model: Model, films: Tensor, folder: Path, tmp_path: Path
    ) -> None:
        export(folder / "lightning_logs/own/version_0/checkpoints/best.ckpt", tmp_path / "out.ckpt")
        exported = Recommender.from_checkpoint(tmp_path / "out.ckpt")
        known = history_of(model.tables, 3)
        somebody = History(known.movies, known.stars)
        found, expected = (one.rank(somebody, films) for one in (exported.model, model))
        torch.testing.assert_close(found, expected, rtol=1e-3, atol=1e-3)  # the median id of users is rounded
        pd.testing.assert_frame_equal(
            exported.recommend(top=5), Recommender(model).recommend(top=5), check_exact=False, rtol=1e-4
        )
        with pytest.raises(UnknownIdError, match="exported without its users"):
            exported.recommend(3)
        content = read_checkpoint(tmp_path / "out.ckpt")
        num_users = len(model.tables.user_ids)
        tensors = [*content["state_dict"].values(), *content["tables"].values()]
        assert not any(
            isinstance(one, Tensor) and num_users in (*one.shape, *(n - 1 for n in one.shape)) for one in tensors
        )
        assert "optimizer_states" not in content

    def test_a_fit_that_is_resumed_ends_with_the_same_weights(
        self, folder: Path, tmp_path: Path, sample_root: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        self.configure(tmp_path, sample_root)
        monkeypatch.chdir(tmp_path)
        movierec.fit("own.yaml", options={"trainer.max_epochs": 1})
        movierec.fit("own.yaml", options={"trainer.max_epochs": 2, "ckpt_path": "last"})
        last = "lightning_logs/own/version_0/checkpoints/last.ckpt"
        expected, found = (read_checkpoint(path / last)["state_dict"] for path in (folder, tmp_path))
        assert found.keys() == expected.keys()
        assert all(torch.equal(found[name], weight) for name, weight in expected.items())


class RatingModelContract(ModelContract):
    """What a model of ratings must do, too."""

    @pytest.fixture
    def model(self, folder: Path) -> RatingModel:
        """The best epoch."""
        model = read_model(folder / "lightning_logs/own/version_0/checkpoints/best.ckpt")
        assert isinstance(model, RatingModel)
        return model

    def test_it_learns_and_is_measured(self, folder: Path) -> None:
        metrics = json.loads((folder / "lightning_logs/own/version_0/metrics.json").read_text())
        assert metrics["end"] == "planned"
        rating_sd = metrics["test"]["rating_sd_stars"]
        assert metrics["test"]["rmse_stars"] < rating_sd  # better than the mean
        assert metrics["test"]["prediction_sd_stars"] > 0.01 * rating_sd  # and not the same for all
        assert metrics["baselines"]["mean"]["rmse_stars"] == pytest.approx(rating_sd, rel=0.01)
        assert metrics["retrieval"]["model"]["users"] == 20

    def test_it_predicts_on_the_scale_and_ranks_in_the_same_order(self, model: RatingModel, films: Tensor) -> None:
        history = history_of(model.tables, 3)
        stars, score = model.predict(history, films), model.rank(history, films)
        assert stars.shape == score.shape == films.shape
        assert ((stars >= model.tables.min_stars) & (stars <= model.tables.max_stars)).all()
        assert (stars[score.argsort()].diff() >= 0).all()

    def test_levels_of_stars_have_probabilities_if_the_model_knows_them(
        self, model: RatingModel, films: Tensor
    ) -> None:
        probabilities = model.level_probabilities(history_of(model.tables, 3), films)
        if probabilities is not None:
            assert probabilities.shape == (len(films), len(model.tables.levels))
            assert (probabilities >= 0).all()
            torch.testing.assert_close(probabilities.sum(dim=1), torch.ones(len(films)))

    def test_an_explained_prediction_is_clipped_to_the_stars(self, model: RatingModel, films: Tensor) -> None:
        history = history_of(model.tables, 5)
        clipped = model.explain(history, films[:30])["prediction"].clip(model.tables.min_stars, model.tables.max_stars)
        assert clipped.to_numpy() == pytest.approx(model.predict(history, films[:30]).numpy(), abs=1e-4)


class ListModelContract(ModelContract):
    """What a model of lists must do, too."""

    monitor: ClassVar[str] = "val/list_ndcg@10"

    def test_its_lists_are_measured(self, folder: Path) -> None:
        metrics = json.loads((folder / "lightning_logs/own/version_0/metrics.json").read_text())
        assert metrics["end"] == "planned"
        assert 0 < metrics["val"]["list_ndcg@10"] < 1
        assert metrics["retrieval"]["model"]["users"] == 20
        assert 0 < metrics["retrieval"]["model"]["recall@10"] < 1

    def test_a_known_user_is_scored_as_a_new_one_of_the_same_ratings(self, model: ListModel, films: Tensor) -> None:
        known = history_of(model.tables, 3)
        new = History(known.movies, known.stars)
        assert torch.equal(model.rank(known, films), model.rank(new, films))

    def test_reasons_are_the_share_of_the_rated_films(self, model: ListModel, films: Tensor) -> None:
        history = history_of(model.tables, 3)
        reasons = model.reasons(history, films[:5])
        if reasons is not None:
            assert reasons.shape == (5, len(history.movies))
            shares = model.explain(history, films[:5])["from_rated_films"]
            assert reasons.sum(dim=1).numpy() == pytest.approx(shares.to_numpy(), abs=1e-5)
