"""The doctor says what is wrong, and the way out; the command line ends with 1 then."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from core import doctor, settings
from core.__main__ import main
from tests.people import SIGNING_IN


def found(name: str) -> doctor.Check:
    return next(check for check in doctor.checks() if check.name == name)


def test_a_sound_installation_has_nothing_wrong(capsys):
    assert main(["doctor", "--json"]) == 0
    checks = json.loads(capsys.readouterr().out)
    assert [check["name"] for check in checks] == [
        "settings", "versions", "device", "write access", "disk", "runs", "queue", "access", "secrets",
    ]  # fmt: skip
    assert all(set(check) == {"name", "state", "found", "way_out"} for check in checks)
    assert not [check for check in checks if check["state"] == "wrong"]


def test_wrong_settings_are_all_named_and_the_rest_waits(monkeypatch, capsys):
    monkeypatch.setenv("CXRLAB_UPLOAD_MB", "many")
    monkeypatch.setenv("CXRLAB_DEVICES", "tpu")
    assert main(["doctor"]) == 1
    said = capsys.readouterr().out
    assert "CXRLAB_UPLOAD_MB" in said
    assert "CXRLAB_DEVICES" in said
    assert "not checked" in said


def test_other_verbs_refuse_wrong_settings_at_once(monkeypatch, capsys):
    monkeypatch.setenv("CXRLAB_UPLOAD_MB", "many")
    assert main(["runs", "list"]) == 2
    assert "CXRLAB_UPLOAD_MB" in capsys.readouterr().err


def test_a_misspelt_variable_is_a_warning(monkeypatch):
    monkeypatch.setenv("CXRLAB_UPLOADMB", "9")
    assert (found("settings").state, "CXRLAB_UPLOADMB" in found("settings").found) == ("warning", True)


def test_a_missing_or_old_package_is_named(monkeypatch, tmp_path):
    (tmp_path / "requirements.txt").write_text("torch>=99\nno-such-package-at-all\n# a comment\n")
    monkeypatch.setattr(doctor, "ROOT", tmp_path)
    check = found("versions")
    assert check.state == "wrong"
    assert "torch" in check.found
    assert "no-such-package-at-all is missing" in check.found


def test_a_device_that_is_not_there_is_wrong(monkeypatch):
    monkeypatch.setenv("CXRLAB_DEVICES", "cuda:99")
    assert (found("device").state, "cuda:99" in found("device").found) == ("wrong", True)


def test_a_folder_that_cannot_be_written_is_wrong(monkeypatch, tmp_path):
    monkeypatch.setenv("CXRLAB_ARTIFACTS", str(tmp_path / "kept" / "artifacts"))
    (tmp_path / "kept").write_text("a file where a folder should be")
    assert found("write access").state == "wrong"


@pytest.mark.parametrize(("free", "state"), [(5 * 10**8, "wrong"), (5 * 10**9, "warning"), (5 * 10**10, "ok")])
def test_little_room_on_the_disk_is_said(free, state, monkeypatch):
    monkeypatch.setattr("core.doctor.shutil.disk_usage", lambda _: type("Usage", (), {"free": free}))
    assert found("disk").state == state


def test_a_damaged_run_is_named(artifacts):
    folder = artifacts / "runs" / "20260101-000000-broken-0000"
    folder.mkdir(parents=True)
    (folder / "status.json").write_text("{")
    assert (found("runs").state, folder.name in found("runs").found) == ("warning", True)


@pytest.mark.parametrize("address", ["0.0.0.0", ""])
def test_an_open_address_without_login_is_wrong(address, monkeypatch):
    monkeypatch.setattr(doctor, "_config", lambda: {"server": {"address": address}})
    assert found("access").state == "wrong"


def test_a_login_is_counted_and_its_file_kept_from_others(tmp_path: Path):
    file = tmp_path / "secrets.toml"
    file.write_text(SIGNING_IN)
    file.chmod(0o644)
    assert "1 admins, 2 operators" in found("access").found
    assert found("secrets").state == "warning"
    file.chmod(0o600)
    assert found("secrets").state == "ok"
    file.write_text(SIGNING_IN.replace('admins = ["ada@example.org"]', ""))
    assert found("access").state == "warning"


def test_no_secret_is_part_of_what_is_said(tmp_path: Path, capsys):
    (tmp_path / "secrets.toml").write_text(SIGNING_IN + "\n[cxrlab]\nupload_mb = 0\n")
    main(["doctor", "--json"])
    said = "".join(capsys.readouterr())
    assert "client-secret-of-the-tests" not in said
    assert "0123456789abcdef" not in said


def test_the_upload_limits_of_settings_and_server_are_compared(tmp_path: Path, monkeypatch):
    (tmp_path / "secrets.toml").write_text(SIGNING_IN)
    monkeypatch.setenv("CXRLAB_UPLOAD_MB", "9000")
    assert found("upload limit").state == "warning"


def test_every_setting_has_a_field_and_a_default_that_is_its_own():
    assert {setting.name for setting in settings.SETTINGS} < set(settings.Settings.__dataclass_fields__)
