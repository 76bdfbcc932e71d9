# Copyright (c) 2026 rekey.aws contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The module as a process, against an AWS that refuses, spreads and fails as AWS does."""

from __future__ import annotations

import base64
import functools
import itertools
import json
import os
import pwd
import re
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import boto3
import pytest

from ansible_collections.rekey.aws.tests.cloud import client
from ansible_collections.rekey.aws.tests.cloud.client import Cloud
from ansible_collections.rekey.aws.tests.unit.plugins.modules.process import run_module

MINORS = range(8, 15)
NAMES = (f"user{number}" for number in itertools.count())
NEIGHBOUR = "neighbours/Secret+OfFortyCharactersExactly"


@pytest.fixture(scope="module")
def running():
    with Cloud.start() as cloud:
        yield cloud


@pytest.fixture
def cloud(running):
    running.clear_journal()
    yield running
    running.faults([])
    running.settings(propagation_seconds=0.0, propagation_by_region={})


@pytest.fixture
def home(tmp_path):
    return tmp_path / ".aws"


@pytest.fixture
def run(cloud, home):
    """Runs the module in this home, against this cloud."""

    def run(*, check=False, diff=False, url=cloud.url, **options):
        environment = {"HOME": str(home.parent), "AWS_CONFIG_FILE": "", "AWS_SHARED_CREDENTIALS_FILE": ""}
        environment.update({"AWS_ENDPOINT_URL": url} if url else {})
        return run_module("aws_cli_profile", {"profile": "mine", **options}, environment, check=check, diff=diff)

    return run


def keys(cloud, count=1):
    """A user with so many keys, and their pairs as options."""
    user = cloud.create_user(next(NAMES), keys=[{}] * count)
    return user.user_name, [
        {"access_key_id": key.access_key_id, "secret_access_key": key.secret_access_key} for key in user.keys
    ]


def spreading(cloud, **settings):
    """A pair that AWS has just made, and that takes a while to spread."""
    user_name = cloud.create_user(next(NAMES), keys=[]).user_name
    cloud.settings(**settings)
    with pytest.MonkeyPatch.context() as patch:
        for name, value in cloud.environ().items():
            patch.setenv(name, value)
        key = boto3.client("iam").create_access_key(UserName=user_name)["AccessKey"]
    return {"access_key_id": key["AccessKeyId"], "secret_access_key": key["SecretAccessKey"]}


def have(home, pair, more=""):
    home.mkdir(exist_ok=True)
    text = "{2}[mine]\naws_access_key_id = {0}\naws_secret_access_key = {1}\n".format(*pair.values(), more)
    (home / "credentials").write_text(text)
    (home / "credentials").chmod(0o600)
    return text


def asked(cloud):
    return cloud.calls().get("GetCallerIdentity", 0)


def test_a_verified_key_is_written_and_whose_it_is_told(run, cloud, home):
    user, (pair,) = keys(cloud)
    result = run(verify=True, verify_user_name=user, verify_account="123456789012", **pair).result
    assert (result["changed"], result["verified"], result["access_key_id"]) == (True, True, pair["access_key_id"])
    assert result["identity"]["arn"].endswith(":user/" + user)
    assert asked(cloud) == 3, "a new key is asked about until it was accepted three times in a row"
    cloud.clear_journal()
    again = run(verify=True, **pair).result
    assert (again["changed"], again["verified"]) == (False, True)
    assert asked(cloud) == 1


def test_without_verify_nothing_is_asked(run, cloud):
    _user, (pair,) = keys(cloud)
    assert not run(**pair).result["verified"]
    assert asked(cloud) == 0


def test_nothing_is_written_before_a_new_key_has_spread(run, cloud, home):
    pair = spreading(cloud, propagation_seconds=3.0)
    made = time.monotonic()
    seen = []

    def watch():
        while not (home / "credentials").exists():
            time.sleep(0.01)
        seen.append(time.monotonic() - made)

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    result = run(verify=True, **pair).result
    watcher.join(5)
    assert result["verified"]
    assert seen
    assert seen[0] >= 2.9
    assert asked(cloud) > 3


@pytest.mark.parametrize(
    "fault", [{"kind": "throttle", "count": 2}, {"kind": "error", "count": 2}, {"kind": "disconnect", "count": 2}]
)
def test_what_may_pass_is_waited_for(run, cloud, fault):
    _user, (pair,) = keys(cloud)
    cloud.faults([{"action": "GetCallerIdentity", **fault}])
    assert run(verify=True, **pair).result["verified"]


