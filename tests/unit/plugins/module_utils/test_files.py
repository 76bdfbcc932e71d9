# Copyright (c) 2026 rekey.aws contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Files on a real disk, by real processes that are killed or fail at each single step."""

from __future__ import annotations

import errno
import fcntl
import itertools
import os
import pwd
import resource
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest

from ansible_collections.rekey.aws.plugins.module_utils import _files
from ansible_collections.rekey.aws.plugins.module_utils._errors import FileFault, InvalidInput, RekeyError
from ansible_collections.rekey.aws.plugins.module_utils._files import (
    ChangedMeanwhile,
    Manner,
    Replacement,
    read,
    replace,
)

root_only = pytest.mark.skipif(os.geteuid() != 0, reason="needs root, to act as others")

# What Python tells of a process's dealings with files (its audit events): each is a point to die or to fail at.
STEPS = (
    "open", "os.rename", "os.remove", "os.mkdir", "os.rmdir", "os.chmod", "os.chown", "os.truncate", "os.listdir",
    "os.getxattr", "os.setxattr", "os.removexattr", "fcntl.flock",
)  # fmt: skip


NOTHING_HAPPENED = 9


def in_child(work, at=None, happens=None, ever_after=False):
    """Do ``work`` in a process of its own, in which ``happens`` at step number ``at``; its exit status.

    ``ever_after``: at each later step, too. A negative status is the signal that killed it; 0 means success,
    3 a RekeyError, 6 one that says that something changed, 4 that the files changed meanwhile, 5 anything else, and
    NOTHING_HAPPENED success without ever getting to the step.
    """
    child = os.fork()
    if child:
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    steps = itertools.count()
    happened = []

    def hook(event, args):
        step = next(steps) if event in STEPS else -1
        if step == at or (ever_after and step > at):
            happened.append(event)
            happens()

    if at is not None:
        sys.addaudithook(hook)
    try:
        work()
        status = 0 if happened or at is None else NOTHING_HAPPENED
    except RekeyError as error:
        status = 6 if error.facts.get("changed") else 3
    except ChangedMeanwhile:
        status = 4
    except BaseException:
        status = 5
    os._exit(status)


def die():
    os.kill(os.getpid(), signal.SIGKILL)


def fail():
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def at_each_step(work, happens, prepare, ever_after=False):
    """What comes of ``work`` when something ``happens`` at a step of it, for each step: the folder and the status."""
    for at in itertools.count():
        folder = prepare()
        status = in_child(lambda folder=folder: work(folder), at, happens, ever_after)
        if status == NOTHING_HAPPENED:
            assert at > 10
            return
        yield folder, status


def look(folder):
    """Names, contents, modes and owners of everything below a folder."""
    found = {}
    for path in sorted(Path(folder).rglob("*")):
        about = path.lstat()
        content = path.read_bytes() if path.is_file() else None
        found[str(path.relative_to(folder))] = (content, stat.S_IMODE(about.st_mode), about.st_uid, about.st_gid)
    return found


@pytest.fixture
def folder(tmp_path):
    return tmp_path


@pytest.fixture
def aws(tmp_path):
    """A folder with both files, as a user may have them."""
    (tmp_path / "config").write_bytes(b"old config")
    (tmp_path / "config").chmod(0o644)
    (tmp_path / "credentials").write_bytes(b"old credentials")
    (tmp_path / "credentials").chmod(0o600)
    return tmp_path


def both(folder):
    return [read(str(folder / name)) for name in ("config", "credentials")]


def write_both(folder, manner=None):
    seen = both(folder)
    new = [Replacement(file, b"new " + file.name.encode(), 0o600) for file in seen]
    return replace(new, seen, manner or Manner())


@pytest.fixture
def fresh(tmp_path):
    """Makes folders with both files, or with none."""
    numbers = itertools.count()

    def make(empty=False):
        folder = tmp_path / str(next(numbers)) / "home"
        folder.mkdir(parents=True)
        if empty:
            return folder / ".aws" / "deep"
        (folder / "config").write_bytes(b"old config")
        (folder / "config").chmod(0o644)
        (folder / "credentials").write_bytes(b"old credentials")
        (folder / "credentials").chmod(0o600)
        return folder

    return make


