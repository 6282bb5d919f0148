"""Who may do what, asked in the engine itself: without the app, and for each role."""

from __future__ import annotations

from pathlib import Path

import pytest

from core import access, background, demo, settings
from core.access import ANONYMOUS, LOCAL, Person
from core.data import audit, library, sources, uploads
from core.errors import NotAllowed, UnknownName
from core.evaluation import probes
from core.inference import Predictor
from core.jobs import overview, queue, requests, supervisors
from core.recipes import catalogue, fitting
from core.recipes.recipe import Recipe
from core.runs import index, store, trash
from core.shortcuts import planting, sets
from tests.people import ADMIN, OPERATOR, OTHER, SIGNING_IN, VIEWER


@pytest.fixture(autouse=True)
def signing_in(tmp_path: Path) -> None:
    """People sign in here; nobody has yet."""
    (tmp_path / "secrets.toml").write_text(SIGNING_IN)
    access._asked.clear()


@pytest.fixture
def folder(make_folder) -> Path:
    return make_folder({"a": 12, "b": 12}, patients=2)


@pytest.fixture
def recipe(folder: Path) -> Recipe:
    with access.acting(LOCAL):
        draft = fitting.draft(model="alasfoor-cnn22", **{"image.size": 24, "epochs": 1, "batch_size": 8})
        return fitting.fit(draft, library.open_dataset(str(folder)))[0]


@pytest.fixture(autouse=True)
def no_trainer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(supervisors, "ensure", lambda: None)


def claims(email: str, **more: object) -> dict[str, object]:
    return {"is_logged_in": True, "email": email, "email_verified": True, **more}


def test_without_signing_in_everybody_is_at_the_machine(tmp_path):
    (tmp_path / "secrets.toml").unlink()
    assert access.person() == LOCAL


def test_with_signing_in_nobody_is_known_until_the_app_tells():
    assert access.person() == ANONYMOUS
    access.ask(lambda: OPERATOR)
    assert access.person() == OPERATOR


def test_roles_come_from_the_settings_by_e_mail():
    roles = [access.signed_in(claims(email)).role for email in ("Ada@Example.org", "otto@example.org", "somebody@example.org")]
    assert roles == ["admin", "operator", "viewer"]


@pytest.mark.parametrize(
    "given",
    [
        {}, {"is_logged_in": False, "email": "ada@example.org", "email_verified": True}, {"is_logged_in": True},
        {"is_logged_in": True, "email": "ada@example.org"}, {"is_logged_in": True, "email": "ada@example.org", "email_verified": False},
        {"is_logged_in": True, "email": "ada@example.org", "email_verified": "false"},
        {"is_logged_in": "yes", "email": "ada@example.org", "email_verified": True},
    ],
)  # fmt: skip
def test_who_has_no_verified_e_mail_is_nobody(given):
    assert access.signed_in(given) == ANONYMOUS


def test_unverified_e_mails_are_believed_on_demand_alone(monkeypatch):
    monkeypatch.setenv("CXRLAB_TRUST_EMAIL", "true")
    assert access.signed_in({"is_logged_in": True, "email": "ada@example.org"}).role == "admin"


def test_everybody_else_may_be_kept_out(monkeypatch):
    monkeypatch.setenv("CXRLAB_DEFAULT_ROLE", "none")
    somebody = access.signed_in(claims("somebody@example.org"))
    assert not somebody.may("browse")


ACTIONS = {
    "train": lambda recipe, _: requests.start(recipe),
    "create": lambda recipe, _: store.create(recipe),
    "save a recipe": lambda recipe, _: catalogue.save(recipe, "kept"),
    "audit": lambda recipe, _: audit.audit(library.open_dataset(recipe.data.name)),
    "probe": lambda recipe, _: probes.for_data(library.open_dataset(recipe.data.name)),
    "import an upload": lambda _, __: library.import_zip(b"PK", "new"),
    "import a source": lambda _, __: library.import_source("montgomery"),
    "fetch a source": lambda _, __: sources.fetch("montgomery"),
    "draw the phantom": lambda _, __: demo.recipe(),
    "plant": lambda recipe, _: sets.make(sets.Plan(recipe.data.name, "a", planting.Letter("R", "top right", 0.1), 1.0, ("b",))),
    "import a folder": lambda _, folder: library.import_folder(folder),
}


@pytest.mark.parametrize("action", ACTIONS)
@pytest.mark.parametrize("who", [ANONYMOUS, VIEWER], ids=["anonymous", "viewer"])
def test_nobody_and_viewers_are_refused_every_action(who: Person, action, recipe, folder):
    before = sorted(settings.artifacts_dir().rglob("*"))
    with access.acting(who), pytest.raises(NotAllowed):
        ACTIONS[action](recipe, folder)
    assert sorted(settings.artifacts_dir().rglob("*")) == before


@pytest.mark.parametrize("who", [OPERATOR, ADMIN], ids=["operator", "admin"])
def test_operators_and_administrators_train_save_and_audit(who, recipe):
    with access.acting(who):
        assert requests.start(recipe).owner().name == who.name
        catalogue.save(recipe, "kept")
        assert audit.audit(library.open_dataset(recipe.data.name)).images == 24