def test_a_refused_key_leaves_the_host_as_it_was(run, cloud, home):
    _user, (old, new) = keys(cloud, 2)
    before = have(home, old)
    wrong = {**new, "secret_access_key": "a/wrong+secret/that/is/nobodys/aaaaaaaaaa"}
    outcome = run(verify=True, verify_timeout=1, region="eu-west-1", **wrong)
    assert outcome.result["failed"]
    assert outcome.result["error_code"] == "SignatureDoesNotMatch"
    assert new["access_key_id"] in outcome.result["msg"]
    assert outcome.result["access_key_id"] == outcome.result["previous_access_key_id"] == old["access_key_id"]
    assert (outcome.result["changed"], outcome.result["verified"]) == (False, False)
    assert (home / "credentials").read_text() == before
    assert os.listdir(home) == ["credentials"]


def test_a_key_of_somebody_else_leaves_the_host_as_it_was(run, cloud, home):
    user, (pair,) = keys(cloud)
    for wanted in ({"verify_account": "210987654321"}, {"verify_user_name": "another"}):
        result = run(verify=True, **wanted, **pair).result
        assert result["failed"]
        assert ":user/" + user in result["msg"]
        assert not result["verified"]
    assert not home.exists()


def test_the_key_in_the_file_is_verified_where_none_is_given(run, cloud, home):
    _user, (pair,) = keys(cloud)
    have(home, pair)
    result = run(verify=True).result
    assert (result["changed"], result["verified"]) == (False, True)
    have(home, {**pair, "secret_access_key": "wrong"})
    result = run(verify=True).result
    assert (result["failed"], result["error_code"]) == (True, "SignatureDoesNotMatch")
    assert result["access_key_id"] == pair["access_key_id"]


def test_there_must_be_a_key_to_verify(run, home):
    result = run(verify=True, region="eu-west-1").result
    assert result["failed"]
    assert "no access key" in result["msg"]
    assert not home.exists()


def test_check_mode_asks_aws_and_writes_nothing(run, cloud, home):
    _user, (pair,) = keys(cloud)
    result = run(check=True, verify=True, **pair).result
    assert (result["changed"], result["verified"]) == (True, True)
    assert run(check=True, verify=True, verify_timeout=1, **{**pair, "secret_access_key": "wrong"}).result["failed"]
    assert not home.exists()


def test_the_profiles_region_and_endpoint_are_used(run, cloud, home):
    pair = spreading(cloud, propagation_by_region={"eu-west-1": 100.0})
    assert run(verify=True, region="eu-west-1", verify_timeout=1, **pair).result["failed"]
    assert run(verify=True, region="eu-west-2", **pair).result["verified"]
    home.joinpath("config").write_text(
        "[profile mine]\nregion = eu-west-2\nservices = s\n[services s]\nsts =\n  endpoint_url = {0}\n".format(
            cloud.url
        )
    )
    cloud.clear_journal()
    assert run(url=None, verify=True).result["verified"]
    assert asked(cloud) == 1


def test_a_token_is_part_of_what_is_verified(run, cloud):
    _user, (pair,) = keys(cloud)
    result = run(verify=True, verify_timeout=1, session_token="no-token-of-this-key", **pair).result
    assert result["failed"]


def test_rule_11_a_working_key_that_is_not_named_is_left_alone(run, cloud, home):
    _user, (held, new) = keys(cloud, 2)
    before = have(home, held)
    for replaces in ([], ["AKIASOMETHINGELSE"]):
        result = run(verify=True, replaces=replaces, region="eu-west-1", **new).result
        assert not result.get("failed")
        assert (result["changed"], result["left_alone"], result["verified"]) == (False, True, False)
        assert held["access_key_id"] in result["reason"]
        assert result["access_key_id"] == held["access_key_id"]
    assert (home / "credentials").read_text() == before
    assert not (home / "config").exists()


def test_rule_11_a_key_that_is_named_gives_way(run, cloud, home):
    _user, (held, new) = keys(cloud, 2)
    have(home, held)
    result = run(verify=True, replaces=[held["access_key_id"]], **new).result
    assert (result["changed"], result["verified"], result["left_alone"]) == (True, True, False)
    assert result["previous_access_key_id"] == held["access_key_id"]


def test_rule_11_a_key_that_aws_refuses_gives_way(run, cloud, home):
    _user, (new,) = keys(cloud)
    have(home, {"id": "AKIANOSUCHKEYATALL00", "secret": "x"})
    assert run(verify=True, replaces=[], **new).result["verified"]