def test_a_kill_at_any_step_leaves_each_file_whole(fresh):
    states = set()
    for folder, status in at_each_step(write_both, die, fresh):
        assert status == -signal.SIGKILL
        found = tuple((folder / name).read_bytes() for name in ("config", "credentials"))
        assert found[0] in (b"old config", b"new config")
        assert found[1] in (b"old credentials", b"new credentials")
        states.add(found)
        for path in folder.iterdir():
            assert "config" in path.name or stat.S_IMODE(path.stat().st_mode) == 0o600
        _files.sweep(both(folder))
        assert sorted(os.listdir(folder)) == ["config", "credentials"]
        write_both(folder)
        assert [file.content for file in both(folder)] == [b"new config", b"new credentials"]
    assert len(states) == 3, "killed before, between and after the renames"


def test_a_kill_at_any_step_of_the_first_write_can_be_repeated(fresh):
    for folder, status in at_each_step(write_both, die, lambda: fresh(empty=True)):
        assert status == -signal.SIGKILL
        _files.sweep(both(folder))
        write_both(folder)
        assert sorted(os.listdir(folder)) == ["config", "credentials"]
        assert [file.content for file in both(folder)] == [b"new config", b"new credentials"]


@pytest.mark.parametrize(
    "manner", [Manner(), Manner(backup=True), Manner(in_place=True)], ids=["plain", "backup", "in place"]
)
def test_a_failure_at_any_step_leaves_both_files_as_they_were(fresh, manner):
    before = look(fresh())
    for folder, status in at_each_step(lambda folder: write_both(folder, manner), fail, fresh):
        assert status in (0, 3)
        if status:
            assert look(folder) == before
        else:
            assert [file.content for file in both(folder)] == [b"new config", b"new credentials"]


def test_where_nothing_works_any_more_files_are_whole_and_the_message_is_true(fresh):
    statuses = set()
    for folder, status in at_each_step(write_both, fail, fresh, ever_after=True):
        found = [(folder / name).read_bytes() for name in ("config", "credentials")]
        statuses.add(status)
        assert status in (0, 3, 6)
        if status == 3:
            assert found == [b"old config", b"old credentials"]
        if status == 6:
            assert found == [b"new config", b"old credentials"]
        if status == 0:
            assert found == [b"new config", b"new credentials"]
    assert statuses == {0, 3, 6}


def test_a_failure_at_any_step_leaves_no_folder_behind(fresh):
    for folder, status in at_each_step(write_both, fail, lambda: fresh(empty=True)):
        assert status in (0, 3)
        assert bool(status) != folder.parent.exists()


def test_a_full_disk_leaves_both_files_as_they_were(aws):
    before = look(aws)
    seen = both(aws)

    def work():
        resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
        replace([Replacement(seen[0], b"new", 0o644), Replacement(seen[1], b"x" * 5000, 0o600)], seen, Manner())

    assert in_child(work) == 3
    assert look(aws) == before


def test_new_files_and_folders_are_private(fresh):
    folder = fresh(empty=True)
    umask = os.umask(0)
    try:
        write_both(folder)
    finally:
        os.umask(umask)
    assert {name: about[1] for name, about in look(folder.parent.parent).items()} == {
        ".aws": 0o700,
        ".aws/deep": 0o700,
        ".aws/deep/config": 0o600,
        ".aws/deep/credentials": 0o600,
    }


def test_text_is_private_from_its_first_byte(aws, monkeypatch):
    modes = []
    real = _files._write_all

    def watched(fd, content):
        modes.append(stat.S_IMODE(os.fstat(fd).st_mode))
        real(fd, content)

    monkeypatch.setattr(_files, "_write_all", watched)
    umask = os.umask(0)
    try:
        write_both(aws)
    finally:
        os.umask(umask)
    assert modes
    assert set(modes) == {0o600}


def test_backups_are_private_and_hold_what_was(aws):
    backups = write_both(aws, Manner(backup=True))
    assert [Path(path).read_bytes() for path in backups] == [b"old config", b"old credentials"]
    assert {stat.S_IMODE(os.stat(path).st_mode) for path in backups} == {0o600}
    assert len(os.listdir(aws)) == 4


