# Copyright (c) 2026 rekey.aws contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A change of a profile makes the AWS CLI resolve what was asked, and nothing else differently."""

from __future__ import annotations

import time

import botocore.session
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ansible_collections.rekey.aws.plugins.module_utils._errors import FileFault, InvalidInput
from ansible_collections.rekey.aws.plugins.module_utils._profile import Change, Fault, Files, Pair, plan, read
from ansible_collections.rekey.aws.tests.fuzz import aws_files, properties

CONFIG, CREDENTIALS = "/home/a/.aws/config", "/home/a/.aws/credentials"
PAIR = "aws_access_key_id = AKIAOLD\naws_secret_access_key = hidden/old\n"
NEW = {"access_key_id": "AKIANEW", "secret_access_key": "hidden/new"}
NEW_PAIR = "aws_access_key_id = AKIANEW\naws_secret_access_key = hidden/new\n"


def files(config=None, credentials=None):
    return Files(
        None if config is None else config.encode(),
        None if credentials is None else credentials.encode(),
        CONFIG,
        CREDENTIALS,
    )


def planned(tmp_path, before=None, secrets_before=None, /, name="x", **change):
    """The plan and what the files hold afterwards; on the way, every promise of tests/fuzz is looked after."""
    asked, now = Change(name, **change), files(before, secrets_before)
    properties.keeps_its_promises(asked, now.config, now.credentials, tmp_path)
    made = plan(asked, now)
    after = [
        old if new is None else new for old, new in ((now.config, made.config), (now.credentials, made.credentials))
    ]
    return made, *(None if data is None else data.decode() for data in after)


# Where a profile stands


def test_a_new_profile_is_written_as_aws_configure_writes_it(tmp_path):
    made, config, credentials = planned(tmp_path, **NEW, region="eu-west-1", output="json")
    assert config == "[profile x]\nregion = eu-west-1\noutput = json\n"
    assert credentials == "[x]\n" + NEW_PAIR
    assert made.created
    assert made.keys_changed == ("region", "output", "aws_access_key_id", "aws_secret_access_key")


def test_the_default_profile_has_the_headers_of_aws_configure(tmp_path):
    _made, config, credentials = planned(tmp_path, name="default", **NEW, region="eu-west-1")
    assert config == "[default]\nregion = eu-west-1\n"
    assert credentials == "[default]\n" + NEW_PAIR


def test_a_file_that_has_nothing_to_say_is_not_made(tmp_path):
    _made, config, credentials = planned(tmp_path, **NEW)
    assert (config, credentials) == (None, "[x]\n" + NEW_PAIR)
    _made, config, credentials = planned(tmp_path, region="eu-west-1")
    assert (config, credentials) == ("[profile x]\nregion = eu-west-1\n", None)


def test_a_profile_without_settings_is_made_all_the_same(tmp_path):
    made, config, credentials = planned(tmp_path)
    assert (config, credentials, made.created) == ("[profile x]\n", None, True)


@pytest.mark.parametrize(
    ("name", "header"),
    [
        ("x", "[profile x]"),
        ("x", '[profile "x"]'),
        ("x", "[profile 'x']"),
        ("x", "[profile   x  ]"),
        ("x", "[profile\tx]"),
        ("x", "  [profile x]"),
        ("x", "[profile x] # comment"),
        ("x", "[profile x];comment"),
        ("x", r"[profile \x]"),
        ("x", "[profile 'x'\"\"]"),
        ("a b", '[profile "a b"]'),
        ("a b", r"[profile a\ b]"),
        ("default", "[default]"),
        ("default", "[profile default]"),
        ("é", "[profile é]"),
    ],
)
def test_a_section_is_found_however_it_is_spelled(name, header, tmp_path):
    before = f"[profile other]\n{header}\noutput = text\n"
    _made, config, _credentials = planned(tmp_path, before, name=name, region="eu-west-1")
    assert config == before + "region = eu-west-1\n"


@pytest.mark.parametrize(
    "header",
    [
        *["[x]", "[ profile x]", "[profile X]", "[profile x y]", "[profile]", "[sso-session x]", "[services x]"],
        *["[profile y] # see [docs]", "# [profile x]", "[profile x', ']", "[Profile x]", '[profile "x]'],
    ],
)
def test_what_only_looks_alike_stays_apart(header, tmp_path):
    before = f"{header}\n[default]\nregion = a\n"
    _made, config, _credentials = planned(tmp_path, before, region="eu-west-1")
    assert config == before + "[profile x]\nregion = eu-west-1\n"


