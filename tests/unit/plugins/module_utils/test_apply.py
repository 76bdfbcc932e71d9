# Copyright (c) 2026 rekey.aws contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A profile brought to what is asked, on a real disk, with others at work on it; without AWS."""

from __future__ import annotations

import contextlib
import fcntl
import os
import stat
import sys

import pytest

from ansible_collections.rekey.aws.plugins.module_utils import _files
from ansible_collections.rekey.aws.plugins.module_utils._apply import apply
from ansible_collections.rekey.aws.plugins.module_utils._errors import FileFault, InvalidInput, RekeyError
from ansible_collections.rekey.aws.tests.unit.plugins.module_utils.test_files import in_child, look, root_only
from ansible_collections.rekey.aws.tests.unit.plugins.module_utils.test_request import asked

PAIR = {"access_key_id": "AKIANEW", "secret_access_key": "secret-of-new"}
MINE = b"[mine]\naws_access_key_id = AKIAOLD\naws_secret_access_key = secret-of-old\n"


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path))
    return tmp_path / ".aws"


def bring(check=False, profile="mine", **options):
    return apply(asked(profile=profile, **options), check)


def have(home, name, content, mode=0o600):
    home.mkdir(mode=0o700, exist_ok=True)
    (home / name).write_bytes(content)
    (home / name).chmod(mode)


@contextlib.contextmanager
def home_locked(home):
    holder = os.open(home, os.O_RDONLY)
    try:
        fcntl.flock(holder, fcntl.LOCK_EX)
        yield
    finally:
        os.close(holder)


def mode_of(path):
    return stat.S_IMODE(path.stat().st_mode)


def test_a_new_profile_is_written_to_private_files(home):
    result = bring(region="eu-west-1", **PAIR)
    assert (result["changed"], result["created"]) == (True, True)
    assert (result["access_key_id"], result["previous_access_key_id"]) == ("AKIANEW", None)
    assert {name: about[1] for name, about in look(home.parent).items()} == {
        ".aws": 0o700,
        ".aws/config": 0o600,
        ".aws/credentials": 0o600,
    }


def test_a_second_run_changes_nothing(home):
    bring(region="eu-west-1", config={"s3": {"max_concurrent_requests": 20}}, **PAIR)
    before = look(home), (home / "config").stat().st_ino
    result = bring(region="eu-west-1", config={"s3": {"max_concurrent_requests": 20}}, **PAIR)
    assert not result["changed"]
    assert result["keys_changed"] == result["keys_removed"] == []
    assert (look(home), (home / "config").stat().st_ino) == before


@pytest.mark.parametrize("there", [False, True])
def test_check_mode_says_the_same_and_touches_nothing(home, there):
    if there:
        have(home, "credentials", MINE, 0o644)
        have(home, ".credentials.rekey-0", b"left by a kill")
    before = look(home.parent)
    promised = bring(check=True, region="eu-west-1", backup=True, **PAIR)
    assert look(home.parent) == before
    done = bring(region="eu-west-1", **PAIR)
    assert promised == done
    assert done["changed"]


def test_check_mode_promises_nothing_that_cannot_be_done(home):
    have(home, "credentials", MINE)
    os.mkfifo(home / "config")
    with pytest.raises(FileFault):
        bring(check=True, region="eu-west-1")


def test_a_removed_profile_leaves_what_is_not_its(home):
    have(home, "credentials", b"# note\n[other]\nx = 1\n" + MINE)
    assert bring(state="absent")["changed"]
    assert (home / "credentials").read_bytes() == b"# note\n[other]\nx = 1\n"
    assert not bring(state="absent")["changed"]


def test_removing_from_nothing_makes_nothing(home):
    assert not bring(state="absent")["changed"]
    assert not home.exists()


@pytest.mark.parametrize(
    ("mode", "options", "after"),
    [
        (0o644, {}, 0o600),
        (0o640, {}, 0o600),
        (0o400, {}, 0o400),
        (0o600, {}, 0o600),
        (0o600, {"mode": "0640"}, 0o640),
        (0o644, {"mode": 0o640}, 0o640),
    ],
)
def test_credentials_end_private_unless_the_task_says_otherwise(home, mode, options, after):
    have(home, "credentials", MINE, mode)
    bring(**PAIR, **options)
    assert mode_of(home / "credentials") == after


def test_credentials_that_others_can_read_are_mended_though_the_pair_is_the_same(home):
    have(home, "credentials", MINE, 0o644)
    pair = {"access_key_id": "AKIAOLD", "secret_access_key": "secret-of-old"}
    result = bring(**pair)
    assert result["changed"]
    assert "0o644" in result["diff"]["before"]
    assert "0o600" in result["diff"]["after"]
    assert (mode_of(home / "credentials"), (home / "credentials").read_bytes()) == (0o600, MINE)
    assert not bring(**pair)["changed"]


def test_the_mode_of_an_existing_config_stays(home):
    have(home, "config", b"[default]\nregion = eu-west-1\n", 0o644)
    bring(region="eu-west-2")
    assert mode_of(home / "config") == 0o644
    bring(region="eu-west-2", config_mode="0640")
    assert mode_of(home / "config") == 0o640


