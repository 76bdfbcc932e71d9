# Copyright (c) 2026 rekey.aws contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A new key is saved whole and privately, or not at all, and never over another."""

from __future__ import annotations

import os
import subprocess
from datetime import datetime, timezone
from pathlib import Path

import pytest

from ansible_collections.rekey.aws.plugins.module_utils._csv_store import CONSOLE, IMPORT, CsvStore
from ansible_collections.rekey.aws.plugins.module_utils._errors import FileFault, InvalidInput
from ansible_collections.rekey.aws.plugins.module_utils._model import AccessKey, NewAccessKey
from ansible_collections.rekey.aws.tests.awscli import fetch

SECRET = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
KEY = NewAccessKey(AccessKey("AKIAIOSFODNN7EXAMPLE", True, datetime.now(timezone.utc)), SECRET)


def save(store: CsvStore, user_name: str = "deploy") -> None:
    with store.reserve(user_name) as keep:
        keep(KEY)


@pytest.mark.parametrize(
    ("form", "text"),
    [
        (CONSOLE, f"Access key ID,Secret access key\r\nAKIAIOSFODNN7EXAMPLE,{SECRET}\r\n"),
        (IMPORT, f"User Name,Access key ID,Secret access key\r\ndeploy,AKIAIOSFODNN7EXAMPLE,{SECRET}\r\n"),
    ],
)
def test_the_file_is_what_awss_tools_read_and_its_owners_alone(tmp_path: Path, form: str, text: str) -> None:
    path = tmp_path / "key.csv"
    save(CsvStore(str(path), form))
    assert path.read_bytes() == text.encode()
    assert path.stat().st_mode & 0o7777 == 0o600
    assert path.stat().st_nlink == 1
    assert os.listdir(tmp_path) == ["key.csv"]


def test_the_aws_cli_imports_it(tmp_path: Path) -> None:
    try:
        aws = fetch.aws()
    except fetch.NoAwsCli as error:
        pytest.skip(f"no AWS CLI v2 on this machine: {error}")
    path, credentials = tmp_path / "key.csv", tmp_path / "credentials"
    save(CsvStore(str(path), IMPORT))
    environment = {**os.environ, "AWS_SHARED_CREDENTIALS_FILE": str(credentials), "HOME": str(tmp_path)}
    subprocess.run([aws, "configure", "import", "--csv", f"file://{path}"], env=environment, check=True)
    assert (
        f"[deploy]\naws_access_key_id = AKIAIOSFODNN7EXAMPLE\naws_secret_access_key = {SECRET}"
        in credentials.read_text()
    )


def test_what_is_there_already_is_never_overwritten(tmp_path: Path) -> None:
    path = tmp_path / "key.csv"
    for make in (lambda: path.write_text("another secret"), lambda: path.symlink_to(tmp_path / "nowhere")):
        make()
        with pytest.raises(FileFault, match="exists") as caught:
            save(CsvStore(str(path), CONSOLE))
        assert caught.value.facts == {"path": str(path)}
        assert os.listdir(tmp_path) == ["key.csv"]
        path.unlink()


def test_a_file_that_appears_meanwhile_is_never_overwritten(tmp_path: Path) -> None:
    path = tmp_path / "key.csv"
    with CsvStore(str(path), CONSOLE).reserve("deploy") as keep:
        path.write_text("another secret")
        with pytest.raises(FileFault, match="File exists"):
            keep(KEY)
    assert path.read_text() == "another secret"
    assert os.listdir(tmp_path) == ["key.csv"]


def test_a_folder_that_is_missing_or_no_folder_is_told_before(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for folder in ("missing", "file"):
        with pytest.raises(FileFault, match=f"{folder} is no folder"):
            CsvStore(str(tmp_path / folder / "key.csv"), CONSOLE).check("deploy")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_that_cannot_be_written_to_is_told_before(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    with pytest.raises(FileFault, match="cannot be written to"):
        CsvStore(str(tmp_path / "key.csv"), CONSOLE).check("deploy")


def test_a_check_touches_nothing(tmp_path: Path) -> None:
    CsvStore(str(tmp_path / "key.csv"), IMPORT).check("deploy")
    assert os.listdir(tmp_path) == []


def test_a_key_that_was_not_made_leaves_nothing_behind(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError), CsvStore(str(tmp_path / "key.csv"), CONSOLE).reserve("deploy"):
        raise RuntimeError("AWS refused")
    assert os.listdir(tmp_path) == []


def test_a_user_name_that_the_aws_cli_could_not_import_is_refused_for_that_form_alone(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="a,b"):
        save(CsvStore(str(tmp_path / "key.csv"), IMPORT), user_name="a,b")
    save(CsvStore(str(tmp_path / "key.csv"), CONSOLE), user_name="a,b")