@pytest.mark.parametrize(
    "name", ["a b", "it's", 'q"q', "back\\slash", "#x", "[x", "a'b\"c d", "x;y", "profile x", "$HOME"]
)
def test_a_new_header_is_quoted_so_that_the_aws_cli_finds_it(name, tmp_path, monkeypatch):
    _made, config, credentials = planned(tmp_path, name=name, region="eu-west-1", **NEW)
    for variable, text in (("AWS_CONFIG_FILE", config), ("AWS_SHARED_CREDENTIALS_FILE", credentials)):
        path = tmp_path / variable
        path.write_text(text)
        monkeypatch.setenv(variable, str(path))
    session = botocore.session.Session(profile=name)
    assert session.get_scoped_config()["region"] == "eu-west-1"
    assert session.get_credentials().access_key == "AKIANEW"


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("[default]", "[profile default]"),
        ("[profile default]", "[default]"),
        ("[profile default]", '[profile "default"]'),
    ],
)
def test_of_two_spellings_the_one_that_the_aws_cli_uses_is_edited(first, second, tmp_path):
    before = f"{first}\nregion = a\n{second}\nregion = b\n"
    made, config, _credentials = planned(tmp_path, before, name="default", region="c")
    assert config == f"{first}\nregion = a\n{second}\nregion = c\n"
    assert second in made.warnings[0]
    _made, config, _credentials = planned(tmp_path, before, name="default", state="absent")
    assert config == ""


@pytest.mark.parametrize("section_type", ["sso-session", "services"])
def test_other_sections_live_in_config_alone(section_type, tmp_path):
    credentials = "[x]\n" + PAIR
    _made, config, after = planned(
        tmp_path, "[profile x]\n", credentials, section_type=section_type, config={"sso_region": "eu-west-1"}
    )
    assert config == f"[profile x]\n[{section_type} x]\nsso_region = eu-west-1\n"
    assert after == credentials
    _made, config, after = planned(tmp_path, config, credentials, section_type=section_type, state="absent")
    assert (config, after) == ("[profile x]\n", credentials)
    for option in (NEW, {"region": "a"}):
        with pytest.raises(InvalidInput, match="belongs to a profile"):
            plan(Change("x", section_type, **option), files())


# Absent


def test_absent_removes_the_profile_from_both_files_or_from_the_one_named(tmp_path):
    config, credentials = "[profile x]\nregion = a\n", "[x]\n" + PAIR + "[y]\n"
    made, *after = planned(tmp_path, config, credentials, state="absent")
    assert after == ["", "[y]\n"]
    assert made.keys_removed == ("region", "aws_access_key_id", "aws_secret_access_key")
    made = plan(Change("x", state="absent", remove_from=("credentials",)), files(config, credentials))
    assert (made.config, made.credentials) == (None, b"[y]\n")


def test_absent_without_the_profile_or_the_files_changes_nothing(tmp_path):
    for texts in ((None, None), ("[profile y]\n", "")):
        made, *after = planned(tmp_path, *texts, state="absent")
        assert not made.changed
        assert after == list(texts)


def test_absent_tells_whose_source_is_gone(tmp_path):
    config = "[profile x]\n[profile y]\nrole_arn = r\nsource_profile = x\n"
    made, _config, _credentials = planned(tmp_path, config, state="absent")
    assert "source_profile" in made.warnings[0]


# The pair


def test_a_pair_is_replaced_where_it_stands_in_the_style_it_has(tmp_path):
    before = (
        "# keep\n[x]\nAWS_ACCESS_KEY_ID=AKIAOLD\n# between\naws_secret_access_key : hidden/old\nregion=a\n[y]\n" + PAIR
    )
    made, _config, credentials = planned(tmp_path, None, before, **NEW)
    assert credentials == before.replace("AKIAOLD", "AKIANEW", 1).replace("hidden/old", "hidden/new", 1)
    assert made.previous == Pair("AKIAOLD", "hidden/old")
    assert made.pair == Pair("AKIANEW", "hidden/new")
    assert made.keys_changed == ("aws_access_key_id", "aws_secret_access_key")
    assert not made.created