def test_asking_networks_takes_a_viewer(recipe):
    with access.acting(OPERATOR):
        run = store.create(recipe)
    with access.acting(ANONYMOUS):
        with pytest.raises(NotAllowed, match="Sign in"):
            Predictor(run)
        with pytest.raises(NotAllowed):
            uploads.received([("a.png", b"")])
    with access.acting(VIEWER):
        assert len(uploads.received([("a.png", b"")])) == 1


def test_operators_name_no_folder_of_the_machine_unless_it_is_opened_to_them(folder, monkeypatch):
    with access.acting(OPERATOR), pytest.raises(NotAllowed, match="import_folders"):
        library.import_folder(folder)
    with access.acting(OPERATOR), pytest.raises(NotAllowed, match="import_folders"):
        library.open_dataset("/etc")
    with access.acting(ADMIN):
        library.import_folder(folder, "by-ada")
    monkeypatch.setenv("CXRLAB_IMPORT_FOLDERS", str(folder.parent))
    with access.acting(OPERATOR):
        assert library.import_folder(folder, "by-otto").images == 24


def test_an_opened_folder_does_not_open_its_neighbours(tmp_path, monkeypatch):
    opened, beside, link = tmp_path / "open", tmp_path / "open-not", tmp_path / "open" / "out"
    opened.mkdir()
    beside.mkdir()
    link.symlink_to(beside)
    monkeypatch.setenv("CXRLAB_IMPORT_FOLDERS", str(opened))
    with access.acting(OPERATOR):
        access.require_folder(opened / "inside")
        for path in (beside, opened / ".." / "open-not", link):
            with pytest.raises(NotAllowed):
                access.require_folder(path)


def test_weights_of_a_file_or_a_private_run_are_not_had_through_a_recipe(recipe, monkeypatch):
    monkeypatch.setenv("CXRLAB_VISIBILITY", "private")
    with access.acting(OTHER):
        private = store.create(recipe)
    weights = recipe.weights.model_copy(update={"source": "run", "place": private.id})
    with access.acting(OPERATOR), pytest.raises(UnknownName):
        store.create(recipe.model_copy(update={"weights": weights}))
    weights = recipe.weights.model_copy(update={"source": "file", "place": "/root/.cache/weights.pth"})
    with access.acting(OPERATOR), pytest.raises(NotAllowed):
        store.create(recipe.model_copy(update={"weights": weights}))


QUEUE = {
    "cancel": requests.cancel,
    "pause": requests.pause,
    "go on": requests.go_on,
    "move": lambda run: requests.move(run, to="last"),
    "delete": requests.delete,
}


@pytest.mark.parametrize("act", QUEUE)
@pytest.mark.parametrize(
    "who", [ANONYMOUS, VIEWER, OTHER, Person(OPERATOR.name, "viewer")], ids=["anonymous", "viewer", "other", "demoted"]
)
def test_what_is_somebody_else_s_is_left_alone(who, act, recipe):
    with access.acting(OPERATOR):
        run = requests.start(recipe)
    before = queue.jobs()
    with access.acting(who), pytest.raises(NotAllowed):
        QUEUE[act](run)
    assert queue.jobs() == before
    assert run.status().state == "queued"


@pytest.mark.parametrize("who", [OPERATOR, ADMIN], ids=["owner", "admin"])
def test_what_is_one_s_own_is_stopped_resumed_deleted_and_restored(who, recipe):
    with access.acting(OPERATOR):
        run = requests.start(recipe)
    with access.acting(who):
        requests.pause(run)
        requests.go_on(run)
        requests.cancel(run)
        requests.delete(run)
        assert [deleted.run_id for deleted in trash.runs()] == [run.id]
        assert trash.restore(run.id).owner().name == OPERATOR.name


def test_a_private_run_is_private_in_the_trash_too(recipe, monkeypatch):
    monkeypatch.setenv("CXRLAB_VISIBILITY", "private")
    with access.acting(OPERATOR):
        run = requests.start(recipe)
        requests.cancel(run)
        requests.delete(run)
    with access.acting(OTHER):
        assert trash.runs() == []
        with pytest.raises(UnknownName):
            trash.restore(run.id)


def test_nobody_but_an_administrator_goes_before_others(recipe):
    with access.acting(OPERATOR):
        run = requests.start(recipe)
        for act in (
            lambda: requests.start(recipe, priority=1),
            lambda: requests.move(run, to="first"),
            lambda: requests.move(run, priority=2),
        ):
            with pytest.raises(NotAllowed):
                act()
    with access.acting(ADMIN):
        requests.move(run, priority=2)
    assert queue.find(run.id).priority == 2


def test_private_jobs_of_others_stand_in_no_list_and_are_not_lost_with_the_table(recipe, monkeypatch, artifacts):
    monkeypatch.setenv("CXRLAB_VISIBILITY", "private")
    with access.acting(OPERATOR):
        run = requests.start(recipe)
    with access.acting(OTHER):
        (artifacts / "index.sqlite").unlink()  # and it is this person's look that makes it again
        assert overview.lines().lines == []
    assert [job.run_id for job in queue.jobs()] == [run.id]


def test_nobody_sees_anything(recipe):
    with access.acting(OPERATOR):
        run = store.create(recipe)
    with access.acting(ANONYMOUS):
        assert index.rows() == []
        with pytest.raises(UnknownName):
            store.find(run.id)


def test_work_in_the_background_is_done_by_who_asked_for_it():
    pool = background.Pool()
    with access.acting(OPERATOR):
        pool.start("who", lambda _: access.person())
    assert pool.wait("who", 10).result == OPERATOR