def test_a_config_with_a_secret_in_it_ends_private(home):
    have(home, "config", MINE.replace(b"[mine]", b"[profile mine]"), 0o644)
    bring(**PAIR)
    assert mode_of(home / "config") == 0o600
    assert not (home / "credentials").exists()


def test_absent_does_not_change_modes(home):
    have(home, "credentials", MINE, 0o644)
    assert not bring(state="absent", profile="other", mode="0600")["changed"]
    assert mode_of(home / "credentials") == 0o644


@root_only
def test_owners_are_given_and_kept(home):
    have(home, "credentials", MINE)
    os.chown(home / "credentials", 12345, 23456)
    bring(**PAIR)
    assert look(home)["credentials"][2:] == (12345, 23456)
    assert bring(owner="0", **PAIR)["changed"]
    assert look(home)["credentials"][2:] == (0, 23456)
    assert not bring(owner="0", group="23456", **PAIR)["changed"]


def test_one_file_for_both_is_refused(home):
    with pytest.raises(InvalidInput, match="same file"):
        bring(config_file=str(home / "x"), credentials_file=str(home / "x"), **PAIR)
    have(home, "config", b"")
    (home / "credentials").symlink_to("config")
    with pytest.raises(InvalidInput, match="same file"):
        bring(**PAIR)


def test_what_a_killed_run_left_is_swept_though_nothing_changes(home):
    bring(**PAIR)
    have(home, ".credentials.rekey-0", MINE)
    assert not bring(**PAIR)["changed"]
    assert os.listdir(home) == ["credentials"]


def test_a_file_that_the_aws_cli_refuses_is_named_with_its_line_and_left_alone(home):
    have(home, "credentials", MINE + b"no delimiter\n")
    before = look(home)
    with pytest.raises(FileFault, match="credentials, line 4") as caught:
        bring(**PAIR)
    assert (caught.value.facts["path"], caught.value.facts["line"]) == (str(home / "credentials"), 4)
    assert look(home) == before


def test_a_failure_tells_the_pair_that_is_held(home, monkeypatch):
    have(home, "credentials", MINE)
    monkeypatch.setattr(_files, "_LOCK_TIMEOUT", 0.05)
    with home_locked(home), pytest.raises(FileFault, match="locked") as caught:
        bring(**PAIR)
    told = {"changed": False, "access_key_id": "AKIAOLD", "previous_access_key_id": "AKIAOLD", "verified": False}
    assert told.items() <= caught.value.facts.items()


@pytest.mark.parametrize("name", ["config", "credentials"])
def test_an_edit_by_a_person_in_between_is_kept_and_the_task_done(home, name):
    have(home, "config", b"[profile theirs]\nregion = eu-west-1\n")
    have(home, "credentials", MINE)
    added = {"config": b"[profile added]\nregion = eu-west-3\n", "credentials": b"[added]\naws_access_key_id = A\n"}
    edits = []

    def edit(event, args):
        # The moment that a temporary file is made: the files have been read, and nothing is renamed.
        if event == "open" and isinstance(args[0], str) and ".rekey-" in args[0] and not edits:
            edits.append(args[0])
            with (home / name).open("ab") as stream:
                stream.write(added[name])

    def work():
        sys.addaudithook(edit)
        assert bring(region="eu-west-2", **PAIR)["changed"]
        assert edits

    assert in_child(work) == 0
    assert added[name] in (home / name).read_bytes()
    assert b"AKIANEW" in (home / "credentials").read_bytes()
    assert b"eu-west-2" in (home / "config").read_bytes()


def test_eight_tasks_at_once_on_the_same_files_all_take_effect(home):
    children = []
    for number in range(8):
        child = os.fork()
        if not child:
            status = 1
            try:
                for turn in range(5):
                    bring(
                        profile="p{0}".format(number),
                        region="r-{0}".format(turn),
                        access_key_id="AKIA{0}{1}".format(number, turn),
                        secret_access_key="s",
                    )
                status = 0
            finally:
                os._exit(status)
        children.append(child)
    assert [os.waitpid(child, 0)[1] for child in children] == [0] * 8
    config, credentials = ((home / name).read_text() for name in ("config", "credentials"))
    for number in range(8):
        assert "[profile p{0}]\nregion = r-4\n".format(number) in config
        assert "[p{0}]\naws_access_key_id = AKIA{0}4\n".format(number) in credentials
    assert sorted(os.listdir(home)) == ["config", "credentials"]


def test_nothing_that_is_told_has_a_secret_in_it(home):
    have(home, "credentials", b"[theirs]\naws_secret_access_key = secret-of-neighbour\n" + MINE)
    for check in (True, False):
        told = repr(bring(check=check, region="eu-west-1", **PAIR))
        for secret in ("secret-of-new", "secret-of-old", "secret-of-neighbour"):
            assert secret not in told
    with pytest.raises(RekeyError) as caught:
        bring(secret_access_key="secret\nof-new")
    assert "of-new" not in repr(caught.value) + str(caught.value.facts)