@pytest.mark.parametrize("kind", ["disconnect", "throttle", "error", "nobody there"])
def test_rule_11_lacking_an_answer_is_no_proof(run, cloud, home, kind):
    _user, (held, new) = keys(cloud, 2)
    if kind == "nobody there":
        held, url = {"id": "AKIANOSUCHKEYATALL00", "secret": "x"}, "http://127.0.0.1:1"
    else:
        cloud.faults([{"action": "GetCallerIdentity", "kind": kind}])
        url = cloud.url
    before = have(home, held)
    result = run(verify=False, replaces=[], verify_timeout=1, url=url, **new).result
    assert (result["changed"], result["left_alone"]) == (False, True)
    assert "may work" in result["reason"]
    assert (home / "credentials").read_text() == before


def test_rule_11_a_right_key_with_a_wrong_secret_is_mended(run, cloud, home):
    _user, (pair,) = keys(cloud)
    have(home, {**pair, "secret_access_key": "wrong"})
    result = run(verify=True, replaces=[], **pair).result
    assert (result["changed"], result["verified"]) == (True, True)
    assert pair["secret_access_key"] in (home / "credentials").read_text()


def test_no_output_has_a_secret_in_it(run, cloud, home):
    _user, (old, new) = keys(cloud, 2)
    more = "[theirs]\naws_access_key_id = AKIATHEIRS\naws_secret_access_key = {0}\n".format(NEIGHBOUR)
    csv = "Access key ID,Secret access key\n{0},{1}\n".format(*new.values())
    odd = "odd/Secret+With\nLineBreakOfSomeFortyCharacters"
    secrets = {
        old["secret_access_key"],
        new["secret_access_key"],
        NEIGHBOUR,
        odd,
        "LineBreakOfSome",
        "tokenOfManyLetters",
    }
    for options in (
        {"check": True, "diff": True, **new},
        {"diff": True, "verify": True, **new},
        {"diff": True, "verify": True, "verify_account": "210987654321", **new},
        {"diff": True, "csv_content": csv},
        {"diff": True, "csv_content": "rubbish\n" + csv},
        {"diff": True, "session_token": "tokenOfManyLetters", **new},
        {"diff": True, "state": "absent"},
        {"access_key_id": new["access_key_id"], "secret_access_key": odd},
        {"config": {"aws_secret_access_key": new["secret_access_key"]}},
        {"config": {"s3": {"my_token": new["secret_access_key"]}}},
        {"replaces": [], "verify": True, **new},
        {"credentials_file": "/dev/null", **new},
    ):
        have(home, old, more)
        outcome = run(**options)
        for secret in secrets:
            assert secret not in outcome.printed, options.keys()
        (home / "credentials").write_text("[mine]\nno delimiter {0}\n".format(NEIGHBOUR))
        broken = run(**options)
        assert NEIGHBOUR not in broken.printed


def test_a_diff_says_what_changes_and_hides_what_is_secret(run, cloud, home):
    _user, (old, new) = keys(cloud, 2)
    have(home, old)
    diff = run(diff=True, region="eu-west-1", **new).result["diff"]
    assert old["access_key_id"] in diff["before"]
    assert new["access_key_id"] in diff["after"]
    assert "region = eu-west-1" in diff["after"]
    assert "aws_secret_access_key = (changed)" in diff["after"]
    assert "diff" not in run(region="eu-west-1", **new).result


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"access_key_id": "AKIA1"}, "secret_access_key"),
        ({"secret_access_key": NEIGHBOUR}, "access_key_id"),
        ({"csv_content": NEIGHBOUR, "access_key_id": "AKIA1"}, "mutually exclusive"),
        ({"user": "nobody", "owner": "root"}, "mutually exclusive"),
        ({"profile": "a\nb"}, "line break"),
        ({"profile": "DEFAULT"}, "DEFAULT"),
        ({"state": "gone"}, "state"),
        ({"user": "no-such-user"}, "no-such-user"),
        ({"region": "not a region", "verify": True, "access_key_id": "A", "secret_access_key": NEIGHBOUR}, "region"),
        ({"remove_from": ["elsewhere"], "state": "absent"}, "remove_from"),
    ],
)
def test_bad_input_gets_a_clear_error_and_changes_nothing(run, home, options, says):
    result = run(**options).result
    assert result["failed"]
    assert says in result["msg"]
    assert not home.exists()