def test_a_file_that_is_new_has_no_backup(fresh):
    assert write_both(fresh(empty=True), Manner(backup=True)) == []


@pytest.mark.parametrize("name", ["config", "credentials"])
def test_a_foreign_edit_since_the_reading_is_kept(aws, name):
    seen = both(aws)
    (aws / name).write_bytes(b"a person's")
    before = look(aws)
    with pytest.raises(ChangedMeanwhile):
        replace([Replacement(seen[1], b"new", 0o600)], seen, Manner())
    assert look(aws) == before


def test_a_file_that_appeared_since_the_reading_is_kept(fresh):
    folder = fresh(empty=True)
    seen = both(folder)
    folder.mkdir(parents=True)
    (folder / "credentials").write_bytes(b"a person's")
    with pytest.raises(ChangedMeanwhile):
        replace([Replacement(file, b"new", 0o600) for file in seen], seen, Manner())
    assert {name: about[0] for name, about in look(folder).items()} == {"credentials": b"a person's"}


def test_links_stay_and_what_they_lead_to_is_replaced(aws, tmp_path):
    elsewhere = tmp_path / "dotfiles"
    elsewhere.mkdir()
    (aws / "credentials").rename(elsewhere / "secret")
    (aws / "credentials").symlink_to("dotfiles/secret")
    write_both(aws)
    assert os.readlink(aws / "credentials") == "dotfiles/secret"
    assert (elsewhere / "secret").read_bytes() == b"new secret"
    assert os.listdir(elsewhere) == ["secret"]


def test_a_link_is_refused_where_it_must_not_be_followed(aws):
    (aws / "link").symlink_to("credentials")
    with pytest.raises(FileFault, match="symbolic link"):
        read(str(aws / "link"), follow=False)


def test_a_link_to_a_folder_that_is_missing_makes_none(aws):
    (aws / "link").symlink_to("/nonexistent/disk/credentials")
    with pytest.raises(FileFault, match="/nonexistent/disk/credentials"):
        read(str(aws / "link"))


def test_a_link_to_a_file_that_is_missing_makes_that(aws):
    (aws / "link").symlink_to("other")
    file = read(str(aws / "link"))
    replace([Replacement(file, b"new", 0o600)], [file], Manner())
    assert (aws / "other").read_bytes() == b"new"
    assert (aws / "link").is_symlink()


@pytest.mark.parametrize("kind", ["folder", "pipe", "loop", "huge", "below a file"])
def test_what_is_no_file_is_named_and_left_alone(aws, kind):
    path = aws / "odd"
    if kind == "folder":
        path.mkdir()
    elif kind == "pipe":
        os.mkfifo(path)
    elif kind == "loop":
        path.symlink_to("odd")
    elif kind == "huge":
        with path.open("wb") as stream:
            stream.truncate(1 << 40)
    else:
        path = aws / "config" / "odd"
    with pytest.raises(FileFault) as caught:
        read(str(path))
    assert str(path) in caught.value.message
    assert caught.value.facts["path"] == str(path)


def test_whoever_has_the_lock_is_waited_for(aws, monkeypatch):
    monkeypatch.setattr(_files, "_LOCK_TIMEOUT", 0.3)
    before = look(aws)
    holder = os.open(aws, os.O_RDONLY)
    try:
        fcntl.flock(holder, fcntl.LOCK_EX)
        started = time.monotonic()
        with pytest.raises(FileFault, match="locked"):
            write_both(aws)
        assert time.monotonic() - started > 0.25
        assert look(aws) == before
    finally:
        os.close(holder)
    write_both(aws)


def test_a_folder_that_was_replaced_is_not_written_to(aws, tmp_path):
    seen = both(aws)
    real = _files._try_lock

    def swapped(fd):
        if not (tmp_path.parent / "moved").exists():
            aws.rename(tmp_path.parent / "moved")
            aws.mkdir()
        return real(fd)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_files, "_try_lock", swapped)
        with pytest.raises(ChangedMeanwhile):
            replace([Replacement(seen[1], b"new", 0o600)], seen, Manner())
    assert os.listdir(aws) == []
    shutil.rmtree(tmp_path.parent / "moved")


