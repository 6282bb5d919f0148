"""The command line: one JSON document or text, and exit statuses that scripts can trust."""

import json
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from PIL import Image

from core.__main__ import main

ROOT = Path(__file__).resolve().parents[2]
TINY = ["--model", "alasfoor-cnn22", "--image-size", "24", "--epochs", "1", "--batch-size", "8"]


@pytest.fixture
def run_json(capsys):
    """Run a command with --json; returns (exit status, document)."""

    def run(*arguments):
        capsys.readouterr()
        code = main([*map(str, arguments), "--json"])
        return code, json.loads(capsys.readouterr().out)

    return run


@pytest.fixture
def folder(make_folder):
    return make_folder({"a": 15, "b": 15}, size=24, patients=2, name="set")


@pytest.fixture
def trained(run_json, folder):
    """The outcome of a short training on `folder`."""
    code, outcome = run_json("train", "--data", folder, *TINY)
    assert code == 0
    return outcome


def test_train_reports_run_status_and_test_metrics(trained):
    assert trained["status"] == "done"
    assert 0 <= trained["metrics"]["accuracy"] <= 1
    assert trained["metrics"]["loss"] > 0
    assert trained["images"]["test"] == trained["metrics"]["images"]
    assert trained["split"] == "grouped by patient"


def test_runs_are_listed_and_shown(trained, run_json):
    _, rows = run_json("runs", "list")
    assert [row["run_id"] for row in rows] == [trained["run_id"]]
    _, shown = run_json("runs", "show", trained["run_id"])
    assert shown["evaluation"]["metrics"]["accuracy"]["value"] == trained["metrics"]["accuracy"]
    assert shown["recipe"]["epochs"] == 1
    assert len(shown["history"]) == 1


def test_a_run_is_found_by_a_prefix_of_its_id(trained, run_json):
    code, shown = run_json("runs", "show", trained["run_id"][:-2])
    assert (code, shown["run_id"]) == (0, trained["run_id"])


def test_evaluate_gives_bounds_and_leaves_out_what_was_seen(trained, run_json, folder):
    code, result = run_json("evaluate", "--run", trained["run_id"], "--data", folder)
    assert code == 0
    accuracy = result["metrics"]["accuracy"]
    assert accuracy["low"] <= accuracy["value"] <= accuracy["high"]
    assert accuracy["value"] == trained["metrics"]["accuracy"]
    assert result["excluded_as_seen"] == 30 - result["images"]
    assert sum(map(sum, result["confusion_matrix"])) == result["images"]
    assert result["classes"] == ["a", "b"]


def test_evaluate_takes_another_set_whole(trained, run_json, make_folder):
    other = make_folder({"a": 4, "b": 3}, size=30, name="other", seed=7)
    _, result = run_json("evaluate", "--run", trained["run_id"], "--data", other)
    assert (result["images"], result["excluded_as_seen"]) == (7, 0)


def test_a_run_of_a_part_of_the_classes_is_evaluated_on_that_part(run_json, make_folder):
    three = make_folder({"a": 15, "b": 15, "c": 5}, size=24, patients=2, name="three")
    _, outcome = run_json("train", "--data", three, *TINY, "--set", 'subset.labels=["a", "b"]')
    code, result = run_json("evaluate", "--run", outcome["run_id"], "--data", three)
    assert (code, result["classes"], result["excluded_classes"]) == (0, ["a", "b"], ["c"])


def test_predict_answers_what_it_can_and_names_what_it_cannot(trained, run_json, folder, tmp_path):
    good, text = next((folder / "a").glob("*.png")), tmp_path / "text.png"
    text.write_text("no image")
    code, rows = run_json(
        "predict", "--run", trained["run_id"], good, text, tmp_path / "missing.png", "--cam", "gradcam", "--out", tmp_path / "maps"
    )
    assert code == 1
    assert rows[0]["label"] in ("a", "b")
    assert sum(rows[0]["probabilities"].values()) == pytest.approx(1)
    assert Image.open(rows[0]["cam"]).format == "PNG"
    assert "text.png" in rows[1]["error"]
    assert rows[2].keys() == {"image", "error"}


