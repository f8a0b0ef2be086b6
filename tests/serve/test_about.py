"""What the server says of the models it serves."""

import json
from pathlib import Path

from movierec.serve import about


def test_a_tested_run_is_shown_with_its_intervals_and_its_card(tmp_path: Path) -> None:
    run = tmp_path / "model7" / "version_2"
    (run / "checkpoints").mkdir(parents=True)
    (run / "config.yaml").write_text("{}")
    (run / "card.md").write_text("# model7\n")
    lists = {"ndcg@10": 0.25, "intervals": {"ndcg@10": [0.2, 0.3]}}
    (run / "metrics.json").write_text(json.dumps({"retrieval": {"model": lists}}))
    found = about.tested(run / "checkpoints" / "best.ckpt")
    assert about.name_of(run / "checkpoints" / "best.ckpt") == "model7, version 2"
    assert found["card"] == "# model7\n"
    assert found["metrics"]["ndcg@10"].model_dump() == {"value": 0.25, "low": 0.2, "high": 0.3}
    assert about.tested(run / "checkpoints" / "last.ckpt") == {"metrics": {}, "card": None}