def test_a_pair_in_config_is_replaced_there_and_that_is_said(tmp_path):
    made, config, credentials = planned(tmp_path, "[profile x]\n" + PAIR, "[y]\n", **NEW)
    assert (config, credentials) == ("[profile x]\n" + NEW_PAIR, "[y]\n")
    assert made.secret_in_config


def test_of_two_pairs_the_one_in_credentials_is_replaced(tmp_path):
    made, config, credentials = planned(tmp_path, "[profile x]\n" + PAIR, "[x]\n" + PAIR, **NEW)
    assert (config, credentials) == ("[profile x]\n" + PAIR, "[x]\n" + NEW_PAIR)
    assert "aws_secret_access_key" in made.warnings[0]


def test_half_a_pair_in_credentials_does_not_hide_the_one_in_config(tmp_path):
    credentials = "[x]\naws_secret_access_key = hidden/stray\n"
    made, config, after = planned(tmp_path, "[profile x]\n" + PAIR, credentials, **NEW)
    assert made.previous == Pair("AKIAOLD", "hidden/old")
    assert (config, after) == ("[profile x]\n" + NEW_PAIR, credentials)


@pytest.mark.parametrize("token", ["aws_session_token", "aws_security_token", "AWS_Session_Token"])
def test_a_long_term_key_drops_a_stale_token(token, tmp_path):
    before = "[x]\n" + PAIR + token + " = hidden/token\n"
    made, _config, credentials = planned(tmp_path, None, before, **NEW)
    assert credentials == "[x]\n" + NEW_PAIR
    assert made.keys_removed == (token.lower(),)
    assert made.previous.session_token == "hidden/token"


def test_a_token_stands_beside_its_pair_and_an_old_name_of_it_goes(tmp_path):
    before = "[x]\n" + PAIR + "region = a\naws_security_token = hidden/token\n"
    _made, _config, credentials = planned(
        tmp_path, None, before, access_key_id="ASIANEW", secret_access_key="hidden/new", session_token="hidden/2"
    )
    assert credentials == (
        "[x]\naws_access_key_id = ASIANEW\naws_secret_access_key = hidden/new\naws_session_token = hidden/2\n"
        "region = a\n"
    )


def test_what_is_left_out_of_a_pair_is_kept(tmp_path):
    before = "[x]\naws_access_key_id = ASIAOLD\naws_secret_access_key = hidden/old\naws_session_token = hidden/t\n"
    made, _config, credentials = planned(tmp_path, None, before, access_key_id="ASIAOLD", region="a")
    assert (credentials, made.keys_changed) == (before, ("region",))
    made, _config, credentials = planned(tmp_path, None, before, session_token="hidden/t2")
    assert (credentials, made.keys_changed) == (before.replace("hidden/t", "hidden/t2"), ("aws_session_token",))


@pytest.mark.parametrize(
    ("credentials", "asked", "needs"),
    [
        (None, {"access_key_id": "AKIANEW"}, "secret_access_key"),
        ("[x]\n" + PAIR, {"access_key_id": "AKIANEW"}, "secret_access_key"),
        (None, {"secret_access_key": "hidden/new"}, "access_key_id"),
        ("[x]\n" + PAIR, {"access_key_id": "ASIANEW", "secret_access_key": "hidden/new"}, "session_token"),
    ],
)
def test_a_pair_that_could_not_work_is_refused(credentials, asked, needs):
    with pytest.raises(InvalidInput, match=f"needs {needs}") as error:
        plan(Change("x", **asked), files(None, credentials))
    assert "hidden" not in error.value.message


def test_on_create_keeps_the_secret_of_the_key_that_is_there(tmp_path):
    before = "[x]\n" + PAIR
    asked = {"access_key_id": "AKIAOLD", "secret_access_key": "hidden/other", "update_secret": "on_create"}
    made, _config, _credentials = planned(tmp_path, None, before, **asked)
    assert not made.changed
    made, _config, credentials = planned(tmp_path, None, before, **{**asked, "access_key_id": "AKIANEW"})
    assert credentials == "[x]\naws_access_key_id = AKIANEW\naws_secret_access_key = hidden/other\n"


# Other settings