def test_predict_opens_archives_says_its_doubts_and_writes_table_and_page(trained, run_json, folder, tmp_path):
    files = sorted((folder / "a").glob("*.png"))[:2]
    with zipfile.ZipFile(tmp_path / "two.zip", "w") as archive:
        for file in files:
            archive.write(file, f"inside/{file.name}")
    table, page = tmp_path / "answers.csv", tmp_path / "answers.html"
    arguments = ("--cam", "layercam", "--out", tmp_path / "maps", "--csv", table, "--report", page)
    code, rows = run_json("predict", "--run", trained["run_id"], tmp_path / "two.zip", *arguments)
    assert code == 0
    assert [row["image"] for row in rows] == [f"two.zip/inside/{file.name}" for file in files]
    assert "too small to show a chest" in rows[0]["doubts"][0]
    assert sum(rows[0]["calibrated"].values()) == pytest.approx(1)
    assert len(table.read_text().splitlines()) == 3
    assert page.read_text().count("LayerCAM") >= 2
    assert "Not a medical device" in page.read_text()


def test_a_method_that_does_not_fit_the_network_is_refused(trained, run_json, folder):
    file = next((folder / "a").glob("*.png"))
    assert run_json("predict", "--run", trained["run_id"], file, "--cam", "x-ray-vision")[0] == 2
    assert run_json("predict", "--run", trained["run_id"], file, "--cam", "gradcam", "--layer", "nowhere")[0] == 2


def test_a_network_is_exported_and_checked(trained, run_json, tmp_path):
    code, found = run_json("export", trained["run_id"], "--out", tmp_path / "net.onnx")
    assert code == 0
    assert found["largest_difference"] < 1e-3
    assert (tmp_path / "net.onnx").stat().st_size > 10_000


def test_data_is_imported_and_listed(run_json, folder):
    (folder / "b" / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    (folder / "metadata.csv").unlink()
    code, report = run_json("data", "import", folder, "--name", "mine")
    assert code == 0
    assert report["images"] == 30
    assert report["dropped"][0][0] == "b/broken.png"
    assert [item["name"] for item in run_json("data", "list")[1]] == ["phantom", "mine"]


def test_models_and_recipes_are_listed(run_json):
    _, models = run_json("models", "list")
    assert {"name", "papers", "image_size", "parameters"} <= models[0].keys()
    _, recipes = run_json("recipes", "list")
    assert {"name", "paper", "table", "model", "assumptions"} <= recipes[0].keys()


def test_any_field_can_be_set_and_the_run_says_so(run_json, folder):
    _, outcome = run_json("train", "--data", folder, *TINY, "--set", "augmentation.flip=true", "--set", "keep=last")
    _, shown = run_json("runs", "show", outcome["run_id"])
    assert (shown["recipe"]["augmentation"]["flip"], shown["recipe"]["keep"]) == (True, "last")


def test_a_recipe_is_changed_saved_shown_and_trained(run_json, folder):
    small = ["--set", "image.size=24", "--set", "epochs=1", "--set", "batch_size=8"]
    assert run_json("recipes", "save", "mine", "--recipe", "alasfoor-2020", *small)[0] == 0
    _, shown = run_json("recipes", "show", "mine")
    assert {field for field, _, _ in shown["differences"]} == {"image.size", "epochs", "batch_size"}
    assert "mine" in [item["name"] for item in run_json("recipes", "list")[1]]
    code, outcome = run_json("train", "--data", folder, "--recipe", "mine")
    assert (code, outcome["status"]) == (0, "done")


def test_weights_come_from_a_run_or_a_file(trained, run_json, folder):
    by_run = run_json("train", "--data", folder, *TINY, "--weights", f"run:{trained['run_id']}")
    by_file = run_json("train", "--data", folder, *TINY, "--weights", Path(trained["folder"]) / "model.safetensors")
    assert (by_run[0], by_file[0]) == (0, 0)
    assert by_run[1]["metrics"] == by_file[1]["metrics"]


def test_weights_that_are_missing_exit_with_1_and_name_the_file(run_json, folder):
    code, document = run_json("train", "--data", folder, *TINY, "--weights", "no/such.safetensors")
    assert code == 1
    assert "no/such.safetensors" in document["error"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["train"], "needs --data"),
        (["train", "--data", "phantom"], "one of --recipe and --model"),
        (["train", "--data", "nowhere", "--model", "resnet18"], "data set is chosen by its name"),
        (["train", "--data", "no/such/folder", "--model", "resnet18"], "no such folder"),
        (["train", "--data", "phantom", "--model", "resnet1"], "Did you mean resnet18"),
        (["train", "--data", "phantom", "--recipe", "alasfor"], "Did you mean alasfoor-2020"),
        (["train", "--data", "phantom", "--model", "resnet18", "--epochs", "0"], "epochs is at least 1"),
        (["train", "--data", "phantom", "--model", "resnet18", "--image-size", "20"], "at least 33 px"),
        (["train", "--data", "phantom", "--model", "resnet18", "--fold", "6/5"], "from 1 to K"),
        (["train", "--data", "phantom", "--model", "resnet18", "--set", "epochs"], "FIELD=VALUE"),
        (["train", "--data", "phantom", "--model", "resnet18", "--set", "optimizer.lr=1"], "Did you mean"),
        (["recipes", "show", "zhong"], "Did you mean zhong-2020"),
        (["recipes", "save", "demo", "--recipe", "demo"], "stay as they are"),
        (["train", "--resume", "nothing"], "run is chosen by its name"),
        (["predict", "--run", "nothing", "x.png"], "run is chosen by its name"),
        (["runs", "show", "../../etc"], "run is chosen by its name"),
        (["train", "--epoch"], "No such option"),
        (["dance"], "No such command"),
    ],
)
def test_wrong_usage_exits_with_2_and_says_the_way_out(arguments, message, run_json):
    code, document = run_json(*arguments)
    assert code == 2
    assert message in document["error"]


