"""Settings: the environment first, then the file; wrong values are refused, all at once."""

from pathlib import Path

import pytest

from core import settings
from core.errors import InvalidSpec

AUTH = """
[auth]
redirect_uri = "http://localhost:8501/oauth2callback"
cookie_secret = "0123456789abcdef0123456789abcdef"
client_id = "cxr-lab"
client_secret = "not to be shown"
server_metadata_url = "http://localhost:1/.well-known/openid-configuration"
"""


@pytest.fixture
def write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Write the file of settings."""
    path = tmp_path / "secrets.toml"
    monkeypatch.setenv(settings.FILES, str(path))
    return path.write_text


def problems() -> list[str]:
    with pytest.raises(InvalidSpec) as caught:
        settings.current()
    return [str(problem) for problem in caught.value.problems]


def test_without_a_file_everybody_is_at_the_machine_itself(monkeypatch, tmp_path):
    monkeypatch.setenv(settings.FILES, str(tmp_path / "none.toml"))
    found = settings.current()
    assert (found.login, found.upload_mb, found.devices, found.jobs_per_device) == (False, 200, ("auto",), 1)


def test_the_environment_goes_before_the_file(write, monkeypatch):
    write("[cxrlab]\nupload_mb = 7\njobs_per_device = 3\n")
    monkeypatch.setenv("CXRLAB_UPLOAD_MB", "9")
    assert (settings.current().upload_mb, settings.current().jobs_per_device) == (9, 3)


def test_the_folder_for_artifacts_may_stand_in_the_file(write, monkeypatch, tmp_path):
    monkeypatch.delenv("CXRLAB_ARTIFACTS")
    write(f'[cxrlab]\nartifacts = "{tmp_path / "elsewhere"}"\n')
    assert settings.artifacts_dir() == tmp_path / "elsewhere"


def test_a_changed_file_counts_at_once(write):
    write('[access]\nadmins = ["A.Person@Example.org"]\n')
    assert settings.current().admins == ("a.person@example.org",)
    write("[access]\nadmins = []\n")
    assert settings.current().admins == ()


def test_lists_of_the_environment_have_commas(monkeypatch):
    monkeypatch.setenv("CXRLAB_DEVICES", "cuda:0, cuda:1")
    assert settings.current().devices == ("cuda:0", "cuda:1")


def test_all_that_is_wrong_is_said_at_once(write, monkeypatch):
    write('[cxrlab]\njobs_per_device = 0\nartefacts = "x"\n[access]\nadmins = ["nobody"]\ndefault_role = "king"\n')
    monkeypatch.setenv("CXRLAB_UPLOAD_MB", "many")
    found = problems()
    for part in ("CXRLAB_UPLOAD_MB", "jobs_per_device in [cxrlab]", "'nobody'", "'king'", "Did you mean artifacts?"):
        assert any(part in problem for problem in found), (part, found)
    assert len(found) == 5


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("UPLOAD_MB", "0"), ("UPLOAD_MB", "1.5"), ("DEVICES", "tpu"), ("DEVICES", "cpu,cpu"), ("JOBS_PER_DEVICE", "99"),
        ("STORAGE_GB", "nan"), ("STORAGE_GB", "-1"), ("DEFAULT_ROLE", "admin"), ("VISIBILITY", "secret"),
        ("TRUST_EMAIL", "perhaps"), ("ARTIFACTS", __file__),
    ],
)  # fmt: skip
def test_a_wrong_value_is_refused_by_its_variable(name, text, monkeypatch):
    monkeypatch.setenv(f"CXRLAB_{name}", text)
    assert f"CXRLAB_{name}" in problems()[0]


def test_a_file_that_is_no_toml_is_refused_without_its_content(write):
    write('cookie_secret = "hidden value\n')
    assert len(problems()) == 1
    assert "hidden" not in problems()[0]


def test_signing_in_is_on_where_a_provider_is_configured(write):
    write(AUTH)
    assert settings.current().login
    assert settings.current().providers == ("",)


def test_named_providers_are_offered_each(write):
    auth = AUTH.replace("client_id", "[auth.clinic]\nclient_id")
    write(auth)
    assert settings.current().providers == ("clinic",)


def test_half_a_provider_and_a_short_cookie_secret_are_refused_and_not_shown(write):
    write(AUTH.replace('client_id = "cxr-lab"\n', "").replace("0123456789abcdef0123456789abcdef", "short-secret"))
    first, second = problems()
    assert "auth.client_id" in first
    assert "12 characters" in second
    assert "short-secret" not in first + second
    assert "not to be shown" not in first + second