def test_a_setting_is_changed_where_the_aws_cli_reads_it(tmp_path):
    config, credentials = "[profile x]\nregion = a\n", "[x]\n" + PAIR + "region = b\n"
    made, after, credentials = planned(tmp_path, config, credentials, region="c")
    assert after == config
    assert credentials == "[x]\n" + PAIR + "region = c\n"
    assert "region" in made.warnings[0]


def test_a_setting_is_unset_in_both_files(tmp_path):
    _made, config, credentials = planned(
        tmp_path, "[profile x]\nRegion = a\n", "[x]\nregion = b\n", config={"region": None}
    )
    assert (config, credentials) == ("[profile x]\n", "[x]\n")


def test_what_is_dropped_from_credentials_is_read_from_config(tmp_path):
    _made, config, credentials = planned(
        tmp_path, "[profile x]\n", "[x]\nregion = b\n", region="a", credentials_absent=("Region",)
    )
    assert (config, credentials) == ("[profile x]\nregion = a\n", "[x]\n")


def test_nested_settings_are_named_with_their_block(tmp_path):
    before = "[profile x]\ns3 =\n  # c\n  a = 1\n  b = 2\nregion = r\n"
    made, config, _credentials = planned(tmp_path, before, config={"s3": {"a": None, "b": "3", "c": "4"}})
    assert config == "[profile x]\ns3 =\n  # c\n  b = 3\n  c = 4\nregion = r\n"
    assert (made.keys_changed, made.keys_removed) == (("s3.b", "s3.c"), ("s3.a",))
    assert made.settings == {"s3": {"b": "3", "c": "4"}, "region": "r"}


def test_exclusive_leaves_what_is_named_alone(tmp_path):
    _made, config, credentials = planned(
        tmp_path,
        "[profile x]\nregion = a\noutput = b\ns3 =\n  a = 1\n  b = 2\n# c\n[profile y]\noutput = d\n",
        "[x]\n" + PAIR + "expiration = z\n",
        access_key_id="AKIAOLD",
        region="a",
        config={"s3": {"a": "1"}},
        exclusive=True,
    )
    assert config == "[profile x]\nregion = a\ns3 =\n  a = 1\n# c\n[profile y]\noutput = d\n"
    assert credentials == "[x]\n" + PAIR
    _made, _config, credentials = planned(tmp_path, None, credentials, config={"role_arn": "r"}, exclusive=True)
    assert credentials == "[x]\n"


def test_source_profile_and_credential_source_exclude_each_other(tmp_path):
    before = "[profile x]\nrole_arn = r\nsource_profile = y\n"
    asked = {"credential_source": "Environment"}
    with pytest.raises(InvalidInput, match="exclude each other"):
        plan(Change("x", config=asked), files(before))
    _made, config, _credentials = planned(tmp_path, before, config={**asked, "source_profile": None})
    assert config == "[profile x]\nrole_arn = r\ncredential_source = Environment\n"


KINDS = {
    "static": ("", PAIR, "static", True),
    "role": ("role_arn = r\nsource_profile = y\n", PAIR, "role", False),
    "role from its own pair": ("role_arn = r\nsource_profile = x\n", PAIR, "role", True),
    "web identity": ("role_arn = r\nweb_identity_token_file = f\n", PAIR, "web_identity", False),
    "sso": ("sso_session = s\nsso_account_id = 1\nsso_role_name = r\n", PAIR, "sso", False),
    "process under a pair": ("credential_process = p\n", PAIR, "static", True),
    "process over a pair in config": ("credential_process = p\n" + PAIR, "", "process", False),
    "login over a pair in config": ("login_session = l\n" + PAIR, "", "login", False),
    "nothing": ("region = a\n", "", "none", True),
}


@pytest.mark.parametrize(("config", "credentials", "kind", "quiet"), KINDS.values(), ids=KINDS)
def test_tells_the_kind_and_warns_of_a_pair_that_is_never_used(config, credentials, kind, quiet, tmp_path):
    now = files("[profile x]\n" + config, "[x]\n" + credentials if credentials else "")
    (profile,), _faults = read(now)
    assert profile.kind == kind
    warnings = plan(Change("x"), now).warnings
    assert [warning for warning in warnings if "never uses" in warning] == [] if quiet else kind in warnings[0]