def test_all_wrong_options_are_reported_at_once(run_json):
    _, document = run_json("train", "--data", "phantom", "--model", "resnet18", "--epochs", 0, "--batch-size", 1, "--lr", -1)
    assert len(document["problems"]) == 3


@pytest.mark.parametrize(
    ("classes", "message"),
    [
        ({}, "at least one image"),
        ({"a": 12}, "at least two classes"),
        ({"a": 12, "b": 3}, "b with 3"),
        ({"a": 12, "b": 2, "c": 1}, "c with 1"),
    ],
)
def test_data_that_nothing_can_be_trained_on_exits_with_1_and_leaves_no_run(classes, message, make_folder, run_json, artifacts):
    folder = make_folder(classes, size=24, name="poor")
    folder.mkdir(exist_ok=True)
    code, document = run_json("train", "--data", folder, *TINY)
    assert code == 1
    assert message in document["error"]
    assert not (artifacts / "runs").exists()


def test_a_batch_larger_than_the_training_part_is_refused(run_json, folder):
    code, document = run_json("train", "--data", folder, *TINY[:-1], "500")
    assert code == 2
    assert "Choose a batch size of at most" in document["error"]


def test_text_output_is_for_people(trained, capsys):
    assert main(["runs", "list"]) == 0
    assert "test accuracy" in capsys.readouterr().out
    assert main(["runs", "show", trained["run_id"]]) == 0
    assert "Confusion matrix" in capsys.readouterr().out


def test_listing_runs_loads_neither_torch_nor_pandas():
    code = "import sys; from core.__main__ import main; main(['runs', 'list']); sys.exit('torch' in sys.modules or 'pandas' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, stdout=subprocess.DEVNULL, check=False).returncode == 0


def test_progress_goes_to_standard_error_and_the_exit_status_to_the_shell(folder):
    command = [sys.executable, "-m", "core", "train", "--data", str(folder), *TINY, "--json"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert (done.returncode, json.loads(done.stdout)["status"]) == (0, "done")
    assert "reading images" in done.stderr
    assert "leaked" not in done.stderr  # what libraries report of objects that end with the process
    wrong = subprocess.run([sys.executable, "-m", "core", "train", "--epochs", "x"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert (wrong.returncode, wrong.stdout) == (2, "")