def test_sweeping_takes_only_what_is_ours(aws):
    for name in (".credentials.rekey-0123456789abcdef", ".config.rekey-0", ".credentials.swp", "credentials.bak"):
        (aws / name).write_text("x")
    _files.sweep(both(aws))
    assert sorted(os.listdir(aws)) == [".credentials.swp", "config", "credentials", "credentials.bak"]


def test_an_acl_of_an_existing_file_stays(aws):
    acl = bytes.fromhex("0200000001000600ffffffff02000400fefb000004000400ffffffff10000400ffffffff20000000ffffffff")
    try:
        os.setxattr(aws / "config", "system.posix_acl_access", acl)
    except OSError:
        pytest.skip("this file system has no access control lists")
    mode = stat.S_IMODE((aws / "config").stat().st_mode)
    file = read(str(aws / "config"))
    replace([Replacement(file, b"new", mode)], [file], Manner())
    assert os.getxattr(aws / "config", "system.posix_acl_access") == acl
    assert stat.S_IMODE((aws / "config").stat().st_mode) == mode


def test_the_selinux_context_of_an_existing_file_stays(aws):
    label = b"unconfined_u:object_r:user_home_t:s0\0"
    try:
        os.setxattr(aws / "credentials", "security.selinux", label)
    except OSError:
        pytest.skip("labels cannot be set on this file system by this user")
    write_both(aws)
    assert os.getxattr(aws / "credentials", "security.selinux") == label


@root_only
def test_owners_of_an_existing_file_stay(aws):
    os.chown(aws / "config", 12345, 23456)
    file = read(str(aws / "config"))
    replace([Replacement(file, b"new", 0o644, file.uid, file.gid)], [file], Manner())
    assert look(aws)["config"] == (b"new", 0o644, 12345, 23456)


@root_only
def test_new_folders_get_the_owner_of_the_file(fresh):
    folder = fresh(empty=True)
    file = read(str(folder / "config"))
    replace([Replacement(file, b"new", 0o600, 12345, 23456)], [file], Manner())
    assert {about[2:] for about in look(folder.parent.parent).values()} == {(12345, 23456)}


@pytest.fixture
def others_home():
    """A home of a user who is not root, in a place that this user can reach."""
    nobody = pwd.getpwnam("nobody")
    base = tempfile.mkdtemp()
    os.chmod(base, 0o755)
    home = Path(base) / "home"
    home.mkdir(mode=0o700)
    os.chown(home, nobody.pw_uid, nobody.pw_gid)
    yield home, nobody
    shutil.rmtree(base)


@root_only
def test_as_a_user_files_are_that_users(others_home):
    home, nobody = others_home
    with _files.acting_as("nobody"):
        write_both(home / ".aws")
    assert (os.geteuid(), os.getegid()) == (0, 0)
    assert {about[2:] for about in look(home).values()} == {(nobody.pw_uid, nobody.pw_gid)}


@root_only
def test_a_link_that_a_user_planted_gains_nothing(others_home):
    home, _nobody = others_home
    private = home.parent / "private"
    private.mkdir(mode=0o700)
    (private / "credentials").write_text("root's")
    public = home.parent / "public"
    public.mkdir(mode=0o755)
    before = look(home.parent)
    (home / "to-file").symlink_to(private / "credentials")
    (home / "to-folder").symlink_to(public)
    with _files.acting_as("nobody"):
        with pytest.raises(FileFault, match="Permission denied"):
            read(str(home / "to-file"))
        file = read(str(home / "to-folder" / "credentials"))
        with pytest.raises(FileFault, match="no permission"):
            _files.check_replaceable(file, Manner())
        with pytest.raises(FileFault, match="Permission denied"):
            replace([Replacement(file, b"planted", 0o600)], [file], Manner())
    (home / "to-file").unlink()
    (home / "to-folder").unlink()
    assert look(home.parent) == before


def test_an_unknown_user_is_named():
    with pytest.raises(InvalidInput, match="no-such-user"), _files.acting_as("no-such-user"):
        pass