@pytest.mark.parametrize(
    ("config", "credentials", "asked", "credentials_first"),
    [
        (None, "[x]\n" + PAIR, {"config": {"role_arn": "r"}, "credentials_absent": ("aws_access_key_id",)}, False),
        ("[profile x]\nrole_arn = r\n", None, {**NEW, "config": {"role_arn": None}}, True),
        ("[profile x]\n", "[x]\n" + PAIR, {**NEW, "region": "a"}, True),
    ],
    ids=["from pair to role", "from role to pair", "new pair"],
)
def test_the_files_are_put_in_place_in_an_order_that_works_in_between(config, credentials, asked, credentials_first):
    made = plan(Change("x", **asked), files(config, credentials))
    assert made.config is not None
    assert made.credentials is not None
    assert made.credentials_first is credentials_first


# [DEFAULT]


@pytest.mark.parametrize(
    ("config", "credentials", "asked", "path", "line"),
    [
        ("\n[DEFAULT]\n# c\nregion = a\n[profile x]\n", None, {"config": {"region": None}}, CONFIG, 4),
        (None, "[DEFAULT]\naws_session_token = hidden\n", NEW, CREDENTIALS, 2),
        ("[profile x]\nregion = a\n", "[DEFAULT]\nregion = b\n", NEW, CREDENTIALS, 2),
        (None, "[x]\n[DEFAULT]\nregion = b\n", {"credentials_absent": ("region",)}, CREDENTIALS, 3),
        (None, "[DEFAULT]\nregion = b\n[x]\n", {"region": "a", "credentials_absent": ("region",)}, CREDENTIALS, 2),
        ("[DEFAULT]\ns3 =\n  a = 1\n[profile x]\n", None, {"config": {"s3": {"a": None}}}, CONFIG, 2),
    ],
)
def test_what_DEFAULT_gives_and_the_task_cannot_take_away_is_refused(config, credentials, asked, path, line):
    with pytest.raises(FileFault, match=r"\[DEFAULT\] gives") as fault:
        plan(Change("x", **asked), files(config, credentials))
    assert fault.value.facts == {"path": path, "line": line}


def test_what_DEFAULT_gives_already_is_not_written_again_and_else_overridden(tmp_path):
    before = "[DEFAULT]\nregion = a\ns3 =\n  b = 1\n[profile x]\n"
    made, _config, _credentials = planned(tmp_path, before, region="a", config={"s3": {"b": "1"}})
    assert not made.changed
    _made, config, _credentials = planned(tmp_path, before, region="c", config={"s3": {"d": "2"}})
    assert config == before + "region = c\ns3 =\n    b = 1\n    d = 2\n"


# What cannot be

BAD_TEXTS = [
    "a\nb",
    "a\rb",
    "a\x85b",
    "a\u2028b",
    "a\u2029b",
    "a\x0bb",
    "a\x00b",
    "a\x7fb",
    "\udc80",
    " a",
    "a ",
    "\u3000a",
]


@pytest.mark.parametrize("bad", [*BAD_TEXTS, ""])
def test_hostile_text_is_refused_and_not_shown(bad):
    secret = bad and "hidden" + bad + "hidden" if bad.strip() == bad else bad.replace("a", "hidden")
    for asked in (
        {"name": secret},
        {"access_key_id": secret, "secret_access_key": "s"},
        {"access_key_id": "a", "secret_access_key": secret},
        {"session_token": secret},
        {"region": secret},
        {"config": {secret: "a"}},
        {"config": {"s3": {secret: "a"}}},
        *([{"config": {"a": secret}}, {"config": {"s3": {"a": secret}}}] if bad else []),
    ):
        with pytest.raises(InvalidInput) as error:
            plan(Change(**{"name": "x", **asked}), files("[profile x]\n", "[x]\n" + PAIR))
        assert "hidden" not in error.value.message


@pytest.mark.parametrize("name", ["a=b", "a:b", "#a", ";a", "[a"])
def test_a_setting_that_would_be_read_as_something_else_is_refused(name):
    for config in ({name: "1"}, {"s3": {name: "1"}}):
        with pytest.raises(InvalidInput):
            plan(Change("x", config=config), files())


@pytest.mark.parametrize("name", ["DEFAULT", "a]b", ""])
def test_a_name_that_cannot_be_a_profile_is_refused(name):
    with pytest.raises(InvalidInput):
        plan(Change(name, region="a"), files())


