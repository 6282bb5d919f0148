"""What is loaded in good time is there afterwards, and nothing else loads meanwhile."""

import gc
import subprocess
import sys
import threading

import pytest

from core import warmup


@pytest.fixture
def fresh_server(monkeypatch):
    """No page was shown yet."""
    monkeypatch.setattr(warmup, "_loaded", threading.Event())
    yield
    gc.unfreeze()


@pytest.mark.parametrize("names", [warmup.APP, warmup.TRAINING])
def test_what_is_named_is_loaded_when_it_is_done(names):
    warmup.load(names)
    assert set(names) <= sys.modules.keys()


@pytest.mark.parametrize("searching", [True, False])
def test_loading_searches_for_no_garbage_and_leaves_the_search_as_it_was(monkeypatch, searching):
    monkeypatch.setattr(warmup.importlib, "import_module", lambda _: told.append(gc.isenabled()))
    told, before = [], gc.isenabled()
    try:
        (gc.enable if searching else gc.disable)()
        warmup.load(["a"])
        assert (told, gc.isenabled()) == ([False], searching)
    finally:
        (gc.enable if before else gc.disable)()


@pytest.mark.usefixtures("fresh_server")
def test_the_second_page_of_a_server_waits_for_the_first_and_its_libraries(monkeypatch):
    told = []
    drawing, asked = threading.Event(), threading.Event()
    monkeypatch.setattr(warmup, "load", lambda _: told.append("loaded"))

    def second():
        drawing.wait()
        asked.set()
        with warmup.first_alone(delay=0):
            told.append("second")

    other = threading.Thread(target=second)
    other.start()
    with warmup.first_alone(delay=0.2):
        drawing.set()
        asked.wait()
        told.append("first")
    other.join()
    assert told == ["first", "loaded", "second"]


@pytest.mark.usefixtures("fresh_server")
def test_who_comes_while_the_libraries_are_loaded_waits_for_them_too(monkeypatch):
    told, others = [], []

    def second():
        with warmup.first_alone(delay=0):
            told.append("second")

    def load(_names):
        others.append(threading.Thread(target=second))
        others[0].start()
        others[0].join(0.2)
        told.append("loaded")

    monkeypatch.setattr(warmup, "load", load)
    with warmup.first_alone(delay=0):
        pass
    others[0].join()
    assert told == ["loaded", "second"]


@pytest.mark.usefixtures("fresh_server")
def test_a_first_page_that_breaks_off_lets_the_others_in():
    with pytest.raises(RuntimeError, match="broken"), warmup.first_alone(["core.wording"], delay=0):
        raise RuntimeError("broken")
    with warmup.first_alone(["no such module"]):
        pass


@pytest.mark.usefixtures("fresh_server")
def test_what_cannot_be_loaded_is_said_once_and_keeps_nobody_out():
    with pytest.raises(ModuleNotFoundError), warmup.first_alone(["core.no_such_module"], delay=0):
        pass
    with warmup.first_alone(["core.no_such_module"]):
        pass


@pytest.mark.usefixtures("fresh_server")
def test_searches_for_garbage_leave_out_what_a_server_has_loaded():
    frozen = gc.get_freeze_count()
    with warmup.first_alone(["core.wording"], delay=0):
        pass
    assert gc.get_freeze_count() > frozen


def test_a_server_that_ends_is_told_of_no_leaks():
    code = "import torch._dynamo; from core import warmup; warmup.leave_out_of_garbage()"
    ended = subprocess.run([sys.executable, "-W", "ignore", "-c", code], capture_output=True, text=True, check=True)
    assert (ended.stdout, ended.stderr) == ("", "")


def test_the_thread_that_waits_for_decoded_images_loads_one_library_after_the_other(monkeypatch):
    loaded, told = [], []
    monkeypatch.setattr(warmup, "load", loaded.extend)
    count = warmup.beside(lambda *numbers: told.append(numbers), ["one", "two", "three"])
    for done in range(1, 2 * warmup.EVERY + 1):
        count(done, 1000)
    assert loaded == ["one", "two"]
    assert told[-1] == (2 * warmup.EVERY, 1000)


@pytest.mark.parametrize("images", [1, 2, 3, 7, 150, 1000])
def test_all_libraries_are_loaded_before_the_last_image_unless_there_are_fewer_images(images, monkeypatch):
    loaded = []
    monkeypatch.setattr(warmup, "load", loaded.extend)
    count = warmup.beside(lambda *_: None, ["one", "two", "three"])
    for done in range(1, images + 1):
        count(done, images)
    assert loaded == ["one", "two", "three"][:images]