@root_only
def test_only_root_can_act_as_another():
    with _files.acting_as("nobody"), pytest.raises(InvalidInput, match="become"), _files.acting_as("daemon"):
        pass
    assert os.geteuid() == 0


def test_acting_as_oneself_needs_no_rights():
    me = pwd.getpwuid(os.geteuid())
    with _files.acting_as(me.pw_name) as home:
        assert home == me.pw_dir


@pytest.fixture
def not_replaceable(others_home):
    """A file that its user may write to but not replace: in a folder with the sticky bit, it is another's."""
    home, nobody = others_home
    home.chmod(0o1777)
    os.chown(home, 0, 0)
    for name, content in (("config", b"mine"), ("credentials", b"another's")):
        (home / name).write_bytes(content)
    os.chown(home / "config", nobody.pw_uid, nobody.pw_gid)
    (home / "config").chmod(0o600)
    (home / "credentials").chmod(0o666)
    return home


@root_only
def test_a_second_rename_that_fails_undoes_the_first(not_replaceable):
    before = look(not_replaceable)
    with _files.acting_as("nobody"):
        seen = both(not_replaceable)
        with pytest.raises(FileFault, match="credentials cannot be written: Operation not permitted"):
            replace([Replacement(file, b"new", 0o666) for file in seen], seen, Manner())
    assert look(not_replaceable) == before


@root_only
@pytest.mark.parametrize("content", [b"new", b"a new one that is longer than the old one"])
def test_a_file_that_cannot_be_replaced_is_overwritten_if_asked(not_replaceable, content):
    with _files.acting_as("nobody"):
        seen = both(not_replaceable)
        replace([Replacement(file, content, 0o666) for file in seen], seen, Manner(in_place=True))
    assert look(not_replaceable)["credentials"] == (content, 0o666, 0, 0)
    assert sorted(os.listdir(not_replaceable)) == ["config", "credentials"]


@root_only
def test_a_file_that_is_mounted_is_overwritten_if_asked(aws, tmp_path):
    script = """
import sys
from ansible_collections.rekey.aws.plugins.module_utils._errors import FileFault
from ansible_collections.rekey.aws.plugins.module_utils._files import Manner, Replacement, read, replace
seen = [read(path) for path in sys.argv[1:]]
new = [Replacement(file, b"new", 0o600) for file in seen]
try:
    replace(new, seen, Manner())
except FileFault as error:
    assert "unsafe_writes" in error.message
assert seen == [read(path) for path in sys.argv[1:]]
replace(new, seen, Manner(in_place=True))
"""
    mounted, paths = tmp_path / "mounted", [str(aws / name) for name in ("config", "credentials")]
    mounted.write_text("old")
    command = 'mount --bind "$1" "$2" || exit 77; shift 2; exec "$@"'
    ended = subprocess.run(
        ["unshare", "-m", "sh", "-c", command, "sh", mounted, paths[1], sys.executable, "-c", script, *paths],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    if ended.returncode == 77 or ended.stderr.startswith("unshare: "):
        pytest.skip("nothing can be mounted here")
    assert ended.returncode == 0, ended.stderr
    assert (mounted.read_bytes(), (aws / "config").read_bytes()) == (b"new", b"new")
    assert sorted(os.listdir(aws)) == ["config", "credentials", "mounted"]


@root_only
def test_a_folder_that_cannot_be_written_to_is_told_before(others_home):
    home, _nobody = others_home
    home.chmod(0o755)
    os.chown(home, 0, 0)
    with _files.acting_as("nobody"):
        for path in (home / "credentials", home / ".aws" / "credentials"):
            with pytest.raises(FileFault, match="cannot be written"):
                _files.check_replaceable(read(str(path)), Manner())
    _files.check_replaceable(read(str(home / "credentials")), Manner())


@root_only
def test_a_file_of_another_user_is_not_taken_over(others_home):
    home, nobody = others_home
    (home / "config").write_text("root's")
    before = look(home)
    with _files.acting_as("nobody"):
        file = read(str(home / "config"))
        with pytest.raises(FileFault, match="It belongs to user 0"):
            replace([Replacement(file, b"new", 0o644, file.uid, file.gid)], [file], Manner())
    assert look(home) == before
    assert nobody.pw_uid != 0