def test_warnings_are_told(run, home):
    config = {"role_arn": "arn:aws:iam::123456789012:role/r", "source_profile": "other"}
    result = run(access_key_id="AKIA1", secret_access_key=NEIGHBOUR, config=config).result
    assert "kind role" in str(result["warnings"])


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root, to act as others")
def test_as_another_user_a_key_is_verified_and_written_with_their_rights(run, cloud):
    _user, (pair,) = keys(cloud)
    nobody = pwd.getpwnam("nobody")
    base = Path(tempfile.mkdtemp())
    try:
        base.chmod(0o755)
        (base / "home").mkdir(mode=0o700)
        os.chown(base / "home", nobody.pw_uid, nobody.pw_gid)
        files = {name + "_file": str(base / "home" / ".aws" / name) for name in ("config", "credentials")}
        result = run(user="nobody", verify=True, region="eu-west-1", **files, **pair).result
        assert result["verified"], result
        for path in (base / "home" / ".aws", *files.values()):
            assert (os.stat(path).st_uid, os.stat(path).st_gid) == (nobody.pw_uid, nobody.pw_gid)
        assert not run(user="nobody", verify=True, region="eu-west-1", **files, **pair).result["changed"]
    finally:
        shutil.rmtree(base)


@functools.lru_cache(maxsize=None)
def pythons():
    """Interpreters of managed hosts by minor version, one of each that this machine has."""
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"))
    paths = [*pyenv.glob("versions/3.*/bin/python3"), *(shutil.which(f"python3.{minor}") for minor in MINORS)]
    found = {}
    for path in (sys.executable, *filter(None, paths)):
        version = [path, "-c", "import sys; print(sys.version_info[1])"]
        ended = subprocess.run(version, capture_output=True, text=True, check=False)
        found.setdefault(ended.stdout.strip(), str(path))
    return found


@pytest.fixture(scope="module")
def payloads(running, tmp_path_factory):
    """What Ansible sends to a host, by module, and the pair in it."""
    _user, (pair,) = keys(running)
    sent = tmp_path_factory.mktemp("sent")
    environment = {**os.environ, "ANSIBLE_KEEP_REMOTE_FILES": "true", "ANSIBLE_REMOTE_TMP": str(sent)}
    environment["ANSIBLE_COLLECTIONS_PATH"] = str(Path(client.__file__).parents[5])
    tasks = [
        {
            "rekey.aws.aws_cli_profile": {
                "profile": "mine",
                "region": "eu-west-1",
                "verify": True,
                "backup": True,
                **pair,
            }
        },
        {"rekey.aws.aws_cli_profile_info": {"profiles": ["mine"]}},
        {"ansible.builtin.ping": {}},
    ]
    (sent / "play.yml").write_text(json.dumps([{"hosts": "all", "gather_facts": False, "tasks": tasks}]))
    command = [
        sys.executable,
        "-m",
        "ansible",
        "playbook",
        str(sent / "play.yml"),
        "-i",
        "host,",
        "-c",
        "local",
        "--check",
    ]
    command += ["-e", json.dumps({"ansible_python_interpreter": sys.executable})]
    subprocess.run(command, env={**environment, **running.environ()}, capture_output=True, check=True)
    paths = {path.stem.partition("_")[2]: path for path in sent.glob("*/AnsiballZ_*.py")}
    return paths, pair


@pytest.mark.parametrize("minor", MINORS)
def test_the_standard_library_of_each_python_is_enough(cloud, home, minor, payloads):
    python = pythons().get(str(minor))
    if not python:
        pytest.skip(f"this machine has no Python 3.{minor}")
    paths, pair = payloads
    ours = {**cloud.environ(), "HOME": str(home.parent), "PATH": os.environ["PATH"]}

    def run(payload):
        text = payload.read_text().replace('"_ansible_check_mode": true', '"_ansible_check_mode": false')
        ended = subprocess.run([python, "-"], input=text, env=ours, capture_output=True, text=True, check=False)
        assert ended.stdout, ended.stderr
        return json.loads(ended.stdout)

    result = run(paths["aws_cli_profile"])
    assert (result.get("changed"), result.get("verified")) == (True, True), result
    assert (home / "credentials").exists()
    (profile,) = run(paths["aws_cli_profile_info"])["users"][0]["profiles"]
    assert (profile["access_key_id"], profile["kind"]) == (pair["access_key_id"], "static")


def test_what_is_sent_is_small(payloads):
    paths, _pair = payloads

    def size(name):
        """Of the archive in it, in bytes."""
        archive = max(re.findall(r"[A-Za-z0-9+/=]{1000,}", paths[name].read_text()), key=len)
        return len(base64.b64decode(archive))

    for name in ("aws_cli_profile", "aws_cli_profile_info"):
        assert size(name) < size("ping") + 40 * 1024