@pytest.mark.parametrize(
    "name",
    ["aws_access_key_id", "AWS_SECRET_ACCESS_KEY", "aws_session_token", "github_token", "my_password", "api_key"],
)
def test_a_secret_in_config_is_refused_since_it_could_not_be_hidden(name):
    for config in ({name: "hidden"}, {"s3": {name: "hidden"}} if name != "aws_access_key_id" else {name: "hidden"}):
        with pytest.raises(InvalidInput, match="access_key_id, secret_access_key and session_token") as error:
            plan(Change("x", config=config), files())
        assert "hidden" not in error.value.message
    assert plan(Change("x", config={name: None}), files("[profile x]\nregion = a\n")).config is None


def test_what_is_asked_for_twice_is_refused():
    for asked in (
        {"region": "a", "config": {"Region": "b"}},
        {"config": {"a": "1", "A": "1"}},
        {**NEW, "credentials_absent": ("AWS_Secret_Access_Key",)},
    ):
        with pytest.raises(InvalidInput):
            plan(Change("x", **asked), files())


# Faults


@pytest.mark.parametrize("asked", [{}, {"region": "a"}, NEW, {"state": "absent"}])
def test_a_file_that_the_aws_cli_refuses_is_told_and_left_alone(asked):
    for texts, path, line in (
        (("[profile y]\nsesame/hidden\n", None), CONFIG, 2),
        ((None, "[y]\na = 1\nA = hidden\n"), CREDENTIALS, 3),
        (("[profile x]\n", "\ufeff[x]\n" + PAIR), CREDENTIALS, 1),
    ):
        with pytest.raises(FileFault) as fault:
            plan(Change("x", **asked), files(*texts))
        assert fault.value.facts == {"path": path, "line": line}
        assert fault.value.message.startswith(f"{path}, line {line}: ")
        assert "hidden" not in fault.value.message


@pytest.mark.parametrize(
    ("before", "asked", "after"),
    [
        ("[profile x]\nregion = a\nREGION = b\noutput = c\n", {"region": "d"}, "[profile x]\nregion = d\noutput = c\n"),
        ("[profile x]\nregion = a\nREGION = b\n", {"config": {"region": None}}, "[profile x]\n"),
        ("[profile x]\n[profile y]\n[profile x]\nregion = a\n", {"state": "absent"}, "[profile y]\n"),
        ("[profile x]\nsesame\n[profile y]\n", {"state": "absent"}, "[profile y]\n"),
        ("[profile x]\ns3 =\n  sesame\n", {"config": {"s3": None}}, "[profile x]\n"),
    ],
)
def test_a_fault_that_the_task_mends_is_no_fault(before, asked, after, tmp_path):
    _made, config, _credentials = planned(tmp_path, before, **asked)
    assert config == after


@pytest.mark.parametrize("asked", [{"region": "a"}, {"state": "absent"}])
def test_a_header_that_one_python_finds_and_another_does_not_is_told(asked):
    before = "\n[profile x] # see [docs]\nregion = b\n"
    with pytest.raises(FileFault, match=f"{CONFIG}, line 2: "):
        plan(Change("x", **asked), files(before))


def test_an_edit_that_would_swallow_the_next_profile_is_refused():
    before = "[profile y]\nregion = a\n[profile x]\n    region = b\n    [profile z]\n    region = c\n"
    with pytest.raises(FileFault, match=r"line 5: .*indentation"):
        plan(Change("x", state="absent"), files(before))


# What is shown


SHY = (
    "[profile x]\ncredential_process = p --password hidden\ngithub_token = hidden\nendpoint_url = https://u:hidden@h/\n"
    "web_identity_token_file = /file\ns3 =\n  proxy_password = hidden\n  a = 1\n[profile y]\n"
)


