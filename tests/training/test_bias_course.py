"""The bias at milestones: scores of the reader as it was, on scenes of the development split."""

import numpy as np
import pandas as pd
import torch

from helpers.tiny_decoder import save_decoder
from prunescope.statistics.bootstrap import Bootstrap
from prunescope.testbed.scenes import SPLITS, make_scene
from prunescope.training.bias_course import (
    bias_course,
    continued,
    images_seen,
    milestones,
    scene_scores,
)
from prunescope.training.reading import Reader, ideal_stage


def stage_of(folder):
    stage = ideal_stage(Reader.of(folder, rank=2))
    return stage["reader"], stage["tokens"]


def test_the_table_has_all_layers_variants_and_measures(tmp_path):
    folder = save_decoder(tmp_path)
    loaders = {0: lambda: stage_of(folder), 8: lambda: stage_of(folder)}
    table = bias_course(loaders, 3, Bootstrap(resamples=100))
    assert table.groupby("images").size().nunique() == 1
    assert sorted(table["layer"].unique()) == [1, 2, 3]
    assert {"mean_row", "last of sequence", "first of rows"} <= set(table["measure"])
    same = [
        part.drop(columns="images").reset_index(drop=True) for _, part in table.groupby("images")
    ]
    assert same[0].equals(same[1])


def test_scores_follow_the_weights_at_the_milestone(tmp_path):
    reader, tokens = stage_of(save_decoder(tmp_path))
    scenes = [make_scene(SPLITS["dev"][0])]
    before = scene_scores(reader, tokens, scenes)
    for name, value in reader.named_parameters():
        if name.endswith("k_proj.up"):
            torch.nn.init.normal_(value)
    after = scene_scores(reader, tokens, scenes)
    assert before.shape == (1, 3, 2, 144) and not np.allclose(before, after)
    assert np.allclose(before.sum(-1), 1, atol=1e-4)


def test_a_course_goes_on_where_an_earlier_one_was(tmp_path):
    earlier, course = tmp_path / "course.csv", pd.DataFrame({"images": [40, 80], "value": [1, 2]})
    assert continued(earlier, course) is course
    pd.DataFrame({"images": [0, 40, 60], "value": [7, 8, 9]}).to_csv(earlier, index=False)
    assert continued(earlier, course)["value"].tolist() == [7, 1, 2]


def test_images_are_counted_from_the_steps_or_from_what_was_restored(tmp_path):
    torch.save({"step": 5}, tmp_path / "trained.pt")
    torch.save({"images": 30}, tmp_path / "restored.pt")
    assert [images_seen(tmp_path / f"{name}.pt", 4) for name in ("trained", "restored")] == [20, 30]


def test_milestones_of_a_stage_that_was_not_run_are_left_out(tmp_path):
    (tmp_path / "ideal-20.pt").touch()
    found = milestones(tmp_path / "ideal.pt", {"milestones": [10, 20]})
    assert found == [(20, tmp_path / "ideal-20.pt")]
