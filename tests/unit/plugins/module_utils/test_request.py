# Copyright (c) 2026 rekey.aws contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Options of aws_cli_profile as values."""

from __future__ import annotations

import os

import pytest

from ansible_collections.rekey.aws.plugins.module_utils._errors import InvalidInput
from ansible_collections.rekey.aws.plugins.module_utils._paths import path_of
from ansible_collections.rekey.aws.plugins.module_utils._request import Verification, from_options, misplaced_secrets

OPTIONS = {
    "profile": "p", "state": "present", "section_type": "profile", "remove_from": ["config", "credentials"],
    "access_key_id": None, "secret_access_key": None, "session_token": None, "csv_content": None,
    "update_secret": "always", "replaces": None, "region": None, "output": None, "config": {},
    "credentials_absent": [], "exclusive": False, "user": None, "config_file": None, "credentials_file": None,
    "owner": None, "group": None, "mode": None, "config_mode": None, "directory_mode": "0700", "backup": False,
    "follow": True, "unsafe_writes": False, "verify": False, "verify_timeout": 60.0, "verify_account": None,
    "verify_user_name": None,
}  # fmt: skip


def asked(**options):
    return from_options({**OPTIONS, **options})


def test_config_is_written_as_the_aws_cli_writes_it():
    config = {"a": True, "b": False, "c": 5, "d": None, "e": "text", "f": 1.5, "s3": {"x": 20, "y": None, "z": True}}
    assert asked(config=config).change.config == {
        "a": "true", "b": "false", "c": "5", "d": None, "e": "text", "f": "1.5",
        "s3": {"x": "20", "y": None, "z": "true"},
    }  # fmt: skip


@pytest.mark.parametrize("config", [{"a": [1]}, {"s3": {"a": {"b": "c"}}}, {"s3": {"a": ["x"]}}])
def test_config_has_one_nested_level(config):
    with pytest.raises(InvalidInput, match="config"):
        asked(config=config)


def test_secrets_in_config_are_found_wherever_they_are():
    config = {
        "aws_secret_access_key": "one",
        "S3": {"Secret_Thing": "two"},
        "region": "x",
        "aws_session_token": "three",
    }
    assert sorted(misplaced_secrets({"config": config})) == ["one", "three", "two"]


def test_csv_gives_the_pair():
    change = asked(csv_content="Access key ID,Secret access key\nAKIA1,s3cret\n").change
    assert (change.access_key_id, change.secret_access_key) == ("AKIA1", "s3cret")


@pytest.mark.parametrize(("value", "mode"), [("0640", 0o640), ("640", 0o640), (0o640, 0o640), (None, None), ("0", 0)])
def test_modes_are_octal(value, mode):
    assert asked(mode=value).mode == mode
    assert asked(config_mode=value).config_mode == mode


@pytest.mark.parametrize("value", ["u=rw", "0999", "77777", -1, True, [], "rw-------", ""])
def test_what_is_no_mode_is_refused(value):
    for option in ("mode", "config_mode", "directory_mode"):
        with pytest.raises(InvalidInput, match=option):
            asked(**{option: value})


def test_owners_are_names_or_numbers():
    assert (asked(owner="root").uid, asked(owner="12345").uid, asked(group="23456").gid) == (0, 12345, 23456)
    assert (asked().uid, asked().gid) == (None, None)


@pytest.mark.parametrize("option", ["owner", "group"])
def test_an_unknown_owner_is_named(option):
    with pytest.raises(InvalidInput, match=option + ": this host has no 'no-such-name'"):
        asked(**{option: "no-such-name"})


def test_verification_is_asked_for():
    assert asked().verification is None
    assert asked(verify=True).verification == Verification()
    assert asked(verify=True, verify_account="123456789012", verify_user_name="u").verification == Verification(
        "123456789012", "u"
    )


def test_an_account_that_yaml_took_for_a_number_has_its_zeros():
    assert asked(verify=True, verify_account="1234567").verification.account == "000001234567"


@pytest.mark.parametrize("seconds", [-1.0, float("nan"), float("inf"), 1e9])
def test_waiting_has_an_end(seconds):
    with pytest.raises(InvalidInput, match="verify_timeout"):
        asked(verify_timeout=seconds)


@pytest.mark.parametrize("account", ["1234567890123", "my-account", ""])
def test_what_is_no_account_is_refused(account):
    with pytest.raises(InvalidInput, match="verify_account"):
        asked(verify=True, verify_account=account)


@pytest.mark.parametrize("options", [{"verify_account": "123456789012"}, {"verify_user_name": "me"}])
def test_whose_a_key_is_can_only_be_said_of_a_verified_one(options):
    with pytest.raises(InvalidInput, match="need verify: true"):
        asked(**options)


@pytest.mark.parametrize(
    ("given", "user", "environ", "expected"),
    [
        (None, None, {}, "/home/me/.aws/config"),
        (None, "you", {}, "/home/me/.aws/config"),
        ("/etc/aws", None, {}, "/etc/aws"),
        ("~/x", "you", {}, "/home/me/x"),
        ("~root/x", "you", {}, os.path.expanduser("~root/x")),
        (None, None, {"AWS_CONFIG_FILE": "/env/config"}, "/env/config"),
        (None, None, {"AWS_CONFIG_FILE": "$SOMEWHERE/config", "SOMEWHERE": "/some"}, "/some/config"),
        (None, None, {"AWS_CONFIG_FILE": "~/mine"}, "/home/me/mine"),
        (None, None, {"AWS_CONFIG_FILE": ""}, "/home/me/.aws/config"),
        (None, "you", {"AWS_CONFIG_FILE": "/env/config"}, "/home/me/.aws/config"),
        ("/etc/aws", None, {"AWS_CONFIG_FILE": "/env/config"}, "/etc/aws"),
    ],
)
def test_files_are_where_the_aws_cli_of_that_user_has_them(monkeypatch, given, user, environ, expected):
    monkeypatch.delenv("AWS_CONFIG_FILE", raising=False)
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    assert path_of("config", given, user, "/home/me") == expected