def test_the_diff_and_all_else_show_no_secret_and_no_neighbour(tmp_path):
    credentials = "[y]\n" + PAIR.replace("AKIAOLD", "AKIANEIGHBOUR") + "[x]\n" + PAIR + "aws_session_token = hidden\n"
    made, _config, _credentials = planned(tmp_path, SHY + PAIR, credentials, **NEW, region="a")
    shown = repr(made) + made.before + made.after + repr(made.settings) + "".join(made.warnings)
    assert "hidden" not in shown
    assert "NEIGHBOUR" not in shown
    assert made.before == (
        f"{CONFIG} [profile x]\ncredential_process = (secret)\ngithub_token = (secret)\nendpoint_url = (secret)\n"
        "web_identity_token_file = /file\ns3.proxy_password = (secret)\ns3.a = 1\n"
        f"{CREDENTIALS} [x]\naws_access_key_id = AKIAOLD\naws_secret_access_key = (secret)\n"
        "aws_session_token = (secret)\n"
    )
    assert made.after == (
        f"{CONFIG} [profile x]\ncredential_process = (secret)\ngithub_token = (secret)\nendpoint_url = (secret)\n"
        "web_identity_token_file = /file\ns3.proxy_password = (secret)\ns3.a = 1\nregion = a\n"
        f"{CREDENTIALS} [x]\naws_access_key_id = AKIANEW\naws_secret_access_key = (changed)\n"
    )


def test_no_value_that_repr_shows_is_secret():
    shown = repr((Pair("AKIA", "hidden", "hidden"), Change("x", **NEW, session_token="hidden", config={"a": "hidden"})))
    assert "hidden" not in shown
    assert "hidden" not in repr((files("hidden", "hidden"), read(files(SHY, "[x]\n" + PAIR))))


def test_bytes_that_are_not_utf8_survive_and_are_told():
    config = b"[profile x]\n# caf\xe9\nnote = \xff\nregion = a\n"
    made = plan(Change("x", region="b"), Files(config, None, CONFIG, CREDENTIALS))
    assert made.config == config.replace(b"region = a", b"region = b")
    assert f"{CONFIG}, line 2" in made.warnings[0]
    assert made.settings["note"] == "\ufffd"
    made.after.encode()
    _profiles, faults = read(Files(config, None, CONFIG, CREDENTIALS))
    assert [(fault.path, fault.line) for fault in faults] == [(CONFIG, 2)]


# Reading


def test_reads_every_profile_as_the_aws_cli_lists_it():
    config = "[default]\nregion = a\n[profile x]\nregion = b\noutput = c\n[preview]\n[sso-session s]\n[profile 'a b']\n"
    credentials = "[x]\n" + PAIR + "region = d\n[only]\n[DEFAULT]\nregion = e\n"
    profiles, faults = read(files(config, credentials))
    assert [profile.name for profile in profiles] == ["default", "x", "a b", "only"]
    default, x, _ab, only = profiles
    assert (x.settings, x.shadowed) == ({"region": "d", "output": "c", "aws_access_key_id": "AKIAOLD"}, ("region",))
    assert (x.pair, x.in_config, x.in_credentials) == (Pair("AKIAOLD", "hidden/old"), True, True)
    assert (default.settings, default.in_credentials) == ({"region": "a"}, False)
    assert (only.settings, only.in_config) == ({"region": "e"}, False)
    assert faults == ()


def test_reads_what_it_can_beside_a_fault():
    profiles, faults = read(files("[profile x]\nregion = a\nsesame\n", "[x]\n" + PAIR))
    assert profiles[0].pair == Pair("AKIAOLD", "hidden/old")
    assert faults == (Fault(CONFIG, 3, "neither a setting (name = value) nor a [section]"),)


def test_five_thousand_profiles_take_less_than_half_a_second():
    config = "".join(f"[profile p{n}]\nregion = eu-west-1\noutput = json\n\n" for n in range(5000))
    credentials = "".join(f"[p{n}]\n{PAIR}\n" for n in range(5000))
    now = files(config, credentials)
    taken = []
    for _attempt in range(5):
        begin = time.process_time()
        made = plan(Change("p2500", **NEW, region="us-east-1"), now)
        taken.append(time.process_time() - begin)
    assert made.config == config.replace("p2500]\nregion = eu-west-1", "p2500]\nregion = us-east-1").encode()
    assert min(taken) < 0.5


@settings(max_examples=250, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    change=aws_files.changes,
    config=st.none() | aws_files.configs,
    credentials=st.none() | aws_files.credentials,
)
def test_any_change_of_any_files_keeps_the_promises(change, config, credentials, tmp_path):
    properties.keeps_its_promises(change, config, credentials, tmp_path)
