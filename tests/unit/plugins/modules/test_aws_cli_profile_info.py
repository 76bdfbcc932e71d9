# Copyright (c) 2026 rekey.aws contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The module as a process, on files as hosts have them."""

from __future__ import annotations

import os
import pwd
import shutil
import tempfile
from pathlib import Path

import pytest

from ansible_collections.rekey.aws.tests.unit.plugins.modules.process import run_module

SECRETS = (
    "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
    "a/session+token/that/is/quite/long",
    "another/secret+that/is/in/config",
)
CREDENTIALS = """\
[default]
aws_access_key_id = AKIADEFAULT
aws_secret_access_key = {0}
region = eu-west-2

[temporary]
aws_access_key_id = ASIATEMPORARY
aws_secret_access_key = {0}
aws_session_token = {1}
""".format(*SECRETS)
CONFIG = """\
[default]
region = eu-west-1
output = json
[profile admin]
role_arn = arn:aws:iam::123456789012:role/admin
source_profile = default
[profile person]
sso_session = company
sso_account_id = 123456789012
sso_role_name = reader
[sso-session company]
sso_region = eu-west-1
[profile helper]
credential_process = /opt/helper --password {2}
[profile odd]
aws_access_key_id = AKIAODD
aws_secret_access_key = {2}
s3 =
  max_concurrent_requests = 20
""".format(*SECRETS)


@pytest.fixture
def home(tmp_path):
    aws = tmp_path / ".aws"
    aws.mkdir()
    (aws / "credentials").write_text(CREDENTIALS)
    (aws / "credentials").chmod(0o640)
    (aws / "config").write_text(CONFIG)
    return aws


def run(home, **options):
    environment = {"HOME": str(home.parent), "AWS_CONFIG_FILE": "", "AWS_SHARED_CREDENTIALS_FILE": ""}
    return run_module("aws_cli_profile_info", options, environment)


def test_each_profile_is_told_as_the_aws_cli_reads_it(home):
    (found,) = run(home).result["users"]
    told = {profile.pop("name"): profile for profile in found["profiles"]}
    assert {name: (profile["kind"], profile["access_key_id"]) for name, profile in told.items()} == {
        "default": ("static", "AKIADEFAULT"),
        "admin": ("role", None),
        "person": ("sso", None),
        "helper": ("process", None),
        "odd": ("static", "AKIAODD"),
        "temporary": ("static", "ASIATEMPORARY"),
    }
    assert told["default"]["config"] == {"aws_access_key_id": "AKIADEFAULT", "region": "eu-west-2", "output": "json"}
    assert told["default"]["shadowed"] == ["region"]
    assert told["odd"]["config"]["s3"] == {"max_concurrent_requests": "20"}
    assert (told["admin"]["in_config"], told["admin"]["in_credentials"]) == (True, False)
    assert (found["credentials_mode"], found["config_mode"]) == ("0640", "0644")
    assert (found["user"], found["faults"]) == (None, [])
    assert found["credentials_file"] == str(home / "credentials")


def test_no_secret_is_told_unless_asked(home):
    printed = run(home).printed
    assert not [secret for secret in SECRETS if secret in printed]


def test_secrets_are_told_when_asked(home):
    (found,) = run(home, secrets=True, profiles=["default", "temporary", "odd", "person"]).result["users"]
    told = {profile["name"]: (profile["secret_access_key"], profile["session_token"]) for profile in found["profiles"]}
    assert told == {
        "default": (SECRETS[0], None),
        "temporary": (SECRETS[0], SECRETS[1]),
        "odd": (SECRETS[2], None),
        "person": (None, None),
    }


def test_profiles_are_chosen_by_name_and_one_that_is_missing_is_left_out(home):
    (found,) = run(home, profiles=["admin", "no-such"]).result["users"]
    assert [profile["name"] for profile in found["profiles"]] == ["admin"]


def test_where_there_are_no_files_there_are_no_profiles(tmp_path):
    (found,) = run(tmp_path / "nowhere").result["users"]
    assert (found["profiles"], found["faults"]) == ([], [])
    assert (found["config_mode"], found["credentials_mode"]) == (None, None)


def test_faults_have_their_lines_and_show_nothing(home):
    with (home / "credentials").open("a") as stream:
        stream.write("{0} without a delimiter\n[default]\n".format(SECRETS[0]))
    outcome = run(home)
    faults = outcome.result["users"][0]["faults"]
    assert [(fault["path"], fault["line"]) for fault in faults] == [
        (str(home / "credentials"), 10),
        (str(home / "credentials"), 11),
    ]
    assert SECRETS[0] not in outcome.printed


def test_a_file_that_cannot_be_read_is_no_file_without_profiles(home):
    (home / "credentials").unlink()
    (home / "credentials").mkdir()
    result = run(home).result
    assert result["failed"]
    assert str(home / "credentials") in result["msg"]


def test_an_unknown_user_is_named(home):
    result = run(home, users=["no-such-user"]).result
    assert result["failed"]
    assert "no-such-user" in result["msg"]


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root, to act as others")
def test_several_users_are_read_each_with_their_own_rights(home):
    nobody = pwd.getpwnam("nobody")
    base = Path(tempfile.mkdtemp())
    try:
        base.chmod(0o755)
        (base / "credentials").write_text(CREDENTIALS)
        (base / "credentials").chmod(0o600)
        options = {"users": ["root", "nobody"], "config_file": "/nonexistent/config"}
        result = run(home, credentials_file=str(base / "credentials"), **options).result
        assert result["failed"]
        assert "Permission denied" in result["msg"]
        os.chown(base / "credentials", nobody.pw_uid, nobody.pw_gid)
        result = run(home, credentials_file=str(base / "credentials"), **options).result
        assert [(found["user"], len(found["profiles"])) for found in result["users"]] == [("root", 2), ("nobody", 2)]
    finally:
        shutil.rmtree(base)
